#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "fs: killed and brought back twice" {
	for e in $(engines); do
		mkdir "$e"
		start_prog fs "$PWD/$e"
		roundtrip "$e"
	done
}

@test "fs: refused by name" {
	for e in $(engines); do
		refuses "$e" deleted_cwd 'its current folder is deleted: .*/gone \(deleted\)$'
		refuses "$e" chroot 'its root is .*/root$'
	done
}
