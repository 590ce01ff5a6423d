#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# run-fuzz.sh [STEM]: each fuzz program mutates the golden images FUZZ_RUNS
# times (default 10000) from FUZZ_SEED, under ASan and UBSan.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export FUZZ_RUNS=${FUZZ_RUNS:-10000} FUZZ_SEED=${FUZZ_SEED:-1}
export ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=1:max_allocation_size_mb=4096}
shopt -s nullglob
status=0
for src in tests/fuzz/*.c; do
	stem=$(basename "$src" .c)
	case $stem in
	*"${1-}"*) scripts/run-tap.sh "fuzz-$stem" "${FUZZ_SECONDS:-3600}" "${O:-build}/fuzz/$stem" tests/golden/*/* || status=1 ;;
	esac
done
exit $status
