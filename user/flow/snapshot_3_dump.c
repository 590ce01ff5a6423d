// SPDX-License-Identifier: GPL-2.0
/*
 * In the stop: the iterators' records, what no one could read later (pipes,
 * rseq), and memory, or a clone of it. What fits the buffer is only copied;
 * more than that is written from here.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "flow/snapshot.h"
#include "lib/fail.h"
#include "res/told.h"

/* A thread that reports its stop just before its last schedule() is read again. */
#define RETRIES 50

static int64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Those that no namespace touches we can ask for; the others the iterator has read. */
static void take_clocks(struct snapshot *s)
{
	const struct ckpt_clocks *c = &s->d.proc->clocks;

	s->realtime_ns = clock_ns(CLOCK_REALTIME);
	s->d.clocks = (struct restart_clocks){
		.monotonic = c->monotonic_ns - c->monotonic_offset_ns,
		.boottime = c->boottime_ns - c->boottime_offset_ns,
		.realtime = s->realtime_ns,
		.tai = clock_ns(CLOCK_TAI),
	};
}

static int collect(struct snapshot *s)
{
	struct timespec nap = { 0, 100000 };
	int err = -EAGAIN;

	for (int i = 0; err == -EAGAIN && i < RETRIES; i++) {
		if (i)
			nanosleep(&nap, NULL);
		dump_reset(&s->d);
		err = ckpt_bpf_threads(s->bpf, s->o->pid, dump_take, &s->d);
		if (!err)
			err = dump_collected(&s->d);
		if (!err && dump_has_signals(&s->d))
			err = ckpt_bpf_signals(s->bpf, s->o->pid, dump_take, &s->d);
	}
	if (err == -EAGAIN)
		return ckpt_fail(-EAGAIN, s->o->pid, "a thread does not leave its CPU");
	if (!err)
		take_clocks(s);
	if (!err)
		err = ckpt_bpf_vmas(s->bpf, s->o->pid, dump_take, &s->d);
	if (!err)
		err = ckpt_bpf_fds(s->bpf, s->o->pid, dump_take, &s->d);
	if (!err)
		memcpy(s->comm, s->d.threads.v[0].g->rec.comm, 16);
	return err;
}

/* The iterators and the engine must have seen the same threads. */
static int compare_threads(struct snapshot *s)
{
	const pid_t *tids;
	size_t n;
	int err = s->engine.ops->threads(&s->engine, s->o->pid, &tids, &n);

	if (err)
		return err;
	if (n != s->d.threads.n)
		return ckpt_fail(-EAGAIN, s->o->pid, "%zu threads are stopped, but %zu were found", n,
				 s->d.threads.n);
	for (size_t i = 0; i < n; i++) {
		size_t j = 0;

		while (j < n && s->d.threads.v[j].g->h.tid != tids[i])
			j++;
		if (j == n)
			return ckpt_fail(-EAGAIN, s->o->pid, "thread %d is stopped, but was not found",
					 (int)tids[i]);
	}
	return 0;
}

static int check_kinds(struct snapshot *s)
{
	static int (*const checks[])(struct ckpt_dump *) = {
		res_task_check, res_thread_check, res_mm_check, res_fs_check, res_file_check_dump,
		res_shmem_check, res_ghost_check, res_lock_check, res_fowner_check,
		res_sigpending_check, res_posixtimer_check, res_clocks_check, res_creds_check_dump,
		res_told_check,
	};
	struct ckpt_dump *d = &s->d;

	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		if (checks[i](d))
			return ckpt_fail(-ENOMEM, s->o->pid, "checking");
	if (snapshot_mark_output(s))
		return ckpt_fail(-ENOMEM, s->o->pid, "checking");
	if (s->o->dry_run)
		return 0;
	if (s->o->strict && !d->refusals.n && d->losses.n)
		return ckpt_fail(-EOPNOTSUPP, s->o->pid, "--strict: %s", d->losses.v[0]);
	if (!d->refusals.n)
		return 0;
	if (d->refusals.n == 1)
		return ckpt_fail(-EOPNOTSUPP, s->o->pid, "%s", d->refusals.v[0]);
	return ckpt_fail(-EOPNOTSUPP, s->o->pid, "%s (and %zu more: see --dry-run)", d->refusals.v[0],
			 d->refusals.n - 1);
}

int snapshot_dump(struct snapshot *s)
{
	int err = collect(s);

	if (!err)
		err = compare_threads(s);
	if (!err)
		err = check_kinds(s);
	if (!err && s->cow && s->d.private_huge)
		err = snapshot_clone_without(s, -EOPNOTSUPP, "it has private memory of hugetlbfs");
	if (!err)
		err = s->cow && !s->o->dry_run ? snapshot_find_kept(s) : snapshot_find_pages(s);
	if (err || s->o->dry_run)
		return err;
	snapshot_self_mark(s);
	err = res_thread_stopped(&s->d);
	if (!err)
		err = res_sched_stopped(&s->d);
	if (!err)
		err = res_pipe_stopped(&s->d);
	if (!err)
		err = res_terminal_stopped(&s->d);
	if (!err && s->cow)
		err = snapshot_clone_take(s);
	s->buffered = s->npages * CKPT_PAGE_SIZE <= s->buf_len;
	if (!err && !s->buffered) {
		ckpt_writer_deadline(s->w, s->deadline_ns);
		err = snapshot_write_metadata(s);
	}
	if (!err)
		err = snapshot_copy_pages(s);
	ckpt_writer_deadline(s->w, 0);
	return err ? err : snapshot_check(s);
}
