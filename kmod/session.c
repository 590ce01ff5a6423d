// SPDX-License-Identifier: GPL-2.0
/* Lifetime of sessions, targets and thread records. */
#include "kmod.h"

#include <linux/fdtable.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

/* Targets claimed by any session; claimed_lock is taken before session->lock. */
static LIST_HEAD(claimed);
static DEFINE_SPINLOCK(claimed_lock);

/* The stop was to end by now: it does, whoever is still at work on it. */
static void expire(struct work_struct *work)
{
	struct ckpt_session *s = container_of(to_delayed_work(work), struct ckpt_session, expiry);
	bool due;

	spin_lock(&s->lock);
	due = s->deadline && time_after_eq(jiffies, s->deadline);
	if (due) {
		s->deadline = 0;
		WRITE_ONCE(s->expired, true);
	}
	spin_unlock(&s->lock);
	if (due)
		ckpt_release(s, NULL, false);
}

/* ms from now on; 0: none. */
void ckpt_set_deadline(struct ckpt_session *s, u32 ms)
{
	spin_lock(&s->lock);
	if (ms && !s->closed) {
		s->deadline = (jiffies + msecs_to_jiffies(ms)) ?: 1;
		mod_delayed_work(system_highpri_wq, &s->expiry, msecs_to_jiffies(ms));
	} else {
		s->deadline = 0;
	}
	spin_unlock(&s->lock);
}

struct ckpt_session *ckpt_session_create(void)
{
	struct ckpt_session *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (!s)
		return NULL;
	kref_init(&s->ref);
	mutex_init(&s->cmd_lock);
	spin_lock_init(&s->lock);
	init_waitqueue_head(&s->waitq);
	hash_init(s->threads);
	INIT_LIST_HEAD(&s->clones);
	INIT_DELAYED_WORK(&s->expiry, expire);
	s->opener = get_pid(task_tgid(current));
	s->owner = current->files;
	return s;
}

static void session_free(struct kref *ref)
{
	struct ckpt_session *s = container_of(ref, struct ckpt_session, ref);

	put_pid(s->opener);
	kfree(s);
}

void ckpt_session_put(struct ckpt_session *s)
{
	kref_put(&s->ref, session_free);
}

static void target_free(struct kref *ref)
{
	struct ckpt_target *tg = container_of(ref, struct ckpt_target, ref);

	put_pid(tg->pid);
	ckpt_session_put(tg->session);
	kfree(tg);
}

void ckpt_target_put(struct ckpt_target *tg)
{
	kref_put(&tg->ref, target_free);
}

/*
 * The session's target for the process pid, with a reference for the caller;
 * the claim stays until ckpt_target_unclaim(). -EBUSY: another session's.
 */
struct ckpt_target *ckpt_target_claim(struct ckpt_session *s, struct pid *pid)
{
	struct ckpt_target *tg, *new;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return ERR_PTR(-ENOMEM);
	kref_init(&new->ref);

	spin_lock(&claimed_lock);
	list_for_each_entry(tg, &claimed, node) {
		if (tg->pid != pid)
			continue;
		if (tg->session == s)
			kref_get(&tg->ref);
		else
			tg = ERR_PTR(-EBUSY);
		goto out;
	}
	tg = NULL;
	/* Checked under this lock, so that the end of the session finds what it has to unclaim. */
	if (READ_ONCE(s->closed)) {
		tg = ERR_PTR(-ESHUTDOWN);
		goto out;
	}
	new->pid = get_pid(pid);
	new->session = s;
	kref_get(&s->ref);
	kref_get(&new->ref);
	list_add(&new->node, &claimed);
	swap(tg, new);
out:
	spin_unlock(&claimed_lock);
	kfree(new);
	return tg;
}

/* From now on, until it is unclaimed, it dies with its session. */
int ckpt_target_own(struct ckpt_target *tg)
{
	int err = 0;

	spin_lock(&claimed_lock);
	if (READ_ONCE(tg->session->closed))
		err = -ESHUTDOWN;
	else
		tg->own = true;
	spin_unlock(&claimed_lock);
	return err;
}

/* pid: NULL for all of the session. */
void ckpt_target_unclaim(struct ckpt_session *s, struct pid *pid)
{
	struct ckpt_target *tg, *next;
	LIST_HEAD(gone);

	spin_lock(&claimed_lock);
	list_for_each_entry_safe(tg, next, &claimed, node)
		if (tg->session == s && (!pid || tg->pid == pid))
			list_move(&tg->node, &gone);
	spin_unlock(&claimed_lock);

	list_for_each_entry_safe(tg, next, &gone, node) {
		list_del_init(&tg->node);
		ckpt_target_put(tg);
	}
}

/* Not yet in the session's table and not yet queued; one reference. */
struct ckpt_thread *ckpt_thread_create(struct ckpt_target *tg, struct task_struct *task)
{
	struct ckpt_thread *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);

	if (!t)
		return NULL;
	kref_init(&t->ref);
	init_task_work(&t->work, ckpt_park);
	INIT_HLIST_NODE(&t->node);
	init_waitqueue_head(&t->wq);
	mutex_init(&t->regs_lock);
	t->task = get_task_struct(task);
	t->pid = get_task_pid(task, PIDTYPE_PID);
	t->close_fd = -1;
	t->target = tg;
	kref_get(&tg->ref);
	t->session = tg->session;
	kref_get(&t->session->ref);
	__module_get(THIS_MODULE);
	return t;
}

static void thread_free(struct kref *ref)
{
	struct ckpt_thread *t = container_of(ref, struct ckpt_thread, ref);

	put_pid(t->pid);
	put_task_struct(t->task);
	ckpt_target_put(t->target);
	ckpt_session_put(t->session);
	kfree(t);
	module_put(THIS_MODULE);
}

void ckpt_thread_put(struct ckpt_thread *t)
{
	kref_put(&t->ref, thread_free);
}

struct ckpt_thread *ckpt_thread_lookup(struct ckpt_session *s, struct task_struct *task)
{
	struct ckpt_thread *t;

	lockdep_assert_held(&s->lock);
	hash_for_each_possible(s->threads, t, node, (unsigned long)task)
		if (t->task == task)
			return t;
	return NULL;
}

/*
 * Enter it in the session and queue its work; the caller's reference becomes
 * the table's. On failure (-ESHUTDOWN; -ESRCH: it exits) nothing is left.
 */
int ckpt_thread_queue(struct ckpt_thread *t)
{
	struct ckpt_session *s = t->session;
	int err;

	spin_lock(&s->lock);
	if (s->closed) {
		spin_unlock(&s->lock);
		ckpt_thread_put(t);
		return -ESHUTDOWN;
	}
	hash_add(s->threads, &t->node, (unsigned long)t->task);
	s->nthreads++;
	t->target->nqueued++;
	kref_get(&t->ref);
	spin_unlock(&s->lock);

	/* SIGNAL, for oneself too: only behind it the kernel looks at restarts of system calls. */
	err = ckpt_task_work_add(t->task, &t->work, TWA_SIGNAL);
	if (!err)
		return 0;

	/* The end of the session may have released it meanwhile. */
	spin_lock(&s->lock);
	if (!t->released) {
		s->nthreads--;
		t->target->nqueued--;
	}
	hash_del(&t->node);
	spin_unlock(&s->lock);
	ckpt_thread_put(t);
	ckpt_thread_put(t);
	return err;
}

/* The record leaves QUEUED or PARKED; called by its own thread. */
void ckpt_thread_settle(struct ckpt_thread *t, u32 state)
{
	struct ckpt_session *s = t->session;

	lockdep_assert_held(&s->lock);
	if (t->state == CKPTBPF_ST_QUEUED && !--t->target->nqueued)
		wake_up(&s->waitq);
	if (state == CKPTBPF_ST_DEAD) {
		s->ndead++;
		wake_up(&s->waitq);
	}
	WRITE_ONCE(t->state, state);
}

/* A thawed record whose work has not run yet serves again. */
void ckpt_thread_rearm(struct ckpt_thread *t, struct ckpt_target *tg)
{
	struct ckpt_session *s = t->session;

	lockdep_assert_held(&s->lock);
	kref_get(&tg->ref);
	swap(t->target, tg);
	ckpt_target_put(tg);
	t->released = false;
	t->target->nqueued++;
	s->nthreads++;
}

static void release_one(struct ckpt_thread *t)
{
	struct ckpt_session *s = t->session;

	lockdep_assert_held(&s->lock);
	if (t->released)
		return;
	s->nthreads--;
	WRITE_ONCE(t->released, true);
	switch (t->state) {
	case CKPTBPF_ST_QUEUED:
		/* Its work takes it out of the table. */
		t->target->nqueued--;
		return;
	case CKPTBPF_ST_PARKED:
		wake_up(&t->wq);
		break;
	case CKPTBPF_ST_DEAD:
		s->ndead--;
		break;
	}
	hash_del(&t->node);
	ckpt_thread_put(t);
}

/*
 * Let go the threads of a process, or all (NULL). The caller has a reference
 * to the session: the last one may not go here, under its lock.
 */
void ckpt_release(struct ckpt_session *s, struct pid *tgid, bool self_too)
{
	struct ckpt_thread *t;
	struct hlist_node *next;
	unsigned int i;

	spin_lock(&s->lock);
	hash_for_each_safe(s->threads, i, next, t, node) {
		if (tgid && t->target->pid != tgid)
			continue;
		if ((t->flags & CKPTBPF_TF_SELF) && !self_too)
			continue;
		release_one(t);
	}
	spin_unlock(&s->lock);
	wake_up(&s->waitq);
}

/*
 * The opener is gone: what it froze runs on; what parked itself is half made
 * and dies before it runs one more instruction.
 */
void ckpt_session_end(struct ckpt_session *s)
{
	struct ckpt_target *tg;
	struct ckpt_thread *t;
	unsigned int i;

	spin_lock(&claimed_lock);
	WRITE_ONCE(s->closed, true);
	list_for_each_entry(tg, &claimed, node)
		if (tg->session == s && tg->own)
			kill_pid(tg->pid, SIGKILL, 1);
	spin_unlock(&claimed_lock);

	/* Nobody arms it again: that is done under the lock, if not closed. */
	ckpt_set_deadline(s, 0);
	cancel_delayed_work_sync(&s->expiry);
	ckpt_clones_end(s);

	spin_lock(&s->lock);
	hash_for_each(s->threads, i, t, node)
		if ((t->flags & CKPTBPF_TF_SELF) && t->state != CKPTBPF_ST_DEAD && !t->released)
			send_sig(SIGKILL, t->task, 1);
	spin_unlock(&s->lock);

	ckpt_release(s, NULL, true);
	ckpt_target_unclaim(s, NULL);
}
