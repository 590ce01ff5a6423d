/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CKPT_RES_SHMEM_H
#define CKPT_RES_SHMEM_H

#include "res/dump.h"
#include "res/plan.h"

/* Is this file one of the kernel's own memory objects? Of SysV and others: no. */
bool dump_is_shmem(const struct ckpt_file *f, const char *path);
/* Private anonymous memory of huge pages, for which the kernel keeps a file? */
bool dump_is_anon_huge(const struct gather_vma *v);
/* f becomes a SHMEM; what: where its object is found below /proc/PID. Refuses. */
int res_shmem_take(struct ckpt_dump *d, struct dump_file *f, const char *what);
int res_shmem_take_vma(struct ckpt_dump *d, const struct gather_vma *v);
int res_shmem_write_one(struct ckpt_dump *d, uint32_t shmem, uint32_t *id);
void dump_shmem_free(struct ckpt_dump *d);
/* The next part at or behind at that has pages: 1, 0: no more, -errno. */
int res_shmem_data(const struct dump_shmem *s, uint64_t at, uint64_t *start, uint64_t *end);
/* n pages of the object at these offsets. */
int res_shmem_read(const struct dump_shmem *s, const uint64_t *addrs, uint32_t n, uint8_t *to);

/* In the orchestrator, in this order: all objects, empty; their pages; the seals, last of all. */
int res_shmem_make(struct ckpt_plan *p);
int res_shmem_fill(const struct plan_shmem *s, const uint64_t *addrs, uint32_t n, const uint8_t *data);
int res_shmem_seal(struct ckpt_plan *p);

/* In the child: all of them at keep_from and above; a description of one. */
int res_shmem_lift(struct ckpt_plan *p, int keep_from);
int res_shmem_open(const struct ckpt_plan *p, const struct plan_file *f, uint64_t flags);
bool res_shmem_maps_writable(const struct ckpt_plan *p, const struct plan_file *f,
			     const struct ckpt_vma *v);

/* shmem_huge.c: objects of huge pages, which cannot be searched or written like files. */
#define SHMEM_HUGE_2M	21u	/* log2 of the sizes that x86 has */
#define SHMEM_HUGE_1G	30u
int shmem_huge_data(int fd, uint64_t size, uint64_t at, uint64_t *start, uint64_t *end);
int shmem_huge_fill(const struct plan_shmem *s, const uint64_t *addrs, uint32_t n, const uint8_t *data);

#endif
