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

@test "mmopt: nothing of the restorer's own is inherited" {
	for e in $(engines); do
		start_prog mmopt off
		snapshot_kill "$e" good.img
		rm -f "$dir/pidfile"
		# shellcheck disable=SC2016
		detached limit 60 bash -c '
			echo 0x3f >/proc/self/coredump_filter
			exec "$@"' bash "$CKPT_BUILD/ckptbpf" restore good.img --engine "$e" --detach \
			--pidfile "$dir/pidfile" </dev/null
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
