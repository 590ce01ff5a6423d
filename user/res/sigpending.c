// SPDX-License-Identifier: GPL-2.0
/*
 * Signals that were sent and not taken: each thread has a queue, its process
 * another that all threads take from. An entry is a siginfo of 48 bytes. The
 * new task sends them to itself while it blocks every signal: to oneself any
 * code may be sent, so the entries come back as they were, in their order. Of
 * signals below SIGRTMIN the kernel then keeps one each; it had two only of
 * what timers sent. SIGSTOP, which nothing can block, is not kept as a signal:
 * a process that it waits for is a stopped one (res/task.c).
 *
 * Saved: masks and queues of each thread and of the process, siginfo as it is.
 * Restored: rt_sigqueueinfo() and rt_tgsigqueueinfo() to itself, while all are
 * blocked.
 * Lost: the second of two equal signals below SIGRTMIN that timers sent.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fail.h"
#include "res/dump.h"
#include "res/res.h"
#include "restorer/blob.h"

#define MASK(sig)	(1ull << ((sig) - 1))
#define SIG_KILL	9
#define SIG_STOP	19
#define CODE_TIMER	(-2)	/* SI_TIMER */

static int check_queue(struct ckpt_dump *d, const struct gather_sigpending *p)
{
	if (!p)
		return 0;
	if (p->rec.mask & MASK(SIG_KILL))
		return dump_refuse(d, "thread %d: it is being killed", p->h.tid);
	return 0;
}

bool res_sigpending_stops(const struct ckpt_dump *d)
{
	bool stops = d->pending && d->pending->rec.mask & MASK(SIG_STOP);

	for (size_t i = 0; i < d->threads.n && !stops; i++) {
		const struct gather_sigpending *p = d->threads.v[i].pending;

		stops = p && p->rec.mask & MASK(SIG_STOP);
	}
	return stops;
}

int res_sigpending_check(struct ckpt_dump *d)
{
	int err = check_queue(d, d->pending);

	for (size_t i = 0; i < d->threads.n && !err; i++)
		err = check_queue(d, d->threads.v[i].pending);
	return err;
}

static int write_queue(struct ckpt_dump *d, const struct gather_sigpending *p, uint32_t owner)
{
	struct ckpt_sigpending rec;
	struct ckpt_siginfo *v;
	int err;

	if (!p)
		return 0;
	rec = p->rec;
	v = calloc(rec.n + 1, sizeof(*v));
	if (!v)
		return ckpt_fail(-ENOMEM, d->pid, "pending signals");
	/* SIGSTOP cannot be kept waiting: it has made the task a stopped one. */
	rec.mask &= ~MASK(SIG_STOP);
	rec.n = 0;
	for (uint32_t i = 0; i < p->rec.n; i++) {
		struct ckpt_siginfo *si = &v[rec.n];

		if (p->info[i].signo == SIG_STOP)
			continue;
		*si = p->info[i];
		si->pad0 = 0;
		/* The timer's own mark, by which the kernel would find it again. */
		if (si->code == CODE_TIMER)
			si->fields[2] = 0;
		/* One that is just being sent: first the entry, then the bit. */
		if (si->signo >= 1 && si->signo <= CKPT_NSIG)
			rec.mask |= MASK(si->signo);
		rec.n++;
	}
	err = !rec.mask ? 0 : ckpt_write_record(d->w, CKPT_SIGPENDING, owner, &rec, sizeof(rec), v,
						rec.n * sizeof(*v));
	free(v);
	return err;
}

int res_sigpending_write(struct ckpt_dump *d)
{
	int err = write_queue(d, d->pending, d->task_id);

	for (size_t i = 0; i < d->threads.n && !err; i++)
		err = write_queue(d, d->threads.v[i].pending, d->threads.v[i].id);
	return err;
}

uint32_t res_sigpending_count(const struct plan_task *t)
{
	uint32_t n = t->pending.n;

	for (size_t i = 0; i < t->threads.n; i++)
		n += t->threads.v[i].pending.n;
	return n;
}

static uint32_t describe(const struct plan_task *t, const struct plan_pending *q,
			 struct blob_signal *to)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < q->n; i++)
		if (!res_posixtimer_sender(t, &q->v[i]))
			memcpy(to[n++].info, &q->v[i], sizeof(q->v[i]));
	return n;
}

void res_sigpending_describe(const struct plan_task *t, struct blob_plan *b)
{
	uint32_t at = b->nsignals = describe(t, &t->pending, b->signals);

	for (size_t i = 0; i < t->threads.n; i++) {
		b->threads[i].first_signal = at;
		b->threads[i].nsignals = describe(t, &t->threads.v[i].pending, b->signals + at);
		at += b->threads[i].nsignals;
	}
}
