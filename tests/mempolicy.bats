#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

start_it()
{
	start mempolicy "$CKPT_BUILD/tests/progs/mempolicy"
	wait_log '^(ready|unsupported)$'
	! grep -q unsupported "$log" || skip "this kernel has no memory policies"
}

@test "mempolicy: killed and brought back twice" {
	for e in $(engines); do
		start_it
		in_ns cat "/proc/$pid/numa_maps" | awk '$2 != "default" { print $1, $2 }' >before
		[ "$(wc -l <before)" -ge 8 ] || fail "no policies in numa_maps"
		snapshot_kill "$e" 1.img
		restore_detached "$e" 1.img
		in_ns cat "/proc/$pid/numa_maps" | awk '$2 != "default" { print $1, $2 }' >after
		diff before after
		# No call tells a home node: the second image does.
		snapshot_kill "$e" 2.img
		"$CKPT_BUILD/ckptbpf" show 1.img | grep -A9 MEMPOLICY >1.txt
		"$CKPT_BUILD/ckptbpf" show 2.img | grep -A9 MEMPOLICY >2.txt
		grep -q 'home_node[^0-9-]*0' 1.txt || fail "no home node: $(cat 1.txt)"
		diff <(grep -o 'home_node[^0-9-]*[0-9-]*' 1.txt) <(grep -o 'home_node[^0-9-]*[0-9-]*' 2.txt)
		restore_detached "$e" 2.img
		check_prog
	done
}

@test "mempolicy: a node that is not there is named" {
	requires python3
	start_it
	snapshot_kill "$(engines | head -n 1)" good.img
	for e in $(engines); do
		python3 "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img MEMPOLICY.nodes=0x8000000000000000
		ck_refused "pid $pid: mapping [0-9a-f]+: its memory policy names node 63, which is not here" \
			restore --engine "$e" --detach bad.img
		! alive "$pid" || fail "a process was left"
	done
}

@test "mempolicy: values that no kernel has are refused by name" {
	requires python3
	local change why
	start_it
	snapshot_kill "$(engines | head -n 1)" good.img
	while read -r change why; do
		python3 "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img "MEMPOLICY$change"
		ck_refused "\(MEMPOLICY\) .*$why" verify bad.img
	done <<-END
		.mode=0 mode 0x0
		.mode=99 mode 0x63
		.mode=0xc002 mode 0xc002
		.mode=0x2001 mode 0x2001
		.mode=4 mode 0x4 with nodes
		.nodes=0 mode 0x2 without nodes
		.home_node=1024 home_node 1024
		[1].home_node=0 home_node 0
		.start=0x1000 it does not come behind its VMA
		[1].start=0 it does not come behind its VMA
	END
	ck_ok verify good.img
}
