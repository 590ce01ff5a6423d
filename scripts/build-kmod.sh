#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# build-kmod.sh [KERNEL|KDIR]: build the module for a kernel of
# scripts/fetch-kernel.sh (6.1), or for a kernel's build folder, into
# build/kmod-NAME/ckptbpf.ko, and print that. Without an argument: for $KDIR,
# else for the running kernel. W=1, C=2 and V=1 go through the environment. What
# wants a newer compiler is built in the folder that fetch-kernel.sh made.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
[ $# -le 1 ] || { echo "usage: ${0##*/} [6.1|6.12|7.2|KDIR]" >&2; exit 2; }
set -- "${1:-${KDIR:-/lib/modules/$(uname -r)/build}}"
case $1 in
/*)	[ -d "$1" ] || { echo "${0##*/}: no kernel headers at $1 (KDIR=)" >&2; exit 1; } ;;
esac

if [ -d "$1" ]; then
	kdir=$(cd "$1" && pwd)
	name=$(make -s -C "$kdir" kernelrelease 2>/dev/null | tail -1)
	name=${name:-$(basename "$kdir")}
else
	"$top/scripts/fetch-kernel.sh" "$1"
	kdir=$top/build/kernels/$1/headers
	name=$1
fi

# Kbuild writes beside the sources: it gets a folder of links.
stage=$top/build/kmod-$name
mkdir -p "$stage/compat"
for f in "$top"/kmod/Kbuild "$top"/kmod/*.[ch]; do
	ln -sfn "$f" "$stage/${f##*/}"
done
for f in "$top"/kmod/compat/*.h; do
	ln -sfn "$f" "$stage/compat/${f##*/}"
done
ln -sfn "$top/include" "$stage/include"
ln -sfn "$top/arch" "$stage/arch"

build=(make -s -C "$kdir" M="$stage" ${V:+V="$V"} ${W:+W="$W"} ${C:+C="$C"} modules)
chroot=$top/build/kernels/$name/chroot
if [ ! -d "$chroot/" ]; then
	"${build[@]}" >&2
else
	# shellcheck disable=SC2016 # for the shell in there; objtool wants /proc
	unshare --mount --pid --fork --kill-child -- bash -ec '
		mkdir -p "$1$2"
		mount --bind "$2" "$1$2"
		mount -t proc proc "$1/proc"
		chroot=$1; shift 2; exec chroot "$chroot" "$@"' bash "$(realpath "$chroot")" "$top" "${build[@]}" >&2
fi
echo "$stage/ckptbpf.ko"
