#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "signal: killed and brought back twice" {
	for e in $(engines); do
		start_prog signal
		roundtrip "$e"
	done
}
