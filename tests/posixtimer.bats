#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Alone: timers are measured.
load helpers

@test "posixtimer: killed and brought back, and back again after a second" {
	for e in $(engines); do
		start_prog posixtimer 1000
		snapshot_kill "$e" "$e.img"
		sleep 1
		restore_detached "$e" "$e.img"
		roundtrip "$e"
	done
}

@test "posixtimer: left running they go on" {
	for e in $(engines); do
		start_prog posixtimer
		leave_running "$e"
		leave_running "$e"
		check_prog
	done
}

@test "posixtimer: refused by name" {
	for e in $(engines); do
		refuses "$e" timers 'it has more than 128 POSIX timers'
		refuses "$e" alarm_timer 'timer 0: it runs by clock 9$'
	done
}
