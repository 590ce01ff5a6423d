// SPDX-License-Identifier: GPL-2.0
/*
 * The restore side of the kmod engine. The child inherits the session's
 * descriptor and each of its threads parks itself with it. From its first step
 * until it is let go the module kills it when our session ends.
 */
#include "engine/kmod.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/fail.h"
#include "lib/interrupt.h"
#include "lib/io.h"

int kmod_adopt(struct ckpt_engine *e, pid_t pid)
{
	struct ckptbpf_freeze arg = {
		.size = sizeof(arg), .flags = CKPTBPF_FREEZE_CHECK | CKPTBPF_FREEZE_OWN,
		.tgid = pid, .timeout_ms = 1000,
	};
	struct kmod_proc *p = kmod_add(e->priv, pid);
	int err;

	if (!p)
		return ckpt_fail_err();
	p->adopted = true;
	/* From before its first step: a thread in a call of the program holds nothing of ours. */
	err = kmod_call(e->priv, CKPTBPF_FREEZE, &arg);
	return err ? ckpt_fail(err, pid, "adopt") : 0;
}

int kmod_park_fd(struct ckpt_engine *e)
{
	const struct kmod *k = e->priv;

	return k->fd;
}

static const struct ckptbpf_thread *find_thread(const struct kmod *k, pid_t tid)
{
	for (size_t i = 0; i < k->list.n; i++)
		if (k->list.v[i].tid == tid)
			return &k->list.v[i];
	return NULL;
}

/*
 * A thread that was interrupted in a call of the program makes that call again,
 * or waits behind it: asleep in the restorer's code?
 */
static bool waits_in(pid_t pid, pid_t tid, uint64_t lo, uint64_t hi)
{
	char path[64], *text = NULL, *at;
	uint64_t ip;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
	if (ckpt_slurp(path, &text, NULL))
		return false;
	at = strrchr(text, ' ');	/* "35 0x... sp ip", or "running" */
	ip = at ? strtoull(at, NULL, 16) : 0;
	free(text);
	return ip >= lo && ip < hi;
}

struct missing { size_t all, waiting; };

/* Which of tids are not parked yet; -ECHILD: one never will. */
static int not_parked(const struct kmod *k, pid_t pid, const pid_t *tids, const bool *circles,
		      size_t n, uint64_t lo, uint64_t hi, struct missing *m)
{
	*m = (struct missing){ 0 };
	for (size_t i = 0; i < n; i++) {
		const struct ckptbpf_thread *t = find_thread(k, tids[i]);

		if (t && t->state == CKPTBPF_ST_DEAD)
			return ckpt_fail(-ECHILD, pid, "thread %d ended before it ran", (int)tids[i]);
		if (t && t->state == CKPTBPF_ST_PARKED && (t->flags & CKPTBPF_TF_SELF))
			continue;
		m->all++;
		m->waiting += !t && (circles[i] || waits_in(pid, tids[i], lo, hi));
	}
	return 0;
}

/* Those that wait in a call cannot park themselves. */
static int fetch(struct kmod *k, pid_t pid)
{
	struct ckptbpf_freeze arg = {
		.size = sizeof(arg), .flags = CKPTBPF_FREEZE_OWN, .tgid = pid, .timeout_ms = 1000,
	};
	int err = kmod_call(k, CKPTBPF_FREEZE, &arg);

	return err ? ckpt_fail(err, pid, "thread %d does not park", (int)arg.stuck_tid) : 0;
}

static bool has_ended(pid_t pid)
{
	siginfo_t si = { .si_pid = 0 };

	return !waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) && si.si_pid == pid;
}

int kmod_park_wait(struct ckpt_engine *e, pid_t pid, const pid_t *tids, const bool *circles,
		    size_t n, uint64_t lo, uint64_t hi, uint64_t deadline_ns)
{
	struct timespec nap = { 0, 20000 };
	struct kmod *k = e->priv;

	for (;;) {
		struct missing m;
		int err = kmod_list(k);

		if (err)
			return ckpt_fail(err, pid, "list of its threads");
		err = not_parked(k, pid, tids, circles, n, lo, hi, &m);
		if (err || !m.all)
			return err;
		if (m.waiting == m.all) {
			err = fetch(k, pid);
			if (err)
				return err;
			continue;
		}
		if (has_ended(pid))
			return ckpt_fail(-ECHILD, pid, "it ended before it ran");
		if (ckpt_interrupt_check())
			return ckpt_fail_err();
		if (ckpt_now_ns() > deadline_ns)
			return ckpt_fail(-ETIMEDOUT, pid, "%zu of %zu threads did not park", m.all, n);
		nanosleep(&nap, NULL);
		if (nap.tv_nsec < 1000000)
			nap.tv_nsec *= 2;
	}
}

int kmod_set_sigmask(struct ckpt_engine *e, pid_t tid, uint64_t mask)
{
	struct ckptbpf_sigmask arg = { .size = sizeof(arg), .tid = tid, .mask = mask };
	int err = kmod_call(e->priv, CKPTBPF_SIGMASK, &arg);

	return err ? ckpt_fail(err, tid, "signal mask") : 0;
}

int kmod_unmap(struct ckpt_engine *e, pid_t tid, uint64_t addr, uint64_t len, uint64_t syscall_insn)
{
	struct ckptbpf_mem_ctx arg = {
		.size = sizeof(arg), .tid = tid, .op = CKPTBPF_MEM_MUNMAP, .addr = addr, .len = len,
	};
	int err = kmod_call(e->priv, CKPTBPF_MEM_CTX, &arg);

	(void)syscall_insn;
	if (!err && arg.ret)
		err = (int)arg.ret;
	return err ? ckpt_fail(err, tid, "restorer: munmap") : 0;
}

int kmod_resume(struct ckpt_engine *e)
{
	struct kmod *k = e->priv;
	struct ckptbpf_thaw arg = { .size = sizeof(arg) };
	int err = kmod_call(k, CKPTBPF_THAW, &arg);

	if (err)
		return ckpt_fail(err, 0, "resume");
	for (size_t i = 0; i < k->procs.n; i++) {
		k->procs.v[i].adopted = false;
		k->procs.v[i].frozen = false;
	}
	return 0;
}

void kmod_kill_adopted(struct kmod_proc *p)
{
	syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0);
	while (waitpid(p->pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	p->adopted = false;
}
