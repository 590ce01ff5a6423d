#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

# A folder for the program, on the disk and on a tmpfs of the test's own.
folders()
{
	mkdir -p "$dir/disk" "$dir/tmpfs"
	in_ns mountpoint -q "$dir/tmpfs" || in_ns mount -t tmpfs ghosts "$dir/tmpfs"
	printf '%s\n' "$dir/disk" "$dir/tmpfs"
}

# start_in FOLDER [ARGS...]: in a new folder there, $here.
start_in()
{
	here=$1/$BATS_TEST_NUMBER.$RANDOM
	in_ns mkdir "$here"
	start_prog ghost "$here" "${@:2}"
}

names_in() { in_ns find "$1" -mindepth 1 | sort; }

@test "ghost: killed and brought back twice, on the disk and on tmpfs" {
	for e in $(engines); do
		for f in $(folders); do
			start_in "$f"
			roundtrip "$e"
		done
	done
}

@test "ghost: a snapshot that leaves it running does it no harm" {
	local how
	for e in $(engines); do
		for how in copy cow; do
			start_in "$dir"
			ck snapshot "$pid" --engine "$e" --capture "$how" --force -o "$e.img"
			grep -q 'engine has no clones' <<<"$stderr" || [ "$status" = 0 ] || fail "status $status"
			check_prog
		done
	done
}

@test "ghost: without any snapshot it passes too" {
	for f in $(folders); do
		start_in "$f"
		check_prog
	done
}

@test "ghost: more data than --ghost-limit is refused, and the option named" {
	for e in $(engines); do
		start_in "$dir" data 65
		ck_refused 'fd 3 \(.*/large \(deleted\)\): its file is deleted and holds 66560 KiB of data, more than --ghost-limit \(65536 KiB\)' \
			snapshot "$pid" --engine "$e" -o "$e.img"
		[ ! -e "$e.img" ] || fail "an image was left"
		ck snapshot --ghost-limit 65k -o "$e.img" "$pid"
		[ "$status" = 2 ] || fail "status $status"
		ck_ok snapshot "$pid" --engine "$e" --ghost-limit 65M --kill -o "$e.img"
		wait_gone "$pid"
		restore_detached "$e" "$e.img"
		check_prog
	done
}

@test "ghost: a name elsewhere is named as lost" {
	for e in $(engines); do
		start_in "$dir" link
		ck_refused '--strict: fd 3 \(.*/here/file \(deleted\)\): the name it has elsewhere: it becomes a file of its own' \
			snapshot "$pid" --engine "$e" --strict -o "$e.img"
		ck snapshot "$pid" --engine "$e" --kill -o "$e.img"
		[ "$status" = 3 ] || fail "status $status"
		wait_gone "$pid"
		restore_detached "$e" "$e.img"
		check_prog
		[ "$(in_ns cat "$here/there/file")" = linked ] || fail "the other name's file is another"
	done
}

@test "ghost: what another process shares and can write is named as lost" {
	local child
	for e in $(engines); do
		start_in "$dir" share
		child=$(sed -n 's/^child //p' "$log")
		ck_refused '--strict: deleted file \(.*/shared \(deleted\)\): another process has it too, and keeps its own' \
			snapshot "$child" --engine "$e" --strict -o "$e.img"
		in_ns kill -USR1 "$child"
		wait_gone "$pid"
		start_in "$dir" read
		child=$(sed -n 's/^child //p' "$log")
		ck_ok snapshot "$child" --engine "$e" --strict -f -o "$e.img"
		in_ns kill -USR1 "$child"
		wait_gone "$pid"
	done
}

@test "ghost: a deleted executable, and its libraries" {
	for e in $(engines); do
		here=$dir/exe.$e
		mkdir "$here"
		cp "$CKPT_BUILD/tests/progs/ghost" "$here/prog"
		start exe "$here/prog" "$here" data 1
		wait_log '^ready$'
		rm "$here/prog"
		for _ in 1 2; do
			snapshot_kill "$e" "$e.img"
			restore_detached "$e" "$e.img"
			in_ns cmp "/proc/$pid/exe" "$CKPT_BUILD/tests/progs/ghost" || fail "its exe is another"
			in_ns readlink "/proc/$pid/exe" | grep -q "^$here/.* (deleted)$" || fail "its exe has a name"
		done
		check_prog
		[ -z "$(ls -A "$here")" ] || fail "a file was left"
	done
}

@test "ghost: a program that runs from a memfd" {
	for e in $(engines); do
		start_in "$dir" memfd
		for _ in 1 2; do
			snapshot_kill "$e" "$e.img"
			restore_detached "$e" "$e.img"
			in_ns cmp "/proc/$pid/exe" "$CKPT_BUILD/tests/progs/ghost" || fail "its exe is another"
			[ "$(in_ns readlink "/proc/$pid/exe")" = '/memfd:program (deleted)' ] || fail "its exe has another name"
		done
		check_prog
	done
}

@test "ghost: locks and leases of deleted files" {
	for e in $(engines); do
		start_in "$dir" locks
		roundtrip "$e"
		start_in "$dir" lease
		ck_refused 'fd 3 \(.*/leased \(deleted\)\): its file is deleted, and it has a lease for writing' \
			snapshot "$pid" --engine "$e" -o "$e.img"
		check_prog
	done
}

# Left by a restore that failed: no process, no file.
nothing_left()
{
	! alive "$pid" || fail "pid $pid is there"
	[ "$(names_in "$here")" = "$1" ] || fail "left: $(names_in "$here")"
}

@test "ghost: a filesystem that is full, gone or read-only: named, nothing left behind" {
	for e in $(engines); do
		folders >"$dir/folders"
		here=$dir/tmpfs/full
		in_ns mkdir "$here"
		start_prog ghost "$dir" data 2 "$here"
		snapshot_kill "$e" "$e.img"
		in_ns mount -o remount,size=1M "$dir/tmpfs"
		ck_refused '^restore: file .*/tmpfs/full/large \(deleted\): write at [0-9]+: .*ENOSPC|No space' \
			restore "$e.img" --engine "$e" --detach
		nothing_left ""
		[ "$(in_ns stat -f -c %f "$dir/tmpfs")" = "$(in_ns stat -f -c %b "$dir/tmpfs")" ] ||
			fail "the filesystem still holds something"
		in_ns mount -o remount,size=100M,ro "$dir/tmpfs"
		ck_refused '^restore: file .*/large \(deleted\): folder .*/tmpfs/full: .*(EROFS|Read-only)' \
			restore "$e.img" --engine "$e" --detach
		nothing_left ""
		in_ns umount "$dir/tmpfs"
		ck_refused '^restore: file .*/large \(deleted\): folder .*/tmpfs/full: .*(ENOENT|No such)' \
			restore "$e.img" --engine "$e" --detach
		here=$dir/tmpfs
		nothing_left ""
	done
}

# strace makes it a filesystem without O_TMPFILE, in that folder alone.
@test "ghost: made and deleted under a name of its own where there is no O_TMPFILE" {
	requires strace
	for e in $(engines); do
		mkdir -p "$dir/sub"
		start_in "$dir" data 1 "$dir/sub"
		snapshot_kill "$e" "$e.img"
		detached limit 60 strace -qq -o "$dir/calls" -P "$dir/sub" -e trace=openat \
			-e inject=openat:error=EOPNOTSUPP \
			"$CKPT_BUILD/ckptbpf" restore "$e.img" --engine "$e" --detach
		grep -q 'TMPFILE.*INJECTED' "$dir/calls" || fail "it was not asked for: $(cat "$dir/calls")"
		in_ns readlink "/proc/$pid/fd/3" | grep -q "^$dir/sub/\.ckptbpf-[0-9a-f]* (deleted)$" ||
			fail "it is $(in_ns readlink "/proc/$pid/fd/3")"
		[ -z "$(names_in "$dir/sub")" ] || fail "left: $(names_in "$dir/sub")"
		check_prog
		# What may be named later cannot be made so.
		start_in "$dir" tmpfile "$dir/sub"
		snapshot_kill "$e" "$e.img"
		grep -q '^none$' "$log" && continue
		detached limit 60 strace -qq -o "$dir/calls" -P "$dir/sub" -e trace=openat \
			-e inject=openat:error=EOPNOTSUPP \
			"$CKPT_BUILD/ckptbpf" restore "$e.img" --engine "$e" --detach 2>err && fail "restored"
		grep -qE '^restore: file .* \(deleted\): no file without a name \(O_TMPFILE\) can be made in ' err || fail "$(cat err)"
		nothing_left ""
	done
}

@test "ghost: a restore that is killed leaves nothing" {
	local delay killed=0
	for e in $(engines); do
		start_in "$dir" data 40
		snapshot_kill "$e" "$e.img"
		for delay in 0.004 0.008 0.012 0.016 0.02 0.03; do
			# shellcheck disable=SC2016
			detached limit 60 bash -c '"${@:2}" & sleep "$1"; kill -KILL $!; wait $!' bash "$delay" \
				"$CKPT_BUILD/ckptbpf" restore "$e.img" --engine "$e" >"$dir/out" 2>&1 || true
			if grep -q 'running' "$dir/out"; then
				# It was there already, and stays.
				in_ns kill -KILL "$pid"
			else
				killed=$((killed + 1))
			fi
			wait_gone "$pid"
			nothing_left ""
		done
		[ "$killed" -gt 0 ] || fail "none was killed in time"
		restore_detached "$e" "$e.img"
		check_prog
	done
}

@test "ghost: on a filesystem that is unmounted it is refused" {
	for e in $(engines); do
		folders >"$dir/folders"
		start_in "$dir/tmpfs" data 1
		in_ns umount -l "$dir/tmpfs"
		ck snapshot "$pid" --engine "$e" --dry-run
		[ "$status" = 1 ] || fail "status $status"
		grep -qE '^blocker: pid [0-9]+: fd 3 \(/.*/large \(deleted\)\): its file is deleted, and its filesystem cannot be reached$' \
			<<<"$output" || fail "$output"
		check_prog
	done
}

@test "ghost: show tells what stat and readlink do" {
	local want
	for e in $(engines); do
		start_in "$dir"
		want=$(in_ns stat -L -c 'size=%s mode=0%a uid=%u gid=%g nlink=%h atime_sec=%X mtime_sec=%Y' "/proc/$pid/fd/3")
		snapshot_kill "$e" "$e.img"
		ck_ok show "$e.img"
		grep GHOST <<<"$output" | grep "$want" | grep -qF " folder=\"$here\" " || fail "not: $want"
	done
}

# The first object is the file that only a mapping keeps.
@test "ghost: what no kernel could have had is refused" {
	local change why
	start_in "$dir"
	snapshot_kill "$(engines | head -n 1)" good.img
	while read -r change why; do
		python3 "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img "GHOST.$change"
		ck_refused "\(GHOST\) .*$why" verify bad.img
	done <<-END
		flags=2 flags 0x2
		size=0xfffffffffffff000 size 18446744073709547520
		mode=0x81a4 mode 0100644
		uid=0xffffffff owner 4294967295:
		mtime_nsec=1000000000 a time of [0-9]+ or 1000000000 ns
		id=99 object 99 comes where
	END
	python3 "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img GHOST.size=4096
	ck_refused '\(PAGES\) .*: page 0x1000 is behind the end of deleted file [0-9]+' verify bad.img
	ck_ok verify good.img
}
