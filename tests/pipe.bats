#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "pipe: killed and brought back twice" {
	for e in $(engines); do
		start_prog pipe
		roundtrip "$e"
	done
}

@test "pipe: left running it holds what it held" {
	for e in $(engines); do
		start_prog pipe
		leave_running "$e"
		leave_running "$e"
		check_prog
	done
}

@test "pipe: refused by name" {
	for e in $(engines); do
		refuses "$e" packets 'fd 3 \(pipe:\[[0-9]+\]\): it holds more than 1024 packets'
	done
}

# The first of them: 3 bytes, a packet.
@test "pipe: packets that no kernel could have had are refused" {
	local change
	start_prog pipe
	snapshot_kill "$(engines | head -n 1)" good.img
	while read -r change why; do
		python3 "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img "PIPE_PACKETS.$change"
		ck_refused "\(PIPE_PACKETS\) .*$why" verify bad.img
	done <<-END
		obj=0 pipe 0 is no PIPE
		part=0x80000000 part 0 has 0 bytes
		part=0x80001001 part 0 has 4097 bytes
		part=0x80000004 4106 bytes in parts, 4105 in the pipe
		part=0x80000002 4104 bytes in parts, 4105 in the pipe
	END
	ck_ok verify good.img
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
