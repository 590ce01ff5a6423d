#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "prctl: what threads asked for themselves, and a subreaper" {
	for e in $(engines); do
		start_prog prctl
		roundtrip "$e"
	done
}

@test "prctl: system calls that go to a handler still do" {
	for e in $(engines); do
		start_prog prctl dispatch
		roundtrip "$e"
	done
}

@test "prctl: a thread under strict seccomp comes back under it" {
	for e in $(engines); do
		start_prog prctl thread
		roundtrip "$e"
	done
}

@test "prctl: so does a leader, alone with it" {
	for e in $(engines); do
		start_prog prctl leader
		for i in 1 2; do
			snapshot_kill "$e" "$dir/$e.$i.img"
			restore_detached "$e" "$dir/$e.$i.img"
			in_ns grep -q '^Seccomp:[[:space:]]*1$' "/proc/$pid/status" || fail "not strict any more"
			in_ns grep -q '^TracerPid:[[:space:]]*0$' "/proc/$pid/status"
		done
		check_prog
	done
}

# start_may MODE: skip where this machine or our rights do not have it.
start_may()
{
	start prctl "$CKPT_BUILD/tests/progs/prctl" "$1"
	wait_log '^(ready|unsupported)$'
	! grep -q unsupported "$log" || skip "$1: not here"
}

@test "prctl: permission for AMX that was never used" {
	for e in $(engines); do
		start_may amx_perm
		roundtrip "$e"
	done
}

@test "prctl: a task that others' writing depends on (PR_SET_IO_FLUSHER)" {
	for e in $(engines); do
		start_may flusher
		roundtrip "$e"
	done
}

# A clone is made by a thread of the program itself, which would be killed for that.
@test "prctl: no thread is lent that may not make any system call" {
	local mode
	for e in $(engines); do
		for mode in dispatch thread leader; do
			start_prog prctl "$mode"
			ck_refused '--capture cow: ' snapshot "$pid" --engine "$e" --capture cow -o "$dir/cow.img"
			[ ! -e "$dir/cow.img" ] || fail "a file was left"
			ck_ok snapshot "$pid" --engine "$e" -f -o "$dir/copy.img"
			check_prog
		done
	done
}

@test "prctl: filters and a handler without a selector are refused" {
	for e in $(engines); do
		refuses "$e" seccomp 'thread [0-9]+: seccomp mode 2'
		refuses "$e" dispatch 'thread [0-9]+: its system calls go to a handler without a selector'
	done
}

@test "prctl: shown" {
	for e in $(engines); do
		start_prog prctl
		ck_ok snapshot "$pid" --engine "$e" -f -o "$e.img"
		ck_ok show "$e.img"
		grep -qE ' PRCTL .*timer_slack_ns=0.000123456s .*flags=mce_kill\|mce_early store_bypass=' <<<"$output" ||
			fail "$(grep ' PRCTL ' <<<"$output")"
		check_prog
	done
}

# changed FIELD=VALUE...: $img with other values, in $dir/changed.img.
changed()
{
	python3 "$BATS_TEST_DIRNAME/ckptimg.py" set "$img" "$dir/changed.img" "$@"
}

@test "prctl: values that no kernel has are refused" {
	requires python3
	start_prog prctl
	img=$dir/r.img
	snapshot_kill stock "$img"
	local what why
	while read -r what why; do
		changed "$what"
		ck_refused "$why" verify "$dir/changed.img"
	done <<-'SETS'
		PRCTL.flags=0x80 \(PRCTL\) at 0x[0-9a-f]+: flags 0x80
		PRCTL.flags=0x10 mce_early without mce_kill
		PRCTL.store_bypass=6 store_bypass 0x6
		PRCTL.dispatch_len=1 addresses without dispatch
		PRCTL.flags=0x20 dispatch_selector 0x0
		PRCTL.uclamp_min=1025 uclamp_min 1025
		PRCTL.xcomp_perm=0x8000000000000000 xcomp_perm
		PRCTL[1].xcomp_perm=1 xcomp_perm
	SETS
}

# less COMMAND...: without two rights of root.
less()
{
	detached limit 60 setpriv --bounding-set=-sys_resource,-sys_nice --inh-caps=-sys_resource,-sys_nice \
		"$@" </dev/null
}

# What the restorer may not set: an error that names it; with --force a loss that does.
@test "prctl: restore --force does without what is not allowed, and names it" {
	requires python3 setpriv
	for e in $(engines); do
		start prctl setpriv --bounding-set=-sys_resource,-sys_nice \
			--inh-caps=-sys_resource,-sys_nice "$CKPT_BUILD/tests/progs/prctl"
		wait_log '^ready$'
		img=$dir/$e.img
		snapshot_kill "$e" "$img"
		changed PRCTL.flags=0x1c SCHED.nice=-5 TASK.oom_score_adj=-500 \
			RLIMITS.nofile_max=1000000
		status=0
		less "$CKPT_BUILD/ckptbpf" restore --engine "$e" --detach "$dir/changed.img" 2>err || status=$?
		[ "$status" = 1 ] || fail "status $status: $(cat err)"
		[ "$(cat err)" = "restore: pid $pid: thread $pid: prctl: PR_SET_IO_FLUSHER: EPERM" ] || fail "$(cat err)"
		wait_gone "$pid"
		less "$CKPT_BUILD/ckptbpf" restore --engine "$e" --detach --force "$dir/changed.img" 2>err || status=$?
		[ "$status" = 3 ] || fail "status $status: $(cat err)"
		[ "$(grep -c 'lost:' err)" = 4 ] || fail "$(cat err)"
		grep -qx "restore: pid $pid: lost: RLIMIT_NOFILE: setrlimit: EPERM" err || fail "$(cat err)"
		grep -qx "restore: pid $pid: lost: oom_score_adj: set to -500: EACCES" err || fail "$(cat err)"
		grep -qx "restore: pid $pid: lost: thread $pid: prctl: PR_SET_IO_FLUSHER: EPERM" err || fail "$(cat err)"
		grep -qE "lost: thread $pid: scheduling policy 0, nice -5, priority 0: E[A-Z]+$" err || fail "$(cat err)"
		check_prog
	done
}

@test "prctl: restore --force does without locked memory, and names it" {
	requires setpriv prlimit
	local img=$dir/mm.img rights=(setpriv "--bounding-set=-sys_resource,-ipc_lock"
		"--inh-caps=-sys_resource,-ipc_lock")
	for e in $(engines); do
		mkdir -p mm
		start mm "${rights[@]}" "$CKPT_BUILD/tests/progs/mm" mm
		wait_log '^ready$'
		snapshot_kill "$e" "$img"
		status=0
		detached limit 60 "${rights[@]}" prlimit --memlock=0:0 "$CKPT_BUILD/ckptbpf" restore \
			--engine "$e" --detach "$img" </dev/null 2>err || status=$?
		[ "$status" = 1 ] || fail "status $status: $(cat err)"
		grep -qE "^restore: pid $pid: vma [0-9a-f]+ \(.*\): mlock: E(PERM|NOMEM)$" err || fail "$(cat err)"
		wait_gone "$pid"
		status=0
		detached limit 60 "${rights[@]}" prlimit --memlock=0:0 "$CKPT_BUILD/ckptbpf" restore \
			--engine "$e" --detach --force "$img" </dev/null 2>err || status=$?
		[ "$status" = 3 ] || fail "status $status: $(cat err)"
		grep -qE "^restore: pid $pid: lost: vma [0-9a-f]+ \(.*\): mlock: E(PERM|NOMEM)$" err || fail "$(cat err)"
		grep -qx "restore: pid $pid: lost: RLIMIT_MEMLOCK: setrlimit: EPERM" err || fail "$(cat err)"
		alive "$pid" || fail "it does not run"
		in_ns kill -KILL "$pid"
		rm -rf mm
	done
}

@test "prctl: --force lets no damage pass, and nothing of who it is" {
	requires python3
	for e in $(engines); do
		start_prog prctl
		img=$dir/$e.img
		snapshot_kill "$e" "$img"
		cp "$img" bad.img
		printf '\125\252\125' | dd of=bad.img bs=1 conv=notrunc status=none \
			seek=$(($(stat -c %s "$img") - 2000))
		ck_refused 'checksum' restore --force --detach --engine "$e" bad.img
		status=0
		detached limit 60 setpriv --bounding-set=-setuid "$CKPT_BUILD/ckptbpf" restore --force \
			--detach --engine "$e" "$img" </dev/null 2>err || status=$?
		[ "$status" = 1 ] || fail "status $status: $(cat err)"
		grep -q 'capabilities' err || fail "$(cat err)"
		wait_gone "$pid"
	done
}
