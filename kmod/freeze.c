// SPDX-License-Identifier: GPL-2.0
/* FREEZE, THAW and LIST. */
#include "kmod.h"

#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat/gup.h"

#define MAX_TIMEOUT_MS	60000u
/* A job control stop tells us nothing: so often the wait looks for it. */
#define SLICE		(HZ / 50 ?: 1)

/*
 * The live threads of the process, with references; 0: all of it exits. More
 * than n of them are an error the caller tries again.
 */
static int collect(struct task_struct *leader, struct task_struct **tasks, unsigned int n)
{
	struct task_struct *p;
	unsigned int i = 0;
	bool more = false;

	rcu_read_lock();
	for_each_thread(leader, p) {
		if (p->flags & PF_EXITING)
			continue;
		if (i == n) {
			more = true;
			break;
		}
		tasks[i++] = get_task_struct(p);
	}
	rcu_read_unlock();
	if (!more)
		return i;
	while (i--)
		put_task_struct(tasks[i]);
	return -EAGAIN;
}

/* 1: newly queued, 0: known already, or gone, or only checked. */
static int add_thread(struct file *file, struct ckpt_target *tg, struct task_struct *task,
		      u32 flags)
{
	struct ckpt_session *s = tg->session;
	struct ckpt_thread *t;
	bool known, rearmed = false;
	int err;

	if (ckpt_task_is_worker(task))
		return -EOPNOTSUPP;
	if (task->ptrace && task_is_traced(task))
		return -EBUSY;
	if (!ckpt_may_attach(file, task))
		return -EPERM;
	if (flags & CKPTBPF_FREEZE_CHECK)
		return 0;

	spin_lock(&s->lock);
	t = ckpt_thread_lookup(s, task);
	known = t;
	if (t && t->released && !s->closed) {
		ckpt_thread_rearm(t, tg);
		rearmed = true;
	}
	spin_unlock(&s->lock);
	if (known)
		return rearmed;

	t = ckpt_thread_create(tg, task);
	if (!t)
		return -ENOMEM;
	if (flags & CKPTBPF_FREEZE_OWN)
		t->flags = CKPTBPF_TF_SELF;
	err = ckpt_thread_queue(t);
	if (err == -ESRCH)
		return 0;
	return err ?: 1;
}

/* Queue every thread that is not yet. The number of new ones, or -errno. */
static int freeze_round(struct file *file, struct ckpt_target *tg, struct ckptbpf_freeze *a)
{
	struct task_struct *leader, **tasks = NULL;
	int i, n, ret = 0, added = 0;

	/* Anew each round: execve() of another thread makes that the leader. */
	leader = get_pid_task(tg->pid, PIDTYPE_TGID);
	if (!leader)
		return -ESRCH;
	if ((leader->flags & PF_KTHREAD) || same_thread_group(leader, current) ||
	    tg->pid == tg->session->opener) {
		put_task_struct(leader);
		return -EINVAL;
	}

	do {
		unsigned int room = get_nr_threads(leader) + 16;

		kvfree(tasks);
		tasks = kvmalloc_array(room, sizeof(*tasks), GFP_KERNEL_ACCOUNT);
		n = tasks ? collect(leader, tasks, room) : -ENOMEM;
	} while (n == -EAGAIN && !fatal_signal_pending(current));
	put_task_struct(leader);
	if (n <= 0) {
		kvfree(tasks);
		return n ?: -ESRCH;
	}

	a->nthreads = n;
	for (i = 0; i < n; i++) {
		if (ret >= 0)
			ret = add_thread(file, tg, tasks[i], a->flags);
		if (ret < 0 && !a->stuck_tid)
			a->stuck_tid = task_pid_vnr(tasks[i]);
		if (ret > 0)
			added++;
		put_task_struct(tasks[i]);
		cond_resched();
	}
	kvfree(tasks);
	return ret < 0 ? ret : added;
}

/* Count the target's threads; a stopped one cannot reach user mode before it parks. */
static void count(struct ckpt_target *tg, struct ckptbpf_freeze *a)
{
	struct ckpt_session *s = tg->session;
	struct ckpt_thread *t;
	unsigned int i;

	a->nparked = 0;
	a->nstuck = 0;
	a->stuck_tid = 0;
	spin_lock(&s->lock);
	hash_for_each(s->threads, i, t, node) {
		if (t->target != tg || t->released)
			continue;
		if (t->state == CKPTBPF_ST_PARKED ||
		    (t->state == CKPTBPF_ST_QUEUED && task_is_stopped(t->task))) {
			a->nparked++;
		} else if (t->state == CKPTBPF_ST_QUEUED) {
			a->nstuck++;
			a->stuck_tid = task_pid_vnr(t->task);
		}
	}
	spin_unlock(&s->lock);
}

static int wait_settled(struct ckpt_target *tg, struct ckptbpf_freeze *a, unsigned long deadline)
{
	struct ckpt_session *s = tg->session;

	for (;;) {
		long left = (long)(deadline - jiffies);
		long ret;

		ret = wait_event_killable_timeout(s->waitq, !READ_ONCE(tg->nqueued) ||
						  READ_ONCE(s->closed),
						  clamp(left, 1L, (long)SLICE));
		if (ret < 0)
			return -EINTR;
		if (READ_ONCE(s->closed))
			return -ESHUTDOWN;
		if (READ_ONCE(s->expired))
			return -ETIME;
		if (!READ_ONCE(tg->nqueued))
			return 0;
		count(tg, a);
		if (!a->nstuck)
			return 0;
		if (left <= 0)
			return -ETIMEDOUT;
	}
}

/* Parked says it goes to sleep; only off its CPU its registers are in memory. */
static void wait_off_cpus(struct ckpt_target *tg)
{
	struct ckpt_session *s = tg->session;
	struct ckpt_thread *t;
	unsigned int i;
	bool busy;

	do {
		busy = false;
		spin_lock(&s->lock);
		hash_for_each(s->threads, i, t, node)
			if (t->target == tg && t->state == CKPTBPF_ST_PARKED &&
			    smp_load_acquire(&t->task->on_cpu))
				busy = true;
		spin_unlock(&s->lock);
		/* Not under the lock: who is killed in between needs it. */
		cond_resched();
	} while (busy && !fatal_signal_pending(current));
}

/* What parked itself is no part of a FREEZE: it stays, and stays ours. */
static void undo(struct ckpt_session *s, struct pid *pid)
{
	struct ckpt_thread *t;
	unsigned int i;
	bool self = false;

	ckpt_release(s, pid, false);
	spin_lock(&s->lock);
	hash_for_each(s->threads, i, t, node)
		if (t->target->pid == pid && !t->released)
			self = true;
	spin_unlock(&s->lock);
	if (!self)
		ckpt_target_unclaim(s, pid);
}

long ckpt_do_freeze(struct file *file, void *arg)
{
	struct ckpt_session *s = file->private_data;
	struct ckptbpf_freeze *a = arg;
	unsigned long deadline;
	struct ckpt_target *tg;
	u64 start = ktime_get_ns();
	struct pid *pid;
	int err, added;

	if ((a->flags & ~(CKPTBPF_FREEZE_CHECK | CKPTBPF_FREEZE_OWN)) || a->tgid <= 0 ||
	    !a->timeout_ms || a->timeout_ms > MAX_TIMEOUT_MS ||
	    a->deadline_ms > MAX_TIMEOUT_MS || a->pad0)
		return -EINVAL;
	if (a->deadline_ms && a->flags)
		return -EINVAL;
	if (READ_ONCE(s->expired))
		return -ETIME;
	a->nthreads = a->nparked = a->nstuck = 0;
	a->stuck_tid = 0;
	deadline = jiffies + msecs_to_jiffies(a->timeout_ms);

	pid = find_get_pid(a->tgid);
	if (!pid)
		return -ESRCH;
	tg = ckpt_target_claim(s, pid);
	if (IS_ERR(tg)) {
		put_pid(pid);
		return PTR_ERR(tg);
	}

	if (a->deadline_ms)
		ckpt_set_deadline(s, a->deadline_ms);

	/*
	 * Parked threads make no new ones: a round that adds none, after all
	 * before it parked, ends it. It also sees who changed his credentials
	 * by an execve() while the work was queued.
	 */
	do {
		added = freeze_round(file, tg, a);
		err = added < 0 ? added : wait_settled(tg, a, deadline);
		if (!err && added && time_after(jiffies, deadline))
			err = -ETIMEDOUT;
	} while (!err && added);

	if (!err && (a->flags & CKPTBPF_FREEZE_OWN))
		err = ckpt_target_own(tg);
	if (!err && !(a->flags & CKPTBPF_FREEZE_CHECK)) {
		wait_off_cpus(tg);
		count(tg, a);
	} else if (err && err != -ETIMEDOUT) {
		undo(s, pid);
	}
	a->ns = ktime_get_ns() - start;
	ckpt_target_put(tg);
	put_pid(pid);
	return err;
}

long ckpt_do_thaw(struct file *file, void *arg)
{
	struct ckpt_session *s = file->private_data;
	struct ckptbpf_thaw *a = arg;
	struct pid *pid = NULL;
	bool expired;

	if (a->flags || a->pad0 || a->tgid < 0)
		return -EINVAL;
	if (a->tgid) {
		pid = find_get_pid(a->tgid);
		if (!pid)
			return -ESRCH;
	}
	ckpt_release(s, pid, true);
	ckpt_target_unclaim(s, pid);
	put_pid(pid);

	spin_lock(&s->lock);
	expired = s->expired;
	/* The deadline is for the whole stop: it ends with the last one. */
	if (!a->tgid || !s->nthreads) {
		s->deadline = 0;
		s->expired = false;
	}
	spin_unlock(&s->lock);
	return expired ? -ETIME : 0;
}

static void describe(struct ckptbpf_thread *out, struct ckpt_thread *t)
{
	out->tid = task_pid_vnr(t->task) ?: pid_vnr(t->pid);
	out->tgid = pid_vnr(t->target->pid);
	out->state = t->state;
	out->flags = t->flags;
	if (task_is_stopped(t->task))
		out->flags |= CKPTBPF_TF_STOPPED;
	if (t->task->ptrace)
		out->flags |= CKPTBPF_TF_PTRACED;
}

long ckpt_do_list(struct file *file, void *arg)
{
	struct ckpt_session *s = file->private_data;
	struct ckptbpf_list *a = arg;
	struct ckptbpf_thread *out = NULL;
	struct ckpt_thread *t;
	unsigned int room, i, n = 0, total = 0;
	long err = 0;

	if (a->flags || a->pad0)
		return -EINVAL;
	room = min(a->n, READ_ONCE(s->nthreads));
	if (room) {
		out = kvcalloc(room, sizeof(*out), GFP_KERNEL_ACCOUNT);
		if (!out)
			return -ENOMEM;
	}
	spin_lock(&s->lock);
	hash_for_each(s->threads, i, t, node) {
		if (t->released)
			continue;
		total++;
		if (n < room)
			describe(&out[n++], t);
	}
	spin_unlock(&s->lock);
	if (n && copy_to_user(u64_to_user_ptr(a->buf), out, n * sizeof(*out)))
		err = -EFAULT;
	kvfree(out);
	a->n = total;
	return err;
}
