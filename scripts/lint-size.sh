#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# lint-size.sh: no source over 600 lines, no C function over 120.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files '*.c' '*.h' '*.S' '*.sh' '*.bash' '*.bats' '*.py' '*.def' Makefile .ci/run \
	':!vmlinux.h' ':!tests/golden' | while read -r f; do
	[ -e "$f" ] || continue
	awk -v file="$f" '
		END { if (NR > 600) printf "%s: %d lines (most: 600)\n", file, NR }
		# Kernel style: a function body opens and closes in column 1.
		file ~ /\.[ch]$/ && /^\{/ { start = FNR; name = last }
		file ~ /\.[ch]$/ && /^\}/ {
			if (start && FNR - start > 120)
				printf "%s:%d: %d lines (most: 120): %s\n", file, start, FNR - start, name
			start = 0
		}
		/[^[:space:]]/ { last = $0 }' "$f"
done | awk '{ print } END { exit NR > 0 }'
