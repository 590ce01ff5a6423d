#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The files of a program between its snapshot and its restore.
load helpers

# A program in a folder of its own: $pid, lib.so, data, open, here/; the image good.img.
image() # ENGINE [LIBRARY]
{
	cd "$dir/work" || return 1
	rm -rf "$1"
	mkdir -p "$1/here"
	cd "$1" || return 1
	cp -p "$CKPT_BUILD/tests/progs/filecheck-${2:-1}.so" lib.so
	printf 'd%.0s' {1..4096} >data
	echo "open file" >open
	cd here || return 1
	start_prog filecheck ../lib.so ../data ../open
	cd .. || return 1
	snapshot_kill "$1" good.img
}

refused() # ENGINE PATTERN [ARGS...]
{
	ck_refused "$2" restore --engine "$1" --detach "${@:3}" good.img
	! alive "$pid" || fail "a process was left"
}

comes_back() # ENGINE [ARGS...]
{
	ck_ok restore --engine "$1" --detach "${@:2}" good.img
	check_prog
}

# As a package manager does it: another file takes the name.
replace() { cp -p "$1" "$2.new" && mv "$2.new" "$2"; }

fields() # PATH of the FILE, as an extended regex: "mtime_sec mtime_nsec build_id"
{
	"$CKPT_BUILD/ckptbpf" show --json good.img | python3 -c '
import json, re, sys
files = {}
for r in json.load(sys.stdin)["records"]:
    if r["type"] == "FILE":
        files[r["fields"]["id"]] = r["fields"]["path"]
    elif r["type"] == "FILECHECK" and re.search(sys.argv[1] + "$", files[r["owner"]]):
        f = r["fields"]
        print(f["mtime_sec"], f["mtime_nsec"], f["build_id"])' "$1" | sort -u
}

build_id() { readelf -n "$1" | sed -n 's/.*Build ID: //p'; }

@test "filecheck: nothing has changed: killed and brought back twice" {
	for e in $(engines); do
		image "$e"
		comes_back "$e" --file-validation strict
		image "$e"
		restore_detached "$e" good.img
		roundtrip "$e" 1
	done
}

@test "filecheck: what the image says is what stat and readelf say" {
	requires readelf python3 ldd
	local f want prog=$CKPT_BUILD/tests/progs/filecheck
	for e in $(engines); do
		image "$e"
		for f in "$PWD/lib.so" "$PWD/data" "$PWD/open" "$prog" \
			"$(realpath "$(ldd "$prog" | awk '/libc\.so/ { print $3 }')")"; do
			want="$(stat -c %.9Y "$f" | sed 's/\.0*\([0-9]\)/ \1/') $(build_id "$f")"
			[ "$(fields "${f##*/}" | sed 's/ $//')" = "${want% }" ] ||
				fail "$f: '$(fields "${f##*/}")', not '$want'"
		done
	done
}

@test "filecheck: a library of another build is refused by name" {
	for e in $(engines); do
		image "$e"
		replace "$CKPT_BUILD/tests/progs/filecheck-2.so" lib.so
		refused "$e" "^restore: pid $pid: file $PWD/lib.so: it is of another build: $(build_id lib.so), it was $(
			build_id "$CKPT_BUILD/tests/progs/filecheck-1.so")\$"
		refused "$e" 'lib.so: it is of another build' --file-validation strict
		# No ELF file at all, but as long.
		head -c "$(stat -c %s lib.so)" /dev/zero >lib.new
		mv lib.new lib.so
		refused "$e" "lib.so: it has no build-id now, it was $(build_id "$CKPT_BUILD/tests/progs/filecheck-1.so")\$"
		# The same build is the same library, whenever it was installed.
		replace "$CKPT_BUILD/tests/progs/filecheck-1.so" lib.so
		touch lib.so
		comes_back "$e"
	done
}

@test "filecheck: none of it is looked at if asked" {
	for e in $(engines); do
		image "$e"
		echo "much longer than it was" >open
		replace "$CKPT_BUILD/tests/progs/filecheck-1.so" lib.so
		replace "$CKPT_BUILD/tests/progs/filecheck-2.so" lib2.so
		comes_back "$e" --file-validation none
		image "$e"
		replace "$CKPT_BUILD/tests/progs/filecheck-2.so" lib.so
		ck_ok restore --engine "$e" --detach --file-validation none good.img
		in_ns kill -USR1 "$pid"
		# It is the other build's code that it runs now.
		wait_log '^(FAIL .*build\(\) == 1|ok$)' || true
		wait_gone "$pid"
		# There it must be all the same.
		rm lib.so
		refused "$e" 'lib.so: ENOENT$' --file-validation none
	done
}

@test "filecheck: code without a build-id is known by size and time" {
	for e in $(engines); do
		image "$e" none
		comes_back "$e"
		image "$e" none
		touch lib.so
		refused "$e" 'lib.so: it has changed: it was written to since the snapshot$'
		replace "$CKPT_BUILD/tests/progs/filecheck-none.so" lib.so
		echo >>lib.so
		refused "$e" 'lib.so: it has changed: [0-9]+ bytes, it had [0-9]+$'
		comes_back "$e" --file-validation none
	done
}

@test "filecheck: data that is mapped, files that are open: refused only if strict" {
	for e in $(engines); do
		image "$e"
		printf 'd%.0s' {1..4096} >data
		refused "$e" 'data: it has changed: it was written to since' --file-validation strict
		sed -i s/open/edited/ open
		ck restore --engine "$e" --detach --file-validation strict good.img
		[ "$status" = 1 ]
		grep -q '/open: it has changed: 12 bytes, it had 10$' <<<"$stderr"
		comes_back "$e"
	done
}

@test "filecheck: all that is missing or has changed is told at once" {
	local f
	for e in $(engines); do
		image "$e"
		replace "$CKPT_BUILD/tests/progs/filecheck-2.so" lib.so
		truncate -s 100 data
		rm open
		rmdir here
		ck restore --engine "$e" --detach --pidfile pidfile good.img
		[ "$status" = 1 ]
		[ -z "$output" ]
		[ "$(grep -c . <<<"$stderr")" = 5 ] || fail "not five lines: $stderr"
		for f in 'file .*/lib.so: it is of another build: [0-9a-f]{40}, it was [0-9a-f]{40}' \
			'file .*/data: it is too short: 100 bytes, 4096 are mapped' 'file .*/open: ENOENT' \
			'current folder .*/here: ENOENT' '4 of its files are missing or have changed'; do
			[ "$(grep -cE "^restore: pid $pid: $f\$" <<<"$stderr")" = 1 ] || fail "'$stderr' does not say '$f'"
		done
		! alive "$pid" || fail "a process was left"
		[ ! -e pidfile ]
	done
}

@test "filecheck: an image without these records is not compared" {
	requires python3
	for e in $(engines); do
		image "$e"
		python3 "$BATS_TEST_DIRNAME/ckptimg.py" drop good.img old.img FILECHECK
		mv old.img good.img
		ck_ok verify good.img
		refused "$e" 'lib.so: the image does not tell whether it has changed' --file-validation strict 2>/dev/null || {
			grep -q 'lib.so: the image does not tell whether it has changed' <<<"$stderr"
		}
		comes_back "$e"
	done
}

@test "filecheck: a word that is none" {
	image "$(engines | head -n 1)"
	ck restore --file-validation some good.img
	[ "$status" = 2 ]
	comes_back "$(engines | head -n 1)"
}
