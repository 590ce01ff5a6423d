#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The command line: usage, exit statuses, bad input. Whatever is refused must
# leave the target as it was and no file behind.
load helpers

# A target that answers SIGUSR1 with its own check.
target() { start_prog signal; }

no_files() { [ -z "$(ls -A)" ] || fail "left behind: $(ls -A)"; }

unharmed()
{
	alive "$pid" || fail "the target is gone"
	! grep -q '^State:[[:space:]]*[tT]' <(in_ns cat "/proc/$pid/status") || fail "the target is left stopped"
	grep -q '^TracerPid:[[:space:]]*0$' <(in_ns cat "/proc/$pid/status") || fail "the target is left traced"
}

@test "cli: usage errors end with 2 and the usage on stderr" {
	for args in "" "nonsense" "snapshot" "snapshot x" "snapshot 0" "snapshot -1" "snapshot 1 2" \
		"snapshot --nonsense 1" "snapshot --max-frozen x 1" "restore" "restore a b" "show" \
		"verify" "check --nonsense" "check extra"; do
		# shellcheck disable=SC2086
		ck $args
		[ "$status" = 2 ]
		[ -z "$output" ]
		[[ $stderr == *usage:* ]]
	done
	no_files
}

@test "cli: --help and --version are on stdout and end with 0" {
	for args in --help "snapshot --help" "restore --help" "show --help" "verify --help" "check --help"; do
		# shellcheck disable=SC2086
		ck_ok $args
		[[ $output == usage:* ]]
		[ -z "$stderr" ]
	done
	ck_ok --version
	[[ $output =~ ^ckptbpf\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "cli: every option of the help is in ckptbpf(8)" {
	local page=$BATS_TEST_DIRNAME/../docs/man/ckptbpf.8 option
	for cmd in snapshot restore show verify check; do
		ck_ok "$cmd" --help
		for option in $(grep -oE -e '--[a-z-]+' <<<"$output" | sort -u); do
			[ "$option" = --help ] || grep -qE "Fl -${option#--}( |\$)" "$page" || fail "$cmd $option is not in ckptbpf(8)"
		done
	done
}

@test "cli: no such process" {
	ck_refused 'pid 4194000' snapshot 4194000 -o x.img
	no_files
}

@test "cli: process 1 and itself are refused" {
	ck_refused 'pid 1' snapshot 1 -o x.img
	# The shell that waits for it, and the tool's own number.
	run -1 --separate-stderr detached limit 30 bash -c '"$1" snapshot $$ -o x.img </dev/null; exit $?' bash "$CKPT_BUILD/ckptbpf"
	[[ $stderr == *snapshot:* ]]
	run -1 --separate-stderr detached limit 30 bash -c 'exec "$1" snapshot $$ -o x.img </dev/null' bash "$CKPT_BUILD/ckptbpf"
	[[ $stderr == *snapshot:* ]]
	no_files
}

@test "cli: a kernel thread is refused" {
	# Seen only from the first pid namespace: outside of the test's own.
	local kthread
	kthread=$(ps -e -o pid=,ppid= | awk '$2 == 2 { print $1; exit }')
	[ -n "$kthread" ] || skip "no kernel thread can be seen in this container"
	run -1 --separate-stderr detached nsenter --target "$ns_init" --root --mount --wdns="$PWD" -- \
		timeout "$(slow 30)" "$CKPT_BUILD/ckptbpf" snapshot "$kthread" -o x.img
	[[ $stderr == *"pid $kthread"* ]]
	no_files
}

@test "cli: a zombie is refused" {
	start zombie python3 -c '
import os, time
if os.fork() == 0:
    os._exit(0)
print("ready", flush=True)
time.sleep(1000)'
	wait_log '^ready$'
	local zombie
	for ((i = 0; i < $(slow 100); i++)); do
		zombie=$(in_ns ps -e -o pid=,stat= | awk '$2 ~ /^Z/ { print $1; exit }')
		[ -z "$zombie" ] || break
		sleep 0.05
	done
	for e in $(engines); do
		ck_refused "pid $zombie" snapshot "$zombie" --engine "$e" -o x.img
	done
	no_files
	unharmed
}

@test "cli: an unknown engine is refused" {
	target
	ck_refused 'engine' snapshot "$pid" --engine nonsense -o x.img
	no_files
	unharmed
	check_prog
}

@test "cli: an existing file needs --force" {
	for e in $(engines); do
		target
		echo precious >"$e.img"
		ck_refused "$e.img" snapshot "$pid" --engine "$e" -o "$e.img"
		[ "$(cat "$e.img")" = precious ]
		unharmed
		ck_ok snapshot "$pid" --engine "$e" --force -o "$e.img"
		ck_ok verify "$e.img"
		check_prog
	done
}

@test "cli: a missing folder is named" {
	for e in $(engines); do
		target
		ck_refused 'nowhere/x.img' snapshot "$pid" --engine "$e" --kill -o nowhere/x.img
		no_files
		unharmed
		check_prog
	done
}

@test "cli: a folder that is full in the middle leaves the target and no file" {
	mkdir small
	in_ns mount -t tmpfs -o size=64k small small
	for e in $(engines); do
		target
		ck_refused 'ENOSPC|No space' snapshot "$pid" --engine "$e" --kill -o small/x.img
		[ -z "$(in_ns ls -A small)" ]
		unharmed
		check_prog
	done
}

@test "cli: a traced target is refused by the stock engine" {
	requires strace
	target
	local target=$pid
	start tracer strace -f -p "$target" -o /dev/null
	for ((i = 0; i < $(slow 100); i++)); do
		! grep -q '^TracerPid:[[:space:]]*0$' <(in_ns cat "/proc/$target/status") && break
		sleep 0.05
	done
	ck_refused "pid $target.*traced" snapshot "$target" --engine stock --kill -o x.img
	no_files
	in_ns kill "$pid"
	wait_gone "$pid"
	pid=$target log=$dir/signal.log
	unharmed
	check_prog
}

@test "cli: a snapshot leaves the target running, twice" {
	for e in $(engines); do
		target
		leave_running "$e"
		leave_running "$e"
		unharmed
		check_prog
	done
}

@test "cli: --leave-stopped stops it, SIGCONT lets it go" {
	for e in $(engines); do
		target
		ck_ok snapshot "$pid" --engine "$e" --force --leave-stopped -o x.img
		grep -q '^State:[[:space:]]*T' <(in_ns cat "/proc/$pid/status")
		in_ns kill -CONT "$pid"
		check_prog
	done
}

@test "cli: without -o the name is the only line on stdout, mode 0600" {
	for e in $(engines); do
		target
		ck_ok snapshot "$pid" --engine "$e"
		[[ $output =~ ^ckpt\.$pid\.[0-9]+\.img$ ]]
		[ "$(stat -c %a "$output")" = 600 ]
		ck_ok verify "$output"
		check_prog
	done
}

@test "cli: --dry-run writes nothing" {
	for e in $(engines); do
		target
		ck_ok snapshot "$pid" --engine "$e" --dry-run -o x.img
		no_files
		unharmed
		check_prog
	done
}

@test "cli: success is one line on stderr, -q none, --stats JSON" {
	for e in $(engines); do
		target
		ck_ok snapshot "$pid" --engine "$e" --force -o x.img --stats stats.json
		[[ $stderr =~ ^snapshot:\ $pid\ \(signal,\ [0-9]+\ threads?,\ .*frozen\ [0-9.]+\ ms ]]
		python3 -c 'import json, sys; s = json.load(open(sys.argv[1])); assert s["frozen_us"] > 0, s' stats.json
		ck_ok snapshot "$pid" --engine "$e" --force -q -o x.img
		[ -z "$stderr" ]
		check_prog
	done
}

@test "cli: restore while the number is in use is refused, the owner unharmed" {
	for e in $(engines); do
		target
		ck_ok snapshot "$pid" --engine "$e" --force -o x.img
		ck_refused "pid $pid" restore x.img --engine "$e" --detach
		unharmed
		check_prog
	done
}

@test "cli: verify and restore refuse what is no image, in one line" {
	: >empty
	head -c 100000 /dev/zero >zeros
	mkdir folder
	for f in empty zeros folder nowhere; do
		ck_refused "$f" verify "$f"
		ck "restore" "$f" --detach
		[ "$status" = 1 ] || [ "$status" = 125 ]
		[ "$(grep -c . <<<"$stderr")" = 1 ]
	done
}

@test "cli: every truncation of an image is refused and makes no process" {
	target
	snapshot_kill "$(engines | head -n 1)" x.img
	local size cut
	size=$(stat -c %s x.img)
	for cut in 1 23 24 100 $((size / 2)) $((size - 4096)) $((size - 1)); do
		head -c "$cut" x.img >cut.img
		ck_refused . verify cut.img
		ck restore cut.img --detach
		[ "$status" != 0 ]
		! alive "$pid" || fail "a process was made from $cut of $size bytes"
	done
}

@test "cli: the restored program in the foreground: status and signals are its own" {
	for e in $(engines); do
		start_prog signal
		snapshot_kill "$e" "$dir/$e.img"
		rm -f "$dir/pidfile"
		(CK_SECONDS=60 ck restore "$dir/$e.img" --engine "$e" --pidfile "$dir/pidfile"; echo "$status" >"$dir/status") &
		for ((i = 0; i < $(slow 200); i++)); do
			[ ! -s "$dir/pidfile" ] || break
			sleep 0.05
		done
		[ "$(cat "$dir/pidfile")" = "$pid" ]
		check_prog
		wait $!
		[ "$(cat "$dir/status")" = 0 ]
	done
}

@test "cli: check says which engine and why, as a table and as JSON" {
	ck_ok check
	[[ $output == *"engine stock"* ]]
	[[ $output == *"chosen by --engine auto"* ]]
	ck_ok check --json
	python3 -c '
import json, sys
r = json.loads(sys.argv[1])
assert r["works"] is True and r["engine"] in ("kmod", "stock"), r
for f in r["features"]:
    assert f["have"] in ("yes", "no", "partly"), f
    assert f["have"] == "yes" or f["lost"] and f["do"], f' "$output"
}

@test "cli: check without rights says no, why and what to do" {
	requires setpriv
	run -1 detached limit 30 setpriv --bounding-set=-all --inh-caps=-all --reuid 65534 --regid 65534 --clear-groups \
		"$CKPT_BUILD/ckptbpf" check
	[[ $output == *CAP_BPF*no*lost:*do:* ]]
	[[ $output == *"No snapshot can be made here"* ]]
}

@test "cli: check --unload removes what stayed loaded" {
	target
	ck_ok snapshot "$pid" -o x.img
	in_ns find "$CKPTBPF_RUN" -type f | grep -q . || fail "nothing is pinned"
	ck_ok check --unload
	[ -z "$(in_ns find "$CKPTBPF_RUN/bpf" -mindepth 1 2>/dev/null)" ] || fail "still pinned"
	check_prog
}
