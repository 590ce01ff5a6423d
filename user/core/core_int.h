/* SPDX-License-Identifier: GPL-2.0 */
/* Between the files of this folder. */
#ifndef CKPT_CORE_INT_H
#define CKPT_CORE_INT_H

#include <stddef.h>
#include <stdint.h>

#include "core/core.h"
#include "image/out.h"
#include "lib/vec.h"
#include "res/cookie.h"

/* As the kernel keeps it in struct elf_prpsinfo; the last byte stays 0. */
#define CORE_PSARGS 80u

/* One mapping: a PT_LOAD of the same number. */
struct core_seg {
	const struct ckpt_vma *vma;
	uint64_t offset;	/* in the file: room for the whole mapping */
	uint64_t filesz;	/* 0: the file says only that it was there */
	uint32_t object;	/* objref of the SHMEM or GHOST that it maps, 0: none */
};

struct core {
	const struct ckpt_plan *plan;
	const struct plan_task *task;
	struct ckpt_out out;
	char *path;
	struct core_seg *segs;
	size_t nsegs;
	uint64_t notes_at, notes_len;
	VEC(uint64_t) held;	/* pages of file mappings that the image holds */
	struct cookie_map own;	/* pages that private mappings of objects have of their own */
	char psargs[CORE_PSARGS];
	unsigned int losses;
};

/* All of it at this place; told as a failure of the file. */
int core_put(struct core *c, const void *buf, size_t len, uint64_t at);

/* ---- notes.c ---- */
/* Bytes that core_notes_write() will write: needs the metadata only. */
int core_notes_size(struct core *c, uint64_t *len);
int core_notes_write(struct core *c);

/* ---- xstate.c ---- */
/* Lay x of len bytes, with room for CKPT_MAX_XSTATE, out as debuggers expect it; its new length. */
uint32_t core_xstate_spread(uint8_t *x, uint32_t len, uint64_t xfeatures);

/* ---- segments.c ---- */
/* Give each mapping its place from `at` on; what is known already is written. */
int core_segs_place(struct core *c, uint64_t at);
/* Parts of changed file mappings that the image does not hold. */
int core_segs_fill(struct core *c);
/* Length of the whole file. */
uint64_t core_segs_end(const struct core *c);

#endif
