#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Rights and kernels that are too little: one line that says what to do, status 1,
# the target as it was. (Lockdown and yama: tests/vm/rights.sh.)
load helpers

# told PATTERN COMMAND...: it fails with one line like that, and the target goes on.
told()
{
	local pattern=$1 err=$dir/told.err rc=0
	shift
	detached limit 60 "$@" </dev/null >/dev/null 2>"$err" || rc=$?
	[ "$rc" = 1 ] || fail "status $rc: $(cat "$err")"
	[ "$(grep -c . "$err")" = 1 ] || fail "not one line: $(cat "$err")"
	grep -qE -- "$pattern" "$err" || fail "$(cat "$err")"
	[ ! -e "$dir/x.img" ] || fail "an image"
	in_ns grep -q '^TracerPid:[[:space:]]*0$' "/proc/$pid/status"
}

snapshot=()
setup()
{
	ckpt_setup
	snapshot=("$CKPT_BUILD/ckptbpf" snapshot -o "$dir/x.img")
}

# advised FEATURE COMMAND...: the table of check says no, what is lost and what to do.
advised()
{
	local feature=$1 out=$dir/check.out
	shift
	! detached limit 60 "$@" </dev/null >"$out" 2>&1 || fail "it works: $(cat "$out")"
	grep -A 2 -E "^$feature +(no|partly) " "$out" | grep -qE '^ +lost: .' || fail "$(cat "$out")"
	grep -A 2 -E "^$feature +(no|partly) " "$out" | grep -qE '^ +do: +.' || fail "$(cat "$out")"
	grep -q '^No snapshot can be made here' "$out"
}

@test "rights: a kernel without BTF" {
	[ -d /sys/kernel/btf ] || skip "this kernel has no BTF"
	# What is hidden there must not be hidden from others.
	[ -n "$(awk '$5 == "/"' /proc/self/mountinfo)" ] || skip "in a chroot no mount can be made private"
	for e in $(engines); do
		start_prog signal
		told 'BPF: .*/sys/kernel/btf/vmlinux is missing.*CONFIG_DEBUG_INFO_BTF' \
			unshare --mount sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' sh \
			"${snapshot[@]}" --engine "$e" "$pid"
		check_prog
	done
	advised 'kernel types \(BTF\)' unshare --mount sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' sh \
		"$CKPT_BUILD/ckptbpf" check
}

# Started by root without the capabilities named, as a container starts it.
lacking() { printf '%s\n' setpriv "--bounding-set=$1" "--inh-caps=$1"; }

@test "rights: root without CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN" {
	requires setpriv
	local run
	mapfile -t run < <(lacking -bpf,-perfmon,-sys_admin)
	start_prog signal
	told 'BPF: .*CAP_BPF' "${run[@]}" "${snapshot[@]}" --engine stock "$pid"
	check_prog
	advised CAP_BPF "${run[@]}" "$CKPT_BUILD/ckptbpf" check
}

@test "rights: root without CAP_SYS_PTRACE" {
	requires setpriv
	local run
	mapfile -t run < <(lacking -sys_ptrace)
	for e in $(engines); do
		start_prog signal
		told 'CAP_SYS_PTRACE is missing: run as root, in a container with --cap-add SYS_PTRACE' \
			"${run[@]}" "${snapshot[@]}" --engine "$e" "$pid"
		check_prog
	done
}

@test "rights: nobody's" {
	requires setpriv
	start_prog signal
	chmod 777 "$dir"
	told 'CAP_SYS_PTRACE is missing' setpriv --reuid 65534 --regid 65534 --clear-groups \
		"${snapshot[@]}" --engine stock "$pid"
	check_prog
}

@test "rights: root of a user namespace, as in a container" {
	start_prog signal
	unshare --user --map-root-user true 2>/dev/null || skip "no user namespaces"
	told 'pid [0-9]+: .*(outside of the container|CAP_SYS_PTRACE)|BPF: .*CAP_BPF' \
		unshare --user --map-root-user "${snapshot[@]}" --engine stock "$pid"
	check_prog
	advised 'BPF programs' unshare --user --map-root-user "$CKPT_BUILD/ckptbpf" check
}
