#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# lint.sh: every rule of the tree that can be checked without running it. One
# TAP line each in $O/tap/lint.tap; what is wrong is printed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
O=${O:-build}
tap=$O/tap/lint.tap
mkdir -p "$O/tap"
n=0 failed=0
: >"$tap"

rule()	# NAME COMMAND...
{
	local name=$1 out status
	shift
	n=$((n + 1))
	out=$("$@" 2>&1)
	status=$?
	case $status in
	0)	echo "ok $n lint: $name" >>"$tap" ;;
	77)	echo "ok $n lint: $name # skip ${out##*$'\n'}" >>"$tap" ;;
	*)	echo "not ok $n lint: $name" | tee -a "$tap"
		sed 's/^/# /' <<<"$out" | tee -a "$tap"
		failed=1 ;;
	esac
}

mapfile -t sh < <(git ls-files '*.sh' '*.bash' .ci/run tests/vm/init | sort -u)
mapfile -t bats < <(git ls-files '*.bats')
mapfile -t text < <(git ls-files ':!vmlinux.h' ':!tests/golden' ':!LICENSES')
mapfile -t man < <(git ls-files 'docs/man/*')

mandoc_lint()
{
	local out
	out=$(mandoc -T lint -W warning "${man[@]}" 2>&1)
	printf '%s' "$out"
	[ -z "$out" ]
}

rule "sizes of files and functions" scripts/lint-size.sh
rule "style and the direction of includes" scripts/lint-style.sh
rule "every kind has its source, program and test" scripts/lint-kinds.sh
rule "shellcheck: scripts" shellcheck -x -S warning "${sh[@]}"
# Variables of the bats files are set and read in helpers.bash.
[ ${#bats[@]} = 0 ] || rule "shellcheck: bats" shellcheck -x -S warning -e SC2034,SC2154 "${bats[@]}"
rule "spelling" codespell "${text[@]}"
[ ${#man[@]} = 0 ] || rule "manual pages" mandoc_lint
[ ! -x scripts/lint-oracles.sh ] || rule "every record field has an oracle" scripts/lint-oracles.sh
rule "docs/kinds.md is as the sources say" scripts/gen-kinds.sh -c
rule "the audit names what there is" scripts/audit.sh -n
rule "the module: sparse, tests of the kernel version" scripts/lint-kmod.sh
echo "1..$n" >>"$tap"
printf 'lint: '
scripts/tally.sh "$tap"
exit $failed
