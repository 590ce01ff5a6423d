/* SPDX-License-Identifier: GPL-2.0 */
/* Open files of /proc. */
#ifndef CKPT_RES_FILE_PROC_H
#define CKPT_RES_FILE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "res/dump.h"
#include "res/res.h"

/* Whose file it is by its path; 0: nobody's. */
struct proc_path { int32_t pid, tid; };

/* Is that a path below /proc? */
bool proc_path_parse(const char *path, size_t len, struct proc_path *p);

/* Why this descriptor's file cannot be opened again, NULL: it can. */
const char *res_proc_refusal(const struct ckpt_dump *d, const struct gather_fd *g);

/* In the child, of what was just opened: is it the running kernel's /proc, and ours? */
int res_proc_check_opened(const struct plan_file *f, int fd);

#endif
