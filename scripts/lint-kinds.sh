#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# lint-kinds.sh: every CKPT_KIND row has user/res/<stem>.c, tests/progs/<stem>.c
# and tests/<stem>.bats; no id is given twice; each type has its struct and the
# assertion that freezes its size.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
def=include/ckptbpf/kinds.def
bad=0
say() { echo "$def: $*"; bad=1; }

ids=$(sed -nE 's/^CKPT_(KIND|FRAME)\([A-Z_]+, *([0-9]+),.*/\2/p' $def)
dup=$(sort <<<"$ids" | uniq -d)
[ -z "$dup" ] || say "id used twice: ${dup//$'\n'/ }"
[ -n "$ids" ] || say "no rows found"

while read -r stem; do
	for f in "user/res/$stem.c" "tests/progs/$stem.c" "tests/$stem.bats"; do
		[ -e "$f" ] || say "kind $stem: no $f"
	done
	[ ! -e "tests/$stem.bats" ] || grep -q '^@test' "tests/$stem.bats" || say "kind $stem: tests/$stem.bats has no test"
done < <(sed -nE 's/^CKPT_KIND\([^,]+,[^,]+,[^,]+, *([a-z0-9_]+)\).*/\1/p' $def | sort -u)

while read -r name; do
	grep -qE "CKPT_ONDISK\(struct ckpt_$name," include/ckptbpf/*.h arch/*/*.h ||
		say "struct ckpt_$name: no CKPT_ONDISK() with its size"
done < <(sed -nE 's/^CKPT_KIND\(([A-Z_]+),.*/\1/p; s/^CKPT_FRAME\([^,]+,[^,]+, *ckpt_([a-z_]+)\).*/\1/p' $def | tr '[:upper:]' '[:lower:]' | sort -u)
exit $bad
