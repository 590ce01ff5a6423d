/* SPDX-License-Identifier: GPL-2.0 */
/* Calls that the freeze interrupted. */
#ifndef CKPT_ARCH_RESTART_H
#define CKPT_ARCH_RESTART_H

#include <stdbool.h>

#include "ckptbpf/image.h"

/* Is this a call that a stop ends with EINTR, and that may begin again? */
bool arch_eintr_is_ours(long nr);

/*
 * Make the registers of a stopped thread such that the kernel, or the system
 * call instruction itself, goes on with the call it was in. restart_nr: number
 * of that call where the registers no longer tell, or -1.
 */
void arch_fix_restart(struct ckpt_cpu *cpu, int restart_nr);

#endif
