#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# gen-kinds.sh [-c]: docs/kinds.md, what becomes of each kind of resource, from
# include/ckptbpf/kinds.def and user/res/<stem>.c: "Saved:", "Restored:",
# "Refused:" and "Lost:" of its first block comment, each up to the next of them
# or the end of its paragraph, and the texts of its refusals and losses.
# -c: only check that the file is as it would be written.
set -eu
cd "$(dirname "$0")/.."
out=docs/kinds.md
tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT

row()	# STEM "NAME ID, NAME ID"
{
	[ -e "user/res/$1.c" ] || { echo "user/res/$1.c: not there" >&2; return 1; }
	awk -v stem="$1" -v ids="$2" '
		function tidy(s) {
			gsub(/[ \t]+/, " ", s); sub(/^ /, "", s); sub(/[ .]+$/, "", s)
			gsub(/\|/, "\\|", s)
			return s
		}
		function add(cell, s) { s = tidy(s); if (s != "") text[cell] = text[cell] (text[cell] == "" ? "" : "; ") s }
		# A message as its reader knows it, without what differs from one to the next.
		function message(cell, s) {
			gsub(/%[#.0-9*]*s/, "...", s); gsub(/%[#.0-9]*[lzh]*[dux]/, "N", s)
			gsub(/</, "\\&lt;", s)
			s = "\"" s "\""
			if (!seen[cell, s]++) add(cell, s)
		}
		# The string literals at the start of s, one behind the other.
		function literal(s,   r) {
			while (match(s, /^[ \t\n]*"([^"\\]|\\.)*"/)) {
				part = substr(s, 1, RLENGTH); s = substr(s, RLENGTH + 1)
				sub(/^[ \t\n]*"/, "", part); sub(/"$/, "", part)
				r = r part
			}
			return r
		}
		function calls(cell, begin,   s) {
			s = src
			while (match(s, begin)) {
				s = substr(s, RSTART + RLENGTH)
				do {
					if (literal(s) ~ /[a-z]/ && literal(s) !~ /%s$/) message(cell, literal(s))
					# The other one of a choice.
				} while (sub(/^[ \t\n]*"[^"]*"[ \t\n]*:[ \t\n]*/, "", s))
			}
		}
		FNR == 1 { comment = 0 }
		/^\/\*/ && !done { comment = 1 }
		comment {
			l = $0; end = sub(/\*\/.*/, "", l); sub(/^\/?[ \t]*\*+/, "", l)
			sub(/^ /, "", l)
			if (match(l, /^(Saved|Restored|Refused|Lost): /)) {
				key = substr(l, 1, RLENGTH - 2); l = substr(l, RLENGTH + 1)
			} else if (l ~ /^[ \t]*$/) {
				key = ""
			}
			if (key != "") para[key] = para[key] " " l
			if (end) { comment = 0; done = 1 }
		}
		{ src = src $0 "\n" }
		END {
			for (k in para) add(k, para[k])
			calls("Refused", "dump_refuse\\(d, ")
			calls("Lost", "dump_lose\\(d, ")
			# Where the reason is chosen first.
			calls("Refused", "\\*why =[^\";]*")
			calls("Refused", "_refusal\\(const[^}]*return ")
			n = split(src, fn, "\n}\n")
			for (i = 1; i <= n; i++)
				if (fn[i] ~ /_refusal\(const[^;]*\n\{/) {
					src = fn[i]
					calls("Refused", "return ")
				}
			if (text["Saved"] == "" || text["Restored"] == "") {
				print "user/res/" stem ".c: its first comment lacks " \
					(text["Saved"] == "" ? "Saved:" : "Restored:") >"/dev/stderr"
				exit 1
			}
			printf "| [%s](../user/res/%s.c) | %s | %s | %s | %s | %s |\n", stem, stem, ids, \
				text["Saved"], text["Restored"], \
				text["Refused"] == "" ? "never for its own sake" : text["Refused"], \
				text["Lost"] == "" ? "nothing" : text["Lost"]
		}
	' "user/res/$1.c"
}

{
	cat <<-'EOF'
	<!-- SPDX-License-Identifier: GPL-2.0 -->
	<!-- Written by scripts/gen-kinds.sh: "make docs" writes it anew. -->
	# What becomes of each kind of resource

	Records: their names and numbers in include/ckptbpf/kinds.def; their fields are
	in ckptbpf-image(5). Refused: a snapshot or a restore says so, and does nothing.
	Lost: what quoted texts name, the image and `ckptbpf show --losses` tell; `N`
	and `...` stand for what differs. tests/audit has the same, member by member of
	the kernel's structures.

	| kind | records | saved | restored | refused | lost |
	|---|---|---|---|---|---|
	EOF
	sed -nE 's/^CKPT_KIND\(([A-Z0-9_]+), *([0-9]+), *[A-Z]+, *([a-z0-9_]+)\).*/\3 \1 \2/p' include/ckptbpf/kinds.def |
		awk '!($1 in ids) { order[++n] = $1 }
			{ ids[$1] = ids[$1] (ids[$1] == "" ? "" : ", ") $2 " " $3 }
			END { for (i = 1; i <= n; i++) print order[i], ids[order[i]] }' |
		while read -r stem ids; do row "$stem" "$ids" || exit 1; done
} >"$tmp"
grep -q '^| \[' "$tmp" || { echo "gen-kinds.sh: no kinds found" >&2; exit 1; }

if [ "${1-}" = -c ]; then
	cmp -s "$tmp" "$out" || { echo "$out: stale, run make docs"; diff "$out" "$tmp" | head -n 20; exit 1; }
else
	cmp -s "$tmp" "$out" || cp "$tmp" "$out"
fi
