#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-criu.sh: CRIU of Debian's newest suite and the libraries it needs,
# unpacked into build/criu/:
#   root/     the packages' contents
#   prefix    the words that run it, with the ld.so and libraries it was built for
#   criu      the same as a script
#   version   its version
# and prints that prefix. For measuring beside it, no more.
#
# The mirror is the machine's own; its sources, lists and packages are left
# alone. What is there already is not fetched again.
set -euo pipefail

die() { echo "${0##*/}: $*" >&2; exit 1; }
[ $# = 0 ] || { echo "usage: ${0##*/}" >&2; exit 2; }

suite=sid
top=$(cd "$(dirname "$0")/.." && pwd)
out=$top/build/criu
apt=$out/apt
if [ -e "$out/version" ]; then
	cat "$out/prefix"
	exit 0
fi

# The machine's mirror: the URI of the first Debian package index apt knows
# (or, when its lists were never fetched, of the first source of its own).
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' \
	'Created-By: Packages' 'Origin: Debian' 'Component: main' 2>/dev/null |
	awk '$2 !~ /-security$/ { print $1; exit }')
[ -n "$mirror" ] || mirror=$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null |
	grep -v '^ *#' | grep -oE '(https?|file|copy):[^ ]*/debian/?( |$)' | head -1)
[ -n "$mirror" ] || die "apt knows no Debian mirror (run apt-get update first?)"

key=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$key" ] || die "$key is not there (package debian-archive-keyring)"

mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs"
echo "deb [arch=amd64 signed-by=$key] $mirror $suite main" > "$apt/sources.list"
: > "$apt/status"
opts=(
	-o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
	-o "Dir::State::lists=$apt/lists" -o "Dir::State::status=$apt/status"
	-o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root
	-o APT::Architecture=amd64 -o Acquire::Check-Valid-Until=false
	-o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Install-Recommends=false
)
timeout 600 apt-get -qq "${opts[@]}" update || die "apt-get update failed"

# With an empty status file every package it needs counts as missing; only the
# libraries are of use here.
mapfile -t packages < <(apt-get "${opts[@]}" -s install criu |
	awk '$1 == "Inst" && ($2 == "criu" || $2 ~ /^lib/) { gsub(/[(]/, "", $3); print $2 "=" $3 }')
[ "${#packages[@]}" -gt 5 ] || die "$suite has no criu"
rm -f "$apt"/debs/*.deb
(cd "$apt/debs" && timeout 900 apt-get -qq "${opts[@]}" download "${packages[@]}") ||
	die "download failed: ${packages[*]}"

rm -rf "$out/root"
mkdir -p "$out/root"
for deb in "$apt"/debs/*.deb; do
	dpkg-deb -x "$deb" "$out/root"
done
rm -f "$apt"/debs/*.deb

ld=$(find "$out/root/usr" -name 'ld-linux-x86-64.so.2' -print -quit)
bin=$(find "$out/root/usr" -path '*bin/criu' -print -quit)
[ -n "$ld" ] && [ -n "$bin" ] || die "the packages have an unknown layout"
libs=$out/root/usr/lib/x86_64-linux-gnu
echo "$ld --library-path $libs $bin" > "$out/prefix"
{
	echo '#!/bin/sh'
	echo "exec $(cat "$out/prefix") \"\$@\""
} > "$out/criu"
chmod 755 "$out/criu"
"$out/criu" --version | awk '$1 == "Version:" { print $2 }' > "$out/version.new"
[ -s "$out/version.new" ] || die "criu does not run"
mv "$out/version.new" "$out/version"
rm -rf "$apt"
echo "${0##*/}: CRIU $(cat "$out/version") in build/criu" >&2
cat "$out/prefix"
