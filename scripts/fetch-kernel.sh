#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-kernel.sh VERSION: Debian's own kernel of that version (6.1, 6.12, 7.2),
# its headers and its kbuild, unpacked into build/kernels/VERSION/:
#   root/     the packages' contents
#   release   the kernel's `uname -r`
#   chroot    the folder with the compiler it wants, if this machine's is too old
#   vmlinuz modules headers   links into root/
#
# The mirror is the machine's own; its sources, lists and packages are left
# alone. What is there already is not fetched again.
set -euo pipefail

usage() { echo "usage: ${0##*/} 6.1|6.12|7.2" >&2; exit 2; }
die() { echo "${0##*/}: $*" >&2; exit 1; }

[ $# = 1 ] || usage
ver=$1
case $ver in
6.1)	codename=bookworm suites="bookworm bookworm-updates" security=bookworm-security ;;
6.12)	codename=bookworm suites="bookworm bookworm-backports" security= ;;
7.*)	codename=trixie suites="trixie trixie-backports" security= ;;
*)	usage ;;
esac

top=$(cd "$(dirname "$0")/.." && pwd)
out=$top/build/kernels/$ver
apt=$top/build/kernels/apt-$ver
[ -e "$out/release" ] && exit 0

# The machine's mirrors: "URI suite" of every Debian package index apt knows.
# shellcheck disable=SC2016 # the names are apt's
indexes=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' \
	'Created-By: Packages' 'Origin: Debian' 'Component: main' | sort -u)
main=$(awk '$2 !~ /-security$/ { print $1; exit }' <<<"$indexes")
secure=$(awk '$2 ~ /-security$/ { print $1; exit }' <<<"$indexes")
[ -n "$main" ] || die "apt knows no Debian mirror (run apt-get update first?)"

key=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$key" ] || die "$key is not there (package debian-archive-keyring)"

mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs"
{
	for s in $suites; do
		echo "deb [arch=amd64 signed-by=$key] $main $s main"
	done
	if [ -n "$security" ] && [ -n "$secure" ]; then
		echo "deb [arch=amd64 signed-by=$key] $secure $security main"
	fi
} > "$apt/sources.list"
: > "$apt/status"

opts=(
	-o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
	-o "Dir::State::lists=$apt/lists" -o "Dir::State::status=$apt/status"
	-o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root
	-o APT::Architecture=amd64 -o Acquire::Check-Valid-Until=false
	-o Acquire::Languages=none -o Acquire::Retries=3
)
timeout 600 apt-get -qq "${opts[@]}" update || die "apt-get update failed"

# version_of PACKAGE: the newest one of the wanted kernel series.
version_of()
{
	apt-cache "${opts[@]}" madison "$1" |
		awk -v v="$ver." 'index($3, v) == 1 { print $3; exit }'
}

# needs PACKAGE VERSION: names and versions of what it depends on.
needs()
{
	apt-cache "${opts[@]}" show "$1=$2" | sed -n 's/^Depends: //p' | head -1 |
		tr ',' '\n' | sed 's/^ *//; s/ |.*//; s/[()]//g; s/ = / /'
}

# Follow the metapackage: it names the one ABI that is current. Backports keep
# the kernels of a series when the metapackage has gone on to the next one.
image_version=$(version_of linux-image-amd64)
if [ -n "$image_version" ]; then
	image=$(needs linux-image-amd64 "$image_version" | awk '/^linux-image-/ { print $1 }')
else
	image=$(apt-cache "${opts[@]}" search --names-only "^linux-image-$ver\\.[0-9]+[+a-z0-9]*-amd64\$" |
		awk '{ print $1 }' | sort -V | tail -n 1)
	[ -n "$image" ] || die "no kernel $ver in $codename"
	image_version=$(version_of "$image")
fi
[ -n "$image" ] || die "the metapackage of $ver names no kernel"
headers=linux-headers-${image#linux-image-}

# The kernel's own parts: since 6.16 the image is split in several packages.
mapfile -t packages < <({
	echo "$image $image_version"
	needs "$image" "$image_version" | awk '/^linux-(binary|modules|base)-[0-9]/'
	echo "$headers $image_version"
	needs "$headers" "$image_version" | awk '/^linux-(headers|kbuild)-[0-9]/'
} | awk '{ print $1 }' | sort -u)

fetch=()
for p in "${packages[@]}"; do
	v=$(version_of "$p")
	[ -n "$v" ] || die "$p: no version of $ver"
	fetch+=("$p=$v")
done
rm -f "$apt"/debs/*.deb
(cd "$apt/debs" && timeout 1800 apt-get -qq "${opts[@]}" download "${fetch[@]}") ||
	die "download failed: ${fetch[*]}"

rm -rf "$out"
mkdir -p "$out/root"
for deb in "$apt"/debs/*.deb; do
	dpkg-deb -x "$deb" "$out/root"
done
rm -f "$apt"/debs/*.deb

release=${image#linux-image-}
for d in "root/lib/modules/$release" "root/usr/lib/modules/$release"; do
	[ -d "$out/$d" ] && ln -sfn "$d" "$out/modules"
done
for f in "root/boot/vmlinuz-$release" "root/usr/lib/modules/$release/vmlinuz"; do
	[ -e "$out/$f" ] && ln -sfn "$f" "$out/vmlinuz"
done
ln -sfn "root/usr/src/${headers}" "$out/headers"
if [ ! -e "$out/vmlinuz" ] || [ ! -d "$out/modules" ] || [ ! -e "$out/headers/Makefile" ]; then
	die "the packages of $ver have an unknown layout"
fi

# The headers name their common part and kbuild by absolute paths.
grep -rlI --include=Makefile --include='*.mk' -e '/usr/src/linux-' -e '/usr/lib/linux-kbuild' \
	"$out/headers/" | while read -r f; do
	sed -i -e "s#/usr/src/linux-#$out/root/usr/src/linux-#g" \
		-e "s#/usr/lib/linux-kbuild#$out/root/usr/lib/linux-kbuild#g" "$f"
done
find "$out/root/usr/src" -type l | while read -r l; do
	t=$(readlink "$l")
	case $t in
	/usr/*)	ln -sfn "$out/root$t" "$l" ;;
	esac
done

# Its kbuild programs and its compiler are those of its suite: a folder with these.
if [ "$codename" != "$(. /etc/os-release && echo "${VERSION_CODENAME-}")" ]; then
	chroot=$top/build/kernels/chroot-$codename
	mapfile -t tools < <({
		needs "$headers" "$image_version" | awk '/^gcc-/ { print $1 }'
		for p in "${packages[@]}"; do
			case $p in
			linux-kbuild-*)	needs "$p" "$(version_of "$p")" | awk '{ print $1 }' ;;
			esac
		done
	} | sort -u)
	if [ ! -e "$chroot/.tools" ] || [ "$(cat "$chroot/.tools")" != "${tools[*]}" ]; then
		rm -rf "$chroot"
		include=$(IFS=, && echo make,binutils,libc6-dev,"${tools[*]}")
		timeout 1200 mmdebstrap --quiet --variant=apt --keyring="$key" --include="$include" \
			--aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Retries "3"' \
			"$codename" "$chroot" "$main" ||
			die "mmdebstrap $codename failed"
		echo "${tools[*]}" > "$chroot/.tools"
	fi
	ln -sfn "../chroot-$codename" "$out/chroot"
fi

depmod -b "$(dirname "$(dirname "$(dirname "$(realpath "$out/modules")")")")" "$release"
echo "$release" > "$out/release"
echo "${0##*/}: $release in build/kernels/$ver" >&2
