# shellcheck shell=bash
# shellcheck disable=SC2154 # dir, status: of helpers.bash
# SPDX-License-Identifier: GPL-2.0
# What the programs*.bats share: packaged programs at work, and terminals for them.

# The package's own program is meant, whatever a version manager has put into PATH.
packaged() # NAME...
{
	local p
	for p; do
		[ -x "/usr/bin/$p" ] || skip "needs /usr/bin/$p"
	done
}

# Killed and brought back COUNT times in the middle of its work.
disturb() # ENGINE COUNT
{
	local i
	for ((i = 1; i <= $2; i++)); do
		sleep 0.3
		alive "$pid" || fail "it ended before snapshot $i"
		killed "$1" "$dir/$1.img"
		restore_detached "$1" "$dir/$1.img"
	done
}

# The rest of a relative timeout may be lost (3); nothing else.
killed() # ENGINE IMAGE
{
	ck snapshot "$pid" --engine "$1" --kill --force -o "$2"
	[ "$status" = 0 ] || [ "$status" = 3 ] || fail "status $status"
	wait_gone "$pid"
}

# terminal NAME: a terminal with a shell on it. What $pid and $log say stays.
terminal()
{
	# shellcheck disable=SC2034 # start() sets them
	local pid log
	keys=$dir/$1.keys screen=$dir/$1.screen
	mkfifo "$keys"
	: >"$screen"
	start "$1" "$(python)" "$BATS_TEST_DIRNAME/term.py" "$keys" "$screen" bash --norc --noprofile
	see '\$ $'
}

# Backslashes as printf knows them: \r is Enter, \033 Escape, \030 Ctrl-X.
# shellcheck disable=SC2059
typing() { printf "$1" >"$keys"; }

# see PATTERN [SECONDS]: until it is on the screen; control sequences are not seen.
see()
{
	local i
	for ((i = 0; i < $(slow "${2:-10}") * 50; i++)); do
		! tr -d '\0' <"$screen" | tr '\r' '\n' | sed -E 's/\x1b(\[[0-9;?>]*[A-Za-z]|[=>])//g' | grep -aqE -e "$1" || return 0
		sleep 0.02
	done
	fail "not on the screen: '$1': $(tail -c 1000 "$screen" | cat -v)"
}

# The program of that name on the terminal, once it is there.
on_terminal() # NAME
{
	local i
	for ((i = 0; i < $(slow 10) * 50; i++)); do
		pid=$(in_ns pgrep -n -x "$1") && return 0
		sleep 0.02
	done
	fail "no $1: $(tail -c 1000 "$screen" | cat -v)"
}

# Killed on its terminal, restored by hand on another, NAME, as the job of a shell.
move_to_terminal() # ENGINE NAME
{
	local before=$pid
	killed "$1" "$dir/$1.img"
	see 'Killed'
	terminal "$2"
	typing "$CKPT_BUILD/ckptbpf restore $dir/$1.img --engine $1\r"
	see "restore: $pid .*: running"
	pid=$before
	alive "$pid" || fail "restored, but pid $pid is not there"
}
