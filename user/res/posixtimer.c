// SPDX-License-Identifier: GPL-2.0
/*
 * Timers of timer_create(). A timer is known to its program by its number,
 * which the kernel chooses: since 6.15 it can be asked for, before that a new
 * task makes and deletes timers until the number comes. Kept is what is left;
 * a deadline of CLOCK_REALTIME stays the deadline it was. A timer with an
 * interval whose signal waits goes on only when that is taken: it sends it anew
 * instead, else each round would add one. The overruns of the
 * signal taken last cannot be set: timer_getoverrun() gives 0 until the next.
 *
 * Saved: number, clock, how it notifies, what is left or its deadline,
 * interval, overruns.
 * Restored: timer_create() with that number, timer_settime().
 * Lost: timer_getoverrun() gives 0 until the next signal; the number that the
 * next timer gets.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/fail.h"
#include "res/dump.h"
#include "res/res.h"
#include "restorer/blob.h"

#define CPUCLOCK_TID	4

static bool is_thread(const struct ckpt_dump *d, int tid)
{
	for (size_t i = 0; i < d->threads.n; i++)
		if (d->threads.v[i].g->h.tid == tid)
			return true;
	return false;
}

int res_posixtimer_check(struct ckpt_dump *d)
{
	int err = 0;

	for (uint32_t i = 0; d->timers && i < d->timers->n && !err; i++) {
		const struct ckpt_posixtimer *m = &d->timers->rec[i];

		if (m->clock >= 0 && m->clock != CLOCK_REALTIME && m->clock != CLOCK_MONOTONIC &&
		    m->clock != CLOCK_BOOTTIME && m->clock != CLOCK_TAI)
			err = dump_refuse(d, "timer %d: it runs by clock %d", m->id, m->clock);
		else if (m->clock < 0 && (m->clock & CPUCLOCK_TID ? !is_thread(d, m->clock_tid) :
					  m->clock_tid != d->pid))
			err = dump_refuse(d, "timer %d: it counts the time of another process or of a thread that is gone",
					  m->id);
		else if (m->notify == SIGEV_THREAD_ID && !is_thread(d, m->tid))
			err = dump_refuse(d, "timer %d: the thread it is for is gone", m->id);
	}
	return err;
}

static int by_id(const void *a, const void *b)
{
	const struct ckpt_posixtimer *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

int res_posixtimer_write(struct ckpt_dump *d)
{
	uint32_t n = d->timers ? d->timers->n : 0;
	struct ckpt_posixtimer *v;
	int err = 0;

	if (!n)
		return 0;
	v = malloc(n * sizeof(*v));
	if (!v)
		return ckpt_fail(-ENOMEM, d->pid, "timers");
	memcpy(v, d->timers->rec, n * sizeof(*v));
	qsort(v, n, sizeof(*v), by_id);
	for (uint32_t i = 0; i < n && !err; i++)
		err = ckpt_write_record(d->w, CKPT_POSIXTIMER, d->task_id, &v[i], sizeof(v[i]), NULL, 0);
	free(v);
	return err;
}

const struct ckpt_posixtimer *res_posixtimer_sender(const struct plan_task *t,
						    const struct ckpt_siginfo *si)
{
	struct ckpt_posixtimer key = { .id = (int32_t)si->fields[0] };
	const struct ckpt_posixtimer *m;

	if (si->code != SI_TIMER || !t->timers.n)
		return NULL;
	m = bsearch(&key, t->timers.v, t->timers.n, sizeof(key), by_id);
	return m && m->interval && m->signo == si->signo ? m : NULL;
}

/* Those whose signal waits go off at once. */
static void due_at_once(const struct plan_task *t, const struct plan_pending *q, struct blob_timer *v)
{
	for (uint32_t i = 0; i < q->n; i++) {
		const struct ckpt_posixtimer *m = res_posixtimer_sender(t, &q->v[i]);

		if (!m)
			continue;
		v[m - t->timers.v].abstime = 0;
		v[m - t->timers.v].value[0] = 0;
		v[m - t->timers.v].value[1] = 1;
	}
}

void res_posixtimer_describe(const struct plan_task *t, struct blob_plan *b)
{
	for (size_t i = 0; i < t->timers.n; i++) {
		const struct ckpt_posixtimer *m = &t->timers.v[i];
		struct blob_timer *o = &b->timers[b->ntimers++];

		o->id = m->id;
		/* A CPU clock's number holds whose time it is. */
		o->clock = m->clock >= 0 ? m->clock :
			   (__s32)((~(uint32_t)m->clock_tid << 3) | ((uint32_t)m->clock & 7));
		o->sigval = m->sigval;
		o->signo = m->signo;
		o->notify = m->notify;
		o->tid = m->tid;
		o->abstime = m->flags & CKPT_TIMER_ABSTIME;
		o->interval[0] = (__s64)(m->interval / 1000000000);
		o->interval[1] = (__s64)(m->interval % 1000000000);
		o->value[0] = (__s64)(m->value / 1000000000);
		o->value[1] = (__s64)(m->value % 1000000000);
	}
	due_at_once(t, &t->pending, b->timers);
	for (size_t i = 0; i < t->threads.n; i++)
		due_at_once(t, &t->threads.v[i].pending, b->timers);
}
