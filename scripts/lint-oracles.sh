#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# lint-oracles.sh: every member of every record struct has a row in
# tests/oracles.tsv, in the header's order, and no row names anything else. A
# row: struct.field <TAB> oracle [<TAB> "gather": tests/unit/gather_oracle.c
# compares it; that program checks that it does]. "derived:" is for what the
# image defines itself: ids, lengths, pads, checksums.
set -eu
cd "$(dirname "$0")/.."
tsv=tests/oracles.tsv
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

scripts/image-fields.sh >"$tmp/fields"
grep -v '^#' "$tsv" >"$tmp/rows"
cut -f 1 "$tmp/rows" >"$tmp/named"

bad=0
[ -s "$tmp/fields" ] || { echo "no record structs found"; bad=1; }
if ! diff "$tmp/fields" "$tmp/named" >"$tmp/diff"; then
	sed -n "s|^< |$tsv: no row, or not in order: |p; s|^> |$tsv: no such field, or not in order: |p" "$tmp/diff"
	bad=1
fi
# "derived" must not be an excuse for what the kernel knows.
awk -F '\t' -v tsv="$tsv" '
	NF < 2 || NF > 3 || $2 == "" { print tsv ": " $1 ": not two or three columns"; bad = 1 }
	NF == 3 && $3 != "gather" { print tsv ": " $1 ": third column"; bad = 1 }
	$2 ~ /^derived:/ && $1 !~ /\.(id|pad[0-9]|[a-z_]*len|magic|format|type|version|flags|owner|crc|crid|required|optional|exe|file|kind|obj|npages|codec|xxh3|records|pages|digest|page_size|size|err|nbytes|nvmas|action|restart_nr)$/ {
		print tsv ": " $1 ": derived?"; bad = 1 }
	END { exit bad }
' "$tmp/rows" || bad=1
exit $bad
