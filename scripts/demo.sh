#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh: a Python program with four threads is snapshotted, killed and brought
# back, and its own log proves that nothing was lost or repeated. Works in a
# folder under $O and leaves no process.
set -euo pipefail
cd "$(dirname "$0")/.."
O=$(mkdir -p "${O:-build}" && cd "${O:-build}" && pwd)
tool=$O/ckptbpf
top=$PWD
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3)

if [ -t 1 ]; then
	bold=$'\e[1m' green=$'\e[32m' dim=$'\e[2m' off=$'\e[0m'
else
	bold='' green='' dim='' off=''
fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$off"; }
note() { printf '  %s\n' "$*"; }
shown() { printf '%s$ %s%s\n' "$dim" "$*" "$off"; }
die() { printf 'demo: FAILED: %s\n' "$*" >&2; exit 1; }

[ -x "$tool" ] || die "not built: run 'make demo'"
[ "$(id -u)" = 0 ] || die "root is needed: sudo make demo"

work=$(mktemp -d "$O/demo.XXXXXX")
pid='' had_run=0
[ ! -d /run/ckptbpf ] || had_run=1
cleanup()
{
	if [ -n "$pid" ] && grep -qs demo.py "/proc/$pid/cmdline"; then
		kill -KILL "$pid" 2>/dev/null || true
	fi
	# Programs that were not pinned before do not stay pinned.
	[ "$had_run" = 1 ] || "$tool" check --unload >/dev/null 2>&1 || true
	cd "$top" && rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
cd "$work"

# No process, or one that nobody has reaped yet.
gone() { ! grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$pid/status"; }
wait_gone()
{
	local i
	for ((i = 0; i < 100; i++)); do
		! gone || return 0
		sleep 0.1
	done
	die "$1"
}
lines() { wc -l <demo.log; }
# Until the log has so many lines.
wait_lines()
{
	local i
	for ((i = 0; i < 300; i++)); do
		[ "$(lines)" -ge "$1" ] && return 0
		sleep 0.1
	done
	die "the program does not go on: $(tail -n 3 program.out)"
}

say "1. A program at work: python3, 4 threads, 16 MiB of state, one log"
: >demo.log
# As a daemon would be: its own session, no terminal, nothing open that it did
# not open itself (make and others leave descriptors to their children).
(
	for fd in "/proc/$BASHPID/fd/"*; do
		fd=${fd##*/}
		[ "$fd" -le 2 ] || [ "$fd" = 255 ] || eval "exec $fd>&-"
	done
	exec setsid "$python" "$top/tests/progs/demo.py" run "$work/demo.log" </dev/null >program.out 2>&1
) &
pid=$!
disown
wait_lines 300
note "pid $pid, $(ls "/proc/$pid/task" | wc -l) threads, $(awk '/^VmRSS/ { printf "%.0f MiB", $2 / 1024 }' "/proc/$pid/status") resident; the end of its log:"
tail -n 2 demo.log | cut -c 1-60 | sed 's/$/.../; s/^/    /'

say "2. Snapshot it and kill it"
shown "ckptbpf snapshot --kill $pid -o demo.img"
timeout 60 "$tool" snapshot --kill "$pid" -o demo.img >snapshot.out 2>snapshot.err || {
	status=$?
	cat snapshot.err >&2
	[ "$status" = 3 ] || die "snapshot: exit status $status"
}
sed 's/^/  /' snapshot.err
wait_gone "pid $pid is still there"
before=$(lines)
last=$(tail -n 1 demo.log | cut -d ' ' -f 1)
note "pid $pid is gone; its last step was $last"

say "3. What is in the image"
shown "ckptbpf verify demo.img"
timeout 60 "$tool" verify demo.img >verify.out 2>&1 || { cat verify.out >&2; die "verify"; }
sed 's/^/  /' verify.out
shown "ckptbpf show demo.img"
timeout 60 "$tool" show demo.img >show.out || die "show"
# One record of each type, its first fields.
awk '/^ *[0-9]+ [A-Z_]+/ { if (n[$2]++ == 0) order[++types] = $2
		if (n[$2] == 1) first[$2] = $0 }
	END { for (i = 1; i <= types; i++) {
		t = order[i]; sub(/:$/, "", t)
		printf "  %4d %-12s %.80s\n", n[order[i]], t, substr(first[order[i]], index(first[order[i]], order[i]) + length(order[i]) + 1) } }' show.out
sleep 1
[ "$(lines)" = "$before" ] || die "the log grows although the program is gone"

say "4. Bring it back"
shown "ckptbpf restore demo.img --detach --pidfile demo.pid"
start=$EPOCHREALTIME
timeout 60 "$tool" restore demo.img --detach --pidfile demo.pid 2>restore.err || {
	cat restore.err >&2
	die "restore"
}
took=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.0f", (b - a) * 1000 }')
[ "$(cat demo.pid)" = "$pid" ] || die "restored as $(cat demo.pid), not $pid"
wait_lines $((before + 300))
note "pid $pid is back after $took ms, $(ls "/proc/$pid/task" | wc -l) threads, and goes on:"
tail -n 2 demo.log | cut -c 1-60 | sed 's/$/.../; s/^/    /'

say "5. Was anything lost or repeated?"
kill -TERM "$pid"
wait_gone "the restored program does not end on SIGTERM"
"$python" "$top/tests/progs/demo.py" verify demo.log "$last" >proof.out || { cat proof.out; die "the log"; }
sed "s/^/  $green/; s/\$/$off/" proof.out

frozen=$(sed -n 's/.*frozen \([0-9.]* [mu]*s\).*/\1/p' snapshot.err)
image=$(stat -c %s demo.img)
say "frozen for ${frozen:-?}, image $((image / 1048576)) MiB ($image bytes), back in $took ms"
echo "demo: ok"
