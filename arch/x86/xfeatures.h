/* SPDX-License-Identifier: GPL-2.0 */
/* What this CPU and kernel can hold of the extended state. */
#ifndef CKPT_ARCH_XFEATURES_H
#define CKPT_ARCH_XFEATURES_H

#include <stddef.h>
#include <stdint.h>

/* Room for these is made only when a thread uses one: the tiles of AMX. */
#define ARCH_XFEATURES_DYNAMIC	(1ull << 18)

/* XCR0, 0 if there is none. */
uint64_t arch_xfeatures(void);
/* Bytes of the standard format that hold all of these components. */
size_t arch_xfeatures_end(uint64_t features);
/* Name of a component: "AVX-512 ZMM". */
const char *arch_xfeature_name(unsigned int bit);

#endif
