#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# suite.sh [STEM]...: what check.sh runs in the guest.
set -u
# Everything is ten to twenty times slower here: the counts of the long tests, unless given.
export CKPT_KILLS=${CKPT_KILLS:-3} CKPT_MUTATIONS=${CKPT_MUTATIONS:-8} CKPT_STREAM_CUTS=${CKPT_STREAM_CUTS:-3}
export CKPT_THREADS=${CKPT_THREADS:-64} CKPT_ROUNDS=${CKPT_ROUNDS:-3} CKPT_STRIDE=${CKPT_STRIDE:-9}
export CKPT_MAPPINGS=${CKPT_MAPPINGS:-2000} CKPT_DESCRIPTORS=${CKPT_DESCRIPTORS:-600} CKPT_ROWS=${CKPT_ROWS:-6000}
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

# CKPT_QUICK: of the module's engine what is its own doing, stops, registers, the
# way back into calls, and some of the kinds; of stock, which ran everything
# natively, the kinds that touch the kernel most.
quick()
{
	[ -n "${CKPT_QUICK:-}" ] || return 0
	case "$CKPT_ENGINES ${1%.bats}" in
	*' restart' | *' restore' | *' task' | *' thread' | *' mm' | *' sigpending' | *' prctl') return 0 ;;
	*stock' creds' | *stock' file' | *stock' pipe' | *stock' posixtimer' | *stock' shmem') return 0 ;;
	*kmod' cow' | *kmod' kill' | *kmod' kmod' | *kmod' signal' | *kmod' stopped' | *kmod' stream') return 0 ;;
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
