#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "sched: killed and brought back twice" {
	for e in $(engines); do
		start_prog sched
		roundtrip "$e"
	done
}

@test "sched: shown" {
	for e in $(engines); do
		start_prog sched
		ck_ok snapshot "$pid" --engine "$e" -o "$e.img"
		ck_ok show "$e.img"
		grep -qE ' SCHED .*nice=7' <<<"$output" || fail "$output"
		check_prog
	done
}
