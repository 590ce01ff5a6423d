#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "pipe: killed and brought back twice" {
	for e in $(engines); do
		start_prog pipe
		roundtrip "$e"
	done
}

@test "pipe: refused by name" {
	for e in $(engines); do
		refuses "$e" fifo 'fd 3 \(.*/a fifo\): fifos'
		refuses "$e" packets 'fd [34] \(pipe:\[[0-9]+\]\): pipes in packet mode'
	done
}

@test "pipe: another end outside is refused, and named" {
	for e in $(engines); do
		log=$dir/outside.log
		: >"$log"
		# shellcheck disable=SC2016
		detached in_ns bash -c 'sleep 600 | {
			echo "$BASHPID" >"$1.pid"; exec "$2" none 5<&0 </dev/null >>"$1" 2>&1; } &' \
			bash "$log" "$CKPT_BUILD/tests/progs/refused" </dev/null >/dev/null 2>&1
		wait_log '^ready$'
		pid=$(cat "$log.pid")
		ck_refused 'fd 5 \(pipe:\[[0-9]+\]\): the other end of the pipe is outside' \
			snapshot "$pid" --engine "$e" --kill -o "$e.img"
		[ ! -e "$e.img" ] || fail "a file was left"
		check_prog
	done
}
