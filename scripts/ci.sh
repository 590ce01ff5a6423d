#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# ci.sh [KERNEL]: lint, check and vm-check, each under a time limit, the next
# one even if one failed; their TAP is summed in one closing line. A part that
# fails without having said so in TAP counts as one failure.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
O=${O:-build}
rm -rf "$O/tap"
mkdir -p "$O/tap"
kernel=${1:-6.1}

shopt -s nullglob
failures() { cat /dev/null "$O"/tap/*.tap "build/vm-$kernel/tap" 2>/dev/null | grep -c '^not ok '; }

part()	# NAME SECONDS COMMAND...
{
	local name=$1 limit=$2 status before
	shift 2
	before=$(failures)
	printf '== %s\n' "$name"
	timeout -k 30 "$limit" "$@"
	status=$?
	[ "$status" = 124 ] && echo "$name: not finished after $limit s"
	if [ "$status" != 0 ] && [ "$(failures)" = "$before" ]; then
		printf '1..1\nnot ok 1 %s: exit status %s\n' "$name" "$status" >"$O/tap/part-$name.tap"
	fi
}

part lint 240 make lint
part check 900 make check

# The guest's TAP is one stream of several suites, their plans among it.
guest=build/vm-$kernel/tap
rm -f "$guest"
# In full it is `make vm-check`; these machines would need all of the time for it.
CKPT_QUICK=1 CKPT_VM_TIMEOUT=${CKPT_VM_TIMEOUT:-2200} part vm-check 2300 make vm-check "KERNEL=$kernel"
[ ! -s "$guest" ] || grep -E '^(ok|not ok) ' "$guest" >"$O/tap/vm-$kernel.tap"
scripts/tally.sh "$O"/tap/*.tap
