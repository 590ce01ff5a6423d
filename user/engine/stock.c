// SPDX-License-Identifier: GPL-2.0
#include "engine/stock.h"
#include "engine/feature.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/fail.h"
#include "lib/interrupt.h"
#include "lib/io.h"
#include "restart.h"


long stock_ptrace(int req, pid_t tid, void *addr, void *data)
{
	long r;

	errno = 0;
	r = ptrace((enum __ptrace_request)req, tid, addr, data);
	return r == -1 && errno ? -errno : r;
}

int stock_wait(pid_t tid, int *status, uint64_t deadline_ns)
{
	for (;;) {
		pid_t r = waitpid(tid, status, __WALL);

		if (r == tid)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (ckpt_interrupted())
			return -EINTR;
		if (deadline_ns && ckpt_now_ns() > deadline_ns)
			return -ETIMEDOUT;
	}
}

struct stock_proc *stock_find(struct stock *s, pid_t pid)
{
	for (size_t i = 0; i < s->procs.n; i++)
		if (s->procs.v[i].pid == pid)
			return &s->procs.v[i];
	return NULL;
}

static struct stock_thread *find_thread(struct stock_proc *p, pid_t tid)
{
	for (size_t i = 0; i < p->threads.n; i++)
		if (p->threads.v[i].tid == tid)
			return &p->threads.v[i];
	return NULL;
}

static int stock_probe(char *why, size_t why_len)
{
	(void)why;
	(void)why_len;
	return 0;
}

static int stock_open(struct ckpt_engine *e)
{
	e->priv = calloc(1, sizeof(struct stock));
	return e->priv ? 0 : ckpt_fail(-ENOMEM, 0, "engine stock");
}

/* Who traces tid already: 0 if nobody. */
static pid_t tracer_of(pid_t tid)
{
	char path[64], *s = NULL, *at;
	pid_t tracer = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	if (ckpt_slurp(path, &s, NULL))
		return 0;
	at = strstr(s, "\nTracerPid:");
	if (at)
		tracer = (pid_t)strtol(at + 11, NULL, 10);
	free(s);
	return tracer;
}

static int seize_failed(pid_t pid, pid_t tid, int err)
{
	pid_t tracer = tracer_of(tid);
	char path[64], *comm = NULL;
	bool ours;

	if (err == -EPERM && !tracer)
		return ckpt_fail(err, pid, "thread %d: may not be traced (%s)", (int)tid,
				 ckpt_feature_no_access());
	if (err != -EPERM)
		return ckpt_fail(err, pid, "thread %d: cannot be traced", (int)tid);
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)tracer);
	if (!ckpt_slurp(path, &comm, NULL))
		comm[strcspn(comm, "\n")] = 0;
	ours = comm && !strcmp(comm, "ckptbpf");
	ckpt_fail(-EBUSY, pid, ours ? "another snapshot of it is being taken, by pid %d (%s)" :
		  "it is traced, by pid %d (%s)", (int)tracer, comm ? comm : "?");
	free(comm);
	return -EBUSY;
}

/*
 * SEIZE every thread that is not ours yet; *fresh counts them. A thread may end
 * under our hands (-ESRCH): it is no longer part of the process.
 */
static int seize_new(struct stock_proc *p, size_t *fresh)
{
	char path[64];
	struct dirent *d;
	int err = 0;
	DIR *dir;

	*fresh = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)p->pid);
	dir = opendir(path);
	if (!dir)
		return ckpt_fail(errno == ENOENT ? -ESRCH : -errno, p->pid, "no such process");
	while (!err && (d = readdir(dir))) {
		pid_t tid = (pid_t)atoi(d->d_name);
		struct stock_thread *t;
		long r;

		if (tid <= 0 || find_thread(p, tid))
			continue;
		r = stock_ptrace(PTRACE_SEIZE, tid, NULL, NULL);
		if (r == -ESRCH)
			continue;
		if (r) {
			err = seize_failed(p->pid, tid, (int)r);
			break;
		}
		t = vec_push(&p->threads);
		if (!t) {
			stock_ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
			err = ckpt_fail(-ENOMEM, p->pid, "thread %d", (int)tid);
			break;
		}
		t->tid = tid;
		(*fresh)++;
	}
	closedir(dir);
	return err;
}

static int stock_attach(struct ckpt_engine *e, pid_t pid)
{
	struct stock *s = e->priv;
	struct stock_proc *p = vec_push(&s->procs);
	size_t fresh;
	int err;

	if (!p)
		return ckpt_fail(-ENOMEM, pid, "attach");
	p->pid = pid;
	err = seize_new(p, &fresh);
	if (!err && !p->threads.n)
		err = ckpt_fail(-ESRCH, pid, "no such process");
	return err;
}

#define ERESTARTNOHAND 514

/*
 * Where the stop made the EINTR, the program must not see it: with
 * -ERESTARTNOHAND only a handler does. At once, not at the thaw: we may be
 * killed meanwhile, and the thread goes on from here.
 */
static void mend_eintr(pid_t tid)
{
	long ax = stock_ptrace(PTRACE_PEEKUSER, tid, (void *)offsetof(struct user_regs_struct, rax),
			       NULL);
	long nr;

	if (ax != -EINTR)
		return;
	nr = stock_ptrace(PTRACE_PEEKUSER, tid, (void *)offsetof(struct user_regs_struct, orig_rax),
			  NULL);
	if (arch_eintr_is_ours(nr))
		stock_ptrace(PTRACE_POKEUSER, tid, (void *)offsetof(struct user_regs_struct, rax),
			     (void *)-(long)ERESTARTNOHAND);
}

/*
 * Wait until t sits in its PTRACE_EVENT_STOP. A signal that was already on its
 * way is let through, its handler's frame is built, and the trap comes before
 * the handler's first instruction.
 */
static int wait_stopped(struct stock_proc *p, struct stock_thread *t, uint64_t deadline_ns)
{
	while (!t->stopped && !t->dead) {
		int status, err = stock_wait(t->tid, &status, deadline_ns);

		if (err == -EINTR)
			return ckpt_interrupt_check();
		if (err == -ECHILD) {
			t->dead = true;
			break;
		}
		if (err)
			return ckpt_fail(err, p->pid, "thread %d does not stop", (int)t->tid);
		if (!WIFSTOPPED(status)) {
			t->dead = true;
		} else if (status >> 16 == PTRACE_EVENT_STOP) {
			t->stopped = true;
			mend_eintr(t->tid);
		} else {
			int sig = status >> 16 ? 0 : WSTOPSIG(status);

			stock_ptrace(PTRACE_CONT, t->tid, NULL, (void *)(long)sig);
		}
	}
	return 0;
}

static int freeze_proc(struct stock_proc *p, uint64_t deadline_ns)
{
	size_t from = 0, fresh = p->threads.n;

	/* Threads born while we stopped the others: until a pass finds none. */
	while (fresh) {
		int err;

		for (size_t i = from; i < p->threads.n; i++)
			if (stock_ptrace(PTRACE_INTERRUPT, p->threads.v[i].tid, NULL, NULL) == -ESRCH)
				p->threads.v[i].dead = tracer_of(p->threads.v[i].tid) == 0;
		for (size_t i = from; i < p->threads.n; i++) {
			err = wait_stopped(p, &p->threads.v[i], deadline_ns);
			if (err)
				return err;
		}
		from = p->threads.n;
		err = seize_new(p, &fresh);
		if (err)
			return err;
	}
	for (size_t i = 0; i < p->threads.n; i++)
		if (p->threads.v[i].tid == p->pid && p->threads.v[i].dead)
			return ckpt_fail(-ESRCH, p->pid, "it ended during the freeze");
	return 0;
}

static int stock_freeze(struct ckpt_engine *e, uint64_t deadline_ns)
{
	struct stock *s = e->priv;
	int err = 0;

	if (deadline_ns)
		ckpt_interrupt_tick(5);
	for (size_t i = 0; i < s->procs.n && !err; i++)
		err = freeze_proc(&s->procs.v[i], deadline_ns);
	if (deadline_ns)
		ckpt_interrupt_tick(0);
	return err;
}

static int stock_threads(struct ckpt_engine *e, pid_t pid, const pid_t **tids, size_t *n)
{
	struct stock_proc *p = stock_find(e->priv, pid);

	if (!p)
		return ckpt_fail(-ESRCH, pid, "not attached");
	p->tids.n = 0;
	for (size_t i = 0; i < p->threads.n; i++) {
		pid_t *slot;

		if (p->threads.v[i].dead)
			continue;
		slot = vec_push(&p->tids);
		if (!slot)
			return ckpt_fail(-ENOMEM, pid, "threads");
		*slot = p->threads.v[i].tid;
		if (*slot == pid) {
			*slot = p->tids.v[0];
			p->tids.v[0] = pid;
		}
	}
	*tids = p->tids.v;
	*n = p->tids.n;
	return 0;
}

#define RELEASE_NS 500000000ull	/* per thread */

/*
 * A seized thread that runs must be stopped once before it can be let go. One
 * that cannot stop (it waits for a vfork child) is let go by our end.
 */
static void stop_for_release(struct stock_thread *t)
{
	uint64_t limit = ckpt_now_ns() + RELEASE_NS;

	stock_ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL);
	while (!t->stopped && !t->dead && ckpt_now_ns() < limit) {
		struct timespec nap = { 0, 50000 };
		int status;
		pid_t r = waitpid(t->tid, &status, __WALL | WNOHANG);

		if (!r) {
			nanosleep(&nap, NULL);
		} else if (r < 0 || !WIFSTOPPED(status)) {
			t->dead = r > 0 || errno != EINTR;
		} else if (status >> 16) {
			t->stopped = true;
			mend_eintr(t->tid);
		} else {
			/* A signal's own stop: it goes along with the detach. */
			stock_ptrace(PTRACE_DETACH, t->tid, NULL, (void *)(long)WSTOPSIG(status));
			t->dead = true;
		}
	}
}

static void release(struct stock_thread *t)
{
	if (!t->dead && !t->stopped)
		stop_for_release(t);
	if (t->dead || !t->stopped)
		return;
	stock_ptrace(PTRACE_DETACH, t->tid, NULL, NULL);
}

static int stock_thaw(struct ckpt_engine *e)
{
	struct stock *s = e->priv;

	for (size_t i = 0; i < s->procs.n; i++) {
		struct stock_proc *p = &s->procs.v[i];

		if (p->adopted)
			continue;
		for (size_t j = 0; j < p->threads.n; j++)
			release(&p->threads.v[j]);
		p->threads.n = 0;
	}
	return 0;
}

static int stock_kill(struct ckpt_engine *e)
{
	struct stock *s = e->priv;

	for (size_t i = 0; i < s->procs.n; i++)
		if (kill(s->procs.v[i].pid, SIGKILL) && errno != ESRCH)
			return ckpt_fail(-errno, s->procs.v[i].pid, "kill");
	for (size_t i = 0; i < s->procs.n; i++) {
		struct stock_proc *p = &s->procs.v[i];

		/* Other threads first: the leader is reported when it is the last. */
		for (int leader = 0; leader < 2; leader++)
			for (size_t j = 0; j < p->threads.n; j++) {
				pid_t tid = p->threads.v[j].tid;
				int status;

				if ((tid == p->pid) != leader || p->threads.v[j].dead)
					continue;
				do {
					while (waitpid(tid, &status, __WALL) < 0 && errno == EINTR)
						;
				} while (WIFSTOPPED(status) && errno != ECHILD);
			}
		p->threads.n = 0;
	}
	return 0;
}

static int stock_stop(struct ckpt_engine *e)
{
	struct stock *s = e->priv;

	/* Pending before the detach, so that not one instruction is run between. */
	for (size_t i = 0; i < s->procs.n; i++)
		if (kill(s->procs.v[i].pid, SIGSTOP))
			return ckpt_fail(-errno, s->procs.v[i].pid, "SIGSTOP");
	return stock_thaw(e);
}

int stock_get_regs(pid_t tid, struct user_regs_struct *regs)
{
	struct iovec iov = { regs, sizeof(*regs) };

	return (int)stock_ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &iov);
}

int stock_set_regs(pid_t tid, struct user_regs_struct *regs)
{
	struct iovec iov = { regs, sizeof(*regs) };

	return (int)stock_ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &iov);
}

int stock_get_regset(struct ckpt_engine *e, pid_t tid, uint32_t note, void *buf, size_t *len)
{
	struct iovec iov = { buf, *len };
	long err = stock_ptrace(PTRACE_GETREGSET, tid, (void *)(uintptr_t)note, &iov);

	(void)e;
	if (err)
		return ckpt_fail((int)err, tid, "register set %#x: read", note);
	*len = iov.iov_len;
	return 0;
}

int stock_set_regset(struct ckpt_engine *e, pid_t tid, uint32_t note, const void *buf, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)buf, len };
	long err = stock_ptrace(PTRACE_SETREGSET, tid, (void *)(uintptr_t)note, &iov);

	(void)e;
	if (err)
		return ckpt_fail((int)err, tid, "register set %#x: write", note);
	return 0;
}

static void stock_close(struct ckpt_engine *e)
{
	struct stock *s = e->priv;

	if (!s)
		return;
	stock_thaw(e);
	for (size_t i = 0; i < s->procs.n; i++) {
		struct stock_proc *p = &s->procs.v[i];

		if (p->adopted)
			stock_kill_adopted(p);
		vec_free(&p->threads);
		vec_free(&p->tids);
	}
	vec_free(&s->procs);
	free(s);
	e->priv = NULL;
}

const struct ckpt_engine_ops ckpt_engine_stock = {
	.name = "stock",
	.probe = stock_probe,
	.open = stock_open,
	.attach = stock_attach,
	.freeze = stock_freeze,
	.threads = stock_threads,
	.thaw = stock_thaw,
	.kill = stock_kill,
	.stop = stock_stop,
	.clone_prepare = stock_clone_prepare,
	.clone = stock_clone,
	.clone_settle = stock_clone_settle,
	.clone_give_back = stock_clone_give_back,
	.clone_end = stock_clone_end,
	.get_regset = stock_get_regset,
	.set_regset = stock_set_regset,
	.adopt = stock_adopt,
	.park_fd = stock_park_fd,
	.park_wait = stock_park_wait,
	.set_sigmask = stock_set_sigmask,
	.unmap = stock_unmap,
	.resume = stock_resume,
	.close = stock_close,
};
