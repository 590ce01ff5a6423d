#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Alone: timers are measured.
load helpers

@test "itimer: time in which the program did not exist does not count" {
	for e in $(engines); do
		start_prog itimer far 1000
		snapshot_kill "$e" "$e.img"
		sleep 1
		restore_detached "$e" "$e.img"
		roundtrip "$e"
	done
}

@test "itimer: they go off after two rounds" {
	for e in $(engines); do
		start_prog itimer due
		roundtrip "$e"
	done
}

@test "itimer: one whose signal waits" {
	for e in $(engines); do
		start_prog itimer pending
		roundtrip "$e"
	done
}

@test "itimer: left running they go on" {
	for e in $(engines); do
		start_prog itimer due
		leave_running "$e"
		check_prog
	done
}
