#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "shmem: killed and brought back twice" {
	for e in $(engines); do
		start_prog shmem
		roundtrip "$e"
	done
}

@test "shmem: a snapshot that leaves it running does it no harm" {
	for e in $(engines); do
		start_prog shmem
		leave_running "$e"
		check_prog
	done
}

@test "shmem: refused by name" {
	for e in $(engines); do
		refuses "$e" sysv 'mapping [0-9a-f]+ \(/SYSV[0-9a-f]+ \(deleted\)\): its file is deleted'
		refuses "$e" may_write 'mapping [0-9a-f]+ \(/memfd:later \(deleted\)\): it may become writable in spite of the seal'
	done
}

# The first object is the one mapped last, which is anonymous.
@test "shmem: what no kernel could have had is refused" {
	local change
	start_prog shmem
	snapshot_kill "$(engines | head -n 1)" good.img
	while read -r change why; do
		python3 "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img "SHMEM.$change"
		ck_refused "\(SHMEM\) .*$why" verify bad.img
	done <<-END
		flags=8 flags 0x8
		flags=4 flags 0x4: the size of its pages
		flags=0x54000000 flags 0x54000000: the size of its pages
		seals=1 only a memfd has seals
		seals=64 seals 0x40
		size=100 size 100
		size=0 size 0
		size=0xfffffffffffff000 size 18446744073709547520
		id=99 object 99 comes where
	END
	python3 "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img SHMEM.size=4096
	ck_refused '\(PAGES\) .*: page 0x[0-9a-f]+ is behind the end of shared memory [0-9]+' verify bad.img
	ck_ok verify good.img
}

@test "shmem: what another process shares is named as lost" {
	local lost='another process has it too, and keeps its own' child
	for e in $(engines); do
		start_prog shmem shared
		child=$(sed -n 's/^child //p' "$log")
		ck_refused "--strict: shared memory \(/dev/zero \(deleted\)\): $lost" \
			snapshot "$child" --engine "$e" --strict -o "$e.img"
		in_ns kill -USR1 "$child"
		wait_log '^ok$'
		wait_gone "$pid"
		start_prog shmem
		in_ns bash -c "exec 9<'/proc/$pid/fd/3'; exec sleep 100" </dev/null &
		sleep 0.5
		ck_refused "--strict: shared memory \(/memfd:a name \(of it\) \(deleted\)\): $lost" \
			snapshot "$pid" --engine "$e" --strict -o "$e.img"
		kill %1 || true
		check_prog
	done
}
