#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "signal: killed and brought back twice" {
	for e in $(engines); do
		start_prog signal
		roundtrip "$e"
	done
}

@test "signal: inside of a handler on its alternate stack, twice" {
	for e in $(engines); do
		start_prog onstack
		leave_running "$e"
		roundtrip "$e"
	done
}

# Sent all the while by another process: these are queued, none stands for two.
@test "signal: none that comes while it is stopped is lost" {
	for e in $(engines); do
		start_prog counted
		rm -f enough
		in_ns bash -c 'while [ ! -e enough ]; do
				kill -RTMIN "$1" && n=$((n + 1)) || exit 1
				sleep 0.001
			done
			echo "$n signals" >sent' bash "$pid" 3>&- &
		local sender=$!
		leave_running "$e"
		leave_running "$e"
		leave_running "$e"
		touch enough
		wait "$sender" || fail "it could not send"
		check_prog
		grep -qxFf sent "$log" || fail "sent: $(cat sent), $(cat "$log")"
	done
}
