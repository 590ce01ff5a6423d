/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CKPT_BOOT_ID_H
#define CKPT_BOOT_ID_H

#include <stdint.h>

/* The running kernel's, from /proc/sys/kernel/random/boot_id. */
int ckpt_boot_id(uint8_t id[16]);

#endif
