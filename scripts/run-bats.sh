#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# run-bats.sh [STEM]: the bats files (all, or STEM's), each under a time limit,
# with the engines of CKPT_ENGINES (default stock). The same in the VM, where
# CKPT_SLOW stretches every limit. As many side by side as there are processors
# (CKPT_JOBS), and then, one by one, those that say `# Alone:` why at their top.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export CKPT_ENGINES=${CKPT_ENGINES:-stock} CKPT_SLOW=${CKPT_SLOW:-1}
seconds=$((${BATS_FILE_SECONDS:-240} * CKPT_SLOW))
shopt -s nullglob
together=() alone=()
for f in tests/*.bats; do
	[ -z "${1-}" ] || [ "$(basename "$f" .bats)" = "$1" ] || continue
	if head -n 8 "$f" | grep -q '^# Alone:'; then alone+=("$f"); else together+=("$f"); fi
done
if [ ${#together[@]} = 0 ] && [ ${#alone[@]} = 0 ] && [ -n "${1-}" ] && [ ! -e "tests/unit/$1.c" ]; then
	echo "run-bats: no tests/$1.bats" >&2
	exit 1
fi

# JOBS FILE...
run()
{
	local jobs=$1
	shift
	[ $# -gt 0 ] || return 0
	# shellcheck disable=SC2016 # for the inner shell
	printf '%s\0' "$@" | xargs -0 -n 1 -P "$jobs" sh -c \
		'exec scripts/run-tap.sh "bats-$(basename "$2" .bats)" "$1" bats --formatter tap "$2"' - "$seconds"
}

status=0
run "${CKPT_JOBS:-$(nproc)}" "${together[@]}" || status=1
run 1 "${alone[@]}" || status=1
exit $status
