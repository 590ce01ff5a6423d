#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The tool is killed or interrupted at random moments: the program does not
# suffer. CKPT_KILLS moments each (200 for a soak).
load helpers

soak() # MODE ENGINE COUNT [SIGNAL]
{
	detached limit $((60 + $3)) env CKPT_TOOL="$CKPT_BUILD/ckptbpf" \
		"$BATS_TEST_DIRNAME/kill_soak.sh" "$1" "$2" "$pid" "${@:3}"
}

kills=${CKPT_KILLS:-20}

@test "kill: SIGKILL of a snapshot leaves the program as it was" {
	for e in $(engines); do
		start_prog many_threads 5
		soak snapshot "$e" "$kills"
		check_prog
	done
}

@test "kill: SIGKILL of snapshot --kill leaves the program or its whole image" {
	for e in $(engines); do
		start_prog signal
		soak kill "$e" "$kills"
		check_prog
	done
}

@test "kill: SIGTERM, SIGINT and SIGHUP of a snapshot: one line, no file, the program as it was" {
	for e in $(engines); do
		start_prog many_threads 5
		for s in TERM INT HUP; do
			soak snapshot "$e" $(((kills + 2) / 3)) "$s"
		done
		check_prog
	done
}

@test "kill: SIGKILL of a restore leaves the whole program or nothing" {
	for e in $(engines); do
		start_prog many_threads 5
		soak restore "$e" "$kills"
		check_prog
	done
}

@test "kill: SIGTERM of a restore leaves the whole program or nothing" {
	for e in $(engines); do
		start_prog many_threads 5
		soak restore "$e" $(((kills + 2) / 3)) TERM
		check_prog
	done
}

frozen() { in_ns cat "/proc/$pid/task/$pid/stat" | grep -q ') [tTDI] '; }

# Its image goes to a reader that does not read, so it is stopped for certain; no
# call that waits may end with EINTR, not even one that the kernel never restarts.
@test "kill: SIGKILL in the stop: waiting calls do not notice" {
	local i
	for e in $(engines); do
		start_prog thread
		rm -f job
		# shellcheck disable=SC2016
		detached limit 60 bash -c '"$1" snapshot --engine "$2" --kill -o - "$3" > >(exec sleep 30) 2>err &
			echo $! >job; wait' bash "$CKPT_BUILD/ckptbpf" "$e" "$pid" </dev/null >/dev/null 2>&1 &
		for ((i = 0; i < $(slow 500); i++)); do
			! { [ -s job ] && frozen; } || break
			sleep 0.02
		done
		frozen || fail "not stopped: $(cat err)"
		# One thread is; the tool has yet to come to all of them.
		sleep "$(slow 1)"
		in_ns kill -KILL "$(cat job)"
		for ((i = 0; i < $(slow 500); i++)); do
			frozen || break
			sleep 0.02
		done
		check_prog
	done
}
