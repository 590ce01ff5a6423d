// SPDX-License-Identifier: GPL-2.0
/*
 * The restore side of the stock engine. The new task's first thread is traced
 * from before its first step, the others only when they wait: untraced clones
 * cost a third. Nothing here raises a signal in the tracee: a forced SIGTRAP
 * that is blocked or ignored would have its action reset by the kernel.
 */
#include "engine/stock.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/fail.h"
#include "lib/interrupt.h"
#include "lib/io.h"

#define TRACE_OPTIONS	((long)(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD))
#define SYSCALL_STOP	(SIGTRAP | 0x80)	/* PTRACE_O_TRACESYSGOOD */
#define ERESTARTSYS	512
#define ERESTART_RESTARTBLOCK 516

static struct stock_thread *seize(struct stock_proc *p, pid_t tid)
{
	struct stock_thread *t = vec_push(&p->threads);
	long err;

	if (!t) {
		ckpt_fail(-ENOMEM, p->pid, "thread %d", (int)tid);
		return NULL;
	}
	t->tid = tid;
	err = stock_ptrace(PTRACE_SEIZE, tid, NULL, (void *)TRACE_OPTIONS);
	if (err) {
		p->threads.n--;
		ckpt_fail((int)err, p->pid, "thread %d: ptrace: SEIZE", (int)tid);
		return NULL;
	}
	return t;
}

int stock_adopt(struct ckpt_engine *e, pid_t pid)
{
	struct stock *s = e->priv;
	struct stock_proc *p = vec_push(&s->procs);

	if (!p)
		return ckpt_fail(-ENOMEM, pid, "adopt");
	p->pid = pid;
	p->adopted = true;
	return seize(p, pid) ? 0 : ckpt_fail_err();
}

int stock_park_fd(struct ckpt_engine *e)
{
	(void)e;
	return -1;
}

/* Wait for the next stop of t; *status as of waitpid(). A fault or an end is a failure. */
static int next_stop(struct stock_proc *p, struct stock_thread *t, int *status,
		     uint64_t deadline_ns)
{
	int err = stock_wait(t->tid, status, deadline_ns);
	int sig;

	if (err == -EINTR)
		return ckpt_interrupt_check();
	if (err == -ETIMEDOUT)
		return ckpt_fail(err, p->pid, "thread %d does not stop", (int)t->tid);
	if (err || !WIFSTOPPED(*status)) {
		t->dead = true;
		sig = !err && WIFSIGNALED(*status) ? WTERMSIG(*status) : 0;
		return ckpt_fail(-ECHILD, p->pid, "thread %d ended before it ran%s%s", (int)t->tid,
				 sig ? ", by SIG" : "", sig ? sigabbrev_np(sig) : "");
	}
	sig = WSTOPSIG(*status);
	if (!(*status >> 16) && (sig == SIGSEGV || sig == SIGBUS || sig == SIGILL ||
				 sig == SIGFPE || sig == SIGSYS))
		return ckpt_fail(-ECHILD, p->pid, "thread %d: SIG%s in the restorer", (int)t->tid,
				 sigabbrev_np(sig));
	return 0;
}

/*
 * Is it in the wait at the restorer's end, or in the interrupted call that it
 * makes again there, and not on the way?
 */
static bool is_parked(const struct stock_thread *t, const struct user_regs_struct *r, uint64_t lo,
		      uint64_t hi)
{
	if (r->rip < lo || r->rip >= hi)
		return false;
	if (t->circles)
		return (long)r->orig_rax < 0;
	return ((long)r->rax == -ERESTARTSYS && r->orig_rax == SYS_futex) ||
	       (long)r->rax == -ERESTART_RESTARTBLOCK;
}

static int fetch(struct stock_proc *p, struct stock_thread *t, uint64_t lo, uint64_t hi,
		 uint64_t deadline_ns)
{
	struct timespec pause = { 0, 100000 };

	for (;;) {
		struct user_regs_struct regs;
		int status, err = next_stop(p, t, &status, deadline_ns);
		bool event;

		if (err)
			return err;
		event = status >> 16 == PTRACE_EVENT_STOP;
		if (event) {
			err = stock_get_regs(t->tid, &regs);
			if (err)
				return ckpt_fail(err, p->pid, "thread %d: registers", (int)t->tid);
			if (is_parked(t, &regs, lo, hi)) {
				t->stopped = true;
				return 0;
			}
		}
		/* A SIGSTOP that someone sent is let through: it leads to an event stop. */
		stock_ptrace(PTRACE_CONT, t->tid, NULL,
			     (void *)(long)(status >> 16 ? 0 : WSTOPSIG(status)));
		if (event) {
			nanosleep(&pause, NULL);
			stock_ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL);
		}
	}
}

int stock_park_wait(struct ckpt_engine *e, pid_t pid, const pid_t *tids, const bool *circles,
		    size_t n, uint64_t lo, uint64_t hi, uint64_t deadline_ns)
{
	struct stock_proc *p = stock_find(e->priv, pid);
	int err = 0;

	if (!p)
		return ckpt_fail(-ESRCH, pid, "not adopted");
	for (size_t i = 0; i < n; i++) {
		struct stock_thread *t = tids[i] == pid ? &p->threads.v[0] : seize(p, tids[i]);

		if (!t)
			return ckpt_fail_err();
		t->circles = circles[i];
	}
	for (size_t i = 0; i < p->threads.n; i++) {
		err = (int)stock_ptrace(PTRACE_INTERRUPT, p->threads.v[i].tid, NULL, NULL);
		if (err)
			return ckpt_fail(err, pid, "thread %d: ptrace: INTERRUPT",
					 (int)p->threads.v[i].tid);
	}
	ckpt_interrupt_tick(20);
	for (size_t i = 0; i < p->threads.n && !err; i++)
		err = fetch(p, &p->threads.v[i], lo, hi, deadline_ns);
	ckpt_interrupt_tick(0);
	return err;
}

int stock_set_sigmask(struct ckpt_engine *e, pid_t tid, uint64_t mask)
{
	long err = stock_ptrace(PTRACE_SETSIGMASK, tid, (void *)sizeof(mask), &mask);

	(void)e;
	return err ? ckpt_fail((int)err, tid, "signal mask") : 0;
}

static struct stock_thread *find_adopted(struct stock *s, pid_t tid, struct stock_proc **proc)
{
	for (size_t i = 0; i < s->procs.n; i++)
		for (size_t j = 0; j < s->procs.v[i].threads.n; j++)
			if (s->procs.v[i].threads.v[j].tid == tid) {
				*proc = &s->procs.v[i];
				return &s->procs.v[i].threads.v[j];
			}
	return NULL;
}

/* Resume t by req until a stop that reports sig (event 0) or an event stop (sig 0). */
static int run_to(struct stock_proc *p, struct stock_thread *t, int req, int sig)
{
	int status, pass = 0;

	for (;;) {
		int err = (int)stock_ptrace(req, t->tid, NULL, (void *)(long)pass);

		if (err)
			return ckpt_fail(err, p->pid, "thread %d: ptrace", (int)t->tid);
		err = next_stop(p, t, &status, 0);
		if (err)
			return err;
		if (sig ? WSTOPSIG(status) == sig : status >> 16 == PTRACE_EVENT_STOP)
			return 0;
		pass = status >> 16 ? 0 : WSTOPSIG(status);
	}
}

/*
 * By the entry and exit stops of the call, then on into an event stop: from an
 * exit stop a restart value in rax would reach the program, from there it does
 * not. All signals are blocked meanwhile, so none is delivered.
 */
int stock_unmap(struct ckpt_engine *e, pid_t tid, uint64_t addr, uint64_t len,
		uint64_t syscall_insn)
{
	struct user_regs_struct saved, regs;
	struct stock_proc *p = NULL;
	struct stock_thread *t = find_adopted(e->priv, tid, &p);
	int err;

	if (!t || !t->stopped)
		return ckpt_fail(-ESRCH, tid, "not parked");
	err = stock_get_regs(tid, &saved);
	if (err)
		return ckpt_fail(err, tid, "registers");
	/* It may make no call of its own any more: this one is not the program's. */
	if (t->circles)
		err = (int)stock_ptrace(PTRACE_SETOPTIONS, tid, NULL,
					(void *)(TRACE_OPTIONS | PTRACE_O_SUSPEND_SECCOMP));
	if (err)
		return ckpt_fail(err, tid, "ptrace: SUSPEND_SECCOMP");
	regs = saved;
	regs.rip = syscall_insn;
	regs.rax = SYS_munmap;
	regs.rdi = addr;
	regs.rsi = len;
	regs.orig_rax = (unsigned long)-1;	/* no restart of what it was in */
	err = stock_set_regs(tid, &regs);
	if (err)
		return ckpt_fail(err, tid, "registers");
	err = run_to(p, t, PTRACE_SYSCALL, SYSCALL_STOP);
	if (!err)
		err = run_to(p, t, PTRACE_SYSCALL, SYSCALL_STOP);
	if (err)
		return err;
	err = stock_get_regs(tid, &regs);
	if (err)
		return ckpt_fail(err, tid, "registers");
	if (regs.rip != syscall_insn + 2)
		return ckpt_fail(-EFAULT, tid, "the vdso's system call instruction is not at %#lx",
				 (unsigned long)syscall_insn);
	if (regs.rax)
		return ckpt_fail((int)regs.rax, tid, "restorer: munmap");
	stock_ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	err = run_to(p, t, PTRACE_CONT, 0);
	if (err)
		return err;
	err = stock_set_regs(tid, &saved);
	if (err)
		return ckpt_fail(err, tid, "registers");
	if (t->circles)
		err = (int)stock_ptrace(PTRACE_SETOPTIONS, tid, NULL, (void *)TRACE_OPTIONS);
	return err ? ckpt_fail(err, tid, "ptrace: SETOPTIONS") : 0;
}

int stock_resume(struct ckpt_engine *e)
{
	struct stock *s = e->priv;

	for (size_t i = 0; i < s->procs.n; i++) {
		struct stock_proc *p = &s->procs.v[i];

		if (!p->adopted)
			continue;
		/* One that was killed meanwhile is its own master already: -ESRCH. */
		for (size_t j = 0; j < p->threads.n; j++)
			stock_ptrace(PTRACE_DETACH, p->threads.v[j].tid, NULL, NULL);
		p->threads.n = 0;
		p->adopted = false;
	}
	return 0;
}

void stock_kill_adopted(struct stock_proc *p)
{
	kill(p->pid, SIGKILL);
	/* The leader is reported only when the other traced threads have been waited for. */
	for (size_t i = p->threads.n; i-- > 0; ) {
		pid_t tid = p->threads.v[i].tid;
		int status;

		for (;;) {
			pid_t r = waitpid(tid, &status, __WALL);

			if (r < 0 && errno == EINTR)
				continue;
			if (r < 0 || !WIFSTOPPED(status))
				break;
		}
	}
	p->threads.n = 0;
	p->adopted = false;
}
