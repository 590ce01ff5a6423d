#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "inotify: killed and brought back twice" {
	mkdir tmpfs
	in_ns mount -t tmpfs none tmpfs
	for e in $(engines); do
		in_ns mkdir "tmpfs/$e"
		start_prog inotify "$PWD/tmpfs/$e"
		roundtrip "$e"
	done
}

@test "inotify: a watch to which no path leads is refused, unread events are lost by name" {
	mkdir tmpfs
	in_ns mount -t tmpfs none tmpfs
	in_ns mkdir tmpfs/unread
	for e in $(engines); do
		refuses "$e" inotify 'fd 3 \(inotify\): no path leads to inode [0-9]+ of device [0-9:]+, watch 1'
		start refused "$CKPT_BUILD/tests/progs/refused" unread "$PWD/tmpfs/unread"
		wait_log '^ready$'
		ck snapshot "$pid" --engine "$e" --kill --force -o "$e.img"
		[ "$status" = 3 ] || fail "status $status, not 3"
		ck_ok show --losses "$e.img"
		grep -q 'fd 3 (inotify): 1 events that it has not read' <<<"$output" || fail "the loss is not named"
		restore_detached "$e" "$e.img"
		check_prog
	done
}
