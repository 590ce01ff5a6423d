#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers
load programs

# The program on a terminal of its own, up to its `ready`.
on_its_terminal() # NAME
{
	terminal "$1"
	log=$dir/$1.log
	: >"$log"
	typing "$CKPT_BUILD/tests/progs/terminal $log\r"
	wait_log '^ready$'
	on_terminal terminal
}

# Of its terminal, as another program sees them.
modes() { stty -g <"$(in_ns readlink "/proc/$pid/fd/0")"; }

check_on_terminal()
{
	in_ns kill -USR1 "$pid"
	wait_log '^type$'
	typing '\r'
	wait_log '^ok$'
	wait_gone "$pid"
	typing 'echo ended with $?\r'
	see '^ended with 0'
}

@test "terminal: its modes are those of the program on two other terminals" {
	local before
	for e in $(engines); do
		on_its_terminal "$e.1"
		before=$(modes)
		move_to_terminal "$e" "$e.2"
		[ "$(modes)" = "$before" ]
		move_to_terminal "$e" "$e.3"
		[ "$(modes)" = "$before" ]
		check_on_terminal
	done
}

@test "terminal: a snapshot that leaves it running does it no harm" {
	for e in $(engines); do
		on_its_terminal "$e"
		leave_running "$e"
		ck_ok show "$dir/$e.live.img"
		grep -qE 'TERMINAL +of [0-9]+: iflag=0[0-9]+ oflag=0[0-9]+ lflag=0[0-9]+ cc=07' <<<"$output"
		check_on_terminal
	done
}

@test "terminal: of a program in the background nothing is kept" {
	for e in $(engines); do
		terminal "$e"
		typing 'sleep 1000 &\r'
		on_terminal sleep
		leave_running "$e"
		ck_ok show "$dir/$e.live.img"
		run ! grep -q TERMINAL <<<"$output"
		in_ns kill "$pid"
		wait_gone "$pid"
	done
}

@test "terminal: without one, and detached, there is nothing to set" {
	for e in $(engines); do
		on_its_terminal "$e"
		snapshot_kill "$e" "$e.img"
		restore_detached "$e" "$e.img"
		in_ns kill -USR1 "$pid"
		# Its standard input is /dev/null now.
		wait_gone "$pid"
		grep -q '^FAIL.*isatty' "$log"
	done
}

@test "terminal: what no kernel could have had is refused" {
	requires python3
	local e=${CKPT_ENGINES%%[ ,]*}
	on_its_terminal bad
	snapshot_kill "$e" good.img
	"$(python)" "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img TERMINAL.lflag=0x80000000
	ck_refused 'TERMINAL.* modes' verify bad.img
	ck_refused 'TERMINAL.* modes' restore bad.img --detach
}
