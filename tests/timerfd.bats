#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Alone: timers are measured.
load helpers

@test "timerfd: killed and brought back twice" {
	for e in $(engines); do
		start_prog timerfd
		leave_running "$e"
		roundtrip "$e"
	done
}

@test "timerfd: what is left is left, an hour of the day comes" {
	for e in $(engines); do
		start_prog timerfd sleep
		snapshot_kill "$e" "$e.img"
		sleep 2.5
		restore_detached "$e" "$e.img"
		check_prog
	done
}
