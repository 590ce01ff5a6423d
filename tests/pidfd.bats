#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "pidfd: killed and brought back twice" {
	for e in $(engines); do
		start_prog pidfd
		leave_running "$e"
		roundtrip "$e"
	done
}

@test "pidfd: another process's is refused by name" {
	for e in $(engines); do
		refuses "$e" pidfd 'fd 3 \(pidfd\): it stands for another process \(1\)'
	done
}
