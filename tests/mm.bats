#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "mm: killed and brought back twice" {
	for e in $(engines); do
		mkdir "$e"
		start_prog mm "$PWD/$e"
		roundtrip "$e"
	done
}

@test "mm: refused by name" {
	for e in $(engines); do
		refuses "$e" deleted_map 'mapping [0-9a-f]+ \(.*/mapped \(deleted\)\): its file is deleted'
		refuses "$e" uffd 'mapping [0-9a-f]+: it is watched by a userfaultfd'
		refuses "$e" ldt 'it has a local descriptor table'
	done
}

@test "mm: a deleted executable is refused" {
	for e in $(engines); do
		cp "$CKPT_BUILD/tests/progs/refused" "./prog"
		start refused ./prog none
		wait_log '^ready$'
		rm prog
		ck_refused 'deleted' snapshot "$pid" --engine "$e" --kill -o "$e.img"
		[ ! -e "$e.img" ] || fail "a file was left"
		check_prog
	done
}
