/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CKPT_RUNDIR_H
#define CKPT_RUNDIR_H

#include <stddef.h>

/*
 * Our folder for what lasts between runs: $CKPTBPF_RUN or /run/ckptbpf, made
 * with mode 0700 if it is not there. An O_PATH descriptor of it, or -errno
 * (-EACCES if it belongs to somebody else).
 */
int ckpt_rundir_open(void);
const char *ckpt_rundir_path(void);

#endif
