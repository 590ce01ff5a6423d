#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Images whose pages are packed: smaller, and the same program.
load helpers

size() { stat -c %s "$1"; }

@test "compress: brought back from packed images, and smaller" {
	local how
	for e in $(engines); do
		start_prog writer 12
		for how in lz4 zstd zstd:9; do
			ck_ok snapshot "$pid" --engine "$e" --force --compress none -o "$dir/plain.img"
			ck_ok snapshot "$pid" --engine "$e" --force --compress "$how" --kill -o "$dir/x.img"
			wait_gone "$pid"
			[ $(($(size "$dir/x.img") * 4)) -lt "$(size "$dir/plain.img")" ] ||
				fail "$how: $(size "$dir/x.img") of $(size "$dir/plain.img") bytes"
			ck_ok verify "$dir/x.img"
			restore_detached "$e" "$dir/x.img"
		done
		check_prog
	done
}

@test "compress: what does not shrink is stored as it is" {
	local e
	for e in $(engines); do
		start random "$(python)" -c '
import os, signal
b = os.urandom(4 << 20)
print("ready", flush=True)
signal.pause()'
		wait_log '^ready$'
		ck_ok snapshot "$pid" --engine "$e" --force --compress zstd -o "$dir/x.img"
		ck_ok verify "$dir/x.img"
		[ "$(size "$dir/x.img")" -gt $((4 << 20)) ]
		in_ns kill -KILL "$pid"
		wait_gone "$pid"
	done
}

@test "compress: other ways are usage errors" {
	for how in gzip lz4:3 zstd:0 zstd: ''; do
		ck snapshot --compress "$how" 1
		[ "$status" = 2 ] || fail "--compress '$how': status $status"
	done
}
