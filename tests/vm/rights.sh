#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# rights.sh lockdown|yama: in a guest without the module, whose kernel was booted
# with lockdown=confidentiality, or gets kernel.yama.ptrace_scope=3: one line that
# says what to do, the target goes on, and check knows it too. TAP.
set -u
mode=$1
cd "$(dirname "$0")/../.." || exit 1
tool=build/ckptbpf
n=0 rc=0
work=$(mktemp -d)

result() # NAME COMMAND...
{
	local name=$1
	shift
	n=$((n + 1))
	if "$@" >"$work/why" 2>&1; then
		echo "ok $n rights: $mode: $name"
	else
		echo "not ok $n rights: $mode: $name"
		sed 's/^/# /' "$work/why" "$work/err" "$work/check"
		rc=1
	fi
}

case $mode in
lockdown)
	mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
	line='BPF: kernel lockdown is in confidentiality mode: boot with lockdown=integrity'
	row='^lockdown +no .*\[confidentiality\]' ;;
yama)
	echo 3 > /proc/sys/kernel/yama/ptrace_scope
	line='kernel.yama.ptrace_scope is 3: nobody may, root neither, until a boot without it'
	row='^yama +no +ptrace_scope 3' ;;
*)
	echo "usage: ${0##*/} lockdown|yama" >&2
	exit 2 ;;
esac

sleep 1000 &
pid=$!
"$tool" snapshot "$pid" -o "$work/x.img" >/dev/null 2>"$work/err"
status=$?
"$tool" check >"$work/check" 2>&1
checked=$?
result "snapshot: status 1" [ "$status" = 1 ]
result "snapshot: one line" [ "$(grep -c . "$work/err")" = 1 ]
result "snapshot: what to do" grep -qF "$line" "$work/err"
result "snapshot: no file" [ -z "$(find "$work" -name '*.img*')" ]
result "the target goes on" grep -qE '^State:.*S \(sleeping\)' "/proc/$pid/status"
result "check: status 1" [ "$checked" = 1 ]
result "check: names it" grep -qE "$row" "$work/check"
result "check: what is lost, what to do" \
	[ "$(grep -A 2 -E "$row" "$work/check" | grep -cE '^ +(lost|do): +.')" = 2 ]
result "check: no snapshot" grep -q '^No snapshot can be made here' "$work/check"
kill "$pid"
rm -rf "$work"
echo "1..$n"
exit $rc
