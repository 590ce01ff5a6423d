/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CKPT_ARCH_RESULT_H
#define CKPT_ARCH_RESULT_H

#include "ckptbpf/image.h"

/* The system call that the thread is in has ended with this result: nothing restarts it. */
static inline void arch_set_result(struct ckpt_cpu *cpu, long result)
{
	cpu->ax = (__u64)result;
	cpu->orig_ax = (__u64)-1;
}

#endif
