#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# check.sh [STEM]: unit tests, the audit, a short fuzz, bats with the stock engine; one closing line.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
O=${O:-build}
rm -f "$O"/tap/unit-* "$O"/tap/fuzz-* "$O"/tap/bats-*
status=0
scripts/run-unit.sh "${1-}" || status=1
if [ "${1:-audit}" = audit ]; then
	scripts/run-tap.sh unit-audit 30 scripts/audit.sh -t || status=1
fi
FUZZ_SECONDS=60 scripts/run-fuzz.sh "${1-}" || status=1
CKPT_ENGINES=${CKPT_ENGINES:-stock} scripts/run-bats.sh "${1-}" || status=1
shopt -s nullglob
printf 'check: '
scripts/tally.sh "$O"/tap/unit-*.tap "$O"/tap/fuzz-*.tap "$O"/tap/bats-*.tap || status=1
exit $status
