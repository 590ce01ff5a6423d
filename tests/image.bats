#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Images as files: show and verify, good ones and damaged ones. No process is
# touched; the golden images are what is looked at.
load helpers

# Of that name in the newest format; without one all there are.
golden()
{
	local f
	for f in "$BATS_TEST_DIRNAME"/golden/v*/"${1:-*}".ckpt; do
		[ -n "${1-}" ] || echo "$f"
	done
	[ -z "${1-}" ] || echo "$f"
}

# The tool with an image on standard input.
ck_stdin()
{
	local image=$1
	shift
	status=0
	output=$("$CKPT_BUILD/ckptbpf" "$@" - <"$image" 2>"${dir:?}/ck.err") || status=$?
	stderr=$(cat "$dir/ck.err")
}

# flip FILE OFFSET: one bit of the byte there.
flip()
{
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	# shellcheck disable=SC2059
	printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

@test "image: verify says what a good image holds" {
	local f n=0
	for f in $(golden); do
		ck_ok verify "$f"
		[[ $output =~ ^verify:\ .*:\ ok\ \([0-9]+\ records,\ [0-9]+\ pages,\ sha256:[0-9a-f]{64}\)$ ]]
		[ -z "$stderr" ]
		ck_ok verify --quiet "$f"
		[ -z "$output$stderr" ]
		n=$((n + 1))
	done
	[ "$n" -ge 3 ]
}

@test "image: the digest is that of its bytes, but page data" {
	# bare has no page: everything before the last record counts.
	local f tail=$((24 + 56))
	f=$(golden bare)
	ck_ok verify "$f"
	[[ $output == *"sha256:$(head -c -$tail "$f" | sha256sum | cut -d ' ' -f 1))" ]]
}

@test "image: a format of every release reads as it did then" {
	local f
	for f in $(golden); do
		ck_ok show --json "$f"
		diff -u "${f%.ckpt}.json" <(cat "$dir/ck.out")
	done
}

@test "image: show --json is one JSON object" {
	ck_ok show --json "$(golden family)"
	python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
assert d["header"]["crid"] == 7 and d["header"]["tool"] == "ckptbpf 0.1.0"
kinds = [r["type"] for r in d["records"]]
assert kinds.count("TASK") == 2 and kinds.count("VMA") == 12, kinds
assert [r["number"] for r in d["records"]] == list(range(1, len(kinds) + 1))
assert sum(p["pages"] for p in d["pages"]) == d["tail"]["pages"] == 7
assert all(p["complete"] for p in d["pages"])
cpu = next(r for r in d["records"] if r["type"] == "CPU")
assert cpu["fields"]["ip"] == "0x400123" and cpu["fields"]["orig_ax"] == 35
' "$dir/ck.out"
}

@test "image: show prints each record in its order" {
	ck_ok show "$(golden two-vmas)"
	[ "$(awk '$1 ~ /^[0-9]+$/ { sub(":", "", $2); printf "%s ", $2 }' <<<"$output")" = \
		"HEADER HEADER_ARCH TASK RLIMITS THREAD CPU FILE MM VMA VMA FS SIGHAND CREDS TAIL " ]
	grep -qE '^ +8 VMA of 4: start=0x400000 end=0x402000 .*file=3 kind=file flags=read\|exec$' <<<"$output"
	grep -qE '^ +PAGES of 4: 5 pages in 2 chunks$' <<<"$output"
}

@test "image: show --losses" {
	ck_ok show --losses "$(golden family)"
	[ "${output%%$'\n'*}" = "pid 4000: fd 9: the file lock is not saved" ]
	# A name that would reach the terminal as a command does not.
	[[ $output == *'name with \xff, \x1b and €' ]]
	ck_ok show --losses --json "$(golden family)"
	python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); assert [l["pid"] for l in d] == [4000, 4001]' \
		"$dir/ck.out"
	ck_ok show --losses "$(golden bare)"
	[ -z "$output" ]
}

@test "image: standard input" {
	ck_stdin "$(golden family)" verify
	[ "$status" = 0 ]
	[[ $output == "verify: -: ok (61 records, 7 pages,"* ]]
	ck_stdin "$(golden family)" show
	[ "$status" = 0 ]
	# Byte by byte, as a slow network gives it.
	head -c 3000 "$(golden bare)" >a
	tail -c +3001 "$(golden bare)" >b
	output=$( (cat a; sleep 0.2; cat b) | "$CKPT_BUILD/ckptbpf" verify -)
	[[ $output == "verify: -: ok (12 records"* ]]
}

@test "image: cut off anywhere it is refused in one line" {
	local f size n
	for f in $(golden); do
		size=$(stat -c %s "$f")
		for n in 0 1 23 24 100 500 1000 $((size / 2)) $((size - 81)) $((size - 80)) $((size - 1)); do
			head -c "$n" "$f" >cut.img
			ck_refused '^verify: cut.img: (not an image|the image ends|record [0-9]+ \([A-Z_]+\) at 0x[0-9a-f]+:)' verify cut.img
		done
	done
}

@test "image: a flipped bit is seen and located" {
	cp "$(golden family)" bad.img
	flip bad.img 700
	ck_refused '^verify: bad.img: record 5 \(RLIMITS\) at 0x[0-9a-f]+: its checksum is wrong$' verify bad.img
	cp "$(golden family)" bad.img
	flip bad.img $(($(stat -c %s bad.img) - 1000))
	ck_refused '^verify: bad.img: record 59 \(PAGES\) at 0x[0-9a-f]+: the checksum of its data is wrong$' verify bad.img
	cp "$(golden family)" bad.img
	flip bad.img 24
	ck_refused 'verify: bad.img: ' verify bad.img
}

@test "image: what a damaged one holds is shown up to the damage" {
	head -c 4010 "$(golden family)" >cut.img
	ck show --json cut.img
	[ "$status" = 1 ]
	python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
assert len(d["records"]) > 10 and "tail" not in d, d.keys()
assert "the image ends" in d["error"], d["error"]
' "$dir/ck.out"
	[ "$(wc -l <<<"$stderr")" = 1 ]
	ck show cut.img
	[ "$status" = 1 ]
	grep -q 'THREAD of 1' <<<"$output"
}

@test "image: what is no image is refused by name" {
	head -c 100000 /dev/urandom >random
	ck_refused '^verify: random: not an image of ckptbpf$' verify random
	: >empty
	ck_refused '^verify: empty: not an image of ckptbpf: too short$' verify empty
	ck_refused '^verify: .: image: open: EISDIR$' verify .
	ck_refused '^show: nowhere: image: open: ENOENT$' show nowhere
	ck_refused '^verify: /dev/null: not an image' verify /dev/null
	(cat "$(golden bare)"; echo) >longer
	ck_refused '^verify: longer: record 12 \(TAIL\) at 0x[0-9a-f]+: bytes behind the end of the image$' verify longer
}

@test "image: output that cannot be written is an error" {
	local status=0
	"$CKPT_BUILD/ckptbpf" show --json "$(golden family)" >/dev/full 2>err || status=$?
	[ "$status" = 1 ]
	grep -qE '^show: .*: standard output: write: ENOSPC$' err
	status=0
	"$CKPT_BUILD/ckptbpf" verify "$(golden family)" >/dev/full 2>err || status=$?
	[ "$status" = 1 ]
}

@test "image: ckptbpf-image(5) names each record and each field" {
	local page=$BATS_TEST_DIRNAME/../docs/man/ckptbpf-image.5 def=$BATS_TEST_DIRNAME/../include/ckptbpf/kinds.def
	local name id field n=0
	while read -r name id; do
		grep -qx ".It Sy $name No ($id)" "$page" || fail "$name ($id) is not in ckptbpf-image(5)"
		n=$((n + 1))
	done < <(sed -nE 's/^CKPT_(KIND|FRAME)\(([A-Z_]+), *([0-9]+),.*/\2 \3/p' "$def")
	[ "$n" -gt 20 ]
	for field in $(python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
names = set(d["header"]) | set(d["tail"])
for r in d["records"]:
    names |= set(r["fields"])
print(*sorted(names))' "$BATS_TEST_DIRNAME/golden/v1/family.json"); do
		grep -qE "^\.Va (.* )?$field( |\$)" "$page" || fail "field $field is not in ckptbpf-image(5)"
	done
}
