#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # params sets top, kmodules and module
#
# The guest's pid 1 on the real files: what a booted system has and the tests
# need, then the command, then the verdict on the kernel. No status or a line
# in problems is a failure for run.sh.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LC_ALL=C TERM=dumb
out=/run/ckpt-vm
# shellcheck source=/dev/null
. $out/params

mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o mode=620,ptmxmode=666,gid=5 devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t mqueue mqueue /dev/mqueue
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tracefs tracefs /sys/kernel/tracing
# The project may lie below a folder that gets a file system of its own.
mkdir -p /run/ckpt-top
mount --bind "$top" /run/ckpt-top
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs -o mode=1777 tmp /var/tmp
if [ ! -e "$top/Makefile" ]; then
	mkdir -p "$top"
	mount --bind /run/ckpt-top "$top"
fi
ln -sfn /proc/self/fd /dev/fd
ln -sfn fd/0 /dev/stdin
ln -sfn fd/1 /dev/stdout
ln -sfn fd/2 /dev/stderr
hostname ckpt-vm
busybox ip link set lo up

# modprobe must find this kernel's modules, not the host's.
mkdir -p /lib/modules
mount -t tmpfs modules /lib/modules
ln -s "$kmodules" "/lib/modules/$(uname -r)"

problem() { echo "$*" >> $out/problems; }

tainted() { cat /proc/sys/kernel/tainted; }
taint_before=$(tainted)

if [ -n "$module" ]; then
	insmod "$module" || problem "insmod $module failed"
fi

setsid -w /bin/bash $out/command < /dev/null > /dev/ttyS1 2>&1
rc=$?

if [ -n "$module" ]; then
	# What a test left behind dies first: it may hold the device.
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		rmmod ckptbpf 2> /tmp/rmmod && break
		sleep 0.3
	done
	if grep -q '^ckptbpf ' /proc/modules; then
		problem "rmmod: $(cat /tmp/rmmod); users: $(grep '^ckptbpf ' /proc/modules)"
	fi
fi

# 4096: out of tree, 8192: not signed; both are ours.
taint=$(($(tainted) & ~(taint_before | 4096 | 8192)))
[ $taint = 0 ] || problem "the kernel is tainted: $taint"

dmesg > $out/dmesg
sync
echo $rc > $out/status
exec busybox poweroff -f
