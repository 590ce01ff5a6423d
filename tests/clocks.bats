#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

# The program's waits last three seconds: each test is over before they end.

offset() # PID CLOCK: seconds that its namespace adds
{
	in_ns awk -v clock="$2" '$1 == clock { print $2 + ($3 >= 500000000) }' "/proc/$1/timens_offsets"
}

# restore_with ENGINE IMAGE ARGS...: restore_detached() in a machine that booted $younger seconds later.
restore_with()
{
	local engine=$1 image=$2 before=$pid tool=$CKPT_BUILD/ckptbpf
	local -a later=()
	shift 2
	[ -z "${younger-}" ] || later=(unshare --time --fork --monotonic "-$younger" --boottime "-$younger")
	rm -f "$dir/pidfile"
	status=0
	detached limit 60 "${later[@]}" "$tool" restore "$image" --engine "$engine" --detach \
		--pidfile "$dir/pidfile" "$@" </dev/null >"$dir/ck.out" 2>"$dir/ck.err" || status=$?
	stderr=$(cat "$dir/ck.err")
	[ "$status" = 0 ] || fail "status $status: $stderr" || return
	pid=$(cat "$dir/pidfile")
	[ "$pid" = "$before" ]
}

uptime_half() { awk '{ print int($1 / 2) }' /proc/uptime; }

@test "clocks: on the same machine they go on as its own" {
	for e in $(engines); do
		start_prog clocks
		leave_running "$e"
		roundtrip "$e"
	done
	for e in $(engines); do
		start_prog clocks
		snapshot_kill "$e" "$e.img"
		ck_ok show "$e.img"
		grep -q 'here its clocks would go on as ours' <<<"$output" || fail "$output"
		restore_with "$e" "$e.img"
		! grep -q namespace <<<"$stderr" || fail "$stderr"
		[ "$(in_ns readlink /proc/self/ns/time)" = "$(in_ns readlink "/proc/$pid/ns/time")" ]
		check_prog
	done
}

@test "clocks: restored where less time has passed since boot, twice" {
	[ -e /proc/self/timens_offsets ] || skip "needs a kernel with time namespaces"
	local i younger
	for e in $(engines); do
		start_prog clocks
		for i in 1 2; do
			younger=
			snapshot_kill "$e" "$e.img"
			sleep 0.3
			younger=$(uptime_half)
			restore_with "$e" "$e.img"
			grep -q 'time namespace' <<<"$stderr" || fail "$stderr"
			[ "$(offset "$pid" monotonic)" -le 0 ]
			[ "$(offset "$pid" monotonic)" -gt "-$(slow 30)" ]
		done
		check_prog
	done
}

@test "clocks: --clock keep: no time has passed, twice" {
	[ -e /proc/self/timens_offsets ] || skip "needs a kernel with time namespaces"
	local i
	for e in $(engines); do
		start_prog clocks "$(slow 500)"
		for i in 1 2; do
			snapshot_kill "$e" "$e.img"
			sleep "$(slow 1)"
			restore_with "$e" "$e.img" --clock keep
		done
		check_prog
	done
}

@test "clocks: a program in a time namespace of its own has it again, twice" {
	[ -e /proc/self/timens_offsets ] || skip "needs a kernel with time namespaces"
	local i
	for e in $(engines); do
		start clocks unshare --time --fork --monotonic 1000000 --boottime 2000000 \
			"$CKPT_BUILD/tests/progs/clocks"
		wait_log '^ready$'
		pid=$(in_ns cat "/proc/$pid/task/$pid/children")
		pid=${pid%% *}
		for i in 1 2; do
			snapshot_kill "$e" "$e.img"
			ck_ok show "$e.img"
			grep -q 'here it would have a time namespace' <<<"$output" || fail "$output"
			restore_with "$e" "$e.img"
			[ "$(offset "$pid" monotonic)" = 1000000 ]
			[ "$(offset "$pid" boottime)" = 2000000 ]
		done
		check_prog
	done
}

@test "clocks: an image from a machine that was up for longer" {
	[ -e /proc/self/timens_offsets ] || skip "needs a kernel with time namespaces"
	local far=9000000000000000
	for e in $(engines); do
		# As many seconds as no machine has been up: nine million. The program notices a gap.
		start_prog clocks
		snapshot_kill "$e" "$e.img"
		"$(python)" "$BATS_TEST_DIRNAME/ckptimg.py" set "$e.img" far.img HEADER.boot_id=1 \
			CLOCKS.monotonic_ns=$far CLOCKS.boottime_ns=$far
		ck_ok show far.img
		grep -q 's behind: here it would have a time namespace' <<<"$output" || fail "$output"
		restore_with "$e" far.img
		check_prog

		start_prog clocks
		snapshot_kill "$e" "$e.img"
		"$(python)" "$BATS_TEST_DIRNAME/ckptimg.py" set "$e.img" far.img HEADER.boot_id=1 \
			CLOCKS.monotonic_ns=$far CLOCKS.boottime_ns=$far
		restore_with "$e" far.img --clock host
		grep -q 'clocks have gone back by' <<<"$stderr" || fail "$stderr"
		[ "$(offset "$pid" monotonic)" = 0 ]
		check_prog
	done
}

@test "clocks: where no time namespace can be made, none goes back unasked" {
	[ -e /proc/self/timens_offsets ] || skip "needs a kernel with time namespaces"
	for e in $(engines); do
		start clocks setpriv --bounding-set -sys_time --inh-caps -sys_time "$CKPT_BUILD/tests/progs/clocks"
		wait_log '^ready$'
		snapshot_kill "$e" "$e.img"
		"$(python)" "$BATS_TEST_DIRNAME/ckptimg.py" set "$e.img" far.img HEADER.boot_id=1 \
			CLOCKS.monotonic_ns=9000000000000000
		status=0
		detached limit 60 setpriv --bounding-set -sys_time --inh-caps -sys_time "$CKPT_BUILD/ckptbpf" \
			restore far.img --engine "$e" --detach </dev/null >"$dir/ck.out" 2>"$dir/ck.err" || status=$?
		[ "$status" = 1 ]
		[ "$(grep -c . "$dir/ck.err")" = 1 ]
		grep -q "pid $pid: its clocks need a time namespace.*EPERM" "$dir/ck.err" ||
			fail "$(cat "$dir/ck.err")"
		! alive "$pid" || fail "something is left"
		restore_with "$e" far.img --clock host
		check_prog
	done
}

@test "clocks: no image makes others" {
	start_prog clocks
	snapshot_kill "$(engines | head -n 1)" a.img
	local set
	for set in monotonic_ns=-1 boottime_ns=0x7000000000000000 monotonic_offset_ns=0x7fffffffffffffff \
		boottime_offset_ns=0x6000000000000000 monotonic_offset_ns=0x8000000000000000; do
		set=${set/=-1/=0xffffffffffffffff}
		"$(python)" "$BATS_TEST_DIRNAME/ckptimg.py" set a.img b.img "CLOCKS.$set"
		ck_refused '\(CLOCKS\).*CLOCK_(MONOTONIC|BOOTTIME) of ' restore b.img --detach
	done
}
