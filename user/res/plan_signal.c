// SPDX-License-Identifier: GPL-2.0
/* Pending signals, timers and clocks of an image. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "res/plan_int.h"

#ifndef CLOCK_TAI
#define CLOCK_TAI	11
#endif
#define CPUCLOCK_TID	4

static int check_pending(const struct ckpt_rec *rec, const struct ckpt_sigpending *p,
			 const struct ckpt_siginfo *v)
{
	if (p->n > CKPT_MAX_SIGNALS)
		return bad(rec, "%u signals", p->n);
	if (!p->mask)
		return bad(rec, "no signal in it");
	if (p->mask & PLAN_UNBLOCKABLE)
		return unknown(rec, "SIGKILL or SIGSTOP is pending");
	for (uint32_t i = 0; i < p->n; i++) {
		if (v[i].signo < 1 || v[i].signo > CKPT_NSIG)
			return bad(rec, "entry %u: signal %d", i, v[i].signo);
		if (!(p->mask >> (v[i].signo - 1) & 1))
			return bad(rec, "entry %u: signal %d is not in the mask", i, v[i].signo);
		if (v[i].pad0)
			return bad(rec, "entry %u: pad0 is not zero", i);
	}
	return 0;
}

int plan_take_sigpending(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_sigpending *q = rec->payload;
	const struct ckpt_siginfo *v = (const void *)(q + 1);
	const struct plan_index *ix = plan_object(p, rec->h.owner, CKPT_THREAD);
	struct plan_task *t = &p->tasks.v[p->cur];
	struct plan_pending *to = ix ? &t->threads.v[ix->at].pending : &t->pending;
	uint64_t left = q->mask;
	int err = check_pending(rec, q, v);

	if (err)
		return err;
	if (to->have)
		return bad(rec, "a second one of %u", rec->h.owner);
	to->have = true;
	to->v = calloc(q->n + CKPT_NSIG, sizeof(*to->v));
	if (!to->v)
		return plan_nomem(rec);
	for (; to->n < q->n; to->n++) {
		to->v[to->n] = v[to->n];
		left &= ~(1ull << (v[to->n].signo - 1));
	}
	/* What the kernel tells of a signal whose entry it could not keep. */
	for (int sig = 1; sig <= CKPT_NSIG; sig++)
		if (left >> (sig - 1) & 1)
			to->v[to->n++].signo = sig;
	return 0;
}

int plan_take_itimers(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_itimers *it = rec->payload;
	struct plan_task *t = &p->tasks.v[p->cur];

	if (t->have_itimers)
		return bad(rec, "a second one of pid %d", t->rec.pid);
	for (int i = 0; i < 3; i++)
		if (it->timer[i].value > PLAN_TIME_MAX || it->timer[i].interval > PLAN_TIME_MAX)
			return bad(rec, "timer %d: more time than there is", i);
	t->itimers = *it;
	t->have_itimers = true;
	return 0;
}

static bool is_thread(const struct plan_task *t, int32_t tid)
{
	for (size_t i = 0; i < t->threads.n; i++)
		if (t->threads.v[i].rec.tid == tid)
			return true;
	return false;
}

static int check_clock(const struct ckpt_rec *rec, const struct plan_task *t,
		       const struct ckpt_posixtimer *m)
{
	if (m->clock >= 0) {
		if (m->clock != CLOCK_REALTIME && m->clock != CLOCK_MONOTONIC &&
		    m->clock != CLOCK_BOOTTIME && m->clock != CLOCK_TAI)
			return unknown(rec, "timer %d: clock %d", m->id, m->clock);
		return m->clock_tid ? bad(rec, "timer %d: clock_tid %d", m->id, m->clock_tid) : 0;
	}
	if (m->clock < ~7 || (m->clock & 3) == 3)
		return bad(rec, "timer %d: clock %d", m->id, m->clock);
	if (m->clock & CPUCLOCK_TID ? !is_thread(t, m->clock_tid) : m->clock_tid != t->rec.pid)
		return bad(rec, "timer %d: it counts the time of %d, which is not in the task", m->id,
			   m->clock_tid);
	return 0;
}

int plan_take_posixtimer(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_posixtimer *m = rec->payload;
	struct plan_task *t = &p->tasks.v[p->cur];
	struct ckpt_posixtimer *slot;
	int err;

	if (t->timers.n == CKPT_MAX_TIMERS)
		return bad(rec, "more than %u timers", CKPT_MAX_TIMERS);
	if (m->id < 0 || (t->timers.n && m->id <= t->timers.v[t->timers.n - 1].id))
		return bad(rec, "timer %d does not ascend", m->id);
	err = check_clock(rec, t, m);
	if (err)
		return err;
	if (m->notify != SIGEV_SIGNAL && m->notify != SIGEV_NONE && m->notify != SIGEV_THREAD &&
	    m->notify != SIGEV_THREAD_ID)
		return bad(rec, "timer %d: notify %u", m->id, m->notify);
	if (m->notify == SIGEV_NONE ? m->signo != 0 : m->signo < 1 || m->signo > CKPT_NSIG)
		return bad(rec, "timer %d: signal %d", m->id, m->signo);
	if (m->notify == SIGEV_THREAD_ID ? !is_thread(t, m->tid) : m->tid != 0)
		return bad(rec, "timer %d: its thread %d is not in the task", m->id, m->tid);
	if (m->value > PLAN_TIME_MAX || m->interval > PLAN_TIME_MAX)
		return bad(rec, "timer %d: more time than there is", m->id);
	if (m->flags & ~CKPT_TIMER_ABSTIME ||
	    (m->flags && m->clock != CLOCK_REALTIME && m->clock != CLOCK_TAI))
		return bad(rec, "timer %d: flags 0x%x", m->id, m->flags);
	slot = vec_push(&t->timers);
	if (!slot)
		return plan_nomem(rec);
	*slot = *m;
	return 0;
}

/* A clock of a machine never shows less than nothing; half of all time is the kernel's own limit. */
static int check_since_boot(const struct ckpt_rec *rec, const char *name, int64_t now, int64_t offset)
{
	const int64_t max = (int64_t)(PLAN_TIME_MAX / 2);

	if (now < 0 || now > max)
		return bad(rec, "%s of %lld ns", name, (long long)now);
	if (offset < -max || offset > max || now - offset < 0 || now - offset > max)
		return bad(rec, "%s of %lld ns with an offset of %lld", name, (long long)now,
			   (long long)offset);
	return 0;
}

int plan_take_clocks(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_clocks *c = rec->payload;
	struct plan_task *t = &p->tasks.v[p->cur];
	int err;

	if (t->have_clocks)
		return bad(rec, "a second one of pid %d", t->rec.pid);
	err = check_since_boot(rec, "CLOCK_MONOTONIC", c->monotonic_ns, c->monotonic_offset_ns);
	if (!err)
		err = check_since_boot(rec, "CLOCK_BOOTTIME", c->boottime_ns, c->boottime_offset_ns);
	if (err)
		return err;
	t->clocks = *c;
	t->have_clocks = true;
	return 0;
}
