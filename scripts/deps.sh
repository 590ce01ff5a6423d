#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# deps.sh [--install] GROUP...: the Debian packages that are missing, with their
# size. --install fetches them by apt. Nothing missing: silent, and no network.
# Elsewhere than on Debian their names are printed for the reader to translate.
set -euo pipefail

packages_of()
{
	case $1 in
	build)	echo gcc libc6-dev binutils make clang bpftool libbpf-dev libelf-dev zlib1g-dev \
			libxxhash-dev liblz4-dev libzstd-dev nettle-dev libjson-c-dev ;;
	demo)	echo python3 util-linux procps ;;
	check)	echo bats python3 perl xz-utils zstd strace gdb elfutils util-linux procps \
			sqlite3 vim-tiny ;;
	programs) echo default-jre-headless ecj nodejs ffmpeg emacs-nox ;;
	lint)	echo git shellcheck codespell clang-format sparse mandoc ;;
	vm)	echo qemu-system-x86 busybox-static cpio kmod mmdebstrap pahole debian-archive-keyring ;;
	*)	echo "deps.sh: no group '$1': build, demo, check, programs, lint, vm" >&2; exit 2 ;;
	esac
}

install=0
if [ "${1-}" = --install ]; then
	install=1
	shift
fi
[ $# -gt 0 ] || { echo "usage: deps.sh [--install] GROUP..." >&2; exit 2; }

wanted=$(for g in "$@"; do packages_of "$g"; done | tr ' ' '\n' | sort -u)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	# What cannot be asked for by package is asked for by what is used.
	missing=
	for c in gcc clang bpftool make python3; do
		command -v "$c" >/dev/null || PATH=$PATH:/usr/sbin command -v "$c" >/dev/null || missing+=" $c"
	done
	for h in bpf/libbpf.h gelf.h zlib.h xxhash.h nettle/sha2.h json-c/json.h; do
		[ -e "/usr/include/$h" ] || missing+=" <$h>"
	done
	[ -z "$missing" ] && exit 0
	echo "missing here:$missing" >&2
	printf "Debian's packages are (other distributions name them alike):\n%s\n" "$(tr '\n' ' ' <<<"$wanted")" >&2
	exit 1
fi

missing=()
installed=$(xargs dpkg-query -W -f '${db:Status-Status} ${Package}\n' <<<"$wanted" 2>/dev/null || true)
for p in $wanted; do
	grep -qx "installed $p" <<<"$installed" || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0

export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -qq -o Dpkg::Use-Pty=0 -o APT::Install-Suggests=false -o Acquire::Retries=3 --no-install-recommends)

# A machine that never ran update knows no package at all.
if [ "$install" = 1 ] && [ "$(id -u)" = 0 ]; then
	"${apt[@]}" update
fi
echo "missing: ${missing[*]}"
for p in "${missing[@]}"; do
	apt-cache show --no-all-versions "$p" 2>/dev/null | awk -v p="$p" '
		/^Size:/ { size = $2 } /^Installed-Size:/ { inst = $2 }
		END { if (size) printf "  %-24s %8.1f MB to fetch, %8.1f MB installed\n", p, size / 1e6, inst / 1e3
		      else printf "  %-24s size unknown (apt-get update?)\n", p }'
done
LC_ALL=C apt-get --no-install-recommends --assume-no install "${missing[@]}" 2>/dev/null |
	sed -n 's/^Need to get \(.*\) of archives\./with what they need: \1 to fetch/p; s/^After this operation, \(.*\) of additional.*/with what they need: \1 on disk/p' || true

[ "$install" = 1 ] || exit 1
if [ "$(id -u)" != 0 ]; then
	echo "deps: root is needed to install them: sudo make deps" >&2
	exit 1
fi
"${apt[@]}" install "${missing[@]}" >/dev/null
