#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# A program that saves itself (libckptbpf), and the seeds' transcript.
load helpers

setup()
{
	ckpt_setup
	export CKPTBPF_TOOL=$dir/tool
	ex=$CKPT_BUILD/examples
}

# The library takes whatever engine there is; here each in turn.
use() # ENGINE
{
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nc=$1\nshift\nexec "%s/ckptbpf" "$c" --engine %s "$@"\n' \
		"$CKPT_BUILD" "$1" >"$dir/tool.new"
	chmod 755 "$dir/tool.new"
	mv "$dir/tool.new" "$dir/tool"
}

# until_file FILE PATTERN: some line of it matches.
until_file()
{
	local i
	for ((i = 0; i < $(slow 500); i++)); do
		grep -qE -e "$2" "$1" 2>/dev/null && return 0
		sleep 0.02
	done
	fail "$1: no '$2': $(cat "$1")"
}

# self_start OUT PATTERN [32]: examples/ckpt as a job in the foreground would be,
# up to PATTERN in its file; $pid.
self_start()
{
	rm -f work.out
	# shellcheck disable=SC2016
	pid=$(detached in_ns bash -c '
		setsid env --default-signal=INT "$1" work.out </dev/null >"$2" 2>err &
		echo $!' bash "$ex/ckpt${3-}" "$1")
	until_file work.out "$2"
}

# rstr_start ARGS...: examples/rstr with standard input from $in; its pid in $job.
rstr_start()
{
	# shellcheck disable=SC2016
	detached in_ns bash -c '
		in=$1; shift
		setsid env --default-signal=INT "$@" <"$in" 2>err &
		echo $! >job
		wait $!
		echo $? >status' bash "${in:-/dev/null}" "$ex/rstr" "$@" 3>&- &
	background=$!
}

same_file() # PID FD FD
{
	in_ns python3 - "$@" <<-'PY'
		import ctypes, sys
		pid, a, b = map(int, sys.argv[1:])
		sys.exit(ctypes.CDLL(None).syscall(312, pid, pid, 0, a, b) != 0)
	PY
}

@test "selfckpt: the transcript of the seeds" {
	requires python3
	for e in $(engines); do
		use "$e"
		in_ns find "$CKPTBPF_RUN" -name 'crid.*' -delete
		for n in 1 2; do
			self_start out.1 '^\(ret = ' # 64 bit
			in_ns kill -INT "$pid"
			wait_gone "$pid"
			[ "$(cat work.out)" = "hello, world!
world, hello!
(ret = $n)" ] || fail "$(cat work.out)"
		done
		local inode
		inode=$(stat -c %i work.out)
		sed -i 's/world, hello!/xxxx/' work.out
		[ "$(stat -c %i work.out)" != "$inode" ]
		[ "$(cat work.out)" = "hello, world!
xxxx
(ret = 2)" ]
		in=out.1 rstr_start
		until_file work.out 'ret = 0'
		[ "$(cat work.out)" = "hello, world!
world, hello!
(ret = 0)" ] || fail "$(cat work.out)"
		[ "$(in_ns ps -o comm= -p "$pid")" = ckpt ]
		[[ $(in_ns ps -o args= -p "$pid") == "$ex/ckpt work.out" ]]
		[ "$(in_ns ps -o ppid= -p "$pid" | tr -d ' ')" = "$(cat job)" ]
		same_file "$pid" 0 2 || fail "0 and 2 are no longer one open file"
		! same_file "$pid" 0 1 || fail "0 and 1 have become one open file"
		grep -q '^pos:[[:space:]]*38$' <(in_ns cat "/proc/$pid/fdinfo/2")
		# To rstr, as its shell would send it.
		in_ns kill -INT "$(cat job)"
		wait "$background" || true
		[ "$(cat status)" = 130 ] || fail "rstr ended with $(cat status)"
		wait_gone "$pid"
		[ ! -s err ] || fail "$(cat err)"
		# A restart takes no number.
		self_start out.1 '^\(ret = 3\)$'
		in_ns kill -KILL "$pid"
		wait_gone "$pid"
	done
}

@test "selfckpt: in a terminal, ctrl-c stops the restored program" {
	requires python3
	for e in $(engines); do
		use "$e"
		self_start out.1 '^\(ret = '
		in_ns kill -INT "$pid"
		wait_gone "$pid"
		cat >terminal.py <<-'PY'
			import os, pty, select, sys, time

			rstr, limit = sys.argv[1], float(sys.argv[2])
			pid, fd = pty.fork()
			if pid == 0:
			    os.closerange(3, 4096)
			    os.execvp("bash", ["bash", "--norc", "-i"])

			def until(what):
			    out, end = "", time.time() + limit
			    while what not in out and time.time() < end:
			        if select.select([fd], [], [], 0.1)[0]:
			            out += os.read(fd, 4096).decode(errors="replace")
			    if what not in out:
			        sys.exit("no %r in %r" % (what, out))

			os.write(fd, b"PS1='%% '\n%s < out.1\n" % rstr.encode())
			end = time.time() + limit
			while "ret = 0" not in open("work.out").read():
			    if time.time() > end:
			        sys.exit("not restarted")
			    time.sleep(0.05)
			os.write(fd, b"\x03")
			# Bash says nothing of SIGINT, but has it in $?.
			time.sleep(0.2)
			os.write(fd, b"echo status $?.\n")
			until("status 130.")
			os.write(fd, b"exit\n")
		PY
		detached limit 60 python3 terminal.py "$ex/rstr" "$(slow 10)" </dev/null
		wait_gone "$pid"
	done
}

@test "selfckpt: the image on its own standard output stays whole" {
	for e in $(engines); do
		use "$e"
		self_start out.1 '^\(ret = '
		in_ns kill -KILL "$pid"
		wait_gone "$pid"
		ck_ok verify out.1
		ck_ok show --losses out.1
		[[ $output == *"fd 1 ("*"out.1): it is the image"* ]] || fail "$output"
		local sum size
		size=$(stat -c %s out.1)
		sum=$(sha256sum <out.1)
		in=out.1 rstr_start
		until_file work.out 'ret = 0'
		# What the program writes there now does not destroy it.
		in_ns sh -c "echo more >/proc/$pid/fd/1" 2>/dev/null || true
		flags=$(in_ns awk '/flags/ { print $2 }' "/proc/$pid/fdinfo/1")
		(((0$flags & 02000) == 02000)) || fail "flags $flags"
		in_ns kill -KILL "$pid"
		wait "$background" || true
		[ "$(cat status)" = 137 ] || fail "status $(cat status)"
	done
}

@test "selfckpt: kept in memory by its number, restored twice" {
	for e in $(engines); do
		use "$e"
		start_prog selfckpt threads
		crid=$(sed -n 's/^crid //p' "$log")
		[ "$crid" -gt 0 ]
		in_ns kill -KILL "$pid"
		wait_gone "$pid"
		for i in 1 2; do
			: >"$log"
			rstr_start "$crid"
			until_file "$log" '^ready$'
			grep -qx 'crid 0' "$log" || fail "$(cat "$log")"
			if [ "$i" = 1 ]; then
				in_ns kill -KILL "$pid"
				wait "$background" || true
				[ "$(cat status)" = 137 ]
			fi
		done
		check_prog
		wait "$background" || true
		[ "$(cat status)" = 0 ] || fail "status $(cat status): $(cat err)"
		# By the commands alone.
		start_prog signal
		ck_ok snapshot "$pid" -q --engine "$e" --kill --keep
		crid=$output
		wait_gone "$pid"
		ck_ok restore --engine "$e" --detach --crid "$crid"
		check_prog
		ck_ok check --unload
		ck_refused "^restore: no image $crid is kept in memory" restore --detach --crid "$crid"
		[ -z "$(in_ns pgrep ckptbpf-keeper)" ] || fail "a keeper is left"
	done
}

@test "selfckpt: a thread among others, and one whose signal handlers run" {
	for e in $(engines); do
		use "$e"
		for mode in threads signals; do
			start_prog selfckpt "$mode" self.img
			grep -qE '^crid [1-9]' "$log" || fail "$(cat "$log")"
			check_prog
			: >"$log"
			ck_ok restore --engine "$e" --detach self.img
			wait_log '^ready$'
			grep -qx 'crid 0' "$log" || fail "$(cat "$log")"
			check_prog
		done
	done
}

@test "selfckpt: errors are those of the interface, and leave the caller as it was" {
	for e in $(engines); do
		use "$e"
		for mode in errors child; do
			rm -f bad.img
			start_prog selfckpt "$mode" bad.img
			check_prog
		done
	done
}

@test "selfckpt: a restart that fails leaves rstr, with a status" {
	for e in $(engines); do
		use "$e"
		head -c 1000 /dev/urandom >junk
		in=junk rstr_start
		wait "$background" || true
		[ "$(cat status)" = 1 ] || fail "status $(cat status)"
		grep -q '^rstr: .*not an image of ckptbpf' err || fail "$(cat err)"
	done
}

@test "selfckpt: a 32-bit program is refused by name" {
	[ -x "$ex/ckpt32" ] || skip "this compiler makes no 32-bit programs (gcc-multilib)"
	for e in $(engines); do
		use "$e"
		self_start out.1 'checkpoint: .*: it runs 32-bit code' 32
		wait_gone "$pid"
	done
}

@test "selfckpt: the shared library has three functions and needs libc alone" {
	requires readelf
	lib=$CKPT_BUILD/libckptbpf.so.0
	[ "$(readelf -W --dyn-syms "$lib" | awk '$5 == "GLOBAL" && $7 != "UND" && $4 == "FUNC" { sub(/@.*/, "", $8); print $8 }' | sort | paste -sd ' ')" = \
		"ckpt_checkpoint ckpt_reason ckpt_restart" ]
	[ -z "$(readelf -d "$lib" | grep NEEDED | grep -vE '\[(libc\.so\.6|ld-linux-x86-64\.so\.2)\]')" ]
	readelf -d "$lib" | grep -q 'SONAME.*libckptbpf.so.0'
}
