#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What cannot be done is refused with status 1 and one line; the target is not
# harmed, no file is left, and at a restore no process. What the command line
# alone decides is in cli.bats, what each kind refuses in that kind's file.
load helpers

no_images() { [ -z "$(find . -name '*.img*' ! -name 'good*')" ] || fail "left: $(ls -A)"; }

unharmed()
{
	alive "$pid" || fail "the target is gone"
	local status
	status=$(in_ns cat "/proc/$pid/status")
	grep -q '^TracerPid:[[:space:]]*0$' <<<"$status" || fail "it is left traced"
	! grep -q '^State:[[:space:]]*[tT]' <<<"$status" || fail "it is left stopped"
}

lines() { grep -c . "$1" || true; }

# In the namespaces and in the background; $ckpt is the tool.
background() # SCRIPT ARGS...
{
	local script=$1
	shift
	detached limit 120 env ckpt="$CKPT_BUILD/ckptbpf" bash -c "$script" bash "$@" </dev/null >/dev/null 2>&1 &
}

wait_for() # SECONDS COMMAND...
{
	local i n=$(($(slow "$1") * 50))
	shift
	for ((i = 0; i < n; i++)); do
		! "$@" || return 0
		sleep 0.02
	done
	fail "never: $*"
}

frozen() { in_ns cat "/proc/$pid/task/$pid/stat" | grep -q ') [tTDI] '; }

@test "badinput: a thread's number is not a process's" {
	start_prog many_threads 2
	local tid
	tid=$(in_ns ls "/proc/$pid/task" | tail -n 1)
	[ "$tid" != "$pid" ]
	for e in $(engines); do
		ck_refused "pid $tid: it is a thread of process $pid$" snapshot "$tid" --engine "$e" --kill -o x.img
		no_images
	done
	unharmed
	check_prog
}

@test "badinput: the reader of its pipe" {
	mkfifo pipe
	start reader bash -c 'exec 3<>pipe; exec "$1" none' bash "$CKPT_BUILD/tests/progs/refused"
	wait_log '^ready$'
	for e in $(engines); do
		detached limit 60 bash -c '"$1" snapshot --engine "$2" --kill -o - "$3" 2>err >pipe; echo $? >status' \
			bash "$CKPT_BUILD/ckptbpf" "$e" "$pid" </dev/null
		[ "$(cat status)" = 1 ]
		[ "$(lines err)" = 1 ] || fail "not one line: $(cat err)"
		grep -q "pid $pid: it is at the other end of the output (fd 3)" err || fail "$(cat err)"
		unharmed
	done
	check_prog
}

@test "badinput: no permission" {
	requires setpriv
	start_prog signal
	chmod 777 .
	cp "$CKPT_BUILD/ckptbpf" ./ckptbpf
	for e in $(engines); do
		status=0
		detached limit 60 env -u CKPTBPF_RUN setpriv --reuid 65534 --regid 65534 --clear-groups \
			./ckptbpf snapshot "$pid" --engine "$e" --kill -o x.img </dev/null >out 2>err || status=$?
		[ "$status" != 126 ] || skip "nobody cannot reach $PWD"
		[ "$status" = 1 ] || fail "status $status: $(cat err)"
		[ "$(lines err)" = 1 ] || fail "not one line: $(cat err)"
		grep -qE "pid $pid: (its memory may not be read|may not be looked into) \(CAP_SYS_PTRACE is missing" err || fail "$(cat err)"
		no_images
		unharmed
	done
	check_prog
}

# Its image goes to a reader that does not read: the first snapshot keeps it stopped.
hold() # ENGINE ARGS...
{
	rm -f held.*
	background '"$ckpt" snapshot --engine "$1" "${@:3}" --kill -o - "$2" 2>held.err |
		(echo "$BASHPID" >held.reader; exec sleep 600)
		echo "${PIPESTATUS[0]}" >held.status' "$1" "$pid" "${@:2}"
	holder=$!
}

@test "badinput: already being snapshotted" {
	for e in $(engines); do
		start_prog big 8
		hold "$e"
		wait_for 10 frozen
		ck_refused "pid $pid: .*(another snapshot|being snapshotted|session|frozen)" snapshot "$pid" --engine "$e" -o x.img
		no_images
		# Nobody reads: the first one fails, and lets it go.
		in_ns kill "$(cat held.reader)"
		wait "$holder" || true
		[ "$(cat held.status)" = 1 ]
		[ "$(lines held.err)" = 1 ] || fail "not one line: $(cat held.err)"
		unharmed
		check_prog
	done
}

@test "badinput: frozen for longer than --max-frozen" {
	for e in $(engines); do
		start_prog big 8
		hold "$e" --max-frozen $(($(slow 300)))
		wait_for 20 test -s held.err
		wait_for 5 eval '! frozen'
		grep -q "pid $pid: it was frozen for longer than [0-9]* ms\|ETIMEDOUT" held.err || fail "$(cat held.err)"
		in_ns kill "$(cat held.reader)"
		wait "$holder" || true
		[ "$(cat held.status)" = 1 ]
		[ "$(lines held.err)" = 1 ] || fail "not one line: $(cat held.err)"
		unharmed
		check_prog
	done
}

# Too large for the buffer, so that its death leaves a hole.
@test "badinput: the target dies in the middle" {
	for e in $(engines); do
		start_prog big 40
		rm -f go held.*
		background '"$ckpt" snapshot --engine "$1" --kill -o - "$2" 2>held.err |
			(until [ -e go ]; do sleep 0.02; done; cat >part.out)
			echo "${PIPESTATUS[0]}" >held.status' "$e" "$pid"
		holder=$!
		wait_for 10 frozen
		in_ns kill -KILL "$pid"
		sleep 0.2
		: >go
		wait "$holder" || true
		[ "$(cat held.status)" = 1 ] || fail "status $(cat held.status)"
		[ "$(lines held.err)" = 1 ] || fail "not one line: $(cat held.err)"
		grep -q "pid $pid" held.err || fail "$(cat held.err)"
		wait_gone "$pid"
		# Who reads on is told as well.
		ck_refused '^verify: ' verify part.out
	done
}

# The freezer of cgroup v1 or v2, if there is one that we may use.
@test "badinput: frozen by someone else" {
	local group='' freeze thaw
	for g in /sys/fs/cgroup/freezer /sys/fs/cgroup /sys/fs/cgroup/unified; do
		[ -e "$g/cgroup.procs" ] && mkdir "$g/ckptbpf-test.$$" 2>/dev/null || continue
		if [ -e "$g/ckptbpf-test.$$/freezer.state" ] || [ -e "$g/ckptbpf-test.$$/cgroup.freeze" ]; then
			group=$g/ckptbpf-test.$$
			break
		fi
		rmdir "$g/ckptbpf-test.$$"
	done
	[ -n "$group" ] || skip "no freezer here that may be written"
	start_prog signal
	# Outside the namespace a process has another number.
	local outer
	outer=$(grep -l "^NSpid:.*[[:space:]]$pid\$" /proc/[0-9]*/status 2>/dev/null |
		while read -r s; do [ "$(readlink "${s%/status}/ns/pid")" != "$(in_ns readlink "/proc/$pid/ns/pid")" ] || echo "$s"; done |
		tr -dc '0-9\n' | head -n 1)
	echo "$outer" >"$group/cgroup.procs"
	if [ -e "$group/freezer.state" ]; then
		echo FROZEN >"$group/freezer.state"
	else
		echo 1 >"$group/cgroup.freeze"
	fi
	local result=0
	for e in $(engines); do
		ck_refused "pid $pid: its cgroup is frozen by someone else" snapshot "$pid" --engine "$e" --kill -o x.img || result=1
	done
	# Thawed and removed, whatever came out.
	if [ -e "$group/freezer.state" ]; then
		echo THAWED >"$group/freezer.state"
	else
		echo 0 >"$group/cgroup.freeze"
	fi
	[ $result = 0 ] && { no_images; unharmed; check_prog; } || result=1
	in_ns kill -KILL "$pid" 2>/dev/null || true
	wait_for 5 rmdir "$group"
	[ $result = 0 ]
}

@test "badinput: every obstacle is listed by --dry-run" {
	for e in $(engines); do
		start refused "$CKPT_BUILD/tests/progs/refused" uffd
		wait_log '^(ready|unsupported)$'
		! grep -q unsupported "$log" || skip "this kernel has no userfaultfd"
		ck snapshot "$pid" --engine "$e" --dry-run
		[ "$status" = 1 ]
		grep -q "^blocker: pid $pid: mapping [0-9a-f]*: it is watched by a userfaultfd\$" <<<"$output"
		grep -q "^blocker: pid $pid: fd 3 (anon_inode:\[userfaultfd\])" <<<"$output"
		[ "$(lines - <<<"$stderr")" = 1 ]
		unharmed
		check_prog
	done
}

# ---- at the restore ----

ckptimg() { python3 "$BATS_TEST_DIRNAME/ckptimg.py" "$@"; }

# A good image of a program that is gone: $pid, good.img.
good_image() # [PROG ARGS...]
{
	rm -f good.img
	start_prog "${@:-signal}"
	snapshot_kill "$(engines | head -n 1)" good.img
}

# bad PATTERN: bad.img is refused, by restore with each engine, and makes no process.
bad()
{
	for e in $(engines); do
		ck_refused "$1" restore --engine "$e" --detach bad.img
		! alive "$pid" || fail "a process was left"
	done
}

@test "badinput: random damage is refused by restore, in one line" {
	requires python3
	local count=${CKPT_MUTATIONS:-100}
	good_image
	for e in $(engines); do
		detached limit $((30 + count / 2)) python3 "$BATS_TEST_DIRNAME/ckptimg.py" storm good.img "$count" \
			"${CKPT_SEED:-1}" "$CKPT_BUILD/ckptbpf" restore --engine "$e" --detach </dev/null
	done
	ck_ok verify good.img
	restore_detached "$(engines | head -n 1)" good.img
	check_prog
}

@test "badinput: random damage is refused by verify, in one line" {
	requires python3
	good_image
	detached limit 120 python3 "$BATS_TEST_DIRNAME/ckptimg.py" storm good.img "${CKPT_MUTATIONS:-100}" \
		"${CKPT_SEED:-2}" "$CKPT_BUILD/ckptbpf" verify -q </dev/null
}

@test "badinput: an image whose sums are right and whose content is not" {
	requires python3
	local change pattern
	good_image thread
	ckptimg same good.img
	while read -r change pattern; do
		# shellcheck disable=SC2086
		ckptimg set good.img bad.img ${change//,/ }
		bad "$pattern"
	done <<-'CHANGES'
		HEADER.format=3 format 3 is newer than 2
		HEADER.required=0x8000 features 0x8000 are required
		HEADER.page_size=65536 pages of 65536 bytes
		TASK.version=2 record .*TASK.*version 2 is not known
		HEADER_ARCH.arch=77 arch
		HEADER_ARCH.arch=1 arch
		HEADER_ARCH.vdso_xxh3=1 its vdso is that of another kernel
		CPU.cs=0x10 CPU.* cs is 0x10
		CPU.cs=0x23 CPU.*(32|cs)
		CPU[3].ss=0x18 CPU.* ss is 0x18
		CPU.flags=0x3202 CPU.* flags
		CPU.flags=0x20202 CPU.* flags
		CPU.ip=0xffffffff81000000 CPU.*
		CPU.ip=0x800000000000 CPU.*
		CPU.fs_base=0xffff888000000000 CPU.*
		CPU.ds=0x4b CPU.*
		XSTATE.features=0xffffffffffffffff XSTATE.* features
		XSTATE.xstate_bv=0xffffffffffffffff XSTATE.* features
		XSTATE.xcomp_bv=0x8000000000000007 XSTATE.*xcomp_bv
		XSTATE[2].reserved=1 XSTATE.*reserved
		XSTATE.mxcsr=0xffffffff (mxcsr|MXCSR)
		TASK.nthreads=9999 thread
		TASK.pid=0 TASK.*pid
		THREAD[1].tid=-5 THREAD.*tid -5
		VMA.end=0 VMA
		VMA[2].start=0xffffffff81000000 VMA
		VMA.flags=0xffff0000 VMA.*flags
		VMA.file=99999 (VMA|FILE)
		MM.nvmas=3 (MM|VMA|mappings)
		FD[1].fd=-1 FD
		FILE.kind=0 FILE.*kind
		CREDS.uid=0xffffffff an id of -1
		CREDS.cap_effective=0xffffffffffffffff (capabilit|CREDS)
	CHANGES
	restore_detached "$(engines | head -n 1)" good.img
	check_prog
}

@test "badinput: an unknown record is refused if it is required, else skipped" {
	requires python3
	good_image
	ckptimg insert good.img bad.img 4242 1
	bad 'type 4242 is required'
	ckptimg insert good.img good2.img 4242 0
	ck_ok verify good2.img
	restore_detached "$(engines | head -n 1)" good2.img
	check_prog
}

@test "badinput: a mapped file that is missing, or too short, is named" {
	good_image mm "$PWD"
	cp good.img bad.img
	mv private private.away
	bad "$PWD/private: ENOENT"
	mv private.away private
	cp shared shared.whole
	truncate -s 4096 shared
	bad "$PWD/shared: it is too short: 4096 bytes"
	# By its path: another file of the same content will do.
	cat shared.whole >shared
	restore_detached "$(engines | head -n 1)" good.img
	check_prog
}

@test "badinput: an open file that is missing, too short or no file any more is named" {
	good_image file "$PWD"
	cp good.img bad.img
	mv data data.away
	bad "$PWD/data: ENOENT"
	mkdir data
	bad "$PWD/data: it is not a regular file any more"
	rmdir data
	mkfifo data
	bad "$PWD/data: it is not a regular file any more"
	rm data
	head -c 100 data.away >data
	bad "$PWD/data: it is too short: 100 bytes"
	rm data
	mv data.away data
	restore_detached "$(engines | head -n 1)" good.img
	check_prog
}

@test "badinput: an executable that is missing is named" {
	cp "$CKPT_BUILD/tests/progs/signal" ./program
	start program ./program
	wait_log '^ready$'
	snapshot_kill "$(engines | head -n 1)" good.img
	cp good.img bad.img
	mv program away
	bad "$PWD/program: ENOENT"
	mv away program
	restore_detached "$(engines | head -n 1)" good.img
	check_prog
}
