// SPDX-License-Identifier: GPL-2.0
#include "flow/page_writer.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "lib/fail.h"
#include "lib/interrupt.h"

static void *run(void *arg)
{
	struct page_writer *p = arg;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct page_slot *s = &p->slots[p->written % PAGE_SLOTS];
		int err;

		while (p->written == p->filled && !p->end)
			pthread_cond_wait(&p->cond, &p->lock);
		if (p->written == p->filled)
			break;
		pthread_mutex_unlock(&p->lock);
		err = ckpt_write_pages(p->w, s->owner, s->addrs, s->n, s->data);
		pthread_mutex_lock(&p->lock);
		p->written++;
		p->err = err;
		pthread_cond_broadcast(&p->cond);
		if (err)
			break;
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

int page_writer_start(struct page_writer *p, struct ckpt_writer *w, uint8_t *data, uint64_t *addrs,
		      uint32_t chunk)
{
	int err;

	memset(p, 0, sizeof(*p));
	p->w = w;
	for (uint32_t i = 0; i < PAGE_SLOTS; i++) {
		p->slots[i].data = data + (size_t)i * chunk * CKPT_PAGE_SIZE;
		p->slots[i].addrs = addrs + (size_t)i * chunk;
	}
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->cond, NULL);
	err = pthread_create(&p->thread, NULL, run, p);
	return err ? ckpt_fail(-err, 0, "thread that writes") : 0;
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
	while (!p->err && p->filled - p->written == PAGE_SLOTS)
		wait_turn(p);
	if (!p->err)
		s = &p->slots[p->filled % PAGE_SLOTS];
	pthread_mutex_unlock(&p->lock);
	return s;
}

void page_writer_submit(struct page_writer *p)
{
	pthread_mutex_lock(&p->lock);
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
	pthread_cond_destroy(&p->cond);
	pthread_mutex_destroy(&p->lock);
	return p->err;
}
