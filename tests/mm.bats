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

@test "mm: 10000 neighbours that only their advice keeps apart" {
	for e in $(engines); do
		start_prog neighbours "${CKPT_MAPPINGS:-10000}"
		roundtrip "$e"
	done
}

@test "mm: of a file's private pages those that were written are saved, no others" {
	for e in $(engines); do
		head -c 16384 /dev/zero | tr '\0' o >mapped
		start_prog cowfile "$PWD/mapped"
		snapshot_kill "$e" 1.img
		head -c 16384 /dev/zero | tr '\0' n | dd of=mapped conv=notrunc status=none
		restore_detached "$e" 1.img
		check_prog
	done
}

@test "mm: refused by name" {
	for e in $(engines); do
		refuses "$e" uffd 'mapping [0-9a-f]+: it is watched by a userfaultfd'
		refuses "$e" ldt 'it has a local descriptor table'
	done
}
