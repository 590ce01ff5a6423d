#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Alone: what is left of timeouts is measured to 20 ms.
load helpers

# Programs whose calls last three seconds: each test is over before they end.
@test "restart: calls with a timeout go on with what was left, twice" {
	for e in $(engines); do
		start_prog restart
		sleep 0.5
		roundtrip "$e"
	done
}

@test "restart: the rest is in the image" {
	for e in $(engines); do
		start_prog restart
		ck snapshot "$pid" --engine "$e" --kill --force -o "$e.img"
		[ "$status" = 0 ] || fail "status $status: $stderr"
		wait_gone "$pid"
		ck_ok show "$e.img"
		# nanosleep twice, clock_nanosleep (and the ticker's, perhaps), poll, futex.
		[ "$(grep -c ' RESTART ' <<<"$output")" -ge 5 ] || fail "$output"
		restore_detached "$e" "$e.img"
		check_prog
	done
}

@test "restart: left running, no call ends early, late or with EINTR" {
	for e in $(engines); do
		start_prog restart
		sleep 0.5
		# After a first stop the call's number is no longer in the registers.
		for _ in 1 2 3; do
			leave_running "$e"
		done
		check_prog
	done
}

@test "restart: left running, each call that can wait goes on, three times" {
	for e in $(engines); do
		start_prog calls
		for _ in 1 2 3; do
			leave_running "$e"
		done
		check_prog
	done
}

@test "restart: killed and brought back, each call that can wait goes on, twice" {
	for e in $(engines); do
		start_prog calls
		leave_running "$e"
		roundtrip "$e"
	done
}

@test "restart: a refused snapshot ends no call of what refused it" {
	for e in $(engines); do
		start_prog calls sockets
		for _ in 1 2 3; do
			ck_refused 'fd|mapping' snapshot "$pid" --engine "$e" -o refused.img
		done
		check_prog
	done
}
