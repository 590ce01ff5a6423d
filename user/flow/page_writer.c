// SPDX-License-Identifier: GPL-2.0
#include "flow/page_writer.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/fail.h"
#include "lib/interrupt.h"

static void *run(void *arg)
{
	struct page_writer *p = arg;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct page_slot *s = &p->slots[p->written % p->nslots];
		int err;

		while (p->written == p->filled ? !p->end : !s->ready)
			pthread_cond_wait(&p->cond, &p->lock);
		if (p->written == p->filled)
			break;
		pthread_mutex_unlock(&p->lock);
		if (s->packed_len)
			err = ckpt_write_packed(p->w, s->owner, s->addrs, s->n, p->packing.codec, s->packed,
						s->packed_len);
		else
			err = ckpt_write_packed(p->w, s->owner, s->addrs, s->n, CKPT_CODEC_NONE, s->data,
						(size_t)s->n * CKPT_PAGE_SIZE);
		pthread_mutex_lock(&p->lock);
		s->ready = false;
		p->written++;
		p->err = err;
		pthread_cond_broadcast(&p->cond);
		if (err)
			break;
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void *pack(void *arg)
{
	struct page_writer *p = arg;
	/* Without one chunks are stored as they are. */
	struct ckpt_packer *k = ckpt_packer_new(&p->packing);

	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct page_slot *s;

		while (p->taken == p->filled && !p->end)
			pthread_cond_wait(&p->cond, &p->lock);
		if (p->taken == p->filled)
			break;
		s = &p->slots[p->taken++ % p->nslots];
		pthread_mutex_unlock(&p->lock);
		s->packed_len = k ? ckpt_pack(k, s->data, (size_t)s->n * CKPT_PAGE_SIZE, s->packed) : 0;
		pthread_mutex_lock(&p->lock);
		s->ready = true;
		pthread_cond_broadcast(&p->cond);
	}
	pthread_mutex_unlock(&p->lock);
	ckpt_packer_free(k);
	return NULL;
}

static int start_packers(struct page_writer *p, uint32_t chunk)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	int err = 0;

	for (uint32_t i = 0; i < p->nslots; i++) {
		p->slots[i].packed = malloc((size_t)chunk * CKPT_PAGE_SIZE);
		if (!p->slots[i].packed)
			return -ENOMEM;
	}
	for (; !err && p->npackers < PAGE_PACKERS && (p->npackers < n || !p->npackers);)
		err = pthread_create(&p->packers[p->npackers], NULL, pack, p) ? -EAGAIN : (p->npackers++, 0);
	/* One is enough, if slow. */
	return p->npackers ? 0 : err;
}

static void end_threads(struct page_writer *p)
{
	pthread_mutex_lock(&p->lock);
	p->end = true;
	pthread_cond_broadcast(&p->cond);
	pthread_mutex_unlock(&p->lock);
	for (uint32_t i = 0; i < p->npackers; i++)
		pthread_join(p->packers[i], NULL);
	for (uint32_t i = 0; i < p->nslots; i++)
		free(p->slots[i].packed);
	pthread_cond_destroy(&p->cond);
	pthread_mutex_destroy(&p->lock);
}

int page_writer_start(struct page_writer *p, struct ckpt_writer *w, const struct ckpt_packing *packing,
		      uint8_t *data, uint64_t *addrs, uint32_t chunk)
{
	int err = 0;

	memset(p, 0, sizeof(*p));
	p->w = w;
	p->packing = *packing;
	p->nslots = packing->codec == CKPT_CODEC_NONE ? PAGE_SLOTS : PAGE_SLOTS_MAX;
	for (uint32_t i = 0; i < p->nslots; i++) {
		p->slots[i].data = data + (size_t)i * chunk * CKPT_PAGE_SIZE;
		p->slots[i].addrs = addrs + (size_t)i * chunk;
	}
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->cond, NULL);
	if (packing->codec != CKPT_CODEC_NONE)
		err = start_packers(p, chunk);
	if (!err)
		err = -pthread_create(&p->thread, NULL, run, p);
	if (!err)
		return 0;
	end_threads(p);
	return ckpt_fail(err, 0, "threads that write");
}

/*
 * Called with the lock. A signal that asks us to stop is delivered to one
 * thread only: should the other one sit in a write that does not end, it must
 * look up as well. SIGALRM does no more than that.
 */
static void wait_turn(struct page_writer *p)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += 50000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	if (pthread_cond_timedwait(&p->cond, &p->lock, &t) == ETIMEDOUT && ckpt_interrupted())
		pthread_kill(p->thread, SIGALRM);
}

struct page_slot *page_writer_slot(struct page_writer *p)
{
	struct page_slot *s = NULL;

	pthread_mutex_lock(&p->lock);
	while (!p->err && p->filled - p->written == p->nslots)
		wait_turn(p);
	if (!p->err)
		s = &p->slots[p->filled % p->nslots];
	pthread_mutex_unlock(&p->lock);
	return s;
}

void page_writer_submit(struct page_writer *p)
{
	pthread_mutex_lock(&p->lock);
	if (!p->npackers)
		p->slots[p->filled % p->nslots].ready = true;
	p->filled++;
	pthread_cond_broadcast(&p->cond);
	pthread_mutex_unlock(&p->lock);
}

int page_writer_finish(struct page_writer *p)
{
	pthread_mutex_lock(&p->lock);
	p->end = true;
	pthread_cond_broadcast(&p->cond);
	while (!p->err && p->written != p->filled)
		wait_turn(p);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	end_threads(p);
	return p->err;
}
