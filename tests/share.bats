#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "share: two ways to one object lead to one again, two that look alike to two" {
	for e in $(engines); do
		mkdir "$e"
		cd "$e"
		start_prog share gone
		leave_running "$e"
		roundtrip "$e"
		cd ..
	done
}
