#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# image-fields.sh: "struct.member" of every record struct, in the headers' order.
set -eu
cd "$(dirname "$0")/.."
awk '
	function member(d) {
		sub(/^[ \t]+/, "", d); sub(/\[.*/, "", d); sub(/[ \t]+$/, "", d)
		if (d != "") print name "." d
	}
	# What is left of a line without its comments; open: one goes on.
	function code(l,   out, i) {
		for (;;) {
			i = index(l, open ? "*/" : "/*")
			if (!open) out = out (i ? substr(l, 1, i - 1) : l)
			if (!i) return out
			l = substr(l, i + 2)
			open = !open
		}
	}
	{ $0 = code($0) }
	/^struct ckpt_[a-z0-9_]+ \{/ { name = $2; text = ""; next }
	name == "" { next }
	/^\}/ { name = ""; next }
	{
		text = text $0
		gsub(/struct \{[^}]*\}/, "T", text)	# an unnamed type counts as one
		while ((i = index(text, ";")) > 0) {
			decl = substr(text, 1, i - 1); text = substr(text, i + 1)
			gsub(/^[ \t]+/, "", decl)
			sub(/^(struct )?[A-Za-z_0-9]+[ \t]+/, "", decl)
			n = split(decl, part, ",")
			for (k = 1; k <= n; k++) member(part[k])
		}
	}
' include/ckptbpf/image.h include/ckptbpf/image_*.h arch/*/image_arch.h
