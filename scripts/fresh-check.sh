#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# fresh-check.sh: do the README's two commands work where nothing is installed?
# A minimal Debian 12 is made under $O, this repository's HEAD is cloned into it
# and the commands are run there, in mount and pid namespaces of their own.
# Packages come from the mirrors that this machine's apt uses.
set -euo pipefail
cd "$(dirname "$0")/.."
top=$PWD
O=$(mkdir -p "${O:-build}" && cd "${O:-build}" && pwd)
limit=${FRESH_SECONDS:-1500}

die() { echo "fresh-check: $*" >&2; exit 1; }

if [ "${1-}" != --inside ]; then
	[ "$(id -u)" = 0 ] || die "root is needed: sudo make fresh-check"
	command -v mmdebstrap >/dev/null || scripts/deps.sh --install vm

	# "URI suite" of every Debian 12 index that apt knows here.
	indexes=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' \
		'Origin: Debian' 'Component: main' | awk '$2 ~ /^bookworm(-updates|-security)?$/' | sort -u)
	[ -n "$indexes" ] || die "apt knows no mirror of Debian 12 here (apt-get update?)"
	sources=$(awk '{ print "deb " $1 " " $2 " main" }' <<<"$indexes")
	include=()
	[[ $indexes != *https://* ]] || include=(--include=ca-certificates)

	fresh=$(mktemp -d "$O/fresh.XXXXXX")
	trap 'rm -rf --one-file-system "$fresh"' EXIT
	echo "== a minimal Debian 12"
	timeout 600 mmdebstrap --quiet --variant=minbase --mode=root "${include[@]}" \
		bookworm "$fresh/root" - <<<"$sources" || die "mmdebstrap failed"
	# The way out may be a proxy.
	apt-config dump | grep -E '^Acquire::(http|https)::' >"$fresh/root/etc/apt/apt.conf.d/99way-out" || true
	timeout -k 30 "$limit" unshare --mount --propagation private --pid --fork --kill-child \
		"$0" --inside "$fresh/root"
	exit
fi

root=$2
mkdir -p "$root/src"
mount --bind "$top" "$root/src"
mount -o remount,bind,ro "$root/src"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
for f in /etc/resolv.conf /etc/hosts; do
	[ ! -e "$f" ] || cp -L "$f" "$root$f"
done
[ ! -d /etc/ssl/certs ] || [ ! -d "$root/etc/ssl/certs" ] || cp -rL /etc/ssl/certs/. "$root/etc/ssl/certs/"

# What a reader would paste: the indented lines of the README.
first=$(sed -n 's/^    \(apt-get .*make demo\)$/\1/p' README.md)
second=$(sed -n 's/^    \(make check\)$/\1/p' README.md)
[ -n "$first" ] && [ -n "$second" ] || die "README.md does not show its two commands"
first=${first/ URL / file:///src }

env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
	${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
	DEBIAN_FRONTEND=noninteractive \
	chroot "$root" /bin/bash -euc '
	cd /root
	start=$SECONDS
	echo "== $1"
	eval "$1" 2>&1 | tail -n 40
	[ "${PIPESTATUS[0]}" = 0 ]
	echo "== after $((SECONDS - start)) s"
	cd ckptbpf
	start=$SECONDS
	echo "== $2"
	eval "$2"
	echo "== after $((SECONDS - start)) s"
	' bash "$first" "$second"
echo "fresh-check: ok"
