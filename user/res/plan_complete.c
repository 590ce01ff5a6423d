// SPDX-License-Identifier: GPL-2.0
/* What can only be said about an image as a whole. */
#include <errno.h>
#include <stdlib.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "res/plan_int.h"
#include "res/res.h"

static int missing(const struct plan_task *t, const char *what)
{
	return ckpt_fail(-EINVAL, t->rec.pid, "the image lacks its %s", what);
}

static int check_task(const struct plan_task *t)
{
	if (!t->have_rlimits)
		return missing(t, "RLIMITS");
	if (t->threads.n != t->rec.nthreads)
		return ckpt_fail(-EINVAL, t->rec.pid, "the image holds %zu of its %u threads",
				 t->threads.n, t->rec.nthreads);
	for (size_t i = 0; i < t->threads.n; i++) {
		const struct plan_thread *th = &t->threads.v[i];

		if (!th->have_cpu || !th->have_creds)
			return ckpt_fail(-EINVAL, t->rec.pid, "thread %d: the image lacks its %s",
					 th->rec.tid, th->have_cpu ? "CREDS" : "CPU");
		/* Nothing that waits that way is allowed there. */
		if (th->have_restart && res_prctl_is_strict(th))
			return ckpt_fail(-EINVAL, t->rec.pid, "thread %d: a call goes on under seccomp_strict",
					 th->rec.tid);
	}
	if (!t->have_mm)
		return missing(t, "MM");
	if (t->mm.vmas.n != t->mm.rec.nvmas)
		return ckpt_fail(-EINVAL, t->rec.pid, "the image holds %zu of its %u mappings",
				 t->mm.vmas.n, t->mm.rec.nvmas);
	if (!t->have_fs)
		return missing(t, "FS");
	return t->have_sighand ? 0 : missing(t, "SIGHAND");
}

static int by_number(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_in(const int32_t *pids, size_t n, int32_t pid)
{
	return bsearch(&pid, pids, n, sizeof(*pids), by_number);
}

static int check_tids(const struct ckpt_plan *p)
{
	cleanup_free int32_t *tids = calloc(p->nthreads, sizeof(*tids));
	size_t n = 0;

	if (!tids)
		return ckpt_fail(-ENOMEM, 0, "image: reading");
	for (size_t i = 0; i < p->tasks.n; i++)
		for (size_t k = 0; k < p->tasks.v[i].threads.n; k++)
			tids[n++] = p->tasks.v[i].threads.v[k].rec.tid;
	qsort(tids, n, sizeof(*tids), by_number);
	for (size_t i = 1; i < n; i++)
		if (tids[i] == tids[i - 1])
			return ckpt_fail(-EINVAL, tids[i], "two threads of the image have this tid");
	return 0;
}

/* Sessions and groups whose leader is not there must say so: nobody could make them. */
static int check_leaders(const struct ckpt_plan *p)
{
	cleanup_free int32_t *pids = calloc(p->tasks.n, sizeof(*pids));

	if (!pids)
		return ckpt_fail(-ENOMEM, 0, "image: reading");
	for (size_t i = 0; i < p->tasks.n; i++)
		pids[i] = p->tasks.v[i].rec.pid;
	qsort(pids, p->tasks.n, sizeof(*pids), by_number);
	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct ckpt_task *t = &p->tasks.v[i].rec;

		if (is_in(pids, p->tasks.n, t->sid) == !!(t->flags & CKPT_TASK_SID_OUTSIDE))
			return ckpt_fail(-EINVAL, t->pid, "its session leader %d and sid_outside do not agree",
					 t->sid);
		if (is_in(pids, p->tasks.n, t->pgid) == !!(t->flags & CKPT_TASK_PGID_OUTSIDE))
			return ckpt_fail(-EINVAL, t->pid, "its group leader %d and pgid_outside do not agree",
					 t->pgid);
	}
	return 0;
}

/* An image without CLOCKS is of a program that had the clocks of the snapshot's header. */
static void take_header_clocks(const struct ckpt_plan *p, struct plan_task *t)
{
	if (!t->have_clocks)
		t->clocks = (struct ckpt_clocks){
			.monotonic_ns = p->header.monotonic_ns,
			.boottime_ns = p->header.boottime_ns,
		};
}

int plan_complete(struct ckpt_plan *p)
{
	int err;

	if (!p->have_header || !p->have_arch || !p->tasks.n)
		return ckpt_fail(-EINVAL, 0, "the image holds no task");
	for (size_t i = 0; i < p->tasks.n; i++) {
		err = check_task(&p->tasks.v[i]);
		if (err)
			return err;
		take_header_clocks(p, &p->tasks.v[i]);
	}
	err = check_tids(p);
	if (!err)
		err = check_leaders(p);
	p->complete = !err;
	return err;
}

int plan_pages_complete(struct ckpt_plan *p)
{
	for (size_t i = 0; i < p->tasks.n; i++)
		if (!p->tasks.v[i].pages_done)
			return ckpt_fail(-EINVAL, p->tasks.v[i].rec.pid, "the end of its pages is missing");
	for (size_t i = 0; i < p->shmems.n; i++)
		if (!p->shmems.v[i].pages_done)
			return ckpt_fail(-EINVAL, 0, "shared memory %u: the end of its pages is missing",
					 p->shmems.v[i].rec.id);
	for (size_t i = 0; i < p->ghosts.n; i++)
		if (!p->ghosts.v[i].pages_done)
			return ckpt_fail(-EINVAL, 0, "deleted file %u: the end of its pages is missing",
					 p->ghosts.v[i].rec.id);
	return 0;
}

int plan_read_all(struct ckpt_plan *p, struct ckpt_reader *r, struct ckpt_rec *rec)
{
	int got, err = 0;

	while ((got = ckpt_read_record(r, rec)) == 1) {
		if (rec->h.type != CKPT_PAGES) {
			err = plan_add(p, rec);
		} else {
			err = p->complete ? 0 : plan_complete(p);
			if (!err)
				err = plan_pages(p, rec);
		}
		if (err)
			return err;
	}
	if (got < 0)
		return got;
	err = p->complete ? 0 : plan_complete(p);
	return err ? err : plan_pages_complete(p);
}
