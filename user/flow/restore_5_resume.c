// SPDX-License-Identifier: GPL-2.0
/* All threads wait in the restorer: it is taken out, they get their registers and go on together. */
#include "flow/restore.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/interrupt.h"
#include "lib/io.h"
#include "lib/log.h"
#include "restart.h"
#include "xfeatures.h"

#define ERESTART_RESTARTBLOCK 516	/* the kernel's own: include/linux/errno.h */
#define PARK_DEADLINE_NS 30000000000ull

/*
 * The kernel takes the state only in its own size. What the image has beyond
 * it are components that are not in use, by restore_check().
 */
static int set_xstate(struct restore *r, const struct plan_thread *t)
{
	const struct ckpt_engine_ops *ops = r->engine.ops;
	size_t len = sizeof(r->xstate), have;
	int err;

	if (!r->xstate_size) {
		err = ops->get_regset(&r->engine, t->rec.tid, NT_X86_XSTATE, r->xstate, &len);
		if (err)
			return err;
		r->xstate_size = len;
	}
	have = t->xstate_len < r->xstate_size ? t->xstate_len : r->xstate_size;
	if (arch_xfeatures_end(t->xfeatures) > have)
		return ckpt_fail(-EINVAL, r->proc.pid, "thread %d: its FPU state is cut short", t->rec.tid);
	memcpy(r->xstate, t->xstate, have);
	memset(r->xstate + have, 0, r->xstate_size - have);
	return ops->set_regset(&r->engine, t->rec.tid, NT_X86_XSTATE, r->xstate, r->xstate_size);
}

static int set_thread(struct restore *r, const struct plan_thread *t, const struct restore_call *call)
{
	const struct ckpt_engine_ops *ops = r->engine.ops;
	struct ckpt_cpu cpu = t->cpu;
	uint64_t mask = t->rec.flags & CKPT_THREAD_RESTORE_SIGMASK ? t->rec.saved_blocked : t->rec.blocked;
	int err;

	if (call->made && call->done) {
		cpu.ax = (__u64)call->ret;
		cpu.orig_ax = (__u64)-1;
	} else if (call->made) {
		cpu.orig_ax = (__u64)t->restart.nr;	/* it may have been restart_syscall's */
	} else {
		arch_fix_restart(&cpu, t->rec.restart_nr);
	}
	err = ops->set_regset(&r->engine, t->rec.tid, NT_PRSTATUS, &cpu, sizeof(cpu));
	if (!err)
		err = set_xstate(r, t);
	if (!err)
		err = ops->set_sigmask(&r->engine, t->rec.tid, mask);
	/*
	 * Registering cleared it. Where it names a critical section that holds
	 * the instruction pointer, the kernel now aborts that section, as it
	 * must after a stop.
	 */
	if (!err && t->rec.rseq && t->rec.rseq_cs) {
		off_t at = (off_t)(t->rec.rseq + 8);

		if (pwrite(r->proc.mem, &t->rec.rseq_cs, 8, at) != 8)
			err = ckpt_fail(-errno, r->proc.pid, "thread %d: rseq_cs: write", t->rec.tid);
	}
	if (!err)
		err = res_sched_restore(r->proc.task, t, &r->losses);
	return err ? err : res_prctl_restore(r->proc.task, t, &r->losses);
}

/* Pending before they are let go: no thread runs an instruction. */
static int stop_again(const struct plan_task *t)
{
	if (t->rec.flags & CKPT_TASK_STOPPED && kill(t->rec.pid, SIGSTOP))
		return ckpt_fail(-errno, t->rec.pid, "SIGSTOP");
	return 0;
}

static int set_oom_score(const struct plan_task *t, struct res_losses *l)
{
	char path[48], now[16], want[16];
	cleanup_close int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", t->rec.pid);
	snprintf(want, sizeof(want), "%d\n", t->rec.oom_score_adj);
	fd = open(path, O_RDWR | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, now, sizeof(now) - 1);
	if (n < 0)
		return ckpt_fail(-errno, t->rec.pid, "oom_score_adj: read");
	now[n] = 0;
	if (!strcmp(now, want))
		return 0;
	if (pwrite(fd, want, strlen(want), 0) < 0)
		return res_lose(l, -errno, t->rec.pid, "oom_score_adj: set to %d", t->rec.oom_score_adj);
	return 0;
}

/* Under its temporary name: it appears when the process runs, and not before. */
static int write_pidfile(struct restore *r)
{
	cleanup_fclose FILE *f = NULL;
	int n, fd;

	if (!r->a->pidfile)
		return 0;
	n = snprintf(r->pidfile_tmp, sizeof(r->pidfile_tmp), "%s.%d", r->a->pidfile, (int)getpid());
	if (n < 0 || (size_t)n >= sizeof(r->pidfile_tmp)) {
		r->pidfile_tmp[0] = 0;
		return ckpt_fail(-ENAMETOOLONG, 0, "%s", r->a->pidfile);
	}
	fd = open(r->pidfile_tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0) {
		int err = -errno;

		r->pidfile_tmp[0] = 0;
		return ckpt_fail(err, 0, "%s", r->a->pidfile);
	}
	f = fdopen(fd, "w");
	if (!f) {
		close(fd);
		return ckpt_fail(-ENOMEM, 0, "%s", r->a->pidfile);
	}
	if (fprintf(f, "%d\n", (int)r->proc.pid) < 0 || fflush(f))
		return ckpt_fail(-errno, 0, "%s: write", r->a->pidfile);
	return 0;
}

static void warn_changes(const struct restore *r)
{
	const struct plan_task *t = r->proc.task;

	for (size_t i = 0; r->a->res.detach && i < t->threads.n; i++)
		if (t->threads.v[i].rec.pdeath_signal)
			pr_warn("restore: pid %d: thread %d: its parent-death signal %d is not set: its parent is no more",
				t->rec.pid, t->threads.v[i].rec.tid,
				t->threads.v[i].rec.pdeath_signal);
	if (r->a->res.clock == CLOCKS_HOST && r->clocks.back_ns)
		pr_warn("restore: pid %d: its clocks have gone back by %.3f s", t->rec.pid,
			(double)r->clocks.back_ns / 1e9);
	if (t->mm.rec.dumpable > 1)
		pr_warn("restore: pid %d: it was dumpable by root only, now by nobody", t->rec.pid);
}

/*
 * Are the threads that were interrupted in a call in it again, or has it
 * returned? Their memory in R is read before R goes.
 */
static int read_calls(struct restore *r)
{
	struct restore_proc *p = &r->proc;

	for (uint32_t i = 0; i < p->blob->nthreads; i++) {
		const struct blob_thread *there = &p->blob->threads[i];
		struct blob_thread t;

		if (there->call_nr < 0)
			continue;
		if (pread(p->mem, &t, sizeof(t), (off_t)(uintptr_t)there) != (ssize_t)sizeof(t))
			return ckpt_fail(-EIO, p->pid, "thread %d: how its call ended", (int)p->tids[i]);
		p->calls[i] = (struct restore_call){ true, t.call_done, t.call_ret };
		if (!t.call_done) {
			struct ckpt_cpu cpu;
			size_t len = sizeof(cpu);
			int err = r->engine.ops->get_regset(&r->engine, p->tids[i], NT_PRSTATUS,
							    &cpu, &len);

			if (err)
				return err;
			/* It returned at the moment when the thread was stopped. */
			if ((int64_t)cpu.ax != -ERESTART_RESTARTBLOCK)
				p->calls[i] = (struct restore_call){ true, true, (int64_t)cpu.ax };
		}
	}
	return 0;
}

static int take_restorer_out(struct restore *r)
{
	const struct restore_proc *p = &r->proc;
	const struct ckpt_engine_ops *ops = r->engine.ops;
	int err = ops->park_wait(&r->engine, p->pid, p->tids, p->circles, p->task->threads.n,
				 p->base, p->base + p->code_len, ckpt_now_ns() + PARK_DEADLINE_NS);

	if (err)
		return err;
	r->t_parked = ckpt_now_ns();
	err = read_calls(r);
	if (err)
		return err;
	/* While every signal is still blocked, and before the registers that matter are there. */
	return ops->unmap(&r->engine, p->pid, p->base, p->len,
			  p->task->mm.rec.vdso + r->vdso.syscall_off);
}

int restore_resume(struct restore *r)
{
	const struct plan_task *t = r->proc.task;
	int err = take_restorer_out(r), tty = -1;
	struct termios was;

	for (size_t i = 0; i < t->threads.n && !err; i++)
		err = set_thread(r, &t->threads.v[i], &r->proc.calls[i]);
	if (!err)
		err = res_prctl_release(t, r->proc.mem);
	if (!err)
		err = set_oom_score(t, &r->losses);
	if (!err)
		err = res_proc_seek(&r->plan, t);
	if (!err)
		err = stop_again(t);
	if (!err)
		err = write_pidfile(r);
	if (!err)
		err = ckpt_interrupt_check();
	if (!err && r->a->pidfile && rename(r->pidfile_tmp, r->a->pidfile))
		err = ckpt_fail(-errno, 0, "%s", r->a->pidfile);
	if (err)
		return err;
	warn_changes(r);
	for (size_t i = 0; i < r->losses.lines.n; i++)
		pr_warn("restore: %s", r->losses.lines.v[i]);
	if (r->a->ready)
		tty = r->a->ready(r->proc.pid);
	r->drawn_anew = tty >= 0 && res_terminal_restore(t, tty, &was);
	pr_debug("restore: %d: let go by engine %s", (int)r->proc.pid, r->engine.ops->name);
	err = r->engine.ops->resume(&r->engine);
	if (err && r->a->pidfile)
		unlink(r->a->pidfile);
	if (err && r->drawn_anew)
		res_terminal_undo(tty, &was);
	r->pidfile_tmp[0] = 0;
	r->t_done = ckpt_now_ns();
	return err;
}
