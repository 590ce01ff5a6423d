#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

# A member of a group and session comes back into the restorer's: start() makes
# each program a session's leader, so that one is started by hand.
start_member()
{
	log=$dir/member.log
	: >"$log"
	# shellcheck disable=SC2016
	pid=$(detached in_ns setsid bash -c '
		log=$1; shift
		"$@" </dev/null >>"$log" 2>&1 &
		echo $!' bash "$log" "$CKPT_BUILD/tests/progs/task" member)
	wait_log '^ready$'
}

@test "task: leads its session" {
	for e in $(engines); do
		start_prog task leader
		roundtrip "$e"
	done
}

@test "task: leads a group in a session that is outside" {
	for e in $(engines); do
		start_member
		roundtrip "$e"
	done
}

@test "task: refused by name" {
	for e in $(engines); do
		refuses "$e" child 'dump: pid [0-9]+: it has 1 child processes$'
		refuses "$e" dead_child 'it has 1 child processes$'
		refuses "$e" personality 'personality 0x200000$'
		refuses "$e" uts 'another uts namespace$'
	done
}

@test "task: --only leaves children behind, as a loss that --strict refuses" {
	for e in $(engines); do
		start refused "$CKPT_BUILD/tests/progs/refused" child
		wait_log '^ready$'
		ck_refused 'pid [0-9]+: --strict: its 1 child processes are not in the image' \
			snapshot "$pid" --only --strict --engine "$e" -o "$e.img"
		[ ! -e "$e.img" ] || fail "a file was left"
		ck snapshot "$pid" --only --engine "$e" -o "$e.img"
		[ "$status" = 3 ] || fail "status $status, not 3: $stderr"
		[[ $stderr == *"1 loss"* ]] || fail "$stderr"
		ck_ok show --losses "$e.img"
		[[ $output == *"not in the image"* ]] || fail "$output"
		check_prog
	done
}
