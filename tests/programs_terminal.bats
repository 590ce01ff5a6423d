#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Programs on a terminal, killed and restored on another terminal, and on a third.
load helpers
load programs

@test "programs: gdb goes on on two other terminals and then debugs" {
	requires gdb
	local prog=$CKPT_BUILD/tests/progs/eventfd
	for e in $(engines); do
		terminal "$e.1"
		typing "gdb -q -nx $prog\r"
		see '^\(gdb\) ' 60
		on_terminal gdb
		typing 'set pagination off\rset $x = 41\rbreak prog_ready\rtbreak main\r'
		see 'Temporary breakpoint 2 at'

		move_to_terminal "$e" "$e.2"
		typing 'print $x + 1\r'
		see '\$1 = 42'
		# A command that is typed in half is there as well.
		typing 'print $x'
		see 'print \$x$'
		move_to_terminal "$e" "$e.3"
		typing ' * 3\r'
		see '\$2 = 123'
		typing 'print $1 + $2\r'
		see '\$3 = 165'

		typing 'run\r'
		see 'Temporary breakpoint 2, main \(' 60
		see '^[0-9]+\s.*;'
		typing 'continue\r'
		see 'Breakpoint 1, prog_ready' 60
		typing 'backtrace\r'
		see '#1 .* main '
		typing 'kill\ry\rquit\r'
		wait_gone "$pid"
		typing 'echo ended with $?\r'
		see '^ended with 0'
	done
}

# What is written there, and nothing else, in the end.
text_is() # FILE TEXT
{
	local i
	for ((i = 0; i < $(slow 500); i++)); do
		[ "$(cat "$1" 2>/dev/null)" != "$2" ] || return 0
		sleep 0.02
	done
	fail "$1: $(cat "$1")"
}

@test "programs: vim goes on inserting on two other terminals, and can undo it" {
	local vim
	vim=$(command -v vim.tiny || command -v vim.basic || command -v vim) || skip "needs vim"
	for e in $(engines); do
		terminal "$e.1"
		typing "$vim -N -u NONE -i NONE -n $e.text\r"
		see "$e.text.*\[New" 60
		on_terminal "$(basename "$(readlink -f "$vim")")"
		typing 'ifirst line\rsecond '
		see 'second'
		move_to_terminal "$e" "$e.2"
		# The whole screen is drawn anew.
		see 'first line'
		see '-- INSERT --'
		typing 'line\033:w\r'
		text_is "$e.text" $'first line\nsecond line'
		typing 'othird line'
		see 'third'
		move_to_terminal "$e" "$e.3"
		typing '\033:w\r'
		text_is "$e.text" $'first line\nsecond line\nthird line'
		typing ':undo\r:undo\r:w\r'
		text_is "$e.text" ''
		typing ':redo\r:wq\r'
		wait_gone "$pid"
		text_is "$e.text" $'first line\nsecond line'
		typing 'echo ended with $?\r'
		see '^ended with 0'
	done
}

@test "programs: emacs goes on editing on two other terminals" {
	requires emacs
	for e in $(engines); do
		terminal "$e.1"
		typing "emacs -nw -Q $e.text\r"
		see "$e.text .*\(Text" 60
		on_terminal emacs
		typing 'first line\rsecond '
		see 'second'
		move_to_terminal "$e" "$e.2"
		# By itself it draws only where the size is another; this is C-l.
		typing '\014'
		see 'first line'
		typing 'line\030\023'
		text_is "$e.text" $'first line\nsecond line'
		typing '\rthird (1+ 41)\030\005'
		see '42'
		move_to_terminal "$e" "$e.3"
		typing '\030\023'
		text_is "$e.text" $'first line\nsecond line\nthird (1+ 41)'
		typing '\030\003'
		wait_gone "$pid"
		typing 'echo ended with $?\r'
		see '^ended with 0'
	done
}
