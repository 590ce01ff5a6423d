#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# run-unit.sh [STEM]: the unit tests; they need no root and no BPF.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
status=0
for src in tests/unit/*.c; do
	[ -e "$src" ] || continue
	stem=$(basename "$src" .c)
	case $stem in
	*"${1-}"*) scripts/run-tap.sh "unit-$stem" 60 "${O:-build}/tests/$stem" || status=1 ;;
	esac
done
exit $status
