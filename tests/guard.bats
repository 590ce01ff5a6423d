#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

start_it()
{
	start guard "$CKPT_BUILD/tests/progs/guard"
	wait_log '^(ready|unsupported)$'
	! grep -q unsupported "$log" || skip "this kernel has no guard pages within mappings"
}

@test "guard: killed and brought back twice, or refused by name" {
	for e in $(engines); do
		start_it
		if grep -q untold "$log"; then
			ck_refused "pid $pid: memory at [0-9a-f]+: a guard page" \
				snapshot "$pid" --engine "$e" --kill -o "$e.img"
			check_prog
		else
			roundtrip "$e"
		fi
	done
}

@test "guard: by each way of taking memory" {
	for e in $(engines); do
		for way in copy cow; do
			start_it
			! grep -q untold "$log" || skip "this kernel does not tell guard pages"
			ck snapshot "$pid" --engine "$e" --capture "$way" -o "$e.$way.img"
			if [ "$status" != 0 ]; then
				grep -q 'capture cow' <<<"$stderr" || fail "$stderr"
				check_prog
				continue
			fi
			in_ns kill -KILL "$pid"
			wait_gone "$pid"
			restore_detached "$e" "$e.$way.img"
			check_prog
		done
	done
}

@test "guard: ranges that are none are refused by name" {
	requires python3
	local change why
	start_it
	! grep -q untold "$log" || skip "this kernel does not tell guard pages"
	snapshot_kill "$(engines | head -n 1)" good.img
	while read -r change why; do
		python3 "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img "GUARD$change"
		ck_refused "\(GUARD\) .*$why" verify bad.img
	done <<-END
		.start=1 0x1-
		.end=0 -0x0
		.start=0x1000 is not in the VMA before it
		.end=0x7ffffffff000 is not in the VMA before it
		[1].start=0x1000 is not in the VMA before it
	END
	ck_ok verify good.img
}

@test "guard: one that cannot be put back is named" {
	[[ " $(engines | xargs) " == *" stock "* ]] || skip "the build for it has the stock engine's"
	start_it
	! grep -q untold "$log" || skip "this kernel does not tell guard pages"
	snapshot_kill stock good.img
	status=0
	detached limit 60 env CKPTBPF_FAULT=GUARD:4294967295:12 "$CKPT_BUILD/tests/ckptbpf-fault" restore \
		--engine stock good.img </dev/null >out 2>err || status=$?
	[ "$status" = 125 ] || fail "status $status"
	grep -qE "^restore: pid $pid: vma [0-9a-f]+ \(.*\): madvise: MADV_GUARD_INSTALL: ENOMEM\$" err || fail "$(cat err)"
	wait_gone "$pid"
	restore_detached stock good.img
	check_prog
}
