# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the bats files share. A test runs in pid, mount and IPC namespaces of its
# own with its own CKPTBPF_RUN, made by `setup` below and gone with everything
# in it after the test. Commands reach it by in_ns(); pids are numbers in there.
#
#   setup() { ckpt_setup; }            a file that needs nothing more
#   teardown() { ckpt_teardown; }      just loads this: both are defined here
#
#   for e in $(engines); do            every test is written once, runs with all
#           start_prog eventfd         starts build/tests/progs/eventfd -> $pid $log
#           roundtrip "$e"             snapshot --kill, verify, restore, check
#   done
#
# ck ARGS... runs ckptbpf: $status, $output (stdout), $stderr; it never fails
# itself. ck_ok ARGS... fails unless the status is 0.

# Every limit in seconds; the VM stretches them.
slow() { echo $(($1 * ${CKPT_SLOW:-1})); }

engines() { tr ', ' '\n' <<<"${CKPT_ENGINES:-stock}" | grep .; }

# requires COMMAND...: skip, by name, where a program is missing.
requires()
{
	local c
	for c; do
		command -v "$c" >/dev/null || skip "needs $c"
	done
}

# As the demo does: a shim of some version manager is not the program.
python() { [ -x /usr/bin/python3 ] && echo /usr/bin/python3 || command -v python3; }

fail()
{
	echo "FAIL: $*" >&2
	return 1
}

setup() { ckpt_setup; }
teardown() { ckpt_teardown; }

ckpt_setup()
{
	dir=$BATS_TEST_TMPDIR
	mkdir -p "$dir/run" "$dir/work"
	# In a chroot / is no mount, so nothing can be said of its propagation yet.
	local propagation=private
	[ -n "$(awk '$5 == "/"' /proc/self/mountinfo)" ] || propagation=unchanged
	# The namespace's process 1; unshare outside, so --kill-child follows us.
	unshare --propagation "$propagation" --pid --fork --kill-child --mount --ipc --mount-proc -- \
		"$CKPT_BUILD/tests/progs/nsinit" </dev/null >"$dir/nsinit.log" 2>&1 3>&- 4>&- &
	ns_unshare=$!
	ns_init=
	local i
	for ((i = 0; i < $(slow 500); i++)); do
		ns_init=$(cat "/proc/$ns_unshare/task/$ns_unshare/children" 2>/dev/null) || true
		ns_init=${ns_init%% *}
		# Ours once it has left unshare behind: its /proc is mounted then.
		[ -n "$ns_init" ] && [ "$(cat "/proc/$ns_init/comm" 2>/dev/null)" = nsinit ] && break
		kill -0 "$ns_unshare" 2>/dev/null || break
		sleep 0.01
	done
	[ -n "$ns_init" ] || fail "no namespace: $(cat "$dir/nsinit.log")" || return
	# Without --root nsenter stands in the root of all mounts, outside of any chroot.
	[ "$propagation" = private ] || nsenter --target "$ns_init" --mount -- mount --make-rprivate / || return
	export CKPTBPF_RUN=$dir/run
	in_ns mount -t tmpfs -o mode=0700 ckptbpf-run "$CKPTBPF_RUN" || return
	# What a test pins must not outlive it in the machine's own bpffs.
	if mountpoint -q /sys/fs/bpf; then
		in_ns umount -l /sys/fs/bpf
	fi
	cd "$dir/work" || return 1
}

ckpt_teardown()
{
	local status=0 i
	cd /
	if [ -n "${ns_init-}" ]; then
		if [ -n "${log-}" ] && [ -s "$log" ]; then
			echo "-- $log:"
			tail -n 20 "$log"
		fi
		kill -KILL "$ns_init" 2>/dev/null || true
		wait "$ns_unshare" 2>/dev/null || true
		# Killing process 1 takes all others; one that stays is a finding.
		for ((i = 0; i < $(slow 500); i++)); do
			[ -d "/proc/$ns_init" ] || break
			sleep 0.01
		done
		[ ! -d "/proc/$ns_init" ] || { echo "the namespace does not end" >&2; status=1; }
	fi
	return $status
}

# In the test's namespaces, in the current folder.
in_ns() { nsenter --target "$ns_init" --root --pid --mount --ipc --wdns="$PWD" -- "$@"; }

# limit SECONDS COMMAND...: in the namespaces, never for ever.
limit()
{
	local seconds
	seconds=$(slow "$1")
	shift
	in_ns timeout -k 5 "$seconds" "$@"
}

# Without the descriptors of bats, make and whoever started them: they must not
# reach a program that is to be snapshotted. 255 is bash's own, closed by exec.
detached()
{
	(
		local fd
		for fd in "/proc/$BASHPID/fd/"*; do
			fd=${fd##*/}
			[ "$fd" -le 2 ] || [ "$fd" = 255 ] || eval "exec $fd>&-"
		done
		"$@"
	)
}

ck()
{
	local out=$dir/ck.out err=$dir/ck.err
	status=0
	detached limit "${CK_SECONDS:-60}" "$CKPT_BUILD/ckptbpf" "$@" \
		</dev/null >"$out" 2>"$err" || status=$?
	output=$(tr -d '\0' <"$out")
	stderr=$(tr -d '\0' <"$err")
	printf '$ ckptbpf %s -> %s\n' "$*" "$status"
	[ -z "$output" ] || head -c 2000 <<<"$output"
	[ -z "$stderr" ] || head -c 2000 <<<"$stderr"
}

ck_ok()
{
	ck "$@"
	[ "$status" = 0 ] || fail "ckptbpf $1: status $status: $stderr"
}

# One clear line and exit status 1, and it says PATTERN (an extended regex).
ck_refused()
{
	local pattern=$1
	shift
	ck "$@"
	[ "$status" = 1 ] || fail "status $status, not 1"
	[ "$(grep -c . <<<"$stderr")" = 1 ] || fail "not one line on stderr: $stderr"
	grep -qE -e "$pattern" <<<"$stderr" || fail "'$stderr' does not say '$pattern'"
}

# start NAME COMMAND...: in the background of the namespace, its own session,
# log $log; sets $pid. The shell between ends at once: process 1 is the parent.
start()
{
	local name=$1
	shift
	log=$dir/$name.log
	: >"$log"
	# shellcheck disable=SC2016
	pid=$(detached in_ns bash -c '
		log=$1; shift
		setsid "$@" </dev/null >>"$log" 2>&1 &
		echo $!' bash "$log" "$@")
	[ -n "$pid" ] || fail "cannot start $name"
}

# start_prog NAME [ARGS...]: a program under test, up to its `ready`.
start_prog()
{
	local name=$1
	shift
	start "$name" "$CKPT_BUILD/tests/progs/$name" "$@"
	wait_log '^ready$'
}

alive() { in_ns kill -0 "$1" 2>/dev/null; }

# wait_log PATTERN [SECONDS]: until a line of $log matches, or it FAILs.
wait_log()
{
	local i
	for ((i = 0; i < $(slow "${2:-10}") * 50; i++)); do
		grep -qE -e "$1" "$log" && return 0
		! grep -q '^FAIL' "$log" || break
		sleep 0.02
	done
	fail "$log: no '$1': $(tail -n 5 "$log")"
}

# wait_gone PID [SECONDS]: neither running nor a zombie.
wait_gone()
{
	local i
	for ((i = 0; i < $(slow "${2:-10}") * 50; i++)); do
		alive "$1" || return 0
		sleep 0.02
	done
	fail "pid $1 is still there"
}

# The program checks itself and says so.
check_prog()
{
	in_ns kill -USR1 "$pid" || fail "pid $pid is gone"
	wait_log '^ok$'
	wait_gone "$pid"
}

snapshot_kill() # ENGINE IMAGE
{
	ck_ok snapshot "$pid" --engine "$1" --kill --force -o "$2"
	wait_gone "$pid"
}

restore_detached() # ENGINE IMAGE
{
	local before=$pid
	rm -f "$dir/pidfile"
	ck_ok restore "$2" --engine "$1" --detach --pidfile "$dir/pidfile"
	pid=$(cat "$dir/pidfile")
	[ "$pid" = "$before" ] || fail "restored as $pid, was $before"
	alive "$pid" || fail "restored, but pid $pid is not there: $(tail -n 3 "$log")"
}

# roundtrip ENGINE [ROUNDS]: killed and brought back, twice in a row unless
# told otherwise (a restored program must be as good as the first), then its
# own check.
roundtrip()
{
	local engine=$1 i
	for ((i = 1; i <= ${2:-2}; i++)); do
		snapshot_kill "$engine" "$dir/$engine.$i.img"
		ck_ok verify "$dir/$engine.$i.img"
		restore_detached "$engine" "$dir/$engine.$i.img"
	done
	check_prog
}

# A snapshot that leaves it running does it no harm.
leave_running() # ENGINE
{
	ck_ok snapshot "$pid" --engine "$1" --force -o "$dir/$1.live.img"
	alive "$pid" || fail "pid $pid did not survive its snapshot"
}

# refuses ENGINE MODE PATTERN [ARG]: the state that tests/progs/refused.c makes is
# refused by name, nothing is left of the try and the program goes on unharmed.
refuses()
{
	local engine=$1 mode=$2 pattern=$3
	shift 3
	rm -rf "$dir/work/$mode"
	mkdir "$dir/work/$mode"
	cd "$dir/work/$mode" || return 1
	start refused "$CKPT_BUILD/tests/progs/refused" "$mode" "$@"
	wait_log '^(ready|unsupported)$'
	if grep -q unsupported "$log"; then
		echo "# $mode: this kernel does not know it" >&3
	else
		ck_refused "$pattern" snapshot "$pid" --engine "$engine" --kill -o "$dir/refused.img"
		[ -z "$(find "$dir" -name '*refused.img*')" ] || fail "a file was left"
		[ "$mode" = leader_gone ] || check_prog
	fi
	cd "$dir/work" || return 1
}
