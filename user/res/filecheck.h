/* SPDX-License-Identifier: GPL-2.0 */
/* Between both sides of FILECHECK. */
#ifndef CKPT_RES_FILECHECK_H
#define CKPT_RES_FILECHECK_H

#include <stdint.h>
#include <sys/types.h>

/* A dev_t of stat(2) as the kernel has it inside, and FILE records too. */
uint32_t filecheck_dev(dev_t dev);

#endif
