#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091,SC2154 # params sets top
# The guest's first program: put the host's / under a tmpfs and go there.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
while read -r m; do
	$b insmod "/modules/$m" || echo "insmod $m failed"
done < /modules/order

$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=none out /out
. /out/params
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,ro,cache=loose root /lower
$b mount -t tmpfs -o size=75% upper /upper
$b mkdir /upper/files /upper/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work root /new

$b mkdir -p /new/run /new/dev /new/proc /new/sys
$b mount -t tmpfs -o mode=755 run /new/run
$b mkdir /new/run/ckpt-vm
$b mount --move /out /new/run/ckpt-vm
$b mount --move /dev /new/dev
$b mount --move /proc /new/proc
$b mount --move /sys /new/sys
exec $b switch_root /new /bin/bash "$top/tests/vm/init.sh"
