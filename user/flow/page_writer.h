/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A second thread that hashes and writes the chunk before, while the first
 * one copies the next out of the target. Chunks are written in the order in
 * which they were submitted.
 */
#ifndef CKPT_FLOW_PAGE_WRITER_H
#define CKPT_FLOW_PAGE_WRITER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "image/image.h"

#define PAGE_SLOTS 3u

struct page_slot {
	uint8_t *data;
	uint64_t *addrs;
	uint32_t n;
	uint32_t owner;			/* objref */
};

struct page_writer {
	struct ckpt_writer *w;
	struct page_slot slots[PAGE_SLOTS];
	uint64_t filled, written;	/* chunks ever; slot i % PAGE_SLOTS */
	bool end;
	int err;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	pthread_t thread;
};

/* data: PAGE_SLOTS times chunk pages, addrs likewise; both the caller's. */
int page_writer_start(struct page_writer *p, struct ckpt_writer *w, uint8_t *data, uint64_t *addrs,
		      uint32_t chunk);
/* A slot to fill, NULL if writing has failed: then page_writer_finish() says why. */
struct page_slot *page_writer_slot(struct page_writer *p);
void page_writer_submit(struct page_writer *p);
/* Wait until all is written (or has failed) and end the thread. */
int page_writer_finish(struct page_writer *p);

#endif
