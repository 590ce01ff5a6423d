#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The machine's own huge pages: set aside for the test, given back after it.
load helpers

pool=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages

setup()
{
	ckpt_setup
	reserved=
}

teardown()
{
	[ -z "$reserved" ] || echo "$reserved" >$pool
	ckpt_teardown
}

reserve() # PAGES
{
	[ -w $pool ] || skip "needs $pool"
	: "${reserved:=$(cat $pool)}"
	echo $((reserved + $1)) 2>/dev/null >$pool || skip "huge pages cannot be set aside here"
	[ "$(cat $pool)" -ge $((reserved + $1)) ] || skip "there is no room for $1 huge pages"
}

@test "hugetlb: killed and brought back twice" {
	for e in $(engines); do
		reserve 10
		start_prog hugetlb
		roundtrip "$e"
	done
}

@test "hugetlb: a snapshot that leaves it running takes no page from it" {
	for e in $(engines); do
		# All that there are are in use: a clone would have none to copy to.
		reserve 1
		start_prog hugetlb few
		leave_running "$e"
		ck_refused 'capture cow: it has private memory of hugetlbfs' \
			snapshot "$pid" --engine "$e" --capture cow -o cow.img
		check_prog
	done
}

@test "hugetlb: too few pages are named" {
	for e in $(engines); do
		reserve 10
		start_prog hugetlb few
		snapshot_kill "$e" few.img
		start_prog hugetlb
		snapshot_kill "$e" all.img
		reserve 0
		[ "$(awk '/^HugePages_Free/ { print $2 }' /proc/meminfo)" = 0 ] || skip "others have huge pages to spare"
		ck_refused 'vma [0-9a-f]+ \(huge pages of 2 MiB\): mmap: ENOMEM' restore few.img --engine "$e" --detach
		! alive "$pid" || fail "a process was left"
		ck_refused 'shared memory [0-9]+.*huge page' restore all.img --engine "$e" --detach
		! alive "$pid" || fail "a process was left"
		reserve 10
		restore_detached "$e" all.img
		check_prog
	done
}

@test "hugetlb: what no kernel could have had is refused" {
	requires python3
	reserve 10
	start_prog hugetlb
	snapshot_kill "$(engines | head -n 1)" good.img
	for change in flags=0x40000004 flags=0x5c000004 size=4096; do
		python3 "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img "SHMEM.$change"
		ck_refused '\((SHMEM|VMA)\) .*(size|such huge pages it cannot have)' verify bad.img
	done
	ck_ok verify good.img
}
