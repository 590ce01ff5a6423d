#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# x87, SSE, AVX2, AVX-512, AMX: what is computed in registers ends with the same bits.
load helpers

@test "fpu: computing in every unit, killed and brought back ${CKPT_ROUNDS:-20} times" {
	for e in $(engines); do
		start_prog fpu
		! grep '^no ' "$log" >&3 || true
		roundtrip "$e" "${CKPT_ROUNDS:-20}"
	done
}

@test "fpu: left running it does not notice its snapshots" {
	for e in $(engines); do
		start_prog fpu
		for _ in 1 2 3 4 5; do
			leave_running "$e"
		done
		check_prog
	done
}

@test "fpu: AMX tiles in use are in the image" {
	for e in $(engines); do
		start_prog fpu
		! grep -q '^no AMX' "$log" || skip "no AMX here"
		ck_ok snapshot "$pid" --engine "$e" -o "$e.img"
		ck_ok show "$e.img"
		[ "$(grep -c ' XSTATE .*features=.*tilecfg|tiledata' <<<"$output")" = 1 ] ||
			fail "$(grep ' XSTATE ' <<<"$output" | cut -c 1-120)"
		check_prog
	done
}

# The permission and the tiles each fail once, in a build made for that.
@test "fpu: AMX that cannot be had is named" {
	[[ " $(engines | xargs) " == *" stock "* ]] || skip "it is the stock engine's"
	start_prog fpu
	! grep -q '^no AMX' "$log" || skip "no AMX here"
	snapshot_kill stock fpu.img
	status=0
	detached limit 60 env CKPTBPF_FAULT=XCOMP_PERM:18:95 "$CKPT_BUILD/tests/ckptbpf-fault" restore \
		--engine stock fpu.img </dev/null 2>err || status=$?
	[ "$status" = 125 ] || fail "status $status"
	[ "$(cat err)" = "restore: pid $pid: AMX tile data: arch_prctl: ARCH_REQ_XCOMP_PERM: EOPNOTSUPP" ] ||
		fail "$(cat err)"
	wait_gone "$pid"
}
