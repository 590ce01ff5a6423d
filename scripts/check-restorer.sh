#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# check-restorer.sh RESTORER.elf: the restorer runs wherever there is room, so
# an absolute address in it would be wrong there. Needs ld --emit-relocs.
set -eu
bad=$("${READELF:-readelf}" -rW "$1" | awk '
	/^Relocation section/ { section = $3; next }
	section ~ /debug|eh_frame/ { next }
	$3 ~ /^R_X86_64_(64|32|32S|16|8|GOT.*|.*TPOFF.*|TLS.*|DTP.*|COPY|GLOB_DAT|JUMP_SLOT)$/ { print "  " section " " $3 " " $5 }')
[ -z "$bad" ] || { printf 'restorer: not position-independent:\n%s\n' "$bad" >&2; exit 1; }
