#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Alone: stops are measured.
# The snapshot as a whole: large programs, several at once, what it costs, what
# it says of descriptors that lead out.
load helpers

@test "snapshot: a large program comes back as it was" {
	for e in $(engines); do
		start_prog big "$((${CKPT_SLOW:-1} == 1 ? 256 : 48))"
		roundtrip "$e"
		rm -f "$dir"/*.img
	done
}

# The anonymous memory of the tool alone: 24 MiB and 1 KiB for each mapping or
# descriptor and 16 KiB for each thread, whatever the size of the target.
@test "snapshot: it needs no more memory for a large program" {
	requires python3
	local mib=${CKPT_BIG_MIB:-$((${CKPT_SLOW:-1} == 1 ? 1024 : 0))} free
	[ "$mib" -gt 0 ] || skip "no measure in a slow machine"
	free=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
	[ "$free" -gt $((mib * 3)) ] || skip "$free MiB of memory free, not $((mib * 3))"
	cat >peak.py <<-'PYTHON'
		import subprocess, sys, time
		p = subprocess.Popen(sys.argv[1:], stdout=open("/dev/null", "wb"))
		peak, seen = 0, 0
		while p.poll() is None:
		    try:
		        status = dict(l.split(":", 1) for l in open(f"/proc/{p.pid}/status") if ":" in l)
		    except (FileNotFoundError, ProcessLookupError):
		        continue
		    if "RssAnon" in status and "ckptbpf" in status["Name"]:
		        peak, seen = max(peak, int(status["RssAnon"].split()[0])), seen + 1
		    time.sleep(0.001)
		print(peak, seen)
		sys.exit(p.returncode)
	PYTHON
	start_prog big "$mib"
	for e in $(engines); do
		local peak seen
		read -r peak seen < <(detached limit 60 python3 peak.py "$CKPT_BUILD/ckptbpf" snapshot \
			"$pid" --engine "$e" -q --force -o "$dir/peak.img" </dev/null)
		echo "$e: peak $peak KiB of anonymous memory, looked $seen times"
		[ "$seen" -ge 20 ] || fail "looked only $seen times"
		[ "$peak" -gt 1000 ] && [ "$peak" -le $((24 * 1024 + 30 + 16)) ] || fail "$peak KiB"
		[ "$(stat -c %s "$dir/peak.img")" -ge $((mib << 20)) ]
		rm "$dir/peak.img"
	done
	check_prog
}

# flock gives one run the pinned programs, the others load their own.
@test "snapshot: several at once, of several programs" {
	for e in $(engines); do
		local pids=() logs=() i
		rm -f crids
		for i in 1 2 3 4; do
			start "p$i" "$CKPT_BUILD/tests/progs/signal"
			wait_log '^ready$'
			pids+=("$pid") logs+=("$log")
		done
		# shellcheck disable=SC2016
		detached limit 120 bash -c '
			ckpt=$1 engine=$2; shift 2
			for p; do
				"$ckpt" snapshot "$p" --engine "$engine" --kill --force -o "$p.img" 2>"$p.err" &
				jobs+=("$!")
			done
			for j in "${jobs[@]}"; do wait "$j" || echo "failed" >>failed; done' \
			bash "$CKPT_BUILD/ckptbpf" "$e" "${pids[@]}" </dev/null
		[ ! -e failed ] || fail "$(cat -- *.err)"
		# Each has a checkpoint id of its own.
		for i in "${pids[@]}"; do
			ck_ok show "$i.img"
			grep -oE ' crid=[0-9]+ ' <<<"$output" >>crids
		done
		[ "$(sort -u crids | wc -l)" = 4 ] || fail "$(cat crids)"
		for i in 0 1 2 3; do
			pid=${pids[i]} log=${logs[i]}
			wait_gone "$pid"
			restore_detached "$e" "$pid.img"
			check_prog
		done
	done
}

@test "snapshot: an image is its owner's alone, whatever the umask" {
	for e in $(engines); do
		start_prog signal
		# shellcheck disable=SC2016
		detached limit 60 bash -c 'umask 0; "$1" snapshot "$2" --engine "$3" --force -q -o open.img' \
			bash "$CKPT_BUILD/ckptbpf" "$pid" "$e" </dev/null
		[ "$(stat -c %a open.img)" = 600 ]
		check_prog
	done
}

# A program whose standard descriptors lead out: in from one pipe, out to another.
piped() # the program's own output comes in $dir/out
{
	log=$dir/out
	: >"$log"
	# shellcheck disable=SC2016
	detached in_ns bash -c 'sleep 600 | setsid bash -c "echo \$\$ >\"\$0\"; exec \"\$1\"" "$2" "$1" |
		cat >>"$3" &' bash "$CKPT_BUILD/tests/progs/signal" "$dir/piped.pid" "$dir/out" </dev/null >/dev/null 2>&1
	wait_log '^ready$'
	pid=$(cat "$dir/piped.pid")
}

@test "snapshot: descriptors that lead out are named, restore gives others" {
	for e in $(engines); do
		piped
		ck_ok snapshot "$pid" --engine "$e" --kill --force -o x.img
		grep -qE "^snapshot: $pid: external: fd 0 \(pipe:\[[0-9]+\]\)\$" <<<"$stderr" || fail "$stderr"
		grep -qE "^snapshot: $pid: external: fd 1 \(pipe:\[[0-9]+\]\)\$" <<<"$stderr" || fail "$stderr"
		wait_gone "$pid"

		# Detached: /dev/null, unless told otherwise.
		restore_detached "$e" x.img
		[ "$(in_ns readlink "/proc/$pid/fd/0" "/proc/$pid/fd/1" | sort -u)" = /dev/null ]
		in_ns kill -USR1 "$pid"
		wait_gone "$pid"

		: >inherited
		# shellcheck disable=SC2016
		detached limit 60 bash -c '"$1" restore --engine "$2" --detach --inherit-fd 1=7 -q x.img 7>>inherited' \
			bash "$CKPT_BUILD/ckptbpf" "$e" </dev/null
		log=$PWD/inherited
		check_prog
		log=$dir/out

		# In the foreground: the restorer's own.
		: >mine
		# shellcheck disable=SC2016
		detached limit 60 bash -c '"$1" restore --engine "$2" x.img >>mine 2>err' \
			bash "$CKPT_BUILD/ckptbpf" "$e" </dev/null &
		local i job=$!
		for ((i = 0; i < $(slow 500); i++)); do
			! grep -q running err 2>/dev/null || break
			sleep 0.02
		done
		log=$PWD/mine
		check_prog
		wait "$job"
		log=$dir/out
	done
}
