#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Alone: stops are measured.
# Many of everything; what each takes is shown, and must not grow faster than their number.
load helpers

# How long the program stood still and how long it took to come back: in the log of the suite.
timed_roundtrip() # ENGINE WHAT
{
	local i
	for i in 1 2; do
		ck_ok snapshot "$pid" --engine "$1" --kill --force -o "$dir/$1.img" --stats "$dir/stats"
		wait_gone "$pid"
		echo "# $2, $1: frozen for $(sed -n 's/.*"frozen_us": *\([0-9]*\).*/\1/p' "$dir/stats") us" >&3
		ck_ok verify "$dir/$1.img"
		restore_detached "$1" "$dir/$1.img"
	done
	check_prog
}

@test "scale: 200 threads" {
	for e in $(engines); do
		start_prog many_threads "${CKPT_THREADS:-200}"
		timed_roundtrip "$e" "${CKPT_THREADS:-200} threads"
	done
}

@test "scale: 10000 mappings of six kinds" {
	for e in $(engines); do
		mkdir "$e"
		cd "$e"
		start_prog scale mappings "${CKPT_MAPPINGS:-10000}"
		[ "$(in_ns cat "/proc/$pid/maps" | wc -l)" -gt "${CKPT_MAPPINGS:-10000}" ]
		timed_roundtrip "$e" "${CKPT_MAPPINGS:-10000} mappings"
		cd ..
	done
}

@test "scale: 5000 descriptors of thirteen kinds" {
	for e in $(engines); do
		mkdir "$e"
		cd "$e"
		start_prog scale descriptors "${CKPT_DESCRIPTORS:-5000}"
		[ "$(in_ns ls "/proc/$pid/fd" | wc -l)" -gt "${CKPT_DESCRIPTORS:-5000}" ]
		timed_roundtrip "$e" "${CKPT_DESCRIPTORS:-5000} descriptors"
		cd ..
	done
}
