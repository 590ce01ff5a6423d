#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "eventfd: killed and brought back twice" {
	for e in $(engines); do
		start_prog eventfd
		leave_running "$e"
		roundtrip "$e"
	done
}

@test "eventfd: shown with all that it is" {
	start_prog eventfd
	ck_ok snapshot "$pid" -o eventfd.img
	ck_ok show eventfd.img --json
	python3 - "$dir/ck.out" <<-'END'
		import json, sys
		records = json.load(open(sys.argv[1]))["records"]
		found = [r["fields"] for r in records if r["type"] == "EVENTFD"]
		assert len(found) == 7, found
		assert sum(r["count"] == 2**64 - 2 for r in found) == 1, found
	END
	check_prog
}
