#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "thread: 16 of them, killed and brought back twice" {
	for e in $(engines); do
		start_prog thread
		roundtrip "$e"
	done
}

@test "thread: left running it does not notice its snapshots" {
	for e in $(engines); do
		start_prog thread
		for _ in 1 2 3 4 5; do
			leave_running "$e"
		done
		check_prog
	done
}

@test "thread: many of them" {
	for e in $(engines); do
		start_prog many_threads "${CKPT_THREADS:-300}"
		roundtrip "$e"
	done
}

@test "thread: refused by name" {
	for e in $(engines); do
		refuses "$e" seccomp 'thread [0-9]+: seccomp mode 2'
		refuses "$e" own_files 'thread [0-9]+: it does not share all with its leader'
		refuses "$e" tls 'thread [0-9]+: it has TLS segments'
		refuses "$e" leader_gone 'its leader has exited, other threads go on'
	done
}
