#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# audit.sh [-t|-n] [BTF]: has every member of the kernel's structures that we save
# been thought of? tests/audit/*.tsv has a line for each:
#
#   struct.member <TAB> saved record.field [; remark]
#                       derived FROM         what we save implies it
#                       runtime WHY          no state: gone or made anew
#                       lost told: TEXT      of a dump_lose() or dump_note(): never in silence
#                       refused TEXT         of a message that refuses the snapshot
#
# A "#maybe STRUCT" line: not every kernel has it. Unnamed structures count as
# part of the one that holds them. BTF: that of a kernel, or the ELF file that
# has it; else the running kernel's. Fails with the name of each member that has
# no line, and of each line that says what is not so.
#
# -t: TAP, and a member without a line is a skip: the kernel is newer than we.
# -n: only the lines, no kernel. AUDIT_TABLES: another folder of tables.
set -eu
tap='' none=''
case ${1-} in
-t)	tap=1; shift ;;
-n)	none=1; shift ;;
esac
btf=${1:-/sys/kernel/btf/vmlinux}
case $btf in /*) ;; *) btf=$PWD/$btf ;; esac
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cat "${AUDIT_TABLES:-tests/audit}"/*.tsv >"$tmp/tables"
grep -v '^#' "$tmp/tables" >"$tmp/rows"
sed -n 's/^#maybe \([a-z0-9_]*\).*/\1/p' "$tmp/tables" | sort -u >"$tmp/maybe"
cut -f 1 "$tmp/rows" | sort >"$tmp/named"
cut -d . -f 1 "$tmp/named" | sort -u >"$tmp/structs"

# ---- the lines themselves ---------------------------------------------------

wrong=0
{
	uniq -d "$tmp/named" | sed 's/$/: more than one line/'
	awk -F '\t' '
		NF != 2 || $1 !~ /^[a-z0-9_]+\.[A-Za-z0-9_]+$/ { print $1 ": not a name, a tab and a verdict"; next }
		$2 !~ /^(saved|derived|runtime|lost|refused) ./ { print $1 ": \"" $2 "\" is no verdict" }
		$2 ~ /^lost / && $2 !~ /^lost told: ./ { print $1 ": lost, and nobody tells" }
	' "$tmp/rows"
	scripts/image-fields.sh >"$tmp/fields"
	awk -F '\t' '
		FNR == NR { have[$1] = 1; next }
		$2 ~ /^saved / {
			split($2, w, /[ ;]+/)
			if (!(w[2] in have)) print $1 ": image.h has no " w[2]
		}
	' "$tmp/fields" "$tmp/rows"
	cat user/res/*.c user/flow/*.c user/engine/*.c >"$tmp/src"
	awk -F '\t' -v OFS='\t' '
		{ sub(/ *;.*/, "", $2) }
		sub(/^refused /, "", $2) || sub(/^lost told: /, "", $2) { print }
	' "$tmp/rows" | while IFS='	' read -r member text; do
		grep -qF -e "$text" "$tmp/src" || echo "$member: nothing says \"$text\""
	done
} >"$tmp/wrong"
[ ! -s "$tmp/wrong" ] || wrong=1
if [ "$none" ]; then
	cat "$tmp/wrong"
	exit "$wrong"
fi

# ---- against the kernel -----------------------------------------------------

[ -r "$btf" ] || {
	[ ! "$tap" ] || { echo "1..0 # skip no BTF: $btf"; exit 0; }
	echo "audit: $btf: cannot be read" >&2
	exit 1
}
bpftool btf dump file "$btf" format raw >"$tmp/btf"
awk '
	FNR == NR { want[$1] = 1; next }
	/^\[/ {
		cur = 0
		id = substr($1, 2, length($1) - 2); name = $3
		gsub(/\047/, "", name)
		if ($2 == "TYPEDEF" && name in want) { sub(/.*=/, ""); of[name] = $0 }
		if ($2 != "STRUCT" && $2 != "UNION") next
		cur = id; n[cur] = 0
		if (name in want) of[name] = of[name] " " id
		next
	}
	cur && /^\t\047/ {
		k = ++n[cur]
		m = $1; gsub(/\047/, "", m); member[cur, k] = m
		t = $2; sub(/.*=/, "", t); type[cur, k] = t
	}
	function walk(top, id,   k) {
		for (k = 1; k <= n[id]; k++)
			if (member[id, k] == "(anon)") walk(top, type[id, k])
			else print top "." member[id, k]
	}
	END {
		for (s in of) {
			c = split(of[s], ids, " ")
			for (i = 1; i <= c; i++) walk(s, ids[i])
		}
	}
' "$tmp/structs" "$tmp/btf" | sort -u >"$tmp/kernel"
cut -d . -f 1 "$tmp/kernel" | sort -u | comm -13 - "$tmp/structs" | comm -23 - "$tmp/maybe" >"$tmp/gone"
comm -23 "$tmp/kernel" "$tmp/named" >"$tmp/new"
awk -F '\t' 'FNR == NR { here[$1] = 1; next } $1 in here { sub(/ .*/, "", $2); print $2 }' \
	"$tmp/kernel" "$tmp/rows" | sort | uniq -c | awk '{ t = t ", " $1 " " $2 } END { print substr(t, 3) }' >"$tmp/sum"

members=$(wc -l <"$tmp/kernel")
sum="$members members: $(cat "$tmp/sum")"
if [ "$tap" ]; then
	echo "1..2"
	[ "$wrong" = 0 ] || { echo "not ok 1 audit: the tables"; sed 's/^/# /' "$tmp/wrong"; }
	[ "$wrong" = 1 ] || echo "ok 1 audit: the tables say what is so"
	if [ -s "$tmp/new" ] || [ -s "$tmp/gone" ]; then
		echo "ok 2 audit: this kernel # skip without a line:$(tr '\n' ' ' <"$tmp/new" | sed 's/^/ /')gone: $(tr '\n' ' ' <"$tmp/gone")"
	elif [ "$members" = 0 ]; then
		echo "not ok 2 audit: no member found"
	else
		echo "ok 2 audit: this kernel, $sum"
	fi
	exit "$wrong"
fi
cat "$tmp/wrong"
sed 's/$/: this kernel has it, tests\/audit has no line/' "$tmp/new"
sed 's/$/: no such structure in this kernel/' "$tmp/gone"
if [ "$wrong" = 1 ] || [ -s "$tmp/new" ] || [ -s "$tmp/gone" ] || [ "$members" = 0 ]; then
	echo "audit: failed ($sum)"
	exit 1
fi
echo "audit: $sum"
