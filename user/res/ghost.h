/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CKPT_RES_GHOST_H
#define CKPT_RES_GHOST_H

#include "res/dump.h"
#include "res/plan.h"

/* Bytes that one of them may hold unless --ghost-limit says otherwise. */
#define GHOST_LIMIT (64ull << 20)

/* Has this file, of that type, lost the name by which it is known? */
bool dump_is_gone(uint32_t mode, uint32_t nlink, const char *path, uint32_t len);
/*
 * f has lost its name: it becomes a GHOST, or gets another name that leads to it.
 * what: where it is found below /proc/PID; who: "fd 3". Refuses.
 */
int res_ghost_take(struct ckpt_dump *d, struct dump_file *f, uint32_t linkable, const char *what,
		   const char *who);
int res_ghost_take_vma(struct ckpt_dump *d, const struct gather_vma *v);
int res_ghost_write_one(struct ckpt_dump *d, uint32_t ghost, uint32_t *id);
void dump_ghost_free(struct ckpt_dump *d);
/* As ckpt_next_data(), within the size that it had when it was taken. */
int res_ghost_data(const struct dump_ghost *g, uint64_t at, uint64_t *start, uint64_t *end);
/* n pages of it at these offsets; zeros behind its end. */
int res_ghost_read(const struct dump_ghost *g, const uint64_t *addrs, uint32_t n, uint8_t *to);

/* In the orchestrator, in this order: can they be made? All, empty; their pages; the rest. */
int res_ghost_check_plan(const struct ckpt_plan *p);
int res_ghost_make(struct ckpt_plan *p);
int res_ghost_fill(const struct ckpt_plan *p, const struct plan_ghost *g, const uint64_t *addrs,
		   uint32_t n, const uint8_t *data);
int res_ghost_finish(struct ckpt_plan *p);

/* In the child: all of them at keep_from and above; a description of one; done with them. */
int res_ghost_lift(struct ckpt_plan *p, int keep_from);
int res_ghost_open(const struct ckpt_plan *p, const struct plan_file *f, uint64_t flags);
void res_ghost_close(struct ckpt_plan *p);

#endif
