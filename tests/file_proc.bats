#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load helpers

@test "file_proc: killed and brought back twice" {
	for e in $(engines); do
		start_prog file_proc
		roundtrip "$e"
	done
}

@test "file_proc: left running they are where they were" {
	for e in $(engines); do
		start_prog file_proc
		leave_running "$e"
		check_prog
	done
}

@test "file_proc: refused by name" {
	for e in $(engines); do
		refuses "$e" proc_other 'fd 3 \(/proc/1/stat\): it tells of another process'
		refuses "$e" proc_thread 'fd 3 \(/proc/[0-9]+/task/[0-9]+/comm\): it tells of one thread alone'
		refuses "$e" proc_gone 'fd 3 \(/proc/[0-9]+/stat\): it tells of another process'
		refuses "$e" proc_exec 'fd 3 \(/proc/[0-9]+/mem\): it is of the program that ran before execve'
		refuses "$e" pressure 'fd 3 \(/proc/pressure/memory\): a pressure trigger'
	done
}

@test "file_proc: another file in its place is refused at the restore" {
	: >version
	for e in $(engines); do
		start_prog file_proc
		snapshot_kill "$e" "$e.img"
		in_ns mount --bind version /proc/version
		ck_refused 'file /proc/version: it is not below a /proc' restore "$e.img" --engine "$e" --detach
		in_ns umount /proc/version
		restore_detached "$e" "$e.img"
		check_prog
	done
}
