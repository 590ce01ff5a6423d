#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What no record holds is told: user/res/told.c.
load helpers

# starts MODE: false where this kernel does not have it.
starts()
{
	rm -f file
	start told "$CKPT_BUILD/tests/progs/told" "$1"
	wait_log '^(ready|unsupported)$'
	! grep -q unsupported "$log" || { echo "# $1: not here" >&3; return 1; }
}

@test "told: losses, each with a warning, refused by --strict" {
	local mode text
	for e in $(engines); do
		while read -r mode text; do
			starts "$mode" || continue
			ck snapshot "$pid" --engine "$e" -f -o "$e.img"
			[ "$status" = 3 ] || fail "$mode: status $status, not 3"
			[[ $stderr == *", 1 loss (show --losses)"* ]] || fail "$mode: $stderr"
			ck_ok show --losses "$e.img"
			grep -qE -e "$text" <<<"$output" || fail "$mode: $output"
			ck_ok snapshot "$pid" --engine "$e" --dry-run
			grep -qE -e "^loss: pid $pid: $text" <<<"$output" || fail "$mode: $output"
			ck_refused "--strict: $text" snapshot "$pid" --engine "$e" --strict -f -o "$e.img"
			check_prog
		done <<-'MODES'
			children thread [0-9]+: namespaces for children
			restore_ids PR_TIMER_CREATE_RESTORE_IDS
			keyring thread [0-9]+: keyrings of its own
			keyrings thread [0-9]+ and 2 more: keyrings of its own
			reqkey thread [0-9]+: keyrings of its own
			autogroup nice value of its session's autogroup
		MODES
	done
}

@test "told: notes, in the image and in --dry-run alone" {
	local mode text
	for e in $(engines); do
		while read -r mode text; do
			starts "$mode" || continue
			ck_ok snapshot "$pid" --engine "$e" --strict -f -o "$e.img"
			[[ $stderr != *loss* ]] || fail "$mode: $stderr"
			ck_ok show --losses "$e.img"
			grep -qE -e "$text" <<<"$output" || fail "$mode: $output"
			ck_ok snapshot "$pid" --engine "$e" --dry-run
			grep -qE -e "^note: pid $pid: $text" <<<"$output" || fail "$mode: $output"
			check_prog
		done <<-'MODES'
			session thread [0-9]+: session keyring
			random fd 3: advice of posix_fadvise
			sequential fd 3: advice of posix_fadvise
			opener fd 3: who opened it
			none figures of getrusage\(\)
		MODES
	done
}

@test "told: nothing else of a program that has nothing else" {
	for e in $(engines); do
		start_prog told none
		ck_ok snapshot "$pid" --engine "$e" -f -o "$e.img"
		ck_ok show --losses "$e.img"
		[ "$(grep -c . <<<"$output")" = 1 ] || fail "$output"
		check_prog
	done
}

@test "told: what would do harm is refused" {
	for e in $(engines); do
		refuses "$e" sem_undo 'thread [0-9]+: SEM_UNDO of System V semaphores'
		refuses "$e" ports 'thread [0-9]+: ports of ioperm\(\) or iopl\(\)'
	done
}
