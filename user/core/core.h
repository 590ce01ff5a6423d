/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A core file, as the kernel would have written it at the freeze, of one process
 * of an image. The file appears whole or not at all.
 */
#ifndef CKPT_CORE_H
#define CKPT_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "res/plan.h"

struct core;

/*
 * Of the process pid, 0: the first one, into path, NULL: core.PID. p is complete
 * and outlives the core.
 */
int core_open(struct core **ret, const struct ckpt_plan *p, int32_t pid, const char *path, bool force);

/* Each chunk of the image, checked by plan_pages(); what other processes own is passed over. */
int core_pages(struct core *c, uint32_t owner, const uint64_t *addrs, uint32_t n, const void *data);

/* The image has ended well: write what is left, make the file visible. */
int core_finish(struct core *c);

const char *core_path(const struct core *c);
/* What the file could not get, one warning has been told for each. */
unsigned int core_losses(const struct core *c);
/* Without core_finish() before nothing is left of the file. */
void core_close(struct core *c);

#endif
