#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# gen-vmlinux.sh [BTF [KERNEL]] - write vmlinux.h: of one kernel's types only
# those, and of each only the members, that bpf/ uses. CO-RE looks names up on
# the kernel it runs on, so members left out and padding make no difference.
#
# Run it after bpf/ uses something new. bpf/ is compiled once with all types of
# that kernel; bpftool then tells which of them the object refers to. Types
# that exist on other kernels only are in bpf/compat.bpf.h. The same kernel and
# the same bpf/ give the same file.
set -eu

cd "$(dirname "$0")/.."
PATH="$PATH:/usr/sbin:/sbin"
btf=${1:-/sys/kernel/btf/vmlinux}
kernel=${2:-$(uname -r)}
clang=${CLANG:-clang}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

bpftool btf dump file "$btf" format c >"$tmp/vmlinux.h"
for src in bpf/*.bpf.c; do
	"$clang" -g -O2 -target bpf -D__TARGET_ARCH_x86 -Iinclude -Iarch/x86 -Ibpf -I"$tmp" \
		-c -o "$tmp/$(basename "$src" .c).o" "$src"
done
bpftool gen object "$tmp/all.o" "$tmp"/*.bpf.o
bpftool gen min_core_btf "$btf" "$tmp/min.btf" "$tmp/all.o"
bpftool btf dump file "$tmp/min.btf" format c >"$tmp/min.h"

# What no relocation names, so that the minimal BTF lacks it: the words of
# uapi headers, and enumerations of which bpf/ uses a value.
{
	cat <<-END
	/* Linux $kernel: scripts/gen-vmlinux.sh${1:+ $(basename "$btf") $kernel} */
	/* SPDX-License-Identifier: GPL-2.0 */
	/* Generated, see there. Not for editing. */
	END
	awk '
	BEGIN {
		nw = split("__s8 __u8 __s16 __u16 __s32 __u32 __s64 __u64 __be16 __be32 __wsum bool", word, " ")
		ne = split("bpf_map_type pid_type syscall_work_bit", value, " ")
		for (i = 1; i <= nw; i++) ours[word[i]] = 1
		for (i = 1; i <= ne; i++) ours["enum " value[i]] = 1
	}
	# Pass 1, all types: remember typedefs and enumerations by name.
	FNR == NR {
		if (/^typedef [^{]*;$/) {
			n = $NF; sub(/;$/, "", n); text[n] = $0
		} else if (/^enum [a-z_0-9]+ \{$/) {
			e = "enum " $2; text[e] = $0
		} else if (e != "") {
			text[e] = text[e] "\n" $0
			if (/^}/) e = ""
		}
		next
	}
	# Pass 2, the minimal ones: ours in front, the others build on them.
	/^typedef / && !done {
		for (i = 1; i <= nw; i++) print text[word[i]] "\n"
		for (i = 1; i <= ne; i++) print text["enum " value[i]] "\n"
		done = 1
	}
	/^typedef [^{]*;$/ { n = $NF; sub(/;$/, "", n); if (n in ours) next }
	/^enum [a-z_0-9]+ \{$/ && ("enum " $2) in ours { skip = 1 }
	skip { if (/^}/) skip = 0; next }
	# Padding, which stands for the members that were left out.
	/^\t+(long|int|short|char): [0-9]+;$/ { next }
	{ print }
	' "$tmp/vmlinux.h" "$tmp/min.h"
} | cat -s >"$tmp/out.h"

lines=$(wc -l <"$tmp/out.h")
if [ "$lines" -gt 3000 ]; then
	echo "gen-vmlinux.sh: $lines lines, at most 3000" >&2
	exit 1
fi
mv "$tmp/out.h" vmlinux.h
chmod 644 vmlinux.h
