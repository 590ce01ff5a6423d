#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# lint-kmod.sh: what sparse says about the module, and that versions of the
# kernel are asked for in kmod/compat/ only, three times at most. Wants the
# headers of a kernel: $KDIR, one of build/kernels (make vm-check fetches
# them), or the running kernel's.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

tests=$(grep -rnE '^[[:space:]]*#[[:space:]]*(el)?if.*(LINUX_VERSION_CODE|KERNEL_VERSION)' \
	kmod arch include bpf --include='*.[chS]')
if stray=$(grep -v '^kmod/compat/' <<<"$tests" | grep .); then
	printf 'a test of the kernel version outside of kmod/compat/:\n%s\n' "$stray"
	exit 1
fi
if [ "$(grep -c . <<<"$tests")" -gt 3 ]; then
	printf 'more than three tests of the kernel version:\n%s\n' "$tests"
	exit 1
fi

kernel=${KDIR:-}
for k in 6.1 6.12; do
	[ -n "$kernel" ] || [ ! -e "build/kernels/$k/release" ] || kernel=$k
done
[ -n "$kernel" ] || [ ! -d "/lib/modules/$(uname -r)/build" ] || kernel=/lib/modules/$(uname -r)/build
command -v sparse >/dev/null || { echo "sparse is not installed"; exit 77; }
[ -n "$kernel" ] || { echo "no kernel headers (KDIR=)"; exit 77; }
out=$(C=2 scripts/build-kmod.sh "$kernel" 2>&1 >/dev/null) || { echo "$out"; exit 1; }
out=$(grep -E '(warning|error):' <<<"$out")
printf '%s' "$out"
[ -z "$out" ]
