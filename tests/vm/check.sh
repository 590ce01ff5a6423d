#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# check.sh [KERNEL]: the module's own tests and every tests/*.bats (T=STEM: only
# that one, or several), with both engines, under Debian's kernel of that
# version (6.1). The tool must have been built. The last line is the sum.
#
# Each engine has a guest of its own, both at the same time: kmod's with the
# module, stock's without it. Then (T=rights) guests whose kernels forbid all.
set -uo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 1
kernel=${1:-6.1}
out=$top/build/vm-$kernel
mkdir -p "$out" build/tests

scripts/build-kmod.sh "$kernel" >/dev/null || exit 1
${CC:-gcc} -std=gnu11 -O2 -g -Wall -Wextra -Wmissing-prototypes -Wshadow -D_GNU_SOURCE -Iinclude \
	-pthread -no-pie -o build/tests/kmod_test tests/vm/kmod_test*.c || exit 1
${CC:-gcc} -m32 -nostdlib -static -no-pie -Wl,--build-id=none \
	-o build/tests/kmod_ia32 tests/vm/kmod_ia32.S || exit 1

export CKPT_SLOW=${CKPT_SLOW:-10}
export CKPT_VM_TIMEOUT=${CKPT_VM_TIMEOUT:-2400}

guest() # ENGINE
{
	local flag=
	[ "$1" != kmod ] || flag=-m
	mkdir -p "$out/$1"
	# shellcheck disable=SC2086 # no flag; several stems
	CKPT_ENGINES=$1 CKPT_VM_OUT=$out/$1 tests/vm/run.sh $flag "$kernel" -- \
		tests/vm/suite.sh ${T:-} 2>&1 |
		sed -uE "s/^((not )?ok [0-9]+) /\1 $1: /; s/^# tests/# $1: tests/" | tee "$out/$1.tap"
	echo "${PIPESTATUS[0]}" > "$out/$1.status"
}

# rights MODE APPEND: a guest that is only to refuse.
rights()
{
	CKPT_VM_APPEND=$2 CKPT_VM_OUT=$out/rights-$1 CKPT_VM_TIMEOUT=300 tests/vm/run.sh "$kernel" -- \
		tests/vm/rights.sh "$1" 2>&1 | tee "$out/rights-$1.tap"
	echo "${PIPESTATUS[0]}" > "$out/rights-$1.status"
}

read -ra engines <<< "${CKPT_ENGINES:-kmod stock}"
rm -f "$out"/*.tap "$out"/*.status
scripts/fetch-kernel.sh "$kernel" || exit 1
for e in "${engines[@]}"; do
	guest "$e" &
done
wait
case " ${T:-rights} " in
*" rights "*)
	rights lockdown lockdown=confidentiality
	rights yama ""
	engines+=(rights-lockdown rights-yama) ;;
esac
cat "$out"/*.tap > "$out/tap"
rc=0
for e in "${engines[@]}"; do
	status=$(cat "$out/$e.status" 2>/dev/null || echo 125)
	[ "$status" = 0 ] || { rc=$status; echo "vm-check: engine $e: status $status"; }
done

passed=$(grep -c '^ok ' "$out/tap")
skipped=$(grep -cE '^ok .*# skip' "$out/tap")
failed=$(grep -c '^not ok ' "$out/tap")
if [ "$rc" -ne 0 ]; then
	echo "vm-check: kernel $kernel: status $rc"
	# The guest's kernel complained, or a suite broke off: that is a failure too.
	[ "$failed" -gt 0 ] || failed=1
fi
if [ "$failed" -gt 0 ]; then
	grep '^not ok ' "$out/tap"
fi
echo "$((passed - skipped)) passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
