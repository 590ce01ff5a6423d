#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "signalfd: killed and brought back twice" {
	for e in $(engines); do
		start_prog signalfd
		leave_running "$e"
		roundtrip "$e"
	done
}
