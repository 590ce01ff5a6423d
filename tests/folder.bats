#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "folder: killed and brought back twice" {
	for e in $(engines); do
		mkdir "$e"
		start_prog folder "$PWD/$e"
		roundtrip "$e"
	done
}

@test "folder: refused by name" {
	for e in $(engines); do
		refuses "$e" deleted_dir 'fd 3 \(.*/gone \(deleted\)\): deleted files'
		refuses "$e" deleted_path 'fd 3 \(.*/gone \(deleted\)\): deleted files'
	done
}

@test "folder: gone or of another type at the restore" {
	for e in $(engines); do
		mkdir "$e"
		start_prog folder "$PWD/$e"
		snapshot_kill "$e" "$e.img"
		mv "$e/empty" "$e/other"
		ck_refused '/empty: ENOENT' restore "$e.img" --engine "$e" --detach
		: >"$e/empty"
		ck_refused '/empty: it is not a folder any more' restore "$e.img" --engine "$e" --detach
		rm "$e/empty"
		mv "$e/other" "$e/empty"
		rm "$e/link"
		: >"$e/link"
		ck_refused '/link: it is of another type now' restore "$e.img" --engine "$e" --detach
		rm "$e/link"
		ln -s nowhere "$e/link"
		in_ns kill -0 "$pid" 2>/dev/null && fail "something was left"
		# The link is a new one, which its check would see by the inode's number.
		restore_detached "$e" "$e.img"
	done
}
