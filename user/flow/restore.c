// SPDX-License-Identifier: GPL-2.0
/*
 * A restore is read, check, spawn, rebuild, resume. Until resume the new
 * process has run nothing but the restorer, and dies with us.
 */
#include "flow/restore.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"
#include "lib/log.h"

static int write_stats(const struct restore *r)
{
	cleanup_fclose FILE *f = fopen(r->a->stats, "we");
	const struct { const char *name; uint64_t from, to; } steps[] = {
		{ "read_us", r->t_start, r->t_read }, { "check_us", r->t_read, r->t_checked },
		{ "map_us", r->t_checked, r->t_mapped }, { "fill_us", r->t_mapped, r->t_filled },
		{ "park_us", r->t_filled, r->t_parked }, { "resume_us", r->t_parked, r->t_done },
		{ "total_us", r->t_start, r->t_done },
	};

	if (!f)
		return ckpt_fail(-errno, 0, "%s", r->a->stats);
	fprintf(f, "{\"pid\": %d, \"threads\": %zu, \"engine\": \"%s\", \"clock\": \"%s\", \"pages\": %llu, \"bytes\": %llu",
		(int)r->proc.pid, r->plan.nthreads, r->engine.ops->name,
		r->clocks.own ? "namespace" : "host",
		(unsigned long long)r->npages, (unsigned long long)r->npages * CKPT_PAGE_SIZE);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		fprintf(f, ", \"%s\": %.1f", steps[i].name,
			(double)(steps[i].to - steps[i].from) / 1000);
	fprintf(f, "}\n");
	if (fflush(f) || ferror(f))
		return ckpt_fail(-errno, 0, "%s: write", r->a->stats);
	return 0;
}

static void say_done(const struct restore *r)
{
	const struct plan_thread *lead = &r->plan.tasks.v[0].threads.v[0];
	size_t n = r->plan.nthreads;

	pr_info("restore: %d (%.16s, %zu thread%s): running, %.1f ms%s", (int)r->proc.pid,
		(const char *)lead->rec.comm, n, n == 1 ? "" : "s",
		(double)(r->t_done - r->t_start) / 1e6,
		r->clocks.own ? ", clocks of its own (time namespace)" : "");
	if (r->plan.tasks.v[0].rec.flags & CKPT_TASK_STOPPED)
		pr_info("restore: %d: stopped by job control, as it was: SIGCONT lets it go on",
			(int)r->proc.pid);
}

/* A half-made process dies and is reaped, whoever traces it. */
static void undo(struct restore *r)
{
	pid_t pid = r->proc.pid;

	if (pid)
		kill(pid, SIGKILL);
	ckpt_engine_close(&r->engine);
	while (pid) {
		int status;
		pid_t got = waitpid(pid, &status, __WALL);

		if ((got < 0 && errno != EINTR) || (got == pid && !WIFSTOPPED(status)))
			break;
	}
	if (r->pidfile_tmp[0])
		unlink(r->pidfile_tmp);
}

static void release(struct restore *r)
{
	ckpt_engine_close(&r->engine);
	if (r->reader)
		ckpt_reader_close(r->reader);
	if (r->spool >= 0)
		close(r->spool);
	if (r->proc.mem >= 0)
		close(r->proc.mem);
	if (r->proc.uffd >= 0)
		close(r->proc.uffd);
	if (r->proc.base)
		munmap((void *)r->proc.base, r->proc.len);
	free(r->proc.tids);
	free(r->proc.calls);
	free(r->proc.circles);
	res_losses_free(&r->losses);
	free(r->proc.vma_fill);
	plan_free(&r->plan);
	free(r);
}

int restore_run(const struct restore_args *a, pid_t *pid)
{
	static int (*const steps[])(struct restore *) = {
		restore_read, restore_check, restore_spawn, restore_rebuild, restore_resume,
	};
	struct restore *r = calloc(1, sizeof(*r));
	int err = 0;

	if (!r)
		return ckpt_fail(-ENOMEM, 0, "out of memory");
	r->a = a;
	r->losses.force = a->res.force;
	r->spool = r->proc.mem = r->proc.uffd = -1;
	r->t_start = ckpt_now_ns();
	plan_init(&r->plan);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && !err; i++)
		err = steps[i](r);
	if (err) {
		undo(r);
	} else {
		*pid = r->proc.pid;
		say_done(r);
		/* After the line above, which it is to wipe away. */
		if (r->drawn_anew)
			kill(r->proc.pid, SIGWINCH);
		/* It runs: no reason to fail any more. */
		if (a->stats && write_stats(r)) {
			pr_warn("%s", ckpt_fail_text());
			ckpt_fail_clear();
		}
	}
	if (!err)
		err = r->losses.lines.n ? 1 : 0;
	release(r);
	return err;
}
