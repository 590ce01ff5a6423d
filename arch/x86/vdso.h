/* SPDX-License-Identifier: GPL-2.0 */
/* The vdso that this kernel maps into us: the same code as in every 64-bit task. */
#ifndef CKPT_ARCH_VDSO_H
#define CKPT_ARCH_VDSO_H

#include <stdint.h>

struct ckpt_vdso {
	uint64_t start;		/* of the first vvar mapping, which lie before it */
	uint64_t code;		/* of the vdso itself */
	uint64_t len;		/* bytes of the vdso */
	uint64_t syscall_off;	/* of a syscall instruction in it */
	uint8_t xxh3[16];	/* XXH3-128 (canonical, seed 0) of its bytes */
};

/* -errno with ckpt_fail() told; -ENOENT: there is none. */
int ckpt_vdso_self(struct ckpt_vdso *v);

#endif
