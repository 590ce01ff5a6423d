#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# check-all.sh [KERNEL]...: check.sh (T=STEM) under each of Debian's kernels, the
# next one even if one failed; then one line for each. The tool must have been
# built.
set -uo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -gt 0 ] || set -- 6.1 6.12 7.2
rc=0
lines=()
for kernel; do
	echo "== kernel $kernel"
	"$top/tests/vm/check.sh" "$kernel" | tee "$top/build/vm-$kernel.log"
	[ "${PIPESTATUS[0]}" = 0 ] || rc=1
	lines+=("$(printf '%-5s %s' "$kernel" "$(tail -n 1 "$top/build/vm-$kernel.log")")")
done
echo "== all"
printf '%s\n' "${lines[@]}"
exit $rc
