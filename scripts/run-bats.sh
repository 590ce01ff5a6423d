#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# run-bats.sh [STEM]: the bats files (all, or STEM's), each under a time limit,
# with the engines of CKPT_ENGINES (default stock). The same in the VM, where
# CKPT_SLOW stretches every limit.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export CKPT_ENGINES=${CKPT_ENGINES:-stock} CKPT_SLOW=${CKPT_SLOW:-1}
shopt -s nullglob
status=0 any=0
for f in tests/*.bats; do
	stem=$(basename "$f" .bats)
	[ -z "${1-}" ] || [ "$stem" = "$1" ] || continue
	any=1
	scripts/run-tap.sh "bats-$stem" $((${BATS_FILE_SECONDS:-120} * CKPT_SLOW)) \
		bats --formatter tap "$f" || status=1
done
if [ "$any" = 0 ] && [ -n "${1-}" ] && [ ! -e "tests/unit/$1.c" ]; then
	echo "run-bats: no tests/$1.bats" >&2
	exit 1
fi
exit $status
