#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "sigpending: killed and brought back twice" {
	for e in $(engines); do
		start_prog sigpending
		roundtrip "$e"
	done
}

@test "sigpending: left running it loses none" {
	for e in $(engines); do
		start_prog sigpending
		leave_running "$e"
		leave_running "$e"
		check_prog
	done
}

# One record per queue: that of the process and those of two threads.
@test "sigpending: shown" {
	for e in $(engines); do
		start_prog sigpending
		leave_running "$e"
		ck_ok show --json "$dir/$e.live.img"
		[ "$(grep -c '"type": "SIGPENDING"' <<<"$output")" = 3 ] || fail "$output"
		check_prog
	done
}

@test "sigpending: refused by name" {
	for e in $(engines); do
		refuses "$e" flood 'thread [0-9]+: more than 256 signals are pending'
	done
}
