#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "fifo: killed and brought back twice" {
	for e in $(engines); do
		mkdir "$e"
		start_prog fifo "$PWD/$e"
		roundtrip "$e"
	done
}

@test "fifo: left running they hold what they held" {
	for e in $(engines); do
		mkdir "$e"
		start_prog fifo "$PWD/$e"
		leave_running "$e"
		leave_running "$e"
		check_prog
	done
}

@test "fifo: refused by name" {
	mkfifo shared
	exec 9<>shared
	for e in $(engines); do
		refuses "$e" fifo 'fd 3 \(.*/shared\): the other end of the fifo is outside' "$PWD/shared"
		refuses "$e" fifo_deleted 'fd 3 \(.*/a fifo \(deleted\)\): a deleted fifo'
		refuses "$e" fifo_unread 'fd 4 \(.*/a fifo\): it holds data that nobody has open for reading'
	done
	exec 9>&-
}

@test "fifo: gone, another file or in use at the restore" {
	for e in $(engines); do
		mkdir "$e"
		start_prog fifo "$PWD/$e"
		snapshot_kill "$e" "$e.img"
		mv "$e/own" "$e/kept"
		ck_refused '/own: ENOENT' restore "$e.img" --engine "$e" --detach
		: >"$e/own"
		ck_refused '/own: it is not a fifo any more' restore "$e.img" --engine "$e" --detach
		mv "$e/kept" "$e/own"
		exec 9<>"$e/own"
		echo x >&9
		ck_refused '/own: it holds 2 bytes of somebody else' restore "$e.img" --engine "$e" --detach
		exec 9>&-
		alive "$pid" && fail "something was left"
		restore_detached "$e" "$e.img"
		check_prog
	done
}

@test "fifo: what no kernel could have had is refused" {
	mkdir data
	start_prog fifo "$PWD/data"
	snapshot_kill "$(engines | head -n 1)" good.img
	local nth
	nth=$("$CKPT_BUILD/ckptbpf" show good.img | grep ' FILE: ' | awk '/kind=fifo/ { print NR - 1; exit }')
	python3 "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img "FILE[$nth].pos=2"
	ck_refused '\(FILE\) .*pos 2' verify bad.img
	python3 "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img "FILE[$nth].obj=1"
	ck_refused '\(FILE\) .*obj 1 is no PIPE' verify bad.img
	ck_ok verify good.img
}
