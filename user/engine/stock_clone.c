// SPDX-License-Identifier: GPL-2.0
/*
 * A clone of a stopped process's memory by ptrace. One of its threads is lent
 * for it (arch selfheal.h): it makes a helper B that shares its memory; B, which
 * is ours, makes the clone, and is killed; the thread has waited for B and is
 * where it was. Nothing of this is left in the target: B is reaped by it, and
 * the clone, whose parent is gone, belongs to the first process.
 *
 * Killed at any moment, we leave the thread on its way back; B and the clone
 * die with us (PTRACE_O_EXITKILL), or end by themselves.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ckptbpf/image.h"
#include "engine/stock.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"

#define PAGE		4096u
#define SYSCALL_STOP	(SIGTRAP | 0x80)
#define CODE_CHUNK	(1u << 20)
/* Between the lent pages and the lowest stack pointer that was seen. */
#define STACK_MARGIN	8192u
/* Returns from clone() and wait4(), two sigreturns: each a stop before and after. */
#define HEAL_STOPS	16

static int read_remote(void *arg, uint64_t addr, void *buf, size_t n)
{
	struct iovec local = { buf, n }, remote = { (void *)(uintptr_t)addr, n };
	ssize_t r = process_vm_readv(*(pid_t *)arg, &local, 1, &remote, 1, 0);

	return r == (ssize_t)n ? 0 : r < 0 ? -errno : -EFAULT;
}

static int write_remote(pid_t pid, uint64_t addr, const void *buf, size_t n)
{
	struct iovec local = { (void *)(uintptr_t)buf, n }, remote = { (void *)(uintptr_t)addr, n };
	ssize_t r = process_vm_writev(pid, &local, 1, &remote, 1, 0);

	return r == (ssize_t)n ? 0 : r < 0 ? -errno : -EFAULT;
}

/* Looks through one mapping's code, with an overlap for what lies across two chunks. */
static bool search(struct arch_heal_code *c, pid_t pid, uint64_t start, uint64_t end, uint8_t *buf)
{
	for (uint64_t at = start; at < end; at += CODE_CHUNK - 16) {
		size_t n = end - at < CODE_CHUNK ? (size_t)(end - at) : CODE_CHUNK;

		if (read_remote(&pid, at, buf, n))
			return false;
		if (arch_heal_search(c, buf, n, at))
			return true;
	}
	return false;
}

static int find_places(struct stock *s, pid_t pid)
{
	cleanup_free uint8_t *buf = malloc(CODE_CHUNK);
	char path[40], *line = NULL;
	size_t room = 0;
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = buf ? fopen(path, "re") : NULL;
	if (!f)
		return buf ? -errno : -ENOMEM;
	memset(&s->code, 0, sizeof(s->code));
	s->stack = 0;
	while ((!found || !s->stack) && getline(&line, &room, f) > 0) {
		unsigned long start, end;
		char perms[8];

		if (sscanf(line, "%lx-%lx %7s", &start, &end, perms) != 3)
			continue;
		if (strstr(line, "[stack]") && !strncmp(perms, "rw", 2))
			s->stack = start;
		/* The vsyscall page is no memory of its own, the vdso has neither piece. */
		if (!found && perms[0] == 'r' && perms[2] == 'x' && !strstr(line, "[v"))
			found = search(&s->code, pid, start, end, buf);
	}
	free(line);
	fclose(f);
	return found && s->stack ? 0 : -ENOENT;
}

int stock_clone_prepare(struct ckpt_engine *e, pid_t pid, const char **why)
{
	cleanup_free char *status = NULL;
	const char *seccomp, *features;
	struct stock *s = e->priv;
	char path[40];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	err = ckpt_slurp(path, &status, NULL);
	if (err)
		return ckpt_fail(err, pid, "status: read");
	seccomp = strstr(status, "\nSeccomp:");
	features = strstr(status, "\nx86_Thread_features:");
	*why = NULL;
	/* A filter could kill the program for a call that is ours. */
	if (seccomp && atoi(seccomp + 9))
		*why = "seccomp";
	/* A frame that we write is on no shadow stack. */
	else if (features && !strncmp(features + 21, "\tshstk", 6))
		*why = "it has a shadow stack";
	else if (find_places(s, pid))
		*why = "its code has no return from a signal handler, or it has no stack";
	return *why ? -EOPNOTSUPP : 0;
}

/* Of the lent pages: bit n is set if page n does not exist. */
static int absent_pages(pid_t pid, uint64_t addr, size_t len, uint32_t *absent)
{
	uint64_t entries[ARCH_HEAL_LEN / PAGE];
	uint32_t n = (uint32_t)((len + PAGE - 1) / PAGE);
	char path[40];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = ckpt_pread_all(fd, entries, n * 8, (off_t)(addr / PAGE * 8));
	close(fd);
	*absent = 0;
	for (uint32_t i = 0; !err && i < n; i++)
		if (!(entries[i] >> 62))	/* neither present nor swapped */
			*absent |= 1u << i;
	return err;
}

/* PTRACE_GET_RSEQ_CONFIGURATION, since 5.13 (include/uapi/linux/ptrace.h). */
#define GET_RSEQ	0x420f
#define RSEQ_CS_AT	8	/* struct rseq, rseq_cs */
struct rseq_configuration { uint64_t addr; uint32_t size, signature, flags, pad; };

/* A thread inside a restartable sequence would come back into it unnoticed. */
static bool in_rseq(pid_t tid)
{
	struct rseq_configuration c = { 0 };
	uint64_t cs = 0;

	if (stock_ptrace(GET_RSEQ, tid, (void *)sizeof(c), &c) < 0 || !c.addr)
		return false;
	return read_remote(&tid, c.addr + RSEQ_CS_AT, &cs, sizeof(cs)) || cs;
}

/* What one cloning needs; frames are aligned as the FPU's state must be. */
struct loan {
	pid_t tid;
	struct user_regs_struct go;
	uint64_t mask, addr;
	size_t len;		/* of frames: what is lent */
	uint8_t frames[ARCH_HEAL_LEN] __attribute__((aligned(64)));
	uint8_t was[ARCH_HEAL_LEN];
};

/* The first thread that can be lent, and its frames; no stack reaches the lent pages. */
static int choose(struct stock *s, struct stock_proc *p, struct loan *l, const char **why)
{
	uint64_t top = s->stack + ARCH_HEAL_BELOW + ARCH_HEAL_LEN + STACK_MARGIN;
	static uint8_t xstate[CKPT_MAX_XSTATE];
	struct user_regs_struct regs;

	l->tid = 0;
	for (size_t i = 0; i < p->threads.n; i++) {
		struct iovec iov = { xstate, sizeof(xstate) };
		pid_t tid = p->threads.v[i].tid;

		if (p->threads.v[i].dead)
			continue;
		if (stock_get_regs(tid, &regs))
			return -ESRCH;
		if (regs.rsp >= s->stack && regs.rsp < top) {
			*why = "its stack is almost full";
			return -EOPNOTSUPP;
		}
		if (l->tid || in_rseq(tid))
			continue;
		if (stock_ptrace(PTRACE_GETREGSET, tid, (void *)NT_X86_XSTATE, &iov) ||
		    stock_ptrace(PTRACE_GETSIGMASK, tid, (void *)sizeof(l->mask), &l->mask))
			return -ESRCH;
		if (!arch_heal_frames(&s->code, &regs, xstate, iov.iov_len, l->mask, l->addr,
				      l->frames, &l->len, &l->go))
			l->tid = tid;
	}
	*why = "each of its threads waits in a call that cannot be left";
	return l->tid ? 0 : -EOPNOTSUPP;
}

/* Waits for tid's next stop; -ESRCH: it is gone. */
static int wait_stop(pid_t tid, int *status)
{
	pid_t r;

	do
		r = waitpid(tid, status, __WALL);
	while (r < 0 && errno == EINTR);
	return r == tid && WIFSTOPPED(*status) ? 0 : -ESRCH;
}

/* Lets tid go on to the child that it makes; 0: it made none. */
static int run_to_child(pid_t tid, pid_t *child)
{
	unsigned long made = 0;
	int status, err;

	*child = 0;
	err = (int)stock_ptrace(PTRACE_SYSCALL, tid, NULL, NULL);
	for (int i = 0; !err && i < 3; i++) {
		err = wait_stop(tid, &status);
		if (err)
			break;
		if (status >> 16 == PTRACE_EVENT_CLONE) {
			err = (int)stock_ptrace(PTRACE_GETEVENTMSG, tid, NULL, &made);
			*child = (pid_t)made;
			if (!err)
				err = wait_stop(*child, &status);
			break;
		}
		/* The return of a clone() that failed: the way back begins here. */
		if (i == 1)
			break;
		err = (int)stock_ptrace(PTRACE_SYSCALL, tid, NULL, NULL);
	}
	return err;
}

static void end_task(pid_t pid)
{
	int status;

	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
		;
}

/* The lent thread goes through its frames until the last has brought it back. */
static int bring_back(pid_t tid)
{
	struct user_regs_struct regs;
	int status, err = 0, returns = 0;
	bool behind = false;
	long sig = 0;

	for (int i = 0; i < HEAL_STOPS; i++) {
		if (stock_ptrace(PTRACE_SYSCALL, tid, NULL, (void *)sig))
			return -ESRCH;
		err = wait_stop(tid, &status);
		if (err || behind)
			return err;
		/* SIGSTOP cannot be blocked: it takes its way, and so do we. */
		sig = status >> 16 || WSTOPSIG(status) == SYSCALL_STOP ? 0 : WSTOPSIG(status);
		if (WSTOPSIG(status) != SYSCALL_STOP || stock_get_regs(tid, &regs))
			continue;
		/* Into a sigreturn: the next stop is behind it, with what the frame said. */
		if ((long)regs.orig_rax == SYS_rt_sigreturn && (long)regs.rax == -ENOSYS)
			behind = ++returns == 2;
	}
	return -EPROTO;
}

/* B's only act. Its own end is reaped here; the thread that made it waits for that. */
static int make_clone(const struct stock *s, pid_t b, pid_t *clone)
{
	long opts = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE;
	struct user_regs_struct regs;
	int err = (int)stock_ptrace(PTRACE_SETOPTIONS, b, NULL, (void *)opts);

	if (!err)
		err = stock_get_regs(b, &regs);
	if (!err) {
		arch_heal_fork(&s->code, &regs);
		err = stock_set_regs(b, &regs);
	}
	if (!err)
		err = run_to_child(b, clone);
	if (!err && !*clone && !stock_get_regs(b, &regs))
		err = (long)regs.rax < 0 ? (int)regs.rax : -EPROTO;
	end_task(b);
	return err;
}

static int lend(struct stock *s, struct loan *l, pid_t *clone)
{
	long opts = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE;
	uint64_t all = ~0ull;
	pid_t b = 0;
	int err, back;

	err = (int)stock_ptrace(PTRACE_SETOPTIONS, l->tid, NULL, (void *)opts);
	if (!err)
		err = stock_set_regs(l->tid, &l->go);
	if (err)
		return err;
	/* Second: only its frames bring the mask back. A handler that runs before them does no harm. */
	stock_ptrace(PTRACE_SETSIGMASK, l->tid, (void *)sizeof(all), &all);
	err = run_to_child(l->tid, &b);
	if (!err && b)
		err = make_clone(s, b, clone);
	else if (!err)
		err = -EAGAIN;
	back = bring_back(l->tid);
	stock_ptrace(PTRACE_SETOPTIONS, l->tid, NULL, NULL);
	return back ? back : err;
}

/* If memory runs out it is the clone that has to go: before the target writes a page. */
static int expose(pid_t clone)
{
	char path[48];
	int fd, err = 0;

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)clone);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, "1000", 4) != 4)
		err = -errno;
	close(fd);
	return err;
}

int stock_clone(struct ckpt_engine *e, pid_t pid, struct ckpt_clone *c, const char **why)
{
	struct stock *s = e->priv;
	struct stock_proc *p = stock_find(s, pid);
	cleanup_free struct loan *l = aligned_alloc(64, sizeof(*l));
	int err;

	*why = "memory";
	c->pid = 0;
	if (!p || !l)
		return -ENOMEM;
	l->addr = c->lent = s->stack + ARCH_HEAL_BELOW;
	err = choose(s, p, l, why);
	if (err)
		return err;
	*why = "its code or stack has changed";
	if (!arch_heal_check(&s->code, read_remote, &pid) ||
	    absent_pages(pid, l->addr, l->len, &c->lent_absent) ||
	    read_remote(&pid, l->addr, l->was, l->len) ||
	    write_remote(pid, l->addr, l->frames, l->len))
		return -EOPNOTSUPP;
	*why = "clone() failed";
	err = lend(s, l, &c->pid);
	if (write_remote(pid, l->addr, l->was, l->len) && !err)
		err = -EFAULT;
	if (!err)
		err = write_remote(c->pid, l->addr, l->was, l->len);
	if (!err)
		err = expose(c->pid);
	if (err)
		stock_clone_end(e, c);
	return err;
}

/* One call in the clone, which is stopped for good otherwise. */
static int call(struct stock *s, pid_t pid, long nr, uint64_t a, uint64_t b, uint64_t d)
{
	struct user_regs_struct regs;
	int status, err = stock_get_regs(pid, &regs);

	if (err)
		return err;
	arch_heal_call(&s->code, &regs, nr, a, b, d);
	err = stock_set_regs(pid, &regs);
	for (int i = 0; !err && i < 2; i++) {
		err = (int)stock_ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
		if (!err)
			err = wait_stop(pid, &status);
	}
	if (!err)
		err = stock_get_regs(pid, &regs);
	return err ? err : (int)(long)regs.rax;
}

int stock_clone_settle(struct ckpt_engine *e, struct ckpt_clone *c)
{
	return call(e->priv, c->pid, SYS_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE);
}

int stock_clone_give_back(struct ckpt_engine *e, struct ckpt_clone *c, uint64_t addr, uint64_t len)
{
	return call(e->priv, c->pid, SYS_madvise, addr, len, MADV_DONTNEED);
}

void stock_clone_end(struct ckpt_engine *e, struct ckpt_clone *c)
{
	(void)e;
	end_task(c->pid);
	c->pid = 0;
}
