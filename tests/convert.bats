#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Images of one format as images of another, by way of a file or a pipe. The
# tool of format 1 is this one, built with a reader that knows no later format.
load helpers

golden=$BATS_TEST_DIRNAME/golden
v1=$CKPT_BUILD/tests/ckptbpf-v1

# The tool on standard input, out of the namespace.
piped() { status=0; "$CKPT_BUILD/ckptbpf" "$@" 2>err || status=$?; stderr=$(cat err); }

accts() { "$CKPT_BUILD/ckptbpf" show "$1" | grep -c ' ACCT of '; }

@test "convert: to its own format it is the same image" {
	local f n
	for n in 1 2; do
		for f in "$golden/v$n"/*.ckpt; do
			ck_ok convert --to "v$n" -o new.img --force "$f"
			[ -z "$stderr" ]
			cmp "$f" new.img
			piped convert --to "v$n" <"$f" >new.img
			[ "$status" = 0 ]
			cmp "$f" new.img
		done
	done
}

@test "convert: between formats, there and back" {
	local f name
	for f in "$golden"/v1/*.ckpt; do
		name=${f##*/}
		# Up nothing is lost, and back it is what it was.
		piped convert --to v2 <"$f" >two.img
		[ "$status" = 0 ] && [ -z "$stderr" ]
		ck_ok verify two.img
		piped convert --to v1 <two.img >one.img
		[ "$status" = 0 ] && [ -z "$stderr" ]
		cmp "$f" one.img
		piped convert --to v2 <one.img >again.img
		cmp two.img again.img
		# Of the images of format 2 one holds what format 1 has no place for.
		piped convert --to v1 - <"$golden/v2/$name" >one.img
		cmp "$f" one.img
		if [ "$(accts "$f")" -gt 0 ]; then
			[ "$status" = 3 ]
			[ "$stderr" = "convert: -: version 1 of the image has no place for what was read and written (ACCT): of $(accts "$f") records" ]
			! cmp -s two.img "$golden/v2/$name" || fail "$name: nothing was lost"
		else
			[ "$status" = 0 ] && [ -z "$stderr" ]
			cmp two.img "$golden/v2/$name"
		fi
	done
}

@test "convert: the tool of format 1 refuses format 2 by name, and takes what is converted" {
	local f
	for e in $(engines); do
		start_prog signal
		snapshot_kill "$e" two.img
		for f in two.img "$golden/v2/bare.ckpt"; do
			status=0
			"$v1" verify "$f" >out 2>err || status=$?
			[ "$status" = 1 ]
			[ "$(cat err)" = "verify: $f: record 0 (HEADER) at 0x0: format 2 is newer than 1, the last one known" ]
		done
		status=0
		detached limit 60 "$v1" restore --engine "$e" --detach two.img </dev/null >out 2>err || status=$?
		[ "$status" = 1 ]
		grep -q 'format 2 is newer than 1' err
		! alive "$pid" || fail "a process was left"
		piped convert --to v1 <two.img >one.img
		[ "$status" = 3 ]
		"$v1" verify -q one.img
		detached limit 60 "$v1" restore --engine "$e" --detach one.img </dev/null
		check_prog
		# And so does the one of today, of either.
		for f in one.img two.img; do
			ck_ok restore --engine "$e" --detach "$f"
			[ "$f" = two.img ] || { in_ns kill -KILL "$pid"; wait_gone "$pid"; }
		done
		check_prog
	done
}

@test "convert: what was read and written is what /proc/PID/io says" {
	requires python3
	for e in $(engines); do
		start_prog signal
		in_ns cat "/proc/$pid/task/$pid/io" >io
		ck_ok snapshot "$pid" --engine "$e" --force -o x.img
		"$CKPT_BUILD/ckptbpf" show --json x.img | python3 -c '
import json, sys
want = {k: int(v) for k, v in (l.split(": ") for l in open("io"))}
accts = [r["fields"] for r in json.load(sys.stdin)["records"] if r["type"] == "ACCT"]
assert len(accts) == 2 and all(a["flags"] == ["io"] for a in accts), accts
got = {k: accts[1][k] for k in want}
assert got == want and want["wchar"] > 0 and want["syscr"] > 0, (got, want)
# Nobody has ended yet.
assert not any(accts[0][k] for k in want), accts[0]'
		check_prog
	done
}

@test "convert: other targets are refused by name" {
	ck_refused '^convert: --to v3: the newest version of the image is v2$' convert --to v3 "$golden/v1/bare.ckpt"
	local t
	for t in v0 v v01 v1x v-1 elf; do
		ck convert --to "$t" "$golden/v1/bare.ckpt"
		[ "$status" = 2 ]
		[ "$stderr" = "convert: --to $t: neither core nor a version of the image" ]
	done
}
