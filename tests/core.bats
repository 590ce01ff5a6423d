#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Core files made of images, beside those that gdb makes of the same stopped
# process; and images made of images.
load helpers

cmp_py=$BATS_TEST_DIRNAME/corecmp.py
golden=$BATS_TEST_DIRNAME/golden/v1

# gdb's answer to commands, without what names the core file or how it was read.
ask_gdb() # CORE PROGRAM COMMAND...
{
	local core=$1 prog=$2 args=() c
	shift 2
	for c; do
		args+=(-ex "$c")
	done
	DEBUGINFOD_URLS='' HOME=$dir limit 60 gdb -nx -batch "${args[@]}" "$prog" "$core" 2>&1 </dev/null |
		grep -vE '^(\[New LWP|\[Current thread|\[Thread debugging|Using host libthread|Core was generated)'
}

# The program $pid, stopped: ours.core by way of its image, theirs.core by gdb.
make_both() # ENGINE
{
	! in_ns grep -q __asan_init "/proc/$pid/exe" || skip "gdb would write terabytes of a sanitizer's shadow"
	ck_ok snapshot "$pid" --engine "$1" --force --leave-stopped -o x.img
	ck_ok convert --to core --force -o ours.core x.img
	[ -z "$output$stderr" ]
	HOME=$dir limit 60 gcore -o theirs "$pid" >gcore.log 2>&1 </dev/null || fail "gcore: $(tail -n 3 gcore.log)"
	mv "theirs.$pid" theirs.core
}

same_answers() # PROGRAM COMMAND...
{
	local prog=$1 c
	shift
	for c; do
		ask_gdb ours.core "$prog" "$c" >ours.txt
		ask_gdb theirs.core "$prog" "$c" >theirs.txt
		[ "$(wc -l <ours.txt)" -gt 3 ] || fail "gdb says nothing to '$c': $(cat ours.txt)"
		diff -u theirs.txt ours.txt || fail "'$c' differs"
	done
}

# A program that runs no more must still find its own state.
go_on() { in_ns kill -CONT "$pid"; check_prog; }

# The tool on standard input, out of the namespace.
piped() { status=0; "$CKPT_BUILD/ckptbpf" "$@" 2>err || status=$?; stderr=$(cat err); }

@test "core: gdb finds in it what it finds in gdb's own" {
	requires gdb gcore
	local prog=$CKPT_BUILD/tests/progs/core
	for e in $(engines); do
		start_prog core
		make_both "$e"
		python3 "$cmp_py" ours.core theirs.core
		same_answers "$prog" 'thread apply all bt' 'info auxv' 'info proc mappings' 'info sharedlibrary' \
			'thread apply all info registers rip rsp rbp rbx r12 r13 r14 r15 eflags fs_base gs_base' \
			'thread apply all info float'
		# Each frame of each thread, by a count that does not come from gdb.
		[ "$(ask_gdb ours.core "$prog" 'thread apply all bt' | grep -cE '\bdepth \(')" = 25 ]
		go_on
	done
}

@test "core: values that the program put into registers and memory" {
	requires gdb
	local prog=$CKPT_BUILD/tests/progs/core s
	for e in $(engines); do
		start_prog core
		ck_ok snapshot "$pid" --engine "$e" --force -o x.img
		ck_ok convert --to core --force -o x.core x.img
		ask_gdb x.core "$prog" 'thread 2' 'p/x $r12' 'p/x $r13' 'p $st0' 'p $xmm8.v2_double' 'p $ymm9.v4_double' \
			'p (char[64])$zmm17.v64_int8' 'p/x $k3' 'x/s core_heap' 'x/s core_data' 'x/s core_rodata' \
			'x/s core_bss + 4096' 'x/s core_map + 5 * 4096' 'x/s core_zero' 'x/s core_file' \
			'x/s core_file + 4096' 'x/s core_file + 2 * 4096' 'x/s core_file + 3 * 4096' \
			'x/s core_gone' 'x/s core_shared + 3 * 4096' 'x/s core_memfd' 'x/s core_memfd + 4096' 'x/s core_private + 2 * 4096' \
			'x/s core_private + 3 * 4096' 'x/s core_private + 4 * 4096' >x.txt
		for s in '= 0x1122334455667788$' '= 0x123456789abcdef$' '= 3.14159265358979323' '= \{1.5, -2.25\}$' \
			'"a string of core_heap"' '"a string of core_data"' '"a string of core_rodata"' \
			'"a string of core_bss"' '"a string of core_map"' ':	""$' '"page 0 of the file"' \
			'"page 1 of the file"' '"page 2 as the program wrote it"' '"page 3 of the file"' \
			'"a file without a name"' '"a string of core_shared"' '"page 3 of the memfd"' '"page 3 as only one sees it"'; do
			grep -qE -e "$s" x.txt || fail "no $s: $(cat x.txt)"
		done
		# Once shared, once private.
		[ "$(grep -c '"page 2 of the memfd"' x.txt)" = 2 ] || fail "$(cat x.txt)"
		tail -n 1 x.txt | grep -qE ':	""$' || fail "$(tail -n 1 x.txt)"
		grep -qE 'S{600}' x.img
		! grep -qE 'S{600}' x.core || fail "MADV_DONTDUMP is in it"
		! grep -qw avx /proc/cpuinfo || grep -qE '= \{1.5, -2.25, 1.0+1?e\+300, 0.1' x.txt || fail "$(cat x.txt)"
		if grep -qw avx512f /proc/cpuinfo; then
			grep -q '= "sixty-four bytes that are in a register of AVX-512 all the time"' x.txt || fail "$(cat x.txt)"
			grep -q '= 0x6973$' x.txt || fail "$(cat x.txt)"
		fi
		check_prog
	done
}

@test "core: of python" {
	requires gdb gcore python3
	for e in $(engines); do
		cat >p.py <<-'EOF'
			import signal, threading, time
			def deep(n):
			    return deep(n - 1) if n else time.sleep(10000)
			for i in range(3):
			    threading.Thread(target=deep, args=(i + 3,), daemon=True).start()
			print("ready", flush=True)
			signal.pause()
		EOF
		start python "$(python)" p.py
		wait_log '^ready$'
		sleep 0.3
		make_both "$e"
		python3 "$cmp_py" ours.core theirs.core
		same_answers "$(python)" 'thread apply all bt' 'info auxv' 'info proc mappings'
		in_ns kill -KILL "$pid"
	done
}

@test "core: eu-stack reads it" {
	requires gcore eu-stack eu-readelf
	for e in $(engines); do
		start_prog core
		make_both "$e"
		eu-stack --core ours.core >ours.txt
		eu-stack --core theirs.core >theirs.txt
		diff -u theirs.txt ours.txt
		[ "$(grep -c 'depth' ours.txt)" = 25 ]
		[ "$(grep -c '^TID' ours.txt)" = 5 ]
		eu-readelf -n ours.core >notes.txt
		grep -qE "pid: $pid, ppid: [0-9]+, pgrp: $pid, sid: $pid$" notes.txt
		grep -qE 'fname: core, psargs: .*/tests/progs/core ?$' notes.txt
		[ "$(grep -c 'sigpend: <1>$' notes.txt)" = 1 ]
		[ "$(grep -c 'sigpend: <>$' notes.txt)" = 4 ]
		# Spinning took it some time.
		grep -qE 'utime: ([1-9]|0\.[0-9]*[1-9])' notes.txt
		go_on
	done
}

@test "core: from a pipe it is the same" {
	for e in $(engines); do
		start_prog core
		ck_ok snapshot "$pid" --engine "$e" --force -o x.img
		ck_ok convert --to core --force -o a.core x.img
		rm -f b.core
		# A dash or nothing at all, in pieces.
		(head -c 5000 x.img; sleep 0.1; tail -c +5001 x.img) | piped convert --to core -o b.core -
		cmp a.core b.core
		rm b.core
		piped convert --to core -o b.core <x.img
		[ "$status" = 0 ]
		cmp a.core b.core
		check_prog
	done
}

@test "core: a large reservation stays a hole" {
	for e in $(engines); do
		start_prog core 200
		ck_ok snapshot "$pid" --engine "$e" --force -o x.img
		ck_ok convert --to core --force -o x.core x.img
		[ "$(stat -c %s x.core)" -gt $((200 << 30)) ]
		[ "$(($(stat -c %b x.core) / 2048))" -lt 4 ] || fail "it takes $(stat -c %b x.core) blocks"
		check_prog
	done
}

@test "core: the file: name, mode, --force, what is no file" {
	local pid=4000
	ck convert --to core "$golden/two-vmas.ckpt"
	[ "$status" = 0 ]
	[[ $output =~ ^core\.[0-9]+$ ]]
	[ "$(stat -c %a "$output")" = 600 ]
	cp "$output" before
	ck_refused "^convert: .*two-vmas.ckpt: $output: open: EEXIST$" convert --to core "$golden/two-vmas.ckpt"
	ck_ok convert --to core --force "$golden/two-vmas.ckpt"
	cmp "$output" before
	ck_refused 'a core file must be a regular file$' convert --to core -o /dev/null "$golden/two-vmas.ckpt"
	mkfifo fifo
	ck_refused 'fifo: open: ENXIO$' convert --to core -o fifo "$golden/two-vmas.ckpt"
	ck_refused 'nowhere/core: open its folder: ENOENT$' convert --to core -o nowhere/core "$golden/two-vmas.ckpt"
}

@test "core: one process of several" {
	requires eu-readelf
	local p
	for p in 4000 4005; do
		ck convert --to core --pid "$p" -o "$p.core" "$golden/family.ckpt"
		# Its files are not of this machine: that is told.
		[ "$status" = 3 ]
		[[ $stderr =~ ^convert:\ /usr/bin/.*:\ ENOENT: ]]
		eu-readelf -n "$p.core" | grep -q "pid: $p, ppid:"
	done
	! cmp -s 4000.core 4005.core || fail "the same core file for both"
	ck_refused 'pid 4002: the image does not hold it$' convert --to core --pid 4002 -o x "$golden/family.ckpt"
	[ ! -e x ]
}

@test "core: a file that has changed since is told, and no lie" {
	requires gdb
	local prog=$CKPT_BUILD/tests/progs/core
	for e in $(engines); do
		start_prog core
		ck_ok snapshot "$pid" --engine "$e" --force -o x.img
		echo more >>core.map
		ck convert --to core --force -o x.core x.img
		[ "$status" = 3 ]
		[[ $stderr =~ ^convert:\ .*/core.map:\ it\ is\ not\ what\ it\ was:\ .*\ zeros ]]
		ask_gdb x.core "$prog" 'x/s core_file' 'x/s core_file + 2 * 4096' >x.txt
		grep -q '"page 2 as the program wrote it"' x.txt
		! grep -q 'page 0' x.txt || fail "$(cat x.txt)"
		rm core.map
		ck convert --to core --force -o x.core x.img
		[ "$status" = 3 ]
		[[ $stderr =~ ^convert:\ .*/core.map:\ ENOENT: ]]
		check_prog
	done
}

@test "core: of a damaged image there is none" {
	local n size
	for e in $(engines); do
		start_prog core
		ck_ok snapshot "$pid" --engine "$e" --force -o x.img
		check_prog
		size=$(stat -c %s x.img)
		for n in 0 100 5000 $((size / 2)) $((size - 81)) $((size - 1)); do
			head -c "$n" x.img >cut.img
			ck_refused '^convert: cut.img: ' convert --to core -o x.core cut.img
			ck_refused '^convert: cut.img: ' convert --to v1 -o x.new cut.img
		done
		# One bit of the last page's data: all before it is good.
		cp x.img bad.img
		printf '\x5a' | dd of=bad.img bs=1 seek=$((size - 1000)) conv=notrunc status=none
		ck_refused '^convert: bad.img: record [0-9]+ \(PAGES\) at 0x[0-9a-f]+: the checksum of its data is wrong$' \
			convert --to core -o x.core bad.img
		[ -z "$(find . -name '*x.core*' -o -name '*x.new*')" ] || fail "a file was left"
	done
}

@test "core: an image behind a filter is the same image" {
	for e in $(engines); do
		start_prog core
		ck_ok snapshot "$pid" --engine "$e" --force --kill -o x.img
		wait_gone "$pid"
		"$CKPT_BUILD/ckptbpf" convert --to v2 <x.img | cat >y.img
		cmp x.img y.img
		restore_detached "$e" y.img
		check_prog
		# Behind a filter that failed nobody takes the rest for an image.
		head -c 20000 x.img | "$CKPT_BUILD/ckptbpf" convert --to v2 2>err | cat >y.img
		ck_refused 'the image holds no snapshot but its failure: convert: -: ' verify y.img
	done
}

@test "core: other targets are refused by name" {
	ck convert --to elf "$golden/bare.ckpt"
	[ "$status" = 2 ]
	ck convert "$golden/bare.ckpt"
	[ "$status" = 2 ]
	ck convert --to core --pid 1x "$golden/bare.ckpt"
	[ "$status" = 2 ]
	ck_ok convert --help
	ck_refused '^convert: nowhere: image: open: ENOENT$' convert --to core nowhere
}
