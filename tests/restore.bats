#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The restore itself: whatever goes wrong is one line and leaves nothing
# behind; what comes back is, to its parent, the program.
load helpers

# An image of a program that has ended: $pid, $img.
image() # [ENGINE [PROG ARG...]]
{
	img=$dir/r.img
	start_prog "${2:-signal}" "${@:3}"
	snapshot_kill "${1:-stock}" "$img"
}

# restore_fails STATUS PATTERN ARGS...: one line, and no process.
restore_fails()
{
	local want=$1 pattern=$2
	shift 2
	ck restore "$@"
	[ "$status" = "$want" ] || fail "status $status, not $want"
	[ "$(grep -c . <<<"$stderr")" = 1 ] || fail "not one line on stderr: $stderr"
	grep -qE -e "$pattern" <<<"$stderr" || fail "'$stderr' does not say '$pattern'"
	wait_gone "$pid"
}

@test "restore: an image that was cut short makes no process" {
	for e in $(engines); do
		image "$e"
		local size n
		size=$(stat -c %s "$img")
		for n in 10 200 3000 $((size / 2)) $((size - 100)) $((size - 1)); do
			head -c "$n" "$img" >cut.img
			restore_fails 125 '^restore: .*(ends|too short)' --engine "$e" cut.img
			restore_fails 1 '^restore: ' --engine "$e" --detach --pidfile pidfile cut.img
			[ ! -e pidfile ]
		done
	done
}

@test "restore: a page that was changed makes no process" {
	for e in $(engines); do
		image "$e"
		cp "$img" bad.img
		# The last page: all others have been put in place by then.
		printf '\125\252\125' | dd of=bad.img bs=1 conv=notrunc status=none \
			seek=$(($(stat -c %s "$img") - 2000))
		restore_fails 125 'checksum' --engine "$e" bad.img
	done
}

@test "restore: a pid in use is named, and waited for if asked" {
	for e in $(engines); do
		start_prog signal
		ck_ok snapshot "$pid" --engine "$e" -f -o live.img
		ck restore --engine "$e" live.img
		[ "$status" = 125 ]
		[[ $stderr == "restore: pid $pid: pid $pid is in use (signal): EEXIST" ]]
		alive "$pid" || fail "the program in its way was harmed"
		(sleep 0.5 && in_ns kill -KILL "$pid") 3>&- &
		background=$!
		ck_ok restore --engine "$e" --detach --wait 20 live.img
		wait "$background" || true
		check_prog
	done
}

@test "restore: through a pipe, while the original still has the pid" {
	for e in $(engines); do
		start_prog thread
		# shellcheck disable=SC2016
		detached limit 60 bash -c '"$1" snapshot "$3" -q --kill --engine "$2" -o - |
			"$1" restore --engine "$2" --detach --pidfile pidfile -' \
			bash "$CKPT_BUILD/ckptbpf" "$e" "$pid"
		[ "$(cat pidfile)" = "$pid" ]
		check_prog
		rm pidfile
	done
}

# In the background of the namespace: $job is its pid in there. Only $background
# is waited for: process 1 of the namespace is a child of ours too.
foreground() # ENGINE
{
	# shellcheck disable=SC2016
	detached in_ns bash -c '
		"$1" restore --engine "$2" "$3" 2>err &
		echo $! >job
		wait $!
		echo $? >status' bash "$CKPT_BUILD/ckptbpf" "$1" "$img" 3>&- &
	background=$!
	local i
	for ((i = 0; i < $(slow 500); i++)); do
		grep -q running err 2>/dev/null && break
		sleep 0.02
	done
	job=$(cat job)
	grep -q running err || fail "not running: $(cat err)"
}

@test "restore: in the foreground its exit status is the program's" {
	for e in $(engines); do
		rm -f err
		image "$e"
		foreground "$e"
		in_ns kill -USR1 "$job"
		wait "$background" || true
		[ "$(cat status)" = 0 ] || fail "status $(cat status)"
		wait_log '^ok$'
		wait_gone "$pid"
	done
}

@test "restore: in the foreground a signal ends the program, and then us by the same" {
	for e in $(engines); do
		for how in "TERM $((128 + 15))" "KILL $((128 + 9))"; do
			rm -f err
			image "$e"
			foreground "$e"
			# SIGKILL cannot be passed on: it goes to the program itself.
			if [ "${how%% *}" = KILL ]; then
				in_ns kill -KILL "$pid"
			else
				in_ns kill -s "${how%% *}" "$job"
			fi
			wait "$background" || true
			[ "$(cat status)" = "${how#* }" ] || fail "$how: status $(cat status)"
			wait_gone "$pid"
		done
	done
}

# A stream that stops half way: $pid is half made, $job waits for the rest.
stalled() # ENGINE
{
	mkfifo fifo
	# shellcheck disable=SC2016
	detached in_ns bash -c '
		(head -c $(($(stat -c %s "$3") - 300)) "$3"; exec sleep 600) >fifo &
		echo $! >writer
		"$1" restore --engine "$2" - <fifo 2>err &
		echo $! >job
		wait $!
		echo $? >status' bash "$CKPT_BUILD/ckptbpf" "$1" "$img" 3>&- &
	background=$!
	local i
	for ((i = 0; i < $(slow 500); i++)); do
		alive "$pid" && break
		sleep 0.02
	done
	alive "$pid" || fail "not half made: $(cat err)"
	job=$(cat job)
}

@test "restore: interrupted half way it takes the half-made process along" {
	for e in $(engines); do
		image "$e"
		stalled "$e"
		in_ns kill -TERM "$job"
		wait_gone "$job"
		wait_gone "$pid"
		[ "$(grep -c . err)" = 1 ] || fail "not one line: $(cat err)"
		in_ns kill "$(cat writer)"
		wait "$background" || true
		[ "$(cat status)" = 125 ]
		rm fifo
	done
}

@test "restore: killed half way it takes the half-made process along" {
	for e in $(engines); do
		image "$e"
		stalled "$e"
		in_ns kill -KILL "$job"
		wait_gone "$pid"
		in_ns kill "$(cat writer)"
		wait "$background" || true
		rm fifo
	done
}

@test "restore: a half-made process that is killed is told" {
	for e in $(engines); do
		image "$e"
		stalled "$e"
		in_ns kill -KILL "$pid"
		in_ns kill "$(cat writer)"
		wait "$background" || true
		[ "$(cat status)" = 125 ]
		[ "$(grep -c . err)" = 1 ] || fail "not one line: $(cat err)"
		wait_gone "$pid"
		rm fifo
	done
}

@test "restore: nothing of the restorer is left in the process" {
	for e in $(engines); do
		start_prog thread
		in_ns cat "/proc/$pid/maps" | awk '{ print $1, $2, $3, $6 }' >maps.before
		in_ns ls "/proc/$pid/fd" >fd.before
		in_ns cat "/proc/$pid/auxv" "/proc/$pid/cmdline" "/proc/$pid/environ" | sha256sum >marks.before
		snapshot_kill "$e" "$dir/x.img"
		restore_detached "$e" "$dir/x.img"
		in_ns cat "/proc/$pid/maps" | awk '{ print $1, $2, $3, $6 }' >maps.after
		in_ns ls "/proc/$pid/fd" >fd.after
		in_ns cat "/proc/$pid/auxv" "/proc/$pid/cmdline" "/proc/$pid/environ" | sha256sum >marks.after
		diff maps.before maps.after
		diff fd.before fd.after
		diff marks.before marks.after
		grep -q '^TracerPid:[[:space:]]*0$' <(in_ns cat "/proc/$pid/status")
		check_prog
	done
}

@test "restore: holes in huge memory stay holes" {
	local try
	for e in $(engines); do
		# khugepaged fills holes by itself: a round it worked in says nothing.
		for try in 1 2 3 4 5; do
			start_prog hugepage
			roundtrip "$e"
			grep -q '^collapsed$' "$log" || break
		done
		! grep -q '^collapsed$' "$log" || fail "khugepaged worked in each of $try rounds"
	done
}

@test "restore: --inherit-fd only takes the place of what led out" {
	image stock
	restore_fails 125 "^restore: pid $pid: --inherit-fd 9=0: its descriptor 9 did not lead out" \
		--engine stock --inherit-fd 9=0 "$img"
	restore_fails 125 '^restore: --inherit-fd 0=77: our descriptor 77: EBADF' \
		--engine stock --inherit-fd 0=77 "$img"
}

# A shell with job control, its terminal a pty: what it sees of the program.
@test "restore: in the foreground of a terminal it is a job like any other" {
	requires python3
	for e in $(engines); do
		cat >terminal.py <<-'PY'
			import os, pty, select, sys, time

			def shell(argv):
			    pid, fd = pty.fork()
			    if pid == 0:
			        os.closerange(3, 4096)
			        os.execvp(argv[0], argv)
			    return fd

			def until(fd, what, seconds):
			    out, end = "", time.time() + seconds
			    while what not in out and time.time() < end:
			        if select.select([fd], [], [], 0.1)[0]:
			            try:
			                out += os.read(fd, 4096).decode(errors="replace")
			            except OSError:
			                break
			    sys.stdout.write(out.replace("\r", ""))
			    if what not in out:
			        sys.exit("no '%s'" % what)

			tool, engine, limit = sys.argv[1], sys.argv[2], float(sys.argv[3])
			target = shell(["bash", "--norc", "-c", "cat; true"])
			time.sleep(0.3)
			pid = open("/proc/self/task/%d/children" % os.getpid()).read().split()[0]
			while True:
			    child = open("/proc/%s/task/%s/children" % (pid, pid)).read().split()
			    if child and open("/proc/%s/comm" % child[0]).read() == "cat\n":
			        break
			    time.sleep(0.05)
			if os.spawnlp(os.P_WAIT, tool, tool, "snapshot", "-q", "-k", "-f", "--engine", engine,
			              "-o", "tty.img", child[0]) not in (0, 3):
			    sys.exit("snapshot")
			os.close(target)
			job = shell(["bash", "--norc", "-i"])
			for send, expect in (
			    ("PS1='% '\n", "% "),
			    # Whole lines: what is typed next shall not be echoed into them.
			    ("%s restore --engine %s tty.img\n" % (tool, engine), " ms\r\n"),
			    ("he" + "llo\n", "hello\r\nhello"),
			    ("\x1a", "Stopped"),
			    ("fg\n", "tty.img\r\n"),
			    ("again\n", "again\r\nagain"),
			    ("\x03", "% "),
			    ("echo status=$?\n", "status=130"),
			):
			    os.write(job, send.encode())
			    until(job, expect, limit)
		PY
		detached limit 60 python3 terminal.py "$CKPT_BUILD/ckptbpf" "$e" "$(slow 10)" </dev/null
	done
}

# fails_at STEP INDEX WANT: restoring $img with that operation failed by ENOMEM.
fails_at()
{
	status=0
	detached limit 60 env "CKPTBPF_FAULT=$1:$2:12" "$tool" restore --engine stock \
		"$img" </dev/null >out 2>err || status=$?
	[ "$status" = 125 ] || fail "$1: status $status"
	[ "$(grep -c . err)" = 1 ] || fail "$1: not one line: $(cat err)"
	grep -qE -e "^restore: pid $pid: $3: ENOMEM\$" err || fail "$1: $(cat err)"
	wait_gone "$pid"
}

# Each operation of the restorer fails once, in a build made for that: the line
# names the object and the cause, and no process is left.
@test "restore: every operation of the restorer that fails is named" {
	[[ " $(engines | xargs) " == *" stock "* ]] || skip "it is the stock engine's"
	local tool=$CKPT_BUILD/tests/ckptbpf-fault step index want
	[ -x "$tool" ] || fail "not built: make tests"
	image stock thread
	while read -r step index want; do
		fails_at "$step" "$index" "$want"
	done <<-'STEPS'
		RSEQ_OFF 0 rseq: unregister
		UNMAP 0 munmap
		VDSO 0 arch_prctl: map the vdso
		MM_MAP 0 prctl: PR_SET_MM_MAP
		MMAP 0 vma [0-9a-f]+ \(thread\): mmap
		MMAP 1 vma [0-9a-f]+ \(thread\): mmap
		CLOSE 0 close_range
		PERSONALITY 0 personality
		SIGACTION 10 signal 10: rt_sigaction
		CLONE 3 thread [0-9]+: clone3
		RSEQ 0 thread [0-9]+: rseq: register
		RSEQ 2 thread [0-9]+: rseq: register
		ROBUST 1 thread [0-9]+: set_robust_list
		TID_ADDRESS 1 thread [0-9]+: set_tid_address
		ALTSTACK 0 thread [0-9]+: sigaltstack
		NAME 4 thread [0-9]+: prctl: PR_SET_NAME
		DUMPABLE 0 prctl: PR_SET_DUMPABLE
		PDEATHSIG 0 thread [0-9]+: prctl: PR_SET_PDEATHSIG
		PARK 0 thread [0-9]+: park
		PARK 5 thread [0-9]+: park
	STEPS
	# The same tool without a fault brings it back.
	detached limit 60 "$tool" restore --engine stock --detach "$img" </dev/null >out 2>err
	check_prog
}

# Those that only some programs need; 4294967295: the first of them, whichever.
@test "restore: so is what only some programs need" {
	[[ " $(engines | xargs) " == *" stock "* ]] || skip "it is the stock engine's"
	local tool=$CKPT_BUILD/tests/ckptbpf-fault prog arg step want
	mkdir mm
	while read -r prog arg step want; do
		image stock "$prog" "$arg"
		fails_at "$step" 4294967295 "$want"
		detached limit 60 "$tool" restore --engine stock --detach "$img" </dev/null >out 2>err
		check_prog
		rm -f mm/* "$img"
	done <<-'STEPS'
		mm mm MPROTECT vma [0-9a-f]+ \(.*\): mprotect
		mm mm MADVISE vma [0-9a-f]+ \(.*\): madvise
		mm mm MLOCK vma [0-9a-f]+ \(.*\): mlock
		mmopt - MLOCKALL mlockall: MCL_FUTURE
		mempolicy - MBIND vma [0-9a-f]+ \(.*\): mbind
		mempolicy - HOME_NODE vma [0-9a-f]+ \(.*\): set_mempolicy_home_node
		mempolicy - MEMPOLICY thread [0-9]+: set_mempolicy
		sigpending - SIGQUEUE signal [0-9]+: rt_sigqueueinfo
		sigpending - TGSIGQUEUE thread [0-9]+: rt_tgsigqueueinfo
		itimer far ITIMER setitimer
		posixtimer 0 TIMER_CREATE timer [0-9]+: timer_create
		posixtimer 0 TIMER_SET timer [0-9]+: timer_settime
		prctl plain SUBREAPER prctl: PR_SET_CHILD_SUBREAPER
		prctl plain TIMERSLACK thread [0-9]+: prctl: PR_SET_TIMERSLACK
		prctl plain MCE_KILL thread [0-9]+: prctl: PR_MCE_KILL
		prctl plain TSC thread [0-9]+: prctl: PR_SET_TSC
		prctl dispatch DISPATCH thread [0-9]+: prctl: PR_SET_SYSCALL_USER_DISPATCH
		prctl thread SECCOMP thread [0-9]+: prctl: PR_SET_SECCOMP
		task - RLIMIT RLIMIT_[A-Z]+: setrlimit
		creds own SETGROUPS thread [0-9]+: setgroups
		creds own SETGID thread [0-9]+: setresgid
		creds own SETUID thread [0-9]+: setresuid
		creds own SECUREBITS thread [0-9]+: prctl: PR_SET_SECUREBITS
		creds own CAPSET thread [0-9]+: capset
		creds own CAPBSET thread [0-9]+: prctl: PR_CAPBSET_DROP
		creds own AMBIENT thread [0-9]+: prctl: PR_CAP_AMBIENT
		creds own NNP thread [0-9]+: prctl: PR_SET_NO_NEW_PRIVS
	STEPS
}
