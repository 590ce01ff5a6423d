#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

# Whose locks the kernel has on the files of $pid, without their running numbers.
locks_of_it() { in_ns sh -c "cat /proc/$pid/fdinfo/*" | sed -n 's/^lock:[^:]*: *//p' | sort; }

@test "lock: killed and brought back twice" {
	for e in $(engines); do
		mkdir "$e"
		start_prog lock "$PWD/$e"
		before=$(locks_of_it)
		[ "$(grep -c POSIX <<<"$before")" -ge 2 ] && [ "$(grep -c OFDLCK <<<"$before")" = 2 ]
		[ "$(grep -c FLOCK <<<"$before")" = 5 ]
		snapshot_kill "$e" "$e.img"
		! grep -q "$(stat -c %i "$e/data")" <(in_ns cat /proc/locks) || fail "locks of nobody"
		restore_detached "$e" "$e.img"
		# The memfd, the pipe and the deleted file are new ones: not by their inodes.
		[ "$(locks_of_it | sed -E 's/:[0-9]+ ([0-9]+ [0-9EOF]+)$/ \1/' | sort)" = \
			"$(sed -E 's/:[0-9]+ ([0-9]+ [0-9EOF]+)$/ \1/' <<<"$before" | sort)" ]
		roundtrip "$e"
	done
}

@test "lock: a snapshot that leaves it running does not touch them" {
	for e in $(engines); do
		mkdir "$e"
		start_prog lock "$PWD/$e"
		before=$(locks_of_it)
		leave_running "$e"
		ck_ok snapshot "$pid" --engine "$e" --capture cow --force -o "$e.cow.img"
		[ "$(locks_of_it)" = "$before" ]
		check_prog
	done
}

# Where it waits: restored, and left running, it gets what it waits for.
@test "lock: waiting for locks that another process holds" {
	for e in $(engines); do
		start_prog lock hold "$PWD/$e.file"
		holder=$pid holder_log=$log
		start waiter "$CKPT_BUILD/tests/progs/lock" wait "$PWD/$e.file"
		wait_log '^ready$'
		leave_running "$e"
		snapshot_kill "$e" "$e.img"
		restore_detached "$e" "$e.img"
		snapshot_kill "$e" "$e.img"
		restore_detached "$e" "$e.img"
		sleep 0.2
		! grep -q '^ok$' "$log" || fail "it did not wait"
		waiter=$pid waiter_log=$log
		pid=$holder log=$holder_log
		check_prog
		pid=$waiter log=$waiter_log
		wait_log '^ok$'
		wait_gone "$pid"
	done
}

@test "lock: held by another process at the restore" {
	requires flock
	for e in $(engines); do
		mkdir "$e"
		start_prog lock "$PWD/$e"
		snapshot_kill "$e" "$e.img"
		saved=$pid saved_log=$log
		start_prog lock hold "$PWD/$e/data"
		ck_refused "fd [0-9]+ \\($PWD/$e/data\\): fcntl: F_SETLK: bytes 10 to 24: somebody else holds it" \
			restore "$e.img" --engine "$e" --detach
		check_prog
		flock -F "$e/data" sleep 30 &
		until ! flock -n "$e/data" true; do sleep 0.02; done
		ck_refused "fd [0-9]+ \\($PWD/$e/data\\): flock: the whole file: somebody else holds it" \
			restore "$e.img" --engine "$e" --detach
		kill $!
		wait $! || true
		pid=$saved log=$saved_log
		alive "$pid" && fail "something was left"
		restore_detached "$e" "$e.img"
		check_prog
	done
}

@test "lock: one of what is only mapped is a loss that is told" {
	for e in $(engines); do
		start refused "$CKPT_BUILD/tests/progs/refused" lock_mapped
		wait_log '^ready$'
		ck snapshot "$pid" --engine "$e" --force -o "$e.img"
		[ "$status" = 3 ] || fail "status $status: $stderr"
		ck_ok show --losses "$e.img"
		grep -qE 'mapping [0-9a-f]+ \(.*/mapped\): the lock that it holds, its descriptor being closed' <<<"$output" ||
			fail "$output"
		ck_refused 'the lock that it holds' snapshot "$pid" --engine "$e" --force --strict -o "$e.img"
		in_ns kill -KILL "$pid"
		wait_gone "$pid"
	done
}

@test "lock: refused by name" {
	for e in $(engines); do
		refuses "$e" locks 'fd 3: it has more than 512 locks'
		refuses "$e" lock_outside 'fd 0: it leads out of the snapshot and is locked'
	done
}

@test "lock: what no kernel could have had is refused" {
	local change
	mkdir data
	start_prog lock "$PWD/data"
	snapshot_kill "$(engines | head -n 1)" good.img
	while read -r change why; do
		python3 "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img "LOCK.$change"
		ck_refused "\(LOCK\) .*$why" verify bad.img
	done <<-END
		file=0 file 0 is none
		file=1 file 1 is none
		kind=4 kind 4
		type=2 type 2
		start=30 range 30 to 24
		end=0x8000000000000000 range 10 to 9223372036854775808
	END
	ck_ok verify good.img
}
