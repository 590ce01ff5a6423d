#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# gen-blob.sh RESTORER.bin RESTORER.elf: the restorer as a C header. Its global
# symbols become offsets (RESTORER_OFF_<name>), so no address is written twice.
set -eu
bin=$1 elf=$2
size=$(wc -c <"$bin")
[ "$size" -gt 0 ] || { echo "gen-blob: $bin is empty" >&2; exit 1; }
echo '/* SPDX-License-Identifier: GPL-2.0 */'
echo '/* Generated from user/restorer by scripts/gen-blob.sh. */'
echo '#ifndef RESTORER_BLOB_H'
echo '#define RESTORER_BLOB_H'
echo
"${NM:-nm}" -g --defined-only "$elf" | sort |
	awk '$3 ~ /^[A-Za-z_][A-Za-z0-9_]*$/ { printf "#define RESTORER_OFF_%s 0x%sUL\n", $3, $1 }'
echo
echo "#define RESTORER_BLOB_SIZE ${size}UL"
echo
echo "static const unsigned char restorer_blob[$size] __attribute__((aligned(4096), unused)) = {"
od -An -v -t x1 "$bin" | awk '{ printf "\t"; for (i = 1; i <= NF; i++) printf "0x%s,", $i; print "" }'
echo '};'
echo
echo '#endif'
