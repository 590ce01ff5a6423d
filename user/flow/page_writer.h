/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads that pack, hash and write the chunks before, while the first one
 * copies the next out of the target. Chunks are written in the order in which
 * they were submitted.
 */
#ifndef CKPT_FLOW_PAGE_WRITER_H
#define CKPT_FLOW_PAGE_WRITER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "image/codec.h"
#include "image/image.h"

#define PAGE_SLOTS	3u	/* enough to copy one, write one, and have one between */
#define PAGE_SLOTS_MAX	6u	/* with more to pack them */
#define PAGE_PACKERS	4u

struct page_slot {
	uint8_t *data;
	uint64_t *addrs;
	uint32_t n;
	uint32_t owner;			/* objref */

	uint8_t *packed;		/* NULL: nobody packs */
	size_t packed_len;		/* 0: stored as it is */
	bool ready;			/* to be written */
};

struct page_writer {
	struct ckpt_writer *w;
	struct ckpt_packing packing;
	struct page_slot slots[PAGE_SLOTS_MAX];
	uint32_t nslots;
	uint64_t filled, taken, written;	/* chunks ever, taken: by a packer; slot i % nslots */
	bool end;
	int err;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	pthread_t thread, packers[PAGE_PACKERS];
	uint32_t npackers;
};

/* data: PAGE_SLOTS_MAX times chunk pages, addrs likewise; both the caller's. */
int page_writer_start(struct page_writer *p, struct ckpt_writer *w, const struct ckpt_packing *packing,
		      uint8_t *data, uint64_t *addrs, uint32_t chunk);
/* A slot to fill, NULL if writing has failed: then page_writer_finish() says why. */
struct page_slot *page_writer_slot(struct page_writer *p);
void page_writer_submit(struct page_writer *p);
/* Wait until all is written (or has failed) and end the threads. */
int page_writer_finish(struct page_writer *p);

#endif
