#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tally.sh FILE.tap...: one line, "N passed, N failed, N skipped". A plan with
# tests that never reported, or a file without any result, counts as failed:
# silence is not success. Exit status 1 if anything failed.
set -eu
[ $# -gt 0 ] || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }
for f; do
	[ -e "$f" ] || { echo "tally: $f: not there" >&2; continue; }
	cat "$f"
	echo "@@end $f"
done | awk -v files=$# '
# A whole suite that skips itself is one skip, if it says so.
/^1\.\.0/ { if ($0 ~ /# *[Ss][Kk][Ii][Pp]/) skipped++; else failed++; plan = 0; planned = 1; next }
/^1\.\.[0-9]+/ { plan = substr($1, 4) + 0; planned = 1; next }
/^not ok / { if ($0 ~ /# *[Tt][Oo][Dd][Oo]/) skipped++; else failed++; seen++; next }
/^ok / { if ($0 ~ /# *[Ss][Kk][Ii][Pp]/) skipped++; else passed++; seen++; next }
/^@@end / {
	done++
	if (planned ? seen < plan : seen == 0)
		failed += planned ? plan - seen : 1
	plan = planned = seen = 0
}
END {
	failed += files - done
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit failed > 0
}'
