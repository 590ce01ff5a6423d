#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "vmaname: killed and brought back twice" {
	for e in $(engines); do
		start_prog vmaname
		! grep -q 'no names' "$log" || skip "this kernel has no names of anonymous memory"
		roundtrip "$e"
	done
}

@test "vmaname: a kernel without names takes the image, and says so" {
	requires python3
	local named
	start_prog vmaname
	grep -q 'no names' "$log" || skip "this kernel has names of anonymous memory"
	snapshot_kill "$(engines | head -n 1)" good.img
	python3 "$BATS_TEST_DIRNAME/ckptimg.py" name good.img named.img 1 "a name"
	ck_ok verify named.img
	for e in $(engines); do
		restore_detached "$e" named.img
		named=$(grep -c "1 mappings lose their names ('a name' ...): this kernel has none" <<<"$stderr")
		[ "$named" = 1 ] || fail "$stderr"
		snapshot_kill "$e" good2.img
	done
	restore_detached "$(engines | head -n 1)" good.img
	check_prog
}

@test "vmaname: names that no kernel has are refused by name" {
	requires python3
	local change why
	start_prog vmaname
	snapshot_kill "$(engines | head -n 1)" good.img
	python3 "$BATS_TEST_DIRNAME/ckptimg.py" name good.img named.img 1 "a name"
	while read -r change why; do
		python3 "$BATS_TEST_DIRNAME/ckptimg.py" set named.img bad.img "VMANAME.$change"
		ck_refused "\(VMANAME\) .*$why" verify bad.img
	done <<-END
		start=4096 it does not come behind its VMA
		text=10 byte 0 of the name
		text=0x5d byte 0 of the name
		text=0 byte 0 of the name
	END
	python3 "$BATS_TEST_DIRNAME/ckptimg.py" name good.img bad.img 1 "$(printf 'x%.0s' {1..80})"
	ck_refused '\(VMANAME\) .*a name of 80 bytes' verify bad.img
	python3 "$BATS_TEST_DIRNAME/ckptimg.py" name named.img bad.img 1 "again"
	ck_refused '\(VMANAME\) .*a second one of mapping' verify bad.img
}
