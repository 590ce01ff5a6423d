// SPDX-License-Identifier: GPL-2.0
/*
 * How a thread is scheduled: policy with its parameters, nice value, I/O
 * priority, the CPUs it may run on. Read by system calls in the stop, set from
 * outside before the thread runs.
 *
 * Saved: policy with its parameters, nice value, I/O priority, affinity mask of
 * up to 1024 CPUs.
 * Restored: by sched_setattr, sched_setaffinity and ioprio_set on the thread.
 * Lost: CPUs that do not exist where it is restored.
 */
#include <errno.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fail.h"
#include "lib/log.h"
#include "res/dump.h"
#include "res/plan_int.h"
#include "res/res.h"

/* include/uapi/linux/sched/types.h, as of its first size, 48 bytes. */
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

#define POLICY_MAX	7u	/* SCHED_EXT */
#define POLICY_DEADLINE	6u
#define ATTR_FLAGS	0x7u	/* RESET_ON_FORK, RECLAIM, DL_OVERRUN */

int res_sched_stopped(struct ckpt_dump *d)
{
	for (size_t i = 0; i < d->threads.n; i++) {
		struct ckpt_sched *s = &d->threads.v[i].sched;
		pid_t tid = d->threads.v[i].g->h.tid;
		struct attr a = { .size = sizeof(a) };
		long ioprio;

		if (syscall(SYS_sched_getattr, tid, &a, sizeof(a), 0))
			return ckpt_fail(-errno, d->pid, "thread %d: sched_getattr", (int)tid);
		memset(s, 0, sizeof(*s));
		if (syscall(SYS_sched_getaffinity, tid, sizeof(s->affinity), s->affinity) < 0)
			return ckpt_fail(-errno, d->pid, "thread %d: sched_getaffinity", (int)tid);
		ioprio = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, tid);
		if (ioprio < 0)
			return ckpt_fail(-errno, d->pid, "thread %d: ioprio_get", (int)tid);
		s->policy = a.policy;
		s->flags = (uint32_t)a.flags & ATTR_FLAGS;
		s->nice = a.nice;
		s->rt_priority = a.priority;
		/* Of the others these are the kernel's own business (a time slice, since 6.12). */
		if (a.policy == POLICY_DEADLINE) {
			s->runtime = a.runtime;
			s->deadline = a.deadline;
			s->period = a.period;
		}
		s->ioprio = (uint32_t)ioprio;
	}
	return 0;
}

int res_sched_write(struct ckpt_dump *d, const struct dump_thread *t)
{
	return ckpt_write_record(d->w, CKPT_SCHED, t->id, &t->sched, sizeof(t->sched), NULL, 0);
}

int plan_take_sched(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct plan_index *ix = plan_object(p, rec->h.owner, CKPT_THREAD);
	struct plan_thread *t = &p->tasks.v[p->cur].threads.v[ix->at];
	const struct ckpt_sched *s = rec->payload;

	if (t->have_sched)
		return bad(rec, "a second one of tid %d", t->rec.tid);
	if (s->policy > POLICY_MAX)
		return unknown(rec, "policy %u", s->policy);
	if (s->nice < -20 || s->nice > 19)
		return bad(rec, "nice %d", s->nice);
	if (s->rt_priority > 99)
		return bad(rec, "rt_priority %u", s->rt_priority);
	if (s->flags & ~ATTR_FLAGS)
		return bad(rec, "flags 0x%x", s->flags);
	t->sched = *s;
	t->have_sched = true;
	return 0;
}

/* Some of the CPUs may not be here; if none is, it runs where it can. */
static int set_affinity(const struct plan_task *t, const struct plan_thread *th, struct res_losses *l)
{
	uint64_t now[16] = { 0 };

	if (syscall(SYS_sched_getaffinity, th->rec.tid, sizeof(now), now) < 0)
		return ckpt_fail(-errno, t->rec.pid, "thread %d: sched_getaffinity", th->rec.tid);
	if (!memcmp(now, th->sched.affinity, sizeof(now)))
		return 0;
	if (!syscall(SYS_sched_setaffinity, th->rec.tid, sizeof(now), th->sched.affinity))
		return 0;
	if (errno != EINVAL)
		return res_lose(l, -errno, t->rec.pid, "thread %d: sched_setaffinity", th->rec.tid);
	pr_warn("restore: pid %d: thread %d: none of its CPUs may be used here", t->rec.pid,
		th->rec.tid);
	return 0;
}

int res_sched_restore(const struct plan_task *t, const struct plan_thread *th, struct res_losses *l)
{
	const struct ckpt_sched *s = &th->sched;
	struct attr now = { .size = sizeof(now) }, want = {
		.size = sizeof(want), .policy = s->policy, .flags = s->flags, .nice = s->nice,
		.priority = s->rt_priority, .runtime = s->runtime, .deadline = s->deadline,
		.period = s->period,
	};
	long ioprio;
	int err;

	if (!th->have_sched)
		return 0;
	err = set_affinity(t, th, l);
	if (err)
		return err;
	if (syscall(SYS_sched_getattr, th->rec.tid, &now, sizeof(now), 0))
		return ckpt_fail(-errno, t->rec.pid, "thread %d: sched_getattr", th->rec.tid);
	if (s->policy != POLICY_DEADLINE)
		now.runtime = now.deadline = now.period = 0;
	now.flags &= ATTR_FLAGS;
	if (memcmp((char *)&now + 4, (char *)&want + 4, sizeof(now) - 4) &&
	    syscall(SYS_sched_setattr, th->rec.tid, &want, 0))
		err = res_lose(l, -errno, t->rec.pid,
			       "thread %d: scheduling policy %u, nice %d, priority %u", th->rec.tid,
			       s->policy, s->nice, s->rt_priority);
	if (err)
		return err;
	ioprio = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, th->rec.tid);
	if (ioprio != (long)s->ioprio &&
	    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, th->rec.tid, s->ioprio))
		err = res_lose(l, -errno, t->rec.pid, "thread %d: I/O priority %#x", th->rec.tid,
			       s->ioprio);
	return err;
}
