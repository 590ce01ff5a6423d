#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The engine that needs the module: chosen where it is there, and what is said
# where it is not. The module's own tests are tests/vm/kmod_test*.c.
load helpers

@test "kmod: without the module one line says what to do, auto does without" {
	[ ! -e /dev/ckptbpf ] || skip "the module is loaded"
	start_prog signal
	ck_refused '^snapshot: .*engine kmod: the module is not loaded: modprobe ckptbpf$' \
		snapshot "$pid" --engine kmod -o no.img
	[ ! -e no.img ]
	ck_ok snapshot "$pid" --engine auto --stats stats.json -o yes.img
	grep -q '"engine": *"stock"' stats.json
	check_prog
}

@test "kmod: auto takes it where the module is loaded, nobody is a tracer" {
	[ -e /dev/ckptbpf ] || skip "the module is not loaded"
	start_prog many_threads 20
	ck_ok snapshot "$pid" --stats stats.json -o yes.img
	grep -q '"engine": *"kmod"' stats.json
	grep -q '^TracerPid:	0$' "/proc/$(host_pid)/status"
	ck_ok verify yes.img
	check_prog
}

# $pid as the machine's own namespace numbers it.
host_pid()
{
	local p
	for p in /proc/[0-9]*/status; do
		awk -v n="$pid" '/^NSpid:/ && NF == 3 && $3 == n { found = 1 } END { exit !found }' "$p" 2>/dev/null &&
			basename "$(dirname "$p")"
	done
}
