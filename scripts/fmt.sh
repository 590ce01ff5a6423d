#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# fmt.sh [BASE]: clang-format on the lines that differ from BASE (default HEAD).
set -euo pipefail
cd "$(dirname "$0")/.."
git diff -U0 --no-color "${1:-HEAD}" -- '*.c' '*.h' ':!vmlinux.h' |
	awk '/^\+\+\+ b\// { file = substr($2, 3) }
		/^@@/ { split(substr($3, 2), at, ","); n = at[2] == "" ? 1 : at[2]
			if (n > 0) print file, at[1] ":" at[1] + n - 1 }' |
	awk '{ a[$1] = a[$1] " --lines=" $2 } END { for (f in a) print f a[f] }' |
	while read -r file lines; do
		# shellcheck disable=SC2086
		clang-format -i $lines "$file"
		echo "  FMT      $file"
	done
