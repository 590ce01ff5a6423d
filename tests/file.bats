#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "file: killed and brought back twice" {
	for e in $(engines); do
		mkdir "$e"
		start_prog file "$PWD/$e"
		roundtrip "$e"
	done
}

@test "file: refused by name" {
	for e in $(engines); do
		refuses "$e" socket 'fd 3 \(socket:\[[0-9]+\]\): sockets'
		refuses "$e" device 'fd 3 \(/dev/.*ptmx\): devices'
	done
}

# A device is one wherever its node lies.
@test "file: a device whose node is gone is opened by its usual name" {
	for e in $(engines); do
		mknod zero c 1 5 && : 2>/dev/null <zero || skip "no device node can be made here"
		start_prog file device "$PWD/zero"
		snapshot_kill "$e" "$e.img"
		rm zero
		restore_detached "$e" "$e.img"
		check_prog
	done
}

# Only the path counts: an editor that writes a new file in its place is no obstacle.
@test "file: what is at the path now is what it reads" {
	for e in $(engines); do
		mkdir "edited.$e"
		start_prog file "$PWD/edited.$e" edited
		snapshot_kill "$e" "$e.img"
		sed -i 's/^.*$/was changed by now, and longer than it was before/' "edited.$e/edited"
		restore_detached "$e" "$e.img"
		check_prog
	done
}
