#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

state() { in_ns awk '{ sub(/.*\) /, ""); print $1 }' "/proc/$pid/stat"; }
counts() { od -An -tu8 -N32 counts; }

wait_state() # LETTER
{
	local i
	for ((i = 0; i < $(slow 250); i++)); do
		[ "$(state)" != "$1" ] || return 0
		sleep 0.02
	done
	fail "state $(state), not $1"
}

start_stopped()
{
	start stopped "$CKPT_BUILD/tests/progs/stopped" counts
	wait_log '^ready$'
	in_ns kill -STOP "$pid"
	wait_state T
	stood=$(counts)
}

# Not one of its threads has run.
stands()
{
	wait_state T
	sleep 0.1
	[ "$(state)" = T ] && [ "$(counts)" = "$stood" ] || fail "$(state): $stood, then $(counts)"
}

@test "stopped: left running it is as stopped as it was" {
	for e in $(engines); do
		start_stopped
		leave_running "$e"
		stands
		leave_running "$e"
		stands
		in_ns kill -CONT "$pid"
		check_prog
	done
}

@test "stopped: killed and brought back it is stopped, twice" {
	local i
	for e in $(engines); do
		start_stopped
		for i in 1 2; do
			snapshot_kill "$e" "$e.img"
			restore_detached "$e" "$e.img"
			grep -q 'stopped by job control' <<<"$stderr" || fail "$stderr"
			stands
		done
		in_ns kill -CONT "$pid"
		check_prog
	done
}

# No thread of it can be lent for a clone.
@test "stopped: its memory is copied" {
	for e in $(engines); do
		start_stopped
		ck_refused '--capture cow: (it is stopped by job control|the engine has no clones)' \
			snapshot "$pid" --engine "$e" --capture cow -o x.img
		stands
		in_ns kill -CONT "$pid"
		check_prog
	done
}

# Whether it comes before the stop, in it or after it: none of it is lost.
@test "stopped: SIGSTOP at any moment of a snapshot" {
	local i killer
	for e in $(engines); do
		start stopped "$CKPT_BUILD/tests/progs/stopped" counts
		wait_log '^ready$'
		for i in 0 1 2 3 4 5; do
			(sleep "0.0$((i * 5))"; in_ns kill -STOP "$pid") 3>&- &
			killer=$!
			leave_running "$e"
			wait "$killer"
			wait_state T
			stood=$(counts)
			stands
			in_ns kill -CONT "$pid"
		done
		roundtrip "$e"
	done
}
