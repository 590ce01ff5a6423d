#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# scripts/audit.sh finds what is missing and what is not so.

setup()
{
	cd "$BATS_TEST_DIRNAME/.." || return
	[ -r /sys/kernel/btf/vmlinux ] || skip "no BTF of the kernel"
	PATH=$PATH:/usr/sbin:/sbin command -v bpftool >/dev/null || skip "no bpftool"
	export AUDIT_TABLES=$BATS_TEST_TMPDIR/audit
	cp -r tests/audit "$AUDIT_TABLES"
}

@test "audit: a member without a line is named" {
	sed -i '/^cred\.securebits\t/d' "$AUDIT_TABLES/cred.tsv"
	run scripts/audit.sh
	[ "$status" = 1 ]
	[[ $output == *"cred.securebits: this kernel has it"* ]]
	run scripts/audit.sh -t
	[ "$status" = 0 ]
	[[ $output == *"ok 2 audit: this kernel # skip without a line:"*"cred.securebits"* ]]
}

@test "audit: a field that no record has is named" {
	sed -i 's/^cred\.uid\tsaved ckpt_creds\.uid$/cred.uid\tsaved ckpt_creds.uidd/' "$AUDIT_TABLES/cred.tsv"
	run scripts/audit.sh -t
	[ "$status" = 1 ]
	[[ $output == *"cred.uid: image.h has no ckpt_creds.uidd"* ]]
}

@test "audit: a refusal and a loss that nothing tells are named" {
	printf 'cred.x\trefused because of the moon\ncred.y\tlost told: it was a dream\n' >>"$AUDIT_TABLES/cred.tsv"
	run scripts/audit.sh -n
	[ "$status" = 1 ]
	[[ $output == *'cred.x: nothing says "because of the moon"'* ]]
	[[ $output == *'cred.y: nothing says "it was a dream"'* ]]
}

@test "audit: a loss that is not told is named" {
	printf 'cred.x\tlost in silence\n' >>"$AUDIT_TABLES/cred.tsv"
	run scripts/audit.sh -n
	[ "$status" = 1 ]
	[[ $output == *'cred.x: lost, and nobody tells'* ]]
}

@test "audit: a verdict that is none, and two of one member, are named" {
	printf 'cred.x\tunknown\ncred.uid\tsaved ckpt_creds.uid\n' >>"$AUDIT_TABLES/cred.tsv"
	run scripts/audit.sh -n
	[ "$status" = 1 ]
	[[ $output == *'cred.x: "unknown" is no verdict'* ]]
	[[ $output == *'cred.uid: more than one line'* ]]
}

@test "audit: a structure that this kernel does not have is named" {
	printf 'no_such_thing.x\truntime because\n' >>"$AUDIT_TABLES/cred.tsv"
	run scripts/audit.sh
	[ "$status" = 1 ]
	[[ $output == *'no_such_thing: no such structure in this kernel'* ]]
}
