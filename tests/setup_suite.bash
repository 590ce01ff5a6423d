# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Checked once per file run: without these no test means anything.

setup_suite()
{
	bats_require_minimum_version 1.8.0
	local build
	build=$(cd "$BATS_TEST_DIRNAME/.." && pwd)/${O:-build}
	case ${O-} in
	/*) build=$O ;;
	esac
	export CKPT_BUILD=$build
	export CKPT_ENGINES=${CKPT_ENGINES:-stock} CKPT_SLOW=${CKPT_SLOW:-1}
	if [ ! -x "$build/ckptbpf" ] || [ ! -x "$build/tests/progs/nsinit" ]; then
		echo "not built: run 'make all tests' first" >&2
		return 1
	fi
	if [ "$(id -u)" != 0 ]; then
		echo "root is needed: BPF programs and pid namespaces" >&2
		return 1
	fi
}
