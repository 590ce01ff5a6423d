#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "creds: killed and brought back twice" {
	for e in $(engines); do
		start_prog creds
		roundtrip "$e"
	done
}

# Ids, groups, each set of capabilities, locked securebits, no_new_privs.
@test "creds: a thread with its own" {
	for e in $(engines); do
		start_prog creds own
		roundtrip "$e"
	done
}

@test "creds: root brings back what nobody was" {
	requires setpriv
	for e in $(engines); do
		chmod 755 "$dir" "$dir/work"
		start creds setpriv --reuid 65534 --regid 65534 --clear-groups "$CKPT_BUILD/tests/progs/creds"
		wait_log '^ready$'
		roundtrip "$e"
		start creds setpriv --groups 4,24 --bounding-set -sys_time,-syslog --inh-caps +chown \
			--ambient-caps +chown "$CKPT_BUILD/tests/progs/creds"
		wait_log '^ready$'
		roundtrip "$e"
		start creds setpriv --securebits +noroot,+noroot_locked --no-new-privs "$CKPT_BUILD/tests/progs/creds"
		wait_log '^ready$'
		roundtrip "$e"
	done
}

# With fewer rights than the image's threads had: what was refused, and nothing is left.
lesser() # ENGINE IMAGE PATTERN SETPRIV-OPTIONS...
{
	local engine=$1 image=$2 pattern=$3 out=0
	shift 3
	detached limit 20 setpriv "$@" "$CKPT_BUILD/ckptbpf" restore --engine "$engine" --detach "$image" \
		</dev/null >"$dir/lesser" 2>&1 || out=$?
	[ "$out" = 1 ] || fail "status $out: $(cat "$dir/lesser")"
	grep -qE "$pattern" "$dir/lesser" || fail "'$(cat "$dir/lesser")' does not say '$pattern'"
	! alive "$pid" || fail "something was left"
}

@test "creds: nobody gets more than the restorer has" {
	requires setpriv
	for e in $(engines); do
		chmod 755 "$dir" "$dir/work"
		start_prog creds
		snapshot_kill "$e" "$e.img"
		lesser "$e" "$e.img" 'thread [0-9]+: it has capabilities that the restorer lacks' \
			--bounding-set -sys_time
		start creds setpriv --reuid 65534 --regid 65534 --clear-groups "$CKPT_BUILD/tests/progs/creds"
		wait_log '^ready$'
		snapshot_kill "$e" "$e.img"
		lesser "$e" "$e.img" 'capabilities that the restorer lacks' --bounding-set -setuid
		start creds setpriv --reuid 65534 --bounding-set -setuid "$CKPT_BUILD/tests/progs/creds"
		wait_log '^ready$'
		snapshot_kill "$e" "$e.img"
		lesser "$e" "$e.img" 'its user ids differ .* lacks CAP_SETUID' --bounding-set -setuid
		start creds setpriv --groups 4 --bounding-set -setgid "$CKPT_BUILD/tests/progs/creds"
		wait_log '^ready$'
		snapshot_kill "$e" "$e.img"
		lesser "$e" "$e.img" 'its group ids differ .* lacks CAP_SETGID' --bounding-set -setgid
	done
}
