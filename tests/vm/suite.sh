#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# suite.sh [STEM]...: what check.sh runs in the guest.
set -u
# Everything is ten to twenty times slower here: the counts of the long tests, unless given.
export CKPT_KILLS=${CKPT_KILLS:-3} CKPT_MUTATIONS=${CKPT_MUTATIONS:-8} CKPT_STREAM_CUTS=${CKPT_STREAM_CUTS:-3}
export CKPT_THREADS=${CKPT_THREADS:-64} CKPT_STRIDE=${CKPT_STRIDE:-9}
export CKPT_MAPPINGS=${CKPT_MAPPINGS:-2000} CKPT_DESCRIPTORS=${CKPT_DESCRIPTORS:-600} CKPT_ROWS=${CKPT_ROWS:-3000}
rc=0

wanted()
{
	local stem
	[ ${#stems[@]} -gt 0 ] || return 0
	for stem in "${stems[@]}"; do
		[ "$stem" != "$1" ] || return 0
	done
	return 1
}
stems=("$@")

# CKPT_QUICK: what depends neither on the engine nor on the kernel is left out;
# of stock, which ran everything natively, the kinds that touch the kernel most.
quick()
{
	[ -n "${CKPT_QUICK:-}" ] || return 0
	case $1 in
	audit.bats | badinput.bats | cli.bats | core.bats | image.bats) return 1 ;;
	esac
	[ "$CKPT_ENGINES" = stock ] || return 0
	case $1 in
	creds.bats | file.bats | mm.bats | pipe.bats | posixtimer.bats | restart.bats | restore.bats | \
		shmem.bats | sigpending.bats | task.bats | thread.bats) return 0 ;;
	esac
	return 1
}

case " $CKPT_ENGINES " in
*" kmod "*)
	if wanted kmod; then
		build/tests/kmod_test || rc=1
	fi
	;;
esac
for f in tests/*.bats; do
	stem=${f##*/}
	wanted "${stem%.bats}" || continue
	quick "$stem" || continue
	# Images are the same whichever engine made them: once is enough.
	[ "$stem $CKPT_ENGINES" != "image.bats kmod" ] || continue
	echo "# $f"
	bats --tap "$f" || rc=1
done
exit $rc
