#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Nothing is faulted in: not in the target, not in the image, not in what is restored.
load helpers

# kB: private and shared memory that is there, page tables, swap.
figures() { in_ns cat "/proc/$pid/status" | awk '/^(RssAnon|RssShmem|VmPTE|VmSwap):/ { print $1, $2 }'; }
figure() { awk -v k="$2:" '$1 == k { print $2 }' "$1"; }

# same_figures SLACK: now no more than before, by more than SLACK kB.
same_figures()
{
	local k now before
	figures >now
	for k in RssAnon RssShmem VmPTE VmSwap; do
		now=$(figure now $k) before=$(figure before $k)
		[ "$now" -le $((before + $1)) ] || fail "$k was $before kB, is $now kB"
	done
}

sixteen_mib() # IMAGE
{
	local size
	size=$(stat -c %s "$1")
	[ "$size" -ge $((16 << 20)) ] && [ "$size" -le $((17 << 20)) ] || fail "$1: $size bytes"
}

@test "sparse: 1 GiB with 16 MiB in it stays that" {
	for e in $(engines); do
		for memory in private memfd; do
			start_prog sparse $memory
			figures >before
			for way in copy cow; do
				ck snapshot "$pid" --engine "$e" --capture $way --force -o live.img
				[ "$status" = 0 ] || { [ $way = cow ] && grep -q 'capture cow:' <<<"$stderr"; } || fail "$stderr"
				[ "$status" != 0 ] || sixteen_mib live.img
				# A page of the stack may have come to life meanwhile.
				same_figures 8
			done
			snapshot_kill "$e" one.img
			sixteen_mib one.img
			restore_detached "$e" one.img
			same_figures 128
			snapshot_kill "$e" two.img
			sixteen_mib two.img
			restore_detached "$e" two.img
			same_figures 128
			check_prog
		done
	done
}
