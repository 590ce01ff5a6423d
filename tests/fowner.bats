#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "fowner: killed and brought back twice" {
	for e in $(engines); do
		mkdir "$e"
		start_prog fowner "$PWD/$e"
		roundtrip "$e"
	done
}

@test "fowner: left running they are told as before" {
	for e in $(engines); do
		mkdir "$e"
		start_prog fowner "$PWD/$e"
		leave_running "$e"
		leave_running "$e"
		check_prog
	done
}

# Status 3: the image is whole but for what is named.
with_loss() # ENGINE
{
	ck snapshot "$pid" --engine "$1" --kill --force -o "$1.img"
	[ "$status" = 3 ] || fail "status $status: $stderr"
	wait_gone "$pid"
	restore_detached "$1" "$1.img"
	check_prog
}

@test "fowner: what is lost is named" {
	for e in $(engines); do
		start_prog fowner gone
		ck_refused '--strict: fd 3: its owner \(F_SETOWN\), process [0-9]+, has ended' \
			snapshot "$pid" --engine "$e" --strict -o strict.img
		with_loss "$e"
		start_prog fowner closed
		ck_refused '--strict: fd 3: its signals name descriptor 9, which is closed' \
			snapshot "$pid" --engine "$e" --strict -o strict.img
		with_loss "$e"
	done
}

@test "fowner: refused by name" {
	for e in $(engines); do
		refuses "$e" owner 'fd 3: its owner \(F_SETOWN\) is process 1, outside the snapshot'
		start_prog refused none
		other=$pid
		refuses "$e" owner_group "fd 3: its owner \(F_SETOWN\) is group $other, outside" "$other"
		refuses "$e" notify 'fd 3: a folder watched by F_NOTIFY cannot be saved'
		refuses "$e" fanotify 'fd 3 \(.*fanotify.*\): this kind of descriptor'
	done
}

@test "fowner: what no kernel could have had is refused" {
	local change
	mkdir data
	start_prog fowner "$PWD/data"
	snapshot_kill "$(engines | head -n 1)" good.img
	while read -r change why; do
		python3 "$BATS_TEST_DIRNAME/ckptimg.py" set good.img bad.img "FOWNER.$change"
		ck_refused "\\(FOWNER\\) .*$why" verify bad.img
	done <<-END
		file=0 file 0 is none
		type=3 type 3
		pid=1 owner 1 is not in the image
		signum=65 signal 65
		async_fd=0 descriptor 0 does not lead
	END
	ck_ok verify good.img
}
