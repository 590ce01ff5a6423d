#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "epoll: killed and brought back twice" {
	for e in $(engines); do
		start_prog epoll
		leave_running "$e"
		roundtrip "$e"
	done
}

# More items than the iterator hands over at once.
@test "epoll: thousands of items" {
	for e in $(engines); do
		start_prog epoll 3000
		roundtrip "$e"
	done
}

@test "epoll: what only others have open is refused by name" {
	for e in $(engines); do
		refuses "$e" epoll 'fd 3 \(epoll\): it watches what was fd 4 and is open elsewhere only'
	done
}

@test "epoll: an event loop in Python goes on" {
	requires python3
	python3 -c 'import os; os.eventfd' 2>/dev/null || skip "needs a Python with os.eventfd (3.10)"
	for e in $(engines); do
		start loop python3 -u "$BATS_TEST_DIRNAME/progs/loop.py"
		wait_log '^ready$'
		roundtrip "$e"
	done
}
