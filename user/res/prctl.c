// SPDX-License-Identifier: GPL-2.0
/*
 * What a thread has asked of the kernel for itself by prctl() and its like: how
 * late its timers may be, speculation, instructions that fault, what happens at
 * a memory error, system calls that go to a handler of its own, the strict mode of
 * seccomp, utilisation clamps; and, of the process, use of AMX tiles.
 *
 * Saved: timer slack and its default, PR_SPEC_*, PR_SET_TSC, ARCH_SET_CPUID,
 * PR_SET_IO_FLUSHER, PR_MCE_KILL, PR_SET_SYSCALL_USER_DISPATCH,
 * SECCOMP_MODE_STRICT, ARCH_REQ_XCOMP_PERM, utilisation clamps.
 * Restored: each thread makes the calls in the restorer; strict mode is the last;
 * the clamps are set from outside.
 * Refused: filters of seccomp; calls that go to a handler without a selector; at
 * the restore, what the restorer may not set or this machine lacks, which
 * restore --force makes a named loss.
 */
#include <errno.h>
#include <linux/prctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"
#include "res/dump.h"
#include "res/plan_int.h"
#include "res/res.h"
#include "restorer/blob.h"
#include "xfeatures.h"

#define SECCOMP_STRICT		1u
#define UCLAMP_MAX		1024	/* SCHED_CAPACITY_SCALE */
#define PF_IO_FLUSHER		0x00180000ul	/* PF_MEMALLOC_NOIO, PF_LOCAL_THROTTLE */
#define SCHED_KEEP_ALL		0x18u	/* SCHED_FLAG_KEEP_POLICY, KEEP_PARAMS */
#define SCHED_UTIL_MIN		0x20u
#define SCHED_UTIL_MAX		0x40u

/* include/uapi/linux/sched/types.h, since 5.3: 56 bytes. */
struct clamp_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

int res_prctl_check(struct ckpt_dump *d, const struct gather_thread *g)
{
	int tid = g->h.tid, err = 0;

	if (g->seccomp_mode > SECCOMP_STRICT)
		err = dump_refuse(d, "thread %d: seccomp mode %u", tid, g->seccomp_mode);
	if (!err && g->prctl.flags & CKPT_PRCTL_DISPATCH && !g->prctl.dispatch_selector)
		err = dump_refuse(d, "thread %d: its system calls go to a handler without a selector", tid);
	return err;
}

const char *res_prctl_may_call(const struct ckpt_dump *d)
{
	for (size_t i = 0; i < d->threads.n; i++) {
		const struct gather_thread *g = d->threads.v[i].g;

		/* It would be killed for one. */
		if (g->seccomp_mode)
			return "seccomp";
		if (g->prctl.flags & CKPT_PRCTL_DISPATCH)
			return "its system calls go to a handler";
	}
	return NULL;
}

int res_prctl_write(struct ckpt_dump *d, const struct dump_thread *t)
{
	struct ckpt_prctl rec = t->g->prctl;

	/* The kernel counts components of its own among them. */
	rec.xcomp_perm &= arch_xfeatures();
	return ckpt_write_record(d->w, CKPT_PRCTL, t->id, &rec, sizeof(rec), NULL, 0);
}

/* ---- from the image ---- */

static bool is_one_of(uint32_t v, uint32_t set)
{
	return v && !(v & (v - 1)) && v & set;
}

static int check_dispatch(const struct ckpt_rec *rec, const struct ckpt_prctl *r)
{
	if (!(r->flags & CKPT_PRCTL_DISPATCH))
		return r->dispatch_selector || r->dispatch_offset || r->dispatch_len ?
		       bad(rec, "addresses without dispatch") : 0;
	if (!r->dispatch_selector || !plan_is_addr(r->dispatch_selector))
		return bad(rec, "dispatch_selector 0x%llx", (unsigned long long)r->dispatch_selector);
	return r->dispatch_offset && !r->dispatch_len ? bad(rec, "dispatch_len 0") : 0;
}

int plan_take_prctl(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct plan_index *ix = plan_object(p, rec->h.owner, CKPT_THREAD);
	struct plan_thread *t = &p->tasks.v[p->cur].threads.v[ix->at];
	const struct ckpt_prctl *r = rec->payload;
	int err;

	if (t->have_prctl)
		return bad(rec, "a second one of tid %d", t->rec.tid);
	if (r->flags & ~CKPT_PRCTL_ALL)
		return unknown(rec, "flags 0x%x", r->flags);
	if (r->flags & CKPT_PRCTL_MCE_EARLY && !(r->flags & CKPT_PRCTL_MCE_KILL))
		return bad(rec, "mce_early without mce_kill");
	if (!is_one_of(r->store_bypass, PR_SPEC_ENABLE | PR_SPEC_DISABLE | PR_SPEC_FORCE_DISABLE |
					PR_SPEC_DISABLE_NOEXEC) ||
	    !is_one_of(r->indirect_branch, PR_SPEC_ENABLE | PR_SPEC_DISABLE | PR_SPEC_FORCE_DISABLE) ||
	    !is_one_of(r->l1d_flush, PR_SPEC_ENABLE | PR_SPEC_DISABLE))
		return bad(rec, "store_bypass 0x%x, indirect_branch 0x%x or l1d_flush 0x%x",
			   r->store_bypass, r->indirect_branch, r->l1d_flush);
	if (r->uclamp_min < -1 || r->uclamp_min > UCLAMP_MAX || r->uclamp_max < -1 ||
	    r->uclamp_max > UCLAMP_MAX)
		return bad(rec, "uclamp_min %d or uclamp_max %d", r->uclamp_min, r->uclamp_max);
	if (r->xcomp_perm & ~p->arch.xfeatures || (r->xcomp_perm && ix->at))
		return bad(rec, "xcomp_perm 0x%llx", (unsigned long long)r->xcomp_perm);
	err = check_dispatch(rec, r);
	if (err)
		return err;
	t->prctl = *r;
	t->have_prctl = true;
	return 0;
}

bool res_prctl_is_strict(const struct plan_thread *t)
{
	return t->have_prctl && t->prctl.flags & CKPT_PRCTL_SECCOMP_STRICT;
}

/* The prctl() that tells takes the right to set it; the task's flags are there for all. */
static bool own_io_flusher(void)
{
	cleanup_free char *stat = NULL;
	unsigned long flags;
	const char *at;

	if (ckpt_slurp("/proc/self/stat", &stat, NULL))
		return false;
	at = strrchr(stat, ')');
	/* Behind the name: state ppid pgrp session tty tpgid flags. */
	if (!at || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %lu", &flags) != 1)
		return false;
	return (flags & PF_IO_FLUSHER) == PF_IO_FLUSHER;
}

void res_prctl_describe(const struct plan_task *t, struct blob_plan *b)
{
	b->own_io_flusher = own_io_flusher();
	/* The others are everybody's. */
	b->xcomp_perm = t->threads.v[0].prctl.xcomp_perm & ARCH_XFEATURES_DYNAMIC;
	for (size_t i = 0; i < t->threads.n; i++) {
		b->threads[i].prctl = t->threads.v[i].prctl;
		b->threads[i].have_prctl = t->threads.v[i].have_prctl;
		b->threads[i].use_tiles = !!(t->threads.v[i].xfeatures & ARCH_XFEATURES_DYNAMIC);
	}
}

/* What a thread is made with comes from its maker: of the first one, us. */
unsigned long res_prctl_be_maker(const struct plan_task *t)
{
	unsigned long own = (unsigned long)syscall(SYS_prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0);
	const struct plan_thread *lead = &t->threads.v[0];

	if (lead->have_prctl && lead->prctl.default_timer_slack_ns)
		prctl(PR_SET_TIMERSLACK, lead->prctl.default_timer_slack_ns, 0, 0, 0);
	return own;
}

void res_prctl_was_maker(unsigned long own)
{
	prctl(PR_SET_TIMERSLACK, own, 0, 0, 0);
}

/*
 * While the restorer is there its system calls must get through: "allow" is put at
 * every selector. Two threads may have the same one, so all are read first.
 */
int res_prctl_hold(struct plan_task *t, int mem)
{
	static const uint8_t allow = SYSCALL_DISPATCH_FILTER_ALLOW;

	for (int set = 0; set <= 1; set++) {
		for (size_t i = 0; i < t->threads.n; i++) {
			struct plan_thread *th = &t->threads.v[i];
			off_t at = (off_t)th->prctl.dispatch_selector;
			ssize_t n;

			if (!at)
				continue;
			n = set ? pwrite(mem, &allow, 1, at) : pread(mem, &th->selector, 1, at);
			if (n != 1)
				return ckpt_fail(n < 0 ? -errno : -EFAULT, t->rec.pid,
						 "thread %d: selector of its system calls", th->rec.tid);
		}
	}
	return 0;
}

int res_prctl_release(const struct plan_task *t, int mem)
{
	for (size_t i = 0; i < t->threads.n; i++) {
		const struct plan_thread *th = &t->threads.v[i];
		off_t at = (off_t)th->prctl.dispatch_selector;

		if (at && pwrite(mem, &th->selector, 1, at) != 1)
			return ckpt_fail(-errno, t->rec.pid,
					 "thread %d: selector of its system calls", th->rec.tid);
	}
	return 0;
}

int res_prctl_restore(const struct plan_task *t, const struct plan_thread *th, struct res_losses *l)
{
	struct clamp_attr a = { .size = sizeof(a), .flags = SCHED_KEEP_ALL };

	if (!th->have_prctl || (th->prctl.uclamp_min < 0 && th->prctl.uclamp_max < 0))
		return 0;
	if (th->prctl.uclamp_min >= 0) {
		a.flags |= SCHED_UTIL_MIN;
		a.util_min = (uint32_t)th->prctl.uclamp_min;
	}
	if (th->prctl.uclamp_max >= 0) {
		a.flags |= SCHED_UTIL_MAX;
		a.util_max = (uint32_t)th->prctl.uclamp_max;
	}
	if (!syscall(SYS_sched_setattr, th->rec.tid, &a, 0))
		return 0;
	return res_lose(l, -errno, t->rec.pid, "thread %d: utilisation clamps %d, %d", th->rec.tid,
			th->prctl.uclamp_min, th->prctl.uclamp_max);
}
