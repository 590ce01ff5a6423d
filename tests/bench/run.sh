#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh [-n ROUNDS] [-t TOOL] [-c] [LOAD...]: ckptbpf beside CRIU, in one run and by
# turns, on the same programs, images in memory. docs/bench.md says what the
# columns mean. A LOAD is MODE:MIB:THREADS, default: those of the table below.
#
#   -c   exit 1 if a bar is missed (`make bench-check`)
#   -t   only ckptbpf, or only criu
#
# The table goes to standard output, all of it as JSON to build/bench.json.
# Runs in a pid and mount namespace of its own, whose end kills what it
# started; needs root. Without CRIU (scripts/fetch-criu.sh) only ckptbpf.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
if [ "${BENCH_INSIDE:-}" != 1 ]; then
	[ "$(id -u)" = 0 ] || { echo "${0##*/}: root is needed" >&2; exit 1; }
	BENCH_INSIDE=1 exec timeout -k 10 "${BENCH_TIMEOUT:-900}" \
		unshare --pid --fork --kill-child --mount --propagation private --mount-proc \
		setsid --wait "$0" "$@"
fi

rounds=7 check=0 only=
while getopts n:t:c opt; do
	case $opt in
	n)	rounds=$OPTARG ;;
	t)	only=$OPTARG ;;
	c)	check=1 ;;
	*)	exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- spin:1:1 tick:1:1 spin:64:1 spin:1024:1
[ "$rounds" -ge 5 ] || { echo "${0##*/}: a median of fewer than 5 says nothing" >&2; exit 2; }

# Others shall disturb little. Niceness counts only inside a session's group.
first() { renice -n -20 "$1" >/dev/null && { [ ! -e /proc/self/autogroup ] || echo -20 > "/proc/$1/autogroup"; }; }
first $$

# What the caller left open must not become a part of the program under test.
for fd in /proc/self/fd/*; do
	fd=${fd##*/}
	[ "$fd" -le 2 ] || [ "$fd" = 255 ] || eval "exec $fd>&-"
done

# /run: both tools keep there what they learn once; here it must be memory.
mount -t tmpfs -o mode=755 bench /run
mount -t tmpfs -o size=8g bench /dev/shm
cd "$top"
out=$(realpath "${O:-build}")
bin=$out/tests/bench
dir=/dev/shm/bench
raw=$dir/raw
tool=$out/ckptbpf
mkdir -p "$bin" "$dir"
: > "$raw"
for p in target measure; do
	"${CC:-gcc}" -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -pthread -o "$bin/$p" \
		"$top/tests/bench/$p.c"
done
criu=()
[ ! -e "$out/criu/prefix" ] || read -ra criu < "$out/criu/prefix"
tools=(ckptbpf)
[ ${#criu[@]} = 0 ] || tools=(ckptbpf criu)
[ -z "$only" ] || tools=("$only")

say() { echo "${0##*/}: $*" >&2; }
die() { say "$@"; exit 1; }

# answer FILE SECONDS: waits until the target has written it, prints it.
answer()
{
	local end=$((SECONDS + $2))

	until [ -s "$1" ]; do
		[ $SECONDS -lt $end ] || { say "no answer of the target in $2 s"; return 1; }
		sleep 0.005
	done
	cat "$1"
	rm -f "$1"
}

# ask SIGNAL: what the target says to it.
ask()
{
	kill "-$1" "$target" || return 1
	answer "$dir/report" 30
}

start_target()
{
	setsid "$bin/target" "$1" "$2" "$3" "$dir/report" </dev/null >/dev/null 2>&1 &
	target=$!
	answer "$dir/report" 60 >/dev/null
	first "$target"
}

# The pid must be free again before a restore.
end_target()
{
	kill -KILL "$target" 2>/dev/null || true
	wait "$target" 2>/dev/null || true
	for _ in $(seq 1000); do
		[ -e "/proc/$target" ] || return 0
		sleep 0.005
	done
	say "the target does not end"
	return 1
}

# measured ARG...: measure(1)'s four words; the tool's own words only on failure.
# 3: done, with losses that are listed (a relative sleep's remaining time).
measured()
{
	local words

	words=$("$bin/measure" "$@" 2>"$dir/log" </dev/null | tail -1)
	case $words in
	"0 "* | "3 "*) echo "$words" ;;
	*)	say "failed ($words): $*"; cat "$dir/log" >&2; cat "$dir/criu"/*.log >&2 2>/dev/null || true
		return 1 ;;
	esac
}

dump()
{
	case $1 in
	ckptbpf) measured "${@:2}" 60 "$tool" snapshot -q --stats "$dir/stats" -o "$dir/ckptbpf/img" "$target" ;;
	criu)	measured "${@:2}" 60 "${criu[@]}" dump -t "$target" -D "$dir/criu" -R -v1 -o dump.log ;;
	esac
}

restore()
{
	case $1 in
	ckptbpf) measured 60 "$tool" restore --detach "$dir/ckptbpf/img" ;;
	criu)	measured 60 "${criu[@]}" restore -D "$dir/criu" -d -v1 -o restore.log ;;
	esac
}

# Its own word for how long it was stopped, freezing included, in us. CRIU's
# stats-dump is 12 bytes, then a protobuf message in a message: fields 1 and 2.
own_frozen()
{
	case $1 in
	ckptbpf) sed -n 's/.*"frozen_us": *\([0-9.]*\).*/\1/p' "$dir/stats" ;;
	criu)	od -An -v -tu1 -j12 "$dir/criu/stats-dump" | awk '
		{ for (i = 1; i <= NF; i++) b[n++] = $i }
		function varint(  v, m) {
			for (m = 1; b[p] >= 128; m *= 128) v += (b[p++] - 128) * m
			return v + b[p++] * m
		}
		END {
			while (p < n) {
				key = varint()
				if (key == 10) { varint(); continue }	# the message inside
				v = varint()
				if (key == 8 || key == 16) sum += v
			}
			print sum
		}' ;;
	esac
}

# What the size of a tool's memory depends on; what the target's clock shows in
# half a second in which nobody stops it.
shape()
{
	local gap

	echo "$1 target shape $(wc -l < "/proc/$target/maps")" \
		"$(find "/proc/$target/fd" -mindepth 1 | wc -l) $2" >> "$raw"
	ask USR1 >/dev/null
	sleep 0.5
	gap=$(ask USR1)
	echo "$1 target quiet ${gap#gap }" >> "$raw"
}

# The largest of three runs: a look each 50 us can come too late for one of 2 ms.
one_memory()
{
	local m anon most=0

	for _ in 1 2 3; do
		rm -rf "${dir:?}/$2"
		mkdir "$dir/$2"
		m=$(dump "$2" -a)
		anon=${m##* }
		[ "$anon" -le "$most" ] || most=$anon
	done
	[ "$most" -gt 0 ] || die "$2: its memory was never seen"
	echo "$1 $2 memory $most" >> "$raw"
}

# In a virtual machine free memory may have gone back to the host, and costs five
# times as much to touch: what a tool is about to need has just been in use.
warm()
{
	dd if=/dev/zero of="$dir/warm" bs=1M count=$((mib + mib / 4 + 32)) status=none
	rm "$dir/warm"
}

# ROUND LOAD TOOL: a line in raw unless it is round 0, the warm-up.
one_dump()
{
	local gap m

	rm -rf "${dir:?}/$3"
	mkdir "$dir/$3"
	warm
	ask USR1 >/dev/null
	m=$(dump "$3")
	gap=$(ask USR1)
	[ "$1" = 0 ] || echo "$2 $3 dump $m ${gap#gap }" \
		"$(own_frozen "$3") $(du -sb --apparent-size "$dir/$3" | cut -f1)" >> "$raw"
}

one_restore()
{
	local m

	warm
	m=$(restore "$3")
	[ "$(ask USR2)" = "memory good" ] || die "$3: the restored program's memory is not what it was"
	[ "$1" = 0 ] || echo "$2 $3 restore $m" >> "$raw"
}

for load; do
	IFS=: read -r mode mib threads <<<"$load"
	say "$load"
	for round in $(seq 0 "$rounds"); do
		order=("${tools[@]}")
		[ $((round % 2)) = 0 ] || order=("${tools[-1]}" "${tools[@]:0:${#tools[@]}-1}")
		for t in "${order[@]}"; do
			start_target "$mode" "$mib" "$threads"
			[ "$round" != 0 ] || shape "$load" "$threads"
			one_dump "$round" "$load" "$t"
			[ "$round" != 0 ] || one_memory "$load" "$t"
			end_target
			one_restore "$round" "$load" "$t"
			end_target
		done
	done
done

version=$([ ! -e "$out/criu/version" ] || cat "$out/criu/version")
status=0
awk -v json="$dir/json" -v rounds="$rounds" -v kernel="$(uname -r)" -v criu="$version" \
	-v avg="$(cut -d' ' -f1-3 /proc/loadavg)" -f "$top/tests/bench/report.awk" "$raw" || status=$?
cp "$dir/json" "$out/bench.json"
say "all of it: $out/bench.json"
[ "$status" = 3 ] && exit "$check"
exit "$status"
