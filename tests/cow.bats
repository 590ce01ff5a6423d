#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Alone: stops are compared.
# Memory from a copy-on-write clone: of one instant, the stop short, the target
# as it was.
load helpers

teardown()
{
	ckpt_teardown
	[ -z "${group-}" ] || rmdir "$group" 2>/dev/null || true
}

stat_of() { sed -n "s/^ *\"$1\": *\"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" "$dir/stats.json"; }

# snap ENGINE CAPTURE: it goes on; the image is x.img, the statistics are stats.json.
snap()
{
	ck_ok snapshot "$pid" --engine "$1" --capture "$2" --force -o "$dir/x.img" --stats "$dir/stats.json"
	[ "$(stat_of capture)" = "$2" ] || fail "capture $(stat_of capture), not $2"
}

@test "cow: two threads that write all the time are saved at one instant" {
	for e in $(engines); do
		start_prog writer
		for i in 1 2; do
			sleep 0.2
			snap "$e" cow
			ck_ok verify "$dir/x.img"
			in_ns kill -KILL "$pid"
			wait_gone "$pid"
			restore_detached "$e" "$dir/x.img"
		done
		check_prog
	done
}

@test "cow: the one that goes on is not disturbed, and nothing is left in it" {
	for e in $(engines); do
		start_prog writer 8
		in_ns cat "/proc/$pid/maps" >before
		in_ns grep -E '^(Sig[PBIC]|Shd|Threads|State)' "/proc/$pid/status" | sed 's/[RS] (.*/running/' >>before
		ls_fd=$(in_ns ls "/proc/$pid/fd")
		for i in 1 2 3; do
			snap "$e" cow
		done
		in_ns cat "/proc/$pid/maps" >after
		in_ns grep -E '^(Sig[PBIC]|Shd|Threads|State)' "/proc/$pid/status" | sed 's/[RS] (.*/running/' >>after
		diff before after
		[ "$(in_ns ls "/proc/$pid/fd")" = "$ls_fd" ]
		[ -z "$(in_ns cat "/proc/$pid/task/$pid/children")" ]
		check_prog
	done
}

@test "cow: a thread that is lent for it comes back into its call" {
	local mode
	for e in $(engines); do
		for mode in pause sigsuspend read select epoll spin; do
			start_prog lent "$mode"
			sleep 0.1
			for i in 1 2 3; do
				snap "$e" cow
			done
			! grep -q '^FAIL' "$log" || fail "$mode: $(cat "$log")"
			check_prog
		done
	done
}

@test "cow: the stop is a fraction of a copy's" {
	local copy cow
	for e in $(engines); do
		start_prog writer 64
		snap "$e" copy
		copy=$(stat_of frozen_us)
		snap "$e" cow
		cow=$(stat_of frozen_us)
		echo "# frozen: cow $cow us, copy $copy us" >&3
		awk -v a="$cow" -v b="$copy" 'BEGIN { exit !(a * 3 < b) }' || fail "cow $cow us, copy $copy us"
		check_prog
	done
}

@test "cow: small ones are copied unless it is asked for" {
	for e in $(engines); do
		start_prog signal
		ck_ok snapshot "$pid" --engine "$e" --force -o "$dir/x.img" --stats "$dir/stats.json"
		[ "$(stat_of capture)" = copy ]
		snap "$e" cow
		in_ns kill -KILL "$pid"
		wait_gone "$pid"
		restore_detached "$e" "$dir/x.img"
		check_prog
	done
}

@test "cow: SIGKILL of the tool around the stop leaves the program as it was" {
	for e in $(engines); do
		start_prog many_threads 5
		detached limit $((60 + ${CKPT_KILLS:-20} * 2)) env CKPT_TOOL="$CKPT_BUILD/ckptbpf" \
			CKPT_CAPTURE=cow CKPT_MOMENTS=6000 \
			"$BATS_TEST_DIRNAME/kill_soak.sh" snapshot "$e" "$pid" "${CKPT_KILLS:-20}"
		check_prog
	done
}

@test "cow: killed behind each single step, it goes on as it was" {
	requires strace
	local mode
	for e in $(engines); do
		for mode in "lent sigsuspend" "lent spin"; do
			# shellcheck disable=SC2086 # a program and its argument
			start_prog $mode
			sleep 0.1
			detached limit 200 env CKPT_TOOL="$CKPT_BUILD/ckptbpf" CKPT_CAPTURE=cow \
				"$BATS_TEST_DIRNAME/kill_soak.sh" steps "$e" "$pid" "${CKPT_STRIDE:-1}" \
				"$([ "$e" = stock ] && echo ptrace || echo ioctl)"
			check_prog
		done
	done
}

# A memory cgroup of MIB that can be had here is $group, or the test is skipped.
limited() # MIB
{
	local own
	own=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
	group=/sys/fs/cgroup/memory${own%/}/ckptbpf-cow.$$
	if [ -n "$own" ] && mkdir "$group" 2>/dev/null; then
		echo $(($1 << 20)) >"$group/memory.limit_in_bytes"
		return
	fi
	group=/sys/fs/cgroup/ckptbpf-cow.$$
	grep -qw memory /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null ||
		echo +memory >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || skip "needs a memory cgroup"
	mkdir "$group" && echo $(($1 << 20)) >"$group/memory.max"
}

@test "cow: when memory runs out it is the clone that dies" {
	for e in $(engines); do
		limited 75
		start writer bash -c 'echo 0 >"$1/cgroup.procs" && exec "$2" 30' _ "$group" \
			"$CKPT_BUILD/tests/progs/writer"
		wait_log '^ready$'
		sleep 0.5
		mkfifo slow
		(sleep 2; exec timeout 60 cat >/dev/null) <slow 3>&- &
		detached limit 60 "$CKPT_BUILD/ckptbpf" snapshot "$pid" --engine "$e" --capture cow -o - >slow 2>err &&
			fail "the clone had room: $(cat "$group"/memory.*usage* "$group/memory.current" 2>/dev/null)"
		wait $! || true
		grep -q 'its clone was killed for want of memory: try --capture copy' err || fail "$(cat err)"
		rm slow
		check_prog
		rmdir "$group"
	done
}

@test "cow: refused where the program forbids it" {
	start refused "$CKPT_BUILD/tests/progs/refused" seccomp
	wait_log '^(ready|unsupported)$'
	ck_refused '--capture cow: seccomp' snapshot "$pid" --engine stock --capture cow -o "$dir/x.img"
	[ ! -e "$dir/x.img" ]
	in_ns kill -KILL "$pid"
}
