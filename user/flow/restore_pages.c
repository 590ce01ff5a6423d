// SPDX-License-Identifier: GPL-2.0
/*
 * The page chunks of an image, one by one. Where the process cannot be made
 * before the stream has ended (the original still has its pids), the chunks
 * rest verified in a memfd meanwhile.
 */
#include "flow/restore.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/fail.h"
#include "lib/interrupt.h"
#include "lib/io.h"

int restore_chunk_alloc(struct restore_chunk *c)
{
	c->addrs = malloc(CKPT_CHUNK_PAGES * sizeof(*c->addrs));
	c->data = aligned_alloc(CKPT_PAGE_SIZE, (size_t)CKPT_CHUNK_PAGES * CKPT_PAGE_SIZE);
	return c->addrs && c->data ? 0 : ckpt_fail(-ENOMEM, 0, "page buffer");
}

void restore_chunk_free(struct restore_chunk *c)
{
	free(c->addrs);
	free(c->data);
}

static int from_image(struct restore *r, struct restore_chunk *c)
{
	struct ckpt_rec rec = r->first_pages;
	const struct ckpt_pages *pages;
	int err = ckpt_interrupt_check();

	if (err)
		return err;
	if (r->have_first) {
		r->have_first = false;
	} else {
		int got = ckpt_read_record(r->reader, &rec);

		if (got < 0)
			return got;
		if (!got)
			return plan_pages_complete(&r->plan);
	}
	/* Nothing but PAGES and the TAIL comes here: the reader sees to the order. */
	err = plan_pages(&r->plan, &rec);
	if (err)
		return err;
	pages = rec.payload;
	c->mm = rec.h.owner;
	c->n = pages->npages;
	memcpy(c->addrs, pages + 1, c->n * sizeof(*c->addrs));
	if (c->n) {
		err = ckpt_read_data(r->reader, c->data);
		if (err)
			return err;
	}
	r->npages += c->n;
	return 1;
}

/* In the spool: mm and n, the addresses, the data. */
static int from_spool(struct restore *r, struct restore_chunk *c)
{
	uint32_t head[2];
	int err = ckpt_read_all(r->spool, head, sizeof(head));

	if (err == -ENODATA)
		return 0;
	if (!err) {
		c->mm = head[0];
		c->n = head[1];
		err = ckpt_read_all(r->spool, c->addrs, c->n * sizeof(*c->addrs));
	}
	if (!err)
		err = ckpt_read_all(r->spool, c->data, (size_t)c->n * CKPT_PAGE_SIZE);
	return err ? ckpt_fail(err, 0, "spooled pages: read") : 1;
}

int restore_next_chunk(struct restore *r, struct restore_chunk *c)
{
	return r->spool >= 0 ? from_spool(r, c) : from_image(r, c);
}

static int spool_one(int fd, const struct restore_chunk *c)
{
	const uint32_t head[2] = { c->mm, c->n };
	int err = ckpt_write_all(fd, head, sizeof(head));

	if (!err)
		err = ckpt_write_all(fd, c->addrs, c->n * sizeof(*c->addrs));
	if (!err)
		err = ckpt_write_all(fd, c->data, (size_t)c->n * CKPT_PAGE_SIZE);
	return err ? ckpt_fail(err, 0, "spool: write") : 0;
}

int restore_spool(struct restore *r)
{
	struct restore_chunk c = { 0 };
	int got = restore_chunk_alloc(&c), fd = memfd_create("ckptbpf-spool", MFD_CLOEXEC);

	if (!got && fd < 0)
		got = ckpt_fail(-errno, 0, "spool: memfd_create");
	while (!got && (got = from_image(r, &c)) > 0)
		got = spool_one(fd, &c);
	if (!got && lseek(fd, 0, SEEK_SET) < 0)
		got = ckpt_fail(-errno, 0, "spool: seek");
	restore_chunk_free(&c);
	if (got) {
		if (fd >= 0)
			close(fd);
		return got;
	}
	r->spool = fd;
	return 0;
}

/* ---- reading ahead ---- */

#define SLOTS 3u
#define LARGE 512u		/* pages of a chunk after which there are probably more */

struct ahead {
	struct restore *r;
	struct restore_chunk slots[SLOTS];
	int got[SLOTS];
	sem_t free, full;
	volatile bool stop;
};

static void take(sem_t *s)
{
	while (sem_wait(s) && errno == EINTR)
		;
}

static void *read_ahead(void *arg)
{
	struct ahead *a = arg;

	for (unsigned int i = 0; ; i = (i + 1) % SLOTS) {
		take(&a->free);
		if (a->stop)
			return NULL;
		a->got[i] = restore_next_chunk(a->r, &a->slots[i]);
		sem_post(&a->full);
		if (a->got[i] <= 0)
			return NULL;
	}
}

/*
 * The signals that ask us to stop go to the reading thread meanwhile, which may
 * sit in a read() for ever; we only wait for it. All that ptrace asks for is
 * done here, in the thread that is the tracer.
 */
static int put_read_ahead(struct ahead *a, int (*put)(struct restore *, const struct restore_chunk *))
{
	sigset_t all, old;
	pthread_t thread;
	int err, got = 0;

	err = pthread_create(&thread, NULL, read_ahead, a);
	if (err)
		return ckpt_fail(-err, 0, "reading thread");
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned int i = 0; ; i = (i + 1) % SLOTS) {
		take(&a->full);
		got = a->got[i];
		if (got > 0)
			got = put(a->r, &a->slots[i]);
		if (got < 0 || (!got && !a->got[i]))
			break;
		sem_post(&a->free);
	}
	a->stop = true;
	sem_post(&a->free);
	pthread_join(thread, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return got;
}

int restore_each_chunk(struct restore *r, int (*put)(struct restore *, const struct restore_chunk *))
{
	struct ahead a = { .r = r };
	bool large = false;
	int got = restore_chunk_alloc(&a.slots[0]);

	/* What fits one chunk is not worth a thread. */
	while (!got && !large) {
		got = restore_next_chunk(r, &a.slots[0]);
		if (got <= 0)
			goto out;
		large = a.slots[0].n >= LARGE;
		got = put(r, &a.slots[0]);
	}
	for (unsigned int i = 1; i < SLOTS && !got; i++)
		got = restore_chunk_alloc(&a.slots[i]);
	sem_init(&a.free, 0, SLOTS);
	sem_init(&a.full, 0, 0);
	if (!got)
		got = put_read_ahead(&a, put);
	sem_destroy(&a.free);
	sem_destroy(&a.full);
out:
	for (unsigned int i = 0; i < SLOTS; i++)
		restore_chunk_free(&a.slots[i]);
	return got;
}
