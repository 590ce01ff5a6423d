// SPDX-License-Identifier: GPL-2.0
/*
 * The restorer: a task rebuilds its own address space and threads from a plan,
 * then parks every thread. No libc, no relocation, no variable; every operation
 * is announced in the report before it is done and its error put there.
 */
#include "restorer/blob.h"

#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include "ckptbpf/kmod_abi.h"
#include "restorer/restorer.h"

#define F_DUPFD		0
#define SS_DISABLE	2
#define SIGKILL		9
#define SIGCONT		18
#define SIGSTOP		19
#define EEXIST		17
#define EINVAL		22
#define EINTR		4
#define EAGAIN		11
#define ERANGE		34
#define CAP_BIT(cap)	(1ull << (cap))
#define MAX_TIMER_TRIES	(1 << 20)
#ifndef PR_TIMER_CREATE_RESTORE_IDS	/* since 6.15 */
#define PR_TIMER_CREATE_RESTORE_IDS	77
#define PR_TIMER_CREATE_RESTORE_IDS_OFF	0
#define PR_TIMER_CREATE_RESTORE_IDS_ON	1
#endif

static void news(struct blob_report *r)
{
	__atomic_add_fetch(&r->event, 1, __ATOMIC_SEQ_CST);
	call(futex, &r->event, FUTEX_WAKE, 1, 0, 0, 0);
}

void at(struct blob_plan *p, unsigned int step, unsigned int index, unsigned long addr)
{
	p->report->at.step = step;
	p->report->at.index = index;
	p->report->at.addr = addr;
}

void fail(struct blob_plan *p, unsigned int step, unsigned int index, unsigned long addr, long err)
{
	struct blob_report *r = p->report;
	__u32 free = 0, me = (__u32)call(gettid, 0, 0, 0, 0, 0, 0);

	/* The first failure is the cause; the others are its shadow. */
	if (__atomic_compare_exchange_n(&r->failed_by, &free, me, 0, __ATOMIC_SEQ_CST,
					__ATOMIC_SEQ_CST)) {
		r->failed.step = step;
		r->failed.index = index;
		r->failed.addr = addr;
		__atomic_store_n(&r->err, (__s32)err, __ATOMIC_SEQ_CST);
		news(r);
	}
	for (;;)
		call(exit_group, 125, 0, 0, 0, 0, 0);
}

void lose(struct blob_plan *p, unsigned int step, unsigned int index, unsigned long addr, long err)
{
	struct blob_report *r = p->report;
	__u32 n;

	if (!p->force)
		fail(p, step, index, addr, err);
	n = __atomic_fetch_add(&r->nlost, 1, __ATOMIC_SEQ_CST);
	if (n < BLOB_LOST_MAX)
		r->lost[n] = (struct blob_lost){ { step, index, addr }, (__s32)err, 0 };
}

/*
 * The registration inherited from the orchestrator lies in memory that goes
 * away: the kernel would kill us at the next preemption. Its length must be
 * the one it was made with, which newer libcs do not tell.
 */
static void leave_rseq(struct blob_plan *p)
{
	long err = -EINVAL;

	if (!p->own_rseq)
		return;
	for (unsigned int len = 32; err && len <= 1024; len += 4)
		err = attempt(p, BLOB_RSEQ_OFF, 0, p->own_rseq,
			      call(rseq, p->own_rseq, len, 1, p->own_rseq_sig, 0, 0));
	if (err)
		fail(p, BLOB_RSEQ_OFF, 0, p->own_rseq, err);
}

static void unmap_all_but_us(struct blob_plan *p)
{
	unsigned long end = p->base + p->len;

	leave_rseq(p);
	must(p, BLOB_UNMAP, 0, 0, call(munmap, 0, p->base, 0, 0, 0, 0));
	must(p, BLOB_UNMAP, 0, end, call(munmap, end, p->limit - end, 0, 0, 0, 0));
}

static void rebuild_memory(struct blob_plan *p)
{
	unmap_all_but_us(p);
	/*
	 * While nothing else is mapped: the address is only a hint, which the
	 * guard gap of a stack right above it would make the kernel ignore.
	 */
	must(p, BLOB_VDSO, 0, p->vdso_at, arch_map_vdso(p->vdso_at));
	/* -EBUSY while any area of the old exe is mapped, even if it is the same file. */
	must(p, BLOB_MM_MAP, 0, 0,
	     call(prctl, PR_SET_MM, PR_SET_MM_MAP, &p->mm, sizeof(p->mm), 0, 0));
	map_memory(p);
}

/* Files are mapped, pages are there: what lies above the program's descriptors is done with. */
static void close_ours(struct blob_plan *p)
{
	if (p->park_fd < 0) {
		must(p, BLOB_CLOSE, 0, 0, call(close_range, p->keep_from, ~0u, 0, 0, 0, 0));
		return;
	}
	if (p->park_fd > p->keep_from)
		must(p, BLOB_CLOSE, 0, 0,
		     call(close_range, p->keep_from, p->park_fd - 1, 0, 0, 0, 0));
	must(p, BLOB_CLOSE, 0, 0, call(close_range, p->park_fd + 1, ~0u, 0, 0, 0, 0));
}

static void wait_filled(struct blob_plan *p)
{
	struct blob_report *r = p->report;
	__u32 go;

	at(p, BLOB_FILL, 0, 0);
	__atomic_store_n(&r->state, BLOB_MAPPED, __ATOMIC_SEQ_CST);
	news(r);
	while ((go = __atomic_load_n(&r->go, __ATOMIC_SEQ_CST)) != BLOB_GO_FILLED)
		call(futex, &r->go, FUTEX_WAIT, go, 0, 0, 0);
}

/* What is open for writing cannot become an executable: until it is filled that is how it is. */
static void set_late_exe(struct blob_plan *p)
{
	if (p->late_exe < 0)
		return;
	p->mm.exe_fd = (__u32)p->late_exe;
	must(p, BLOB_MM_MAP, 0, 0,
	     call(prctl, PR_SET_MM, PR_SET_MM_MAP, &p->mm, sizeof(p->mm), 0, 0));
}

static void rebuild_process(struct blob_plan *p)
{
	for (unsigned int sig = 1; sig <= CKPT_NSIG; sig++) {
		if (sig == SIGKILL || sig == SIGSTOP)
			continue;
		must(p, BLOB_SIGACTION, sig, p->sighand.action[sig - 1].handler,
		     call(rt_sigaction, sig, &p->sighand.action[sig - 1], 0, 8, 0, 0));
	}
	/* After the mappings: READ_IMPLIES_EXEC would have changed them. */
	must(p, BLOB_PERSONALITY, 0, 0, call(personality, p->personality, 0, 0, 0, 0, 0));
	process_prctl(p);
	if (p->subreaper)
		must(p, BLOB_SUBREAPER, 0, 0, call(prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0, 0));
}

/*
 * Every signal is blocked: they stay where they are put until the thread has
 * its own mask. SIGCONT makes a tracer's task stop for the tracer to hear of
 * it, which listens only once all are parked: it comes last, when this thread
 * has been counted among them.
 */
static void queue_signals(struct blob_plan *p, struct blob_thread *t, int last)
{
	struct blob_signal *own = p->signals + t->first_signal, *s;

	for (unsigned int i = 0; !t->index && i < p->nsignals; i++) {
		s = &p->signals[i];
		if ((s->info[0] == SIGCONT) == last)
			must(p, BLOB_SIGQUEUE, s->info[0], 0,
			     call(rt_sigqueueinfo, t->tid, s->info[0], s, 0, 0, 0));
	}
	for (unsigned int i = 0; i < t->nsignals; i++) {
		s = &own[i];
		if ((s->info[0] == SIGCONT) == last)
			must(p, BLOB_TGSIGQUEUE, t->index, s->info[0],
			     call(rt_tgsigqueueinfo, p->threads[0].tid, t->tid, s->info[0], s, 0, 0));
	}
}

static void arm_itimers(struct blob_plan *p)
{
	for (unsigned int i = 0; i < 3; i++)
		if (p->itimers[i].value[0] || p->itimers[i].value[1])
			must(p, BLOB_ITIMER, i, 0, call(setitimer, i, &p->itimers[i], 0, 0, 0, 0));
}

/*
 * The interrupted call, really made again with the time that was left; the
 * engine stops us in it. The orchestrator checked that it is one of those that
 * only wait.
 */
static void wait_in_call(struct blob_thread *t)
{
	const __u64 *a = t->call_args;

	t->call_ret = arch_syscall6(t->call_nr, (long)a[0], (long)a[1], (long)a[2], (long)a[3],
				    (long)a[4], (long)a[5]);
	t->call_done = 1;
}

static void make_timer(struct blob_plan *p, struct blob_timer *t)
{
	__s32 id = t->id;
	long ret;

	at(p, BLOB_TIMER_CREATE, (unsigned int)t->id, 0);
	ret = call(prctl, PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_ON, 0, 0, 0, 0);
	if (!ret) {
		must(p, BLOB_TIMER_CREATE, t->id, 0,
		     call(timer_create, t->clock, &t->sigval, &id, 0, 0, 0));
		call(prctl, PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_OFF, 0, 0, 0, 0);
	}
	/* A kernel before 6.15 counts: one after the other until it is this one's turn. */
	for (int tries = 0; ret && tries < MAX_TIMER_TRIES; tries++) {
		must(p, BLOB_TIMER_CREATE, t->id, 0,
		     call(timer_create, t->clock, &t->sigval, &id, 0, 0, 0));
		if (id >= t->id)
			break;
		call(timer_delete, id, 0, 0, 0, 0, 0);
	}
	if (id != t->id)
		fail(p, BLOB_TIMER_CREATE, (unsigned int)t->id, 0, -ERANGE);
}

/* When all threads are there, for which they may be. */
static void make_timers(struct blob_plan *p)
{
	for (unsigned int i = 0; i < p->ntimers; i++) {
		struct blob_timer *t = &p->timers[i];

		make_timer(p, t);
		if (t->value[0] || t->value[1])
			must(p, BLOB_TIMER_SET, t->id, 0,
			     call(timer_settime, t->id, t->abstime, t->interval, 0, 0, 0));
	}
}

/*
 * fcntl() with another real and effective user. The saved one stays, so that we
 * may go back, with all capabilities.
 */
static void fcntl_as(struct blob_plan *p, unsigned int i, struct blob_fcntl *c, unsigned long arg)
{
	__u32 uid = (__u32)call(getuid, 0, 0, 0, 0, 0, 0);
	__u32 euid = (__u32)call(geteuid, 0, 0, 0, 0, 0, 0);
	int other = c->as_user && (c->uid != uid || c->euid != euid);

	if (other)
		must(p, c->step, i, 0, call(setresuid, c->uid, c->euid, -1, 0, 0, 0));
	must(p, c->step, i, 0, call(fcntl, c->fd, c->cmd, arg, 0, 0, 0));
	if (other)
		must(p, c->step, i, 0, call(setresuid, uid, euid, -1, 0, 0, 0));
}

/* Locks and the like: while we still are who may do it. */
static void hold_files(struct blob_plan *p)
{
	for (unsigned int i = 0; i < p->nfcntls; i++) {
		struct blob_fcntl *c = &p->fcntls[i];
		unsigned long arg = c->by_ref ? (unsigned long)c->data : (unsigned long)c->data[0];

		if (c->step == BLOB_FLOCK)
			must(p, BLOB_FLOCK, i, 0, call(flock, c->fd, c->cmd, 0, 0, 0, 0));
		else
			fcntl_as(p, i, c, arg);
	}
}

static void __attribute__((noreturn)) park(struct blob_plan *p, struct blob_thread *t)
{
	struct blob_report *r = p->report;
	struct ckptbpf_park_self arg = {
		.size = sizeof(arg), .fd = t->park_fd, .sigmask = t->sigmask,
	};
	__u32 parked;

	at(p, BLOB_PARK, t->index, 0);
	if (fault(p, BLOB_PARK, t->index))
		fail(p, BLOB_PARK, t->index, 0, fault(p, BLOB_PARK, t->index));
	/* Only the leader, which is last, is news: a wakeup for each of a thousand costs more than the rest. */
	parked = __atomic_add_fetch(&r->parked, 1, __ATOMIC_SEQ_CST);
	if (!t->index)
		news(r);
	else if (parked == p->nthreads - 1)
		call(futex, &r->parked, FUTEX_WAKE, 1, 0, 0, 0);
	queue_signals(p, t, 1);
	strict_prctl(p, t);
	if (t->call_nr >= 0) {
		/* The engine comes for it; it holds no descriptor of the device meanwhile. */
		if (t->park_fd >= 0)
			call(close, t->park_fd, 0, 0, 0, 0, 0);
		wait_in_call(t);
	} else if (t->park_fd >= 0) {
		/* Comes back to user mode, with other registers, far from here. */
		long err = call(ioctl, t->park_fd, CKPTBPF_PARK_SELF, &arg, 0, 0, 0);

		fail(p, BLOB_PARK, t->index, 0, err ? err : -EINTR);
	}
	for (;;)
		call(futex, &r->park, FUTEX_WAIT, 0, 0, 0, 0);
}

static void set_caps(struct blob_plan *p, struct blob_thread *t, __u64 permitted, __u64 effective)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	__u64 inheritable = t->creds.inheritable;
	struct __user_cap_data_struct d[2] = {
		{ (__u32)effective, (__u32)permitted, (__u32)inheritable },
		{ (__u32)(effective >> 32), (__u32)(permitted >> 32), (__u32)(inheritable >> 32) },
	};

	must(p, BLOB_CAPSET, t->index, 0, call(capset, &h, d, 0, 0, 0, 0));
}

/*
 * From what we are down to what it was. While NO_SETUID_FIXUP is set no change
 * of ids touches the capabilities; an inheritable one must come before the
 * bounding set has lost it, an ambient one when it is inheritable.
 */
static void become(struct blob_plan *p, struct blob_thread *t)
{
	struct blob_creds *c = &t->creds;
	unsigned int i = t->index;

	if (!c->change)
		return;
	if (c->own_effective & CAP_BIT(CAP_SETPCAP))
		must(p, BLOB_SECUREBITS, i, 0,
		     call(prctl, PR_SET_SECUREBITS, c->own_securebits | SECBIT_NO_SETUID_FIXUP, 0, 0, 0, 0));
	if (c->own_effective & CAP_BIT(CAP_SETGID)) {
		must(p, BLOB_SETGROUPS, i, 0,
		     call(setgroups, c->ngroups, p->groups + c->first_group, 0, 0, 0, 0));
		must(p, BLOB_SETGID, i, 0, call(setresgid, c->gid, c->egid, c->sgid, 0, 0, 0));
		/* These two tell what it was before, nothing else. */
		call(setfsgid, c->fsgid, 0, 0, 0, 0, 0);
		if ((__u32)call(setfsgid, c->fsgid, 0, 0, 0, 0, 0) != c->fsgid)
			fail(p, BLOB_SETGID, i, 0, -EINVAL);
	}
	set_caps(p, t, c->own_permitted, c->own_effective);
	must(p, BLOB_AMBIENT, i, 0, call(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0, 0));
	for (unsigned int cap = 0; cap < 64; cap++) {
		if (c->ambient & CAP_BIT(cap))
			must(p, BLOB_AMBIENT, i, cap,
			     call(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0, 0));
		if (c->drop & CAP_BIT(cap))
			must(p, BLOB_CAPBSET, i, cap, call(prctl, PR_CAPBSET_DROP, cap, 0, 0, 0, 0));
	}
	if (c->own_effective & CAP_BIT(CAP_SETUID)) {
		must(p, BLOB_SETUID, i, 0, call(setresuid, c->uid, c->euid, c->suid, 0, 0, 0));
		call(setfsuid, c->fsuid, 0, 0, 0, 0, 0);
		if ((__u32)call(setfsuid, c->fsuid, 0, 0, 0, 0, 0) != c->fsuid)
			fail(p, BLOB_SETUID, i, 0, -EINVAL);
	}
	if (c->own_effective & CAP_BIT(CAP_SETPCAP))
		must(p, BLOB_SECUREBITS, i, 0,
		     call(prctl, PR_SET_SECUREBITS, c->securebits, 0, 0, 0, 0));
	set_caps(p, t, c->permitted, c->effective);
}

/*
 * What holds for the process as a whole and could stand in the way of its
 * threads: when all others are done. A change of credentials takes dumpable
 * away, and dumpable the right to reach us through /proc.
 */
static void finish_process(struct blob_plan *p)
{
	struct blob_report *r = p->report;
	__u32 n;

	while ((n = __atomic_load_n(&r->parked, __ATOMIC_SEQ_CST)) < p->nthreads - 1)
		call(futex, &r->parked, FUTEX_WAIT, n, 0, 0, 0);
	hold_files(p);
	arm_itimers(p);
	make_timers(p);
	for (unsigned int i = 0; i < CKPT_RLIM_NLIMITS; i++) {
		__u64 now[2], *want = &p->rlimits.lim[i].cur;

		must(p, BLOB_RLIMIT, i, 0, call(prlimit64, 0, i, 0, now, 0, 0));
		if (now[0] != want[0] || now[1] != want[1])
			may(p, BLOB_RLIMIT, i, call(prlimit64, 0, i, want, 0, 0, 0));
	}
}

static void __attribute__((noreturn)) thread_main(void *plan, void *thread)
{
	struct blob_plan *p = plan;
	struct blob_thread *t = thread;
	unsigned int i = t->index;
	struct { __u64 sp; __u32 flags, pad; __u64 size; } ss = {
		.sp = t->altstack_sp, .flags = t->altstack_flags, .size = t->altstack_size,
	};

	if (t->rseq)
		must(p, BLOB_RSEQ, i, t->rseq,
		     call(rseq, t->rseq, t->rseq_len, 0, t->rseq_sig, 0, 0));
	if (t->robust_list)
		must(p, BLOB_ROBUST, i, t->robust_list,
		     call(set_robust_list, t->robust_list, 24, 0, 0, 0, 0));
	must(p, BLOB_TID_ADDRESS, i, t->clear_child_tid,
	     call(set_tid_address, t->clear_child_tid, 0, 0, 0, 0, 0));
	if (!ss.size)
		ss.flags = SS_DISABLE;
	must(p, BLOB_ALTSTACK, i, ss.sp, call(sigaltstack, &ss, 0, 0, 0, 0, 0));
	must(p, BLOB_NAME, i, 0, call(prctl, PR_SET_NAME, t->comm, 0, 0, 0, 0));
	if (t->policy)
		must(p, BLOB_MEMPOLICY, i, 0,
		     call(set_mempolicy, p->policies[t->policy - 1].mode,
			  p->policies[t->policy - 1].nodes, CKPT_MAX_NODES + 1, 0, 0, 0));
	queue_signals(p, t, 0);
	thread_prctl(p, t);
	if (!i)
		finish_process(p);
	become(p, t);
	if (!i)
		must(p, BLOB_DUMPABLE, 0, 0,
		     call(prctl, PR_SET_DUMPABLE, p->dumpable, 0, 0, 0, 0));
	if (t->no_new_privs)
		must(p, BLOB_NNP, i, 0, call(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0));
	/* Until here the leader dies with the orchestrator's thread; from here the engine sees to it. */
	must(p, BLOB_PDEATHSIG, i, 0, call(prctl, PR_SET_PDEATHSIG, t->pdeath_signal, 0, 0, 0, 0));
	dispatch_prctl(p, t);
	park(p, t);
}

/*
 * A thread that has ended is gone for everybody who asks a moment before its
 * number is free (release_task() in kernel/exit.c); under load that can last.
 */
static long clone_thread(struct clone_args *args, struct blob_plan *p, struct blob_thread *t)
{
	struct { long sec, nsec; } nap = { 0, 1000000 };
	long ret;

	for (int i = 0; i < 200; i++) {
		ret = arch_clone_thread(args, thread_main, p, t);
		if (ret != -EEXIST)
			break;
		call(nanosleep, &nap, 0, 0, 0, 0, 0);
	}
	return ret;
}

static void make_thread(struct blob_plan *p, struct blob_thread *t)
{
	unsigned long stack = p->stacks + (t->index - 1) * BLOB_STACK;
	__s32 tid = t->tid;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			 CLONE_SYSVSEM,
		.stack = stack, .stack_size = BLOB_STACK,
		.set_tid = (unsigned long)&tid, .set_tid_size = 1,
	};

	if (stack < p->base || stack + BLOB_STACK > p->base + p->len)
		fail(p, BLOB_CLONE, t->index, stack, -EINVAL);
	t->park_fd = -1;
	/* Each closes its own as it parks, so that none is left behind. */
	if (p->park_fd >= 0) {
		t->park_fd = (__s32)must(p, BLOB_DUP, t->index, 0,
					 call(fcntl, p->park_fd, F_DUPFD, p->keep_from, 0, 0, 0));
	}
	clone_prctl(p, t);
	must(p, BLOB_CLONE, t->index, 0, clone_thread(&args, p, t));
}

void restorer_entry(struct blob_plan *p);

void __attribute__((section(".text.entry"))) restorer_entry(struct blob_plan *p)
{
	unsigned long end = p->base + p->len;

	at(p, BLOB_START, 0, 0);
	if (p->magic != BLOB_MAGIC || !p->nthreads || p->nthreads > CKPT_MAX_THREADS ||
	    p->nvmas > CKPT_MAX_VMAS || end < p->base || end > p->limit ||
	    (unsigned long)(p->vmas + p->nvmas) > end ||
	    (unsigned long)(p->threads + p->nthreads) > end)
		fail(p, BLOB_START, 0, 0, -EINVAL);
	rebuild_memory(p);
	wait_filled(p);
	set_late_exe(p);
	close_ours(p);
	finish_memory(p);
	rebuild_process(p);
	for (unsigned int i = 1; i < p->nthreads; i++)
		make_thread(p, &p->threads[i]);
	p->threads[0].park_fd = p->park_fd;
	thread_main(p, &p->threads[0]);
}
