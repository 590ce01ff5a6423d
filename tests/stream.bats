#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Snapshots into a pipe: the program lives on one side, never on none and never
# on both.
load helpers

# A pipeline in the namespaces, with the tool as $ckpt; its standard error in
# err.*; fails unless it ends within SECONDS.
pipeline() # SECONDS SCRIPT ARGS...
{
	local seconds=$1 script=$2
	shift 2
	detached limit "$seconds" env ckpt="$CKPT_BUILD/ckptbpf" bash -c "$script" bash "$@" </dev/null
}

lines() { grep -c . "$1" || true; }

@test "stream: from one command into the other" {
	for e in $(engines); do
		start_prog many_threads 20
		pipeline 60 '"$ckpt" snapshot --engine "$2" --kill -o - "$1" 2>err.a |
			"$ckpt" restore --engine "$2" --detach - 2>err.b
			echo "${PIPESTATUS[*]}" >status' "$pid" "$e"
		[ "$(cat status)" = "0 0" ] || fail "$(cat status err.a err.b)"
		[ "$(lines err.a)" = 1 ] && [ "$(lines err.b)" = 1 ]
		check_prog
	done
}

@test "stream: through zstd" {
	requires zstd
	for e in $(engines); do
		start_prog mm "$dir/work"
		pipeline 60 '"$ckpt" snapshot --engine "$2" --kill -o - "$1" | zstd -qc | zstd -qdc |
			"$ckpt" restore --engine "$2" --detach -' "$pid" "$e"
		check_prog
		rm -f private short shared
	done
}

@test "stream: a reader that goes away early leaves the program here" {
	for e in $(engines); do
		start_prog signal
		local n
		for n in 0 1 4096 60000; do
			pipeline 60 '"$ckpt" snapshot --engine "$2" --kill -o - "$1" 2>err | head -c "$3" >part
				echo "${PIPESTATUS[0]}" >status' "$pid" "$e" "$n"
			[ "$(cat status)" = 1 ] || fail "status $(cat status) after $n bytes"
			[ "$(lines err)" = 1 ] || fail "not one line: $(cat err)"
			grep -q '^snapshot: .*EPIPE$' err || fail "$(cat err)"
			alive "$pid" || fail "it is gone"
			[ "$(stat -c %s part)" = "$n" ]
		done
		check_prog
	done
}

# Whatever the byte at which it breaks. What broke off is not a program, what
# came through whole is not one here any more.
@test "stream: broken at a random byte it lives on exactly one side" {
	local cuts=${CKPT_STREAM_CUTS:-20} whole i n here there
	RANDOM=${CKPT_SEED:-4711}
	for e in $(engines); do
		start_prog signal
		ck_ok snapshot "$pid" --engine "$e" --force -o whole.img
		whole=$(stat -c %s whole.img)
		for ((i = 0; i < cuts; i++)); do
			n=$(((RANDOM << 15 | RANDOM) % (whole + whole / 10)))
			# Near the end it is decided.
			[ $((i % 4)) != 0 ] || n=$((whole - 200 + RANDOM % 250))
			pipeline 60 '"$ckpt" snapshot --engine "$2" --kill -o - "$1" 2>err.a | head -c "$3" |
				"$ckpt" restore --engine "$2" --detach - 2>err.b
				echo "${PIPESTATUS[*]}" >status' "$pid" "$e" "$n"
			here=$(cut -d' ' -f1 status) there=$(cut -d' ' -f3 status)
			[ "$here $there" = "1 1" ] || [ "$here $there" = "0 0" ] ||
				fail "cut at $n of $whole: $here here, $there there: $(cat err.a err.b)"
			[ "$(lines err.a)" = 1 ] && [ "$(lines err.b)" = 1 ] || fail "$(cat err.a err.b)"
			alive "$pid" || fail "cut at $n of $whole: it is on neither side"
			[ "$(in_ns ps -e -o comm= | grep -c '^signal$')" = 1 ] || fail "cut at $n: it is on both sides"
		done
		check_prog
	done
}

# The number is somebody else's and stays so: restore waits, then says so; the
# program is not lost, its image was written whole to nobody.
@test "stream: a pid that stays in use is told after --wait" {
	for e in $(engines); do
		start_prog signal
		ck_ok snapshot "$pid" --engine "$e" --force -o "$e.img"
		local begin=$SECONDS
		pipeline 60 'cat "$2" | "$ckpt" restore --engine "$1" --detach --wait 1 - 2>err
			echo "${PIPESTATUS[1]}" >status' "$e" "$e.img"
		[ "$(cat status)" = 1 ]
		[ "$(lines err)" = 1 ] || fail "not one line: $(cat err)"
		grep -q "pid $pid is in use (signal)" err || fail "$(cat err)"
		[ $((SECONDS - begin)) -ge 1 ] || fail "it did not wait"
		check_prog
	done
}

@test "stream: a snapshot that fails tells its reader why" {
	for e in $(engines); do
		start refused "$CKPT_BUILD/tests/progs/refused" personality
		wait_log '^ready$'
		pipeline 60 '"$ckpt" snapshot --engine "$2" --kill -o - "$1" 2>err.a |
			"$ckpt" restore --engine "$2" --detach - 2>err.b
			echo "${PIPESTATUS[*]}" >status' "$pid" "$e"
		[ "$(cat status)" = "1 1" ]
		[ "$(lines err.a)" = 1 ] && [ "$(lines err.b)" = 1 ] || fail "$(cat err.a err.b)"
		grep -q 'personality 0x200000' err.a || fail "$(cat err.a)"
		grep -q 'personality 0x200000' err.b || fail "$(cat err.b)"
		check_prog
	done
}
