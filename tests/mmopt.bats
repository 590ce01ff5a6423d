#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "mmopt: killed and brought back twice" {
	for e in $(engines); do
		start_prog mmopt
		sed -n 's/^no /# mmopt: this kernel has no /p' "$log" >&3
		roundtrip "$e"
	done
}

# What is set so goes to children and over exec(). 77: this kernel has no such prctl.
with_prctl() # NUMBER ARG COMMAND...
{
	cat >with_prctl.py <<-'END'
		import ctypes, os, sys
		open("/proc/self/coredump_filter", "w").write("0x3f")
		if ctypes.CDLL(None).prctl(int(sys.argv[1]), int(sys.argv[2]), 0, 0, 0):
		    sys.exit(77)
		os.execv(sys.argv[3], sys.argv[3:])
	END
	status=0
	detached limit 60 "$(python)" with_prctl.py "$@" </dev/null >out 2>err || status=$?
}

@test "mmopt: nothing of the restorer's own is inherited" {
	requires python3
	local number
	for e in $(engines); do
		# PR_SET_THP_DISABLE, PR_SET_MEMORY_MERGE
		for number in 41 67; do
			start_prog mmopt off
			snapshot_kill "$e" good.img
			with_prctl $number 1 "$CKPT_BUILD/ckptbpf" restore good.img --engine "$e" --detach
			[ "$status" != 77 ] || restore_detached "$e" good.img
			[ "$status" = 0 ] || [ "$status" = 77 ] || fail "prctl $number: status $status: $(cat err)"
			check_prog
		done
	done
}

@test "mmopt: a PR_SET_MDWE of the restorer's own is a refusal" {
	requires python3
	for e in $(engines); do
		start_prog mmopt off
		snapshot_kill "$e" good.img
		with_prctl 65 1 "$CKPT_BUILD/ckptbpf" restore good.img --engine "$e" --detach
		[ "$status" != 77 ] || skip "this kernel has no PR_SET_MDWE"
		[ "$status" = 1 ] || fail "status $status"
		grep -q "^restore: pid $pid: it would get the restorer's PR_SET_MDWE\$" err || fail "$(cat err)"
		! alive "$pid" || fail "a process was left"
		restore_detached "$e" good.img
		check_prog
	done
}

@test "mmopt: values that no kernel has are refused by name" {
	requires python3
	local change why
	start_prog mmopt
	snapshot_kill "$(engines | head -n 1)" good.img
	while read -r change why; do
		python3 "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img "MMOPT.$change"
		ck_refused "\(MMOPT\) .*$why" verify bad.img
	done <<-END
		flags=0x100 flags 0x100
		flags=2 flags 0x2 contradict
		coredump_filter=0x200 coredump_filter 0x200
		membarrier=1 membarrier 0x1
		pkeys=2 pkeys 0x2
		exec_pkey=16 exec_pkey 16
		tag_bits=7 tag_bits 7
		futex_slots=3 futex_slots 3
	END
	ck_ok verify good.img
}

@test "mmopt: what this machine cannot do is named" {
	requires python3
	! grep -qw ospke /proc/cpuinfo || skip "this CPU has protection keys"
	start_prog mmopt
	snapshot_kill "$(engines | head -n 1)" good.img
	python3 "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img MMOPT.pkeys=9
	for e in $(engines); do
		ck_refused "pid $pid: it has protection keys \(0x9\), which this CPU or kernel lacks" \
			restore --engine "$e" --detach bad.img
	done
	python3 "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img MMOPT.tag_bits=6
	ck restore --engine "$(engines | head -n 1)" --detach bad.img
	[ "$status" = 1 ] || skip "this CPU has tagged addresses"
	grep -q 'ARCH_ENABLE_TAGGED_ADDR' <<<"$stderr" || fail "$stderr"
}

@test "mmopt: protection keys, killed and brought back twice" {
	for e in $(engines); do
		start pkeys "$CKPT_BUILD/tests/progs/pkeys"
		wait_log '^(ready|unsupported)$'
		! grep -q unsupported "$log" || skip "this CPU has no protection keys"
		roundtrip "$e"
	done
}
