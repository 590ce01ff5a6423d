#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# run-tap.sh NAME SECONDS COMMAND...: run one test program under a time limit
# and leave its result in $O/tap/NAME.tap. A program that prints TAP of its own
# ("1..N") keeps it; any other is one test: 0 passed, 77 skipped, else failed.
# Only what went wrong is shown. Exit status 1 if something failed.
set -uo pipefail
name=$1 limit=$2
shift 2
tap=${O:-build}/tap/$name.tap
log=${O:-build}/tap/$name.log
mkdir -p "${tap%/*}"
start=$EPOCHREALTIME
timeout -k 5 "$limit" "$@" >"$log" 2>&1 </dev/null
status=$?
took=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
[ "$status" = 124 ] && echo "# not finished after $limit s" >>"$log"

if grep -qE '^1\.\.[0-9]+' "$log"; then
	grep -E '^(1\.\.[0-9]+|ok |not ok |#)' "$log" >"$tap"
	# A crash after the last result is a failure all the same.
	if [ "$status" != 0 ] && ! grep -q '^not ok ' "$tap"; then
		sed -i '/^1\.\./d' "$tap"
		echo "not ok $name: exit status $status" >>"$tap"
	fi
else
	case $status in
	0)	echo "ok 1 $name" ;;
	77)	echo "ok 1 $name # skip $(tail -n 1 "$log")" ;;
	*)	echo "not ok 1 $name: exit status $status"; sed 's/^/# /' "$log" ;;
	esac >"$tap"
fi
# Several run side by side: each says what it has to say in one piece.
exec 9>"${tap%/*}/.said"
flock 9
result=$("${0%/*}/tally.sh" "$tap")
failed=$?
printf '  %-24s %s (%s s)\n' "$name" "$result" "$took"
if [ "$failed" != 0 ]; then
	grep -vE '^(ok |1\.\.)' "$tap" | tail -n 60
	[ -s "$log" ] && ! grep -q '^#' "$tap" && tail -n 30 "$log" | sed 's/^/# /'
	exit 1
fi
exit 0
