#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "lease: killed and brought back twice" {
	for e in $(engines); do
		mkdir "$e"
		start_prog lease "$PWD/$e"
		! grep -q '^unsupported$' "$log" || skip "no leases on this filesystem"
		roundtrip "$e"
	done
}

@test "lease: left running it is told as before" {
	for e in $(engines); do
		mkdir "$e"
		start_prog lease "$PWD/$e"
		! grep -q '^unsupported$' "$log" || skip "no leases on this filesystem"
		leave_running "$e"
		check_prog
	done
}

@test "lease: open elsewhere at the restore" {
	for e in $(engines); do
		mkdir "$e"
		start_prog lease "$PWD/$e"
		! grep -q '^unsupported$' "$log" || skip "no leases on this filesystem"
		snapshot_kill "$e" "$e.img"
		exec 9>>"$e/read"
		ck_refused "fd [0-9]+ \\($PWD/$e/read\\): fcntl: F_SETLEASE: EAGAIN" \
			restore "$e.img" --engine "$e" --detach
		exec 9>&-
		alive "$pid" && fail "something was left"
		restore_detached "$e" "$e.img"
		check_prog
	done
}

@test "lease: refused by name" {
	: >leased
	for e in $(engines); do
		refuses "$e" lease 'fd 3: its lease is being broken' "$PWD/leased"
	done
}

@test "lease: what no kernel could have had is refused" {
	local change
	mkdir data
	start_prog lease "$PWD/data"
	! grep -q '^unsupported$' "$log" || skip "no leases on this filesystem"
	snapshot_kill "$(engines | head -n 1)" good.img
	while read -r change why; do
		python3 "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img "LEASE.$change"
		ck_refused "\\(LEASE\\) .*$why" verify bad.img
	done <<-END
		file=0 file 0 is none
		type=2 type 2
		fd=0xffffffff descriptor -1
	END
	ck_ok verify good.img
}
