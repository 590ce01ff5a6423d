/* SPDX-License-Identifier: GPL-2.0 */
/* What the linker named an ELF file by. */
#ifndef CKPT_BUILD_ID_H
#define CKPT_BUILD_ID_H

#include <stddef.h>
#include <stdint.h>

#define CKPT_BUILD_ID_MAX 64u

/*
 * NT_GNU_BUILD_ID of the file at fd: its length, 0 if that is no ELF file or has
 * none. fd's offset may move.
 */
size_t ckpt_build_id(int fd, uint8_t id[CKPT_BUILD_ID_MAX]);

#endif
