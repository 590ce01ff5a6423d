// SPDX-License-Identifier: GPL-2.0
/*
 * SNAPSHOT and REAP: a copy-on-write clone of a process's memory, to be read
 * after the process has gone on. It is a child made in the context of a parked
 * thread, but one whose whole life is clone_main(): it has no registers for
 * user mode, and its end is always SIGKILL.
 *
 * The parent must not notice it. exit_signal 0 keeps it out of wait() but for
 * __WALL; a task work on the parent takes the zombie away, with all that its
 * time and memory would have added to the parent's accounts.
 *
 * A record has two references: the session's list, and its own task's, which
 * goes with the task work to the parent.
 */
#include "kmod.h"

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/oom.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <uapi/linux/sched.h>
#include <uapi/linux/wait.h>

#define MAX_TIMEOUT_MS	60000u

struct ckpt_clone {
	struct kref ref;
	struct list_head node;		/* in session->clones, or empty */
	struct pid *parent;		/* the process it is a copy of */
	struct pid *pid;		/* NULL: not made */
	struct task_struct *task;	/* set by itself as it ends */
	wait_queue_head_t wq;		/* it sleeps here */
	bool released;
	unsigned long addr, len;	/* to be unmapped there; len 0: nothing */
	long ret;
	struct callback_head reap;
	struct completion reaped;
};

static void clone_free(struct kref *ref)
{
	struct ckpt_clone *c = container_of(ref, struct ckpt_clone, ref);

	if (c->task)
		put_task_struct(c->task);
	put_pid(c->pid);
	put_pid(c->parent);
	kfree(c);
	module_put(THIS_MODULE);
}

void ckpt_clone_put(struct ckpt_clone *c)
{
	kref_put(&c->ref, clone_free);
}

/*
 * The parent is charged for its dead children, and wants none of this one. It
 * is a zombie of one thread, off its CPU: nobody else writes here.
 */
static void forget_usage(struct task_struct *p)
{
	struct signal_struct *sig = p->signal;

	p->utime = 0;
	p->stime = 0;
	p->gtime = 0;
	p->se.sum_exec_runtime = 0;
	p->min_flt = 0;
	p->maj_flt = 0;
	p->nvcsw = 0;
	p->nivcsw = 0;
	memset(&p->ioac, 0, sizeof(p->ioac));
	sig->maxrss = 0;
	sig->prev_cputime.utime = 0;
	sig->prev_cputime.stime = 0;
}

/*
 * Hand the caller's reference to a thread of the parent, which will do the
 * rest; once that process is gone, he who inherited the child reaps it.
 */
static void queue_reap(struct ckpt_clone *c)
{
	struct task_struct *parent, *p;
	int err = -ESRCH;

	rcu_read_lock();
	parent = rcu_dereference(c->task->real_parent);
	if (task_tgid(parent) == c->parent) {
		for_each_thread(parent, p) {
			if (p->flags & PF_EXITING)
				continue;
			err = ckpt_task_work_add(p, &c->reap, TWA_SIGNAL);
			if (!err)
				break;
		}
	}
	rcu_read_unlock();
	if (err) {
		complete_all(&c->reaped);
		ckpt_clone_put(c);
	}
}

static void reap(struct callback_head *work)
{
	struct ckpt_clone *c = container_of(work, struct ckpt_clone, reap);
	struct task_struct *p = c->task;
	pid_t nr;

	if (current->flags & PF_EXITING) {
		queue_reap(c);
		return;
	}
	ckpt_fix_interrupted();
	/* It has given its memory back before it queued this: what is left is short. */
	while ((!READ_ONCE(p->exit_state) || smp_load_acquire(&p->on_cpu)) &&
	       !fatal_signal_pending(current))
		usleep_range(20, 50);
	nr = task_pid_vnr(p);
	if (READ_ONCE(p->exit_state) && nr > 0) {
		forget_usage(p);
		ckpt_kernel_wait4(nr, NULL, __WALL | WNOHANG, NULL);
	}
	complete_all(&c->reaped);
	ckpt_clone_put(c);
}

static int clone_main(void *arg)
{
	struct ckpt_clone *c = arg;

	/* Or pipes of a parent that ends would not. */
	ckpt_drop_files();
	while (!wait_event_state(c->wq, READ_ONCE(c->released) || smp_load_acquire(&c->len),
				 CKPT_PARK_STATE) && !READ_ONCE(c->released)) {
		c->ret = vm_munmap(c->addr, c->len);
		smp_store_release(&c->len, 0);
		wake_up(&c->wq);
	}

	WRITE_ONCE(c->task, get_task_struct(current));
	wake_up(&c->wq);
	set_user_nice(current, MIN_NICE);
	/* While it is not yet dying: its parent will wait for that. */
	vm_munmap(0, TASK_SIZE);
	send_sig(SIGKILL, current, 1);
	queue_reap(c);
	return 0;	/* into the signal */
}

/*
 * In the context of the thread to be cloned; takes the caller's reference. No
 * signal is delivered while it is parked, but a pending one would make the
 * kernel refuse. UNTRACED: its tracer would stop both.
 */
long ckpt_clone_make(struct ckpt_clone *c)
{
	struct kernel_clone_args args = {
		.flags = CLONE_FS | CLONE_FILES | CLONE_UNTRACED,
		.fn = clone_main,
		.fn_arg = c,
	};
	struct task_struct *task;
	sigset_t most, old;
	pid_t nr;

	siginitsetinv(&most, sigmask(SIGKILL) | sigmask(SIGSTOP));
	sigprocmask(SIG_SETMASK, &most, &old);
	nr = ckpt_kernel_clone(&args);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (nr < 0) {
		ckpt_clone_put(c);
		return nr == -ERESTARTNOINTR ? -EAGAIN : nr;
	}

	/* Only the parent could reap it, and is here. */
	c->pid = find_get_pid(nr);
	task = get_pid_task(c->pid, PIDTYPE_PID);
	if (task) {
		/* Where memory gets short the copy goes first. */
		task->signal->oom_score_adj = OOM_SCORE_ADJ_MAX;
		put_task_struct(task);
	}
	return 0;
}

static struct ckpt_clone *clone_create(struct ckpt_thread *t)
{
	struct ckpt_clone *c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);

	if (!c)
		return NULL;
	kref_init(&c->ref);
	INIT_LIST_HEAD(&c->node);
	c->parent = get_pid(t->target->pid);
	init_waitqueue_head(&c->wq);
	init_task_work(&c->reap, reap);
	init_completion(&c->reaped);
	__module_get(THIS_MODULE);
	return c;
}

/* It ends by itself from now on. The caller has a reference besides the list's. */
static void release_clone(struct ckpt_session *s, struct ckpt_clone *c)
{
	bool listed;

	spin_lock(&s->lock);
	listed = !list_empty(&c->node);
	list_del_init(&c->node);
	spin_unlock(&s->lock);
	WRITE_ONCE(c->released, true);
	wake_up(&c->wq);
	if (listed)
		ckpt_clone_put(c);
}

void ckpt_clones_end(struct ckpt_session *s)
{
	struct ckpt_clone *c;

	do {
		spin_lock(&s->lock);
		c = list_first_entry_or_null(&s->clones, struct ckpt_clone, node);
		if (c)
			kref_get(&c->ref);
		spin_unlock(&s->lock);
		if (c) {
			release_clone(s, c);
			ckpt_clone_put(c);
		}
	} while (c);
}

long ckpt_do_snapshot(struct file *file, void *arg)
{
	struct ckpt_session *s = file->private_data;
	struct ckptbpf_snapshot *a = arg;
	struct ckpt_cmd cmd = { .op = CKPT_OP_CLONE };
	u64 start = ktime_get_ns();
	struct ckpt_thread *t;
	struct ckpt_clone *c;
	long err = 0;

	if (a->flags)
		return -EINVAL;
	a->child = 0;
	if (!ckpt_can_clone())
		return -EOPNOTSUPP;
	t = ckpt_get_parked(file, a->tid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	c = clone_create(t);
	if (!c) {
		ckpt_thread_put(t);
		return -ENOMEM;
	}

	spin_lock(&s->lock);
	if (s->closed) {
		err = -ESHUTDOWN;
	} else {
		list_add(&c->node, &s->clones);
		kref_get(&c->ref);
	}
	spin_unlock(&s->lock);
	if (err)
		goto out;

	kref_get(&c->ref);
	cmd.clone = c;
	err = ckpt_run_in_context(t, &cmd);
	if (!err)
		err = cmd.ret;
	if (err) {
		/* If it is made later, or now, it ends at once. */
		release_clone(s, c);
	} else {
		a->child = pid_vnr(c->pid);
	}
out:
	ckpt_clone_put(c);
	ckpt_thread_put(t);
	a->ns = ktime_get_ns() - start;
	return err;
}

/* The clone of the session with this number, and a reference; NULL: none. */
static struct ckpt_clone *get_clone(struct ckpt_session *s, pid_t nr)
{
	struct pid *pid = find_get_pid(nr);
	struct ckpt_clone *c, *found = NULL;

	spin_lock(&s->lock);
	list_for_each_entry(c, &s->clones, node) {
		if (pid && c->pid == pid) {
			kref_get(&c->ref);
			found = c;
			break;
		}
	}
	spin_unlock(&s->lock);
	put_pid(pid);
	return found;
}

/* The memory of a clone, for PAGES; NULL: no clone of the session. */
struct mm_struct *ckpt_clone_mm(struct file *file, pid_t nr)
{
	struct ckpt_clone *c = get_clone(file->private_data, nr);
	struct mm_struct *mm = ERR_PTR(-ESRCH);
	struct task_struct *task;

	if (!c)
		return NULL;
	task = get_pid_task(c->pid, PIDTYPE_PID);
	if (task && !ckpt_may_attach(file, task))
		mm = ERR_PTR(-EPERM);
	else if (task)
		mm = get_task_mm(task) ?: ERR_PTR(-ESRCH);
	if (task)
		put_task_struct(task);
	ckpt_clone_put(c);
	return mm;
}

/*
 * What was read is given back: the program's writes there cost no copy any
 * more. -ENOENT: no clone of the session.
 */
long ckpt_clone_munmap(struct ckpt_session *s, struct ckptbpf_mem_ctx *a)
{
	struct ckpt_clone *c = get_clone(s, a->tid);
	long err = 0;

	if (!c)
		return -ENOENT;
	if (!a->len) {
		err = -EINVAL;
	} else if (c->len) {
		err = -EBUSY;	/* one whose caller was killed */
	} else {
		c->addr = a->addr;
		smp_store_release(&c->len, a->len);
		wake_up(&c->wq);
		if (wait_event_killable(c->wq, !smp_load_acquire(&c->len) || READ_ONCE(c->task)))
			err = -EINTR;
		else if (c->len)
			err = -ESRCH;
		else
			a->ret = c->ret;
	}
	ckpt_clone_put(c);
	return err;
}

long ckpt_do_reap(struct file *file, void *arg)
{
	struct ckpt_session *s = file->private_data;
	struct ckptbpf_reap *a = arg;
	struct ckpt_clone *c;
	long ret;

	if (a->flags || !a->timeout_ms || a->timeout_ms > MAX_TIMEOUT_MS)
		return -EINVAL;
	c = get_clone(s, a->child);
	if (!c)
		return -ESRCH;
	release_clone(s, c);
	ret = wait_for_completion_killable_timeout(&c->reaped, msecs_to_jiffies(a->timeout_ms));
	ckpt_clone_put(c);
	if (ret < 0)
		return -EINTR;
	return ret ? 0 : -ETIMEDOUT;
}
