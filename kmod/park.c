// SPDX-License-Identifier: GPL-2.0
/*
 * Where a thread waits: in a task work, which the kernel runs on the way to
 * user mode, in get_signal(), before it looks at signals and at the restart
 * of the interrupted call. So the registers are those of a signal stop, and
 * no signal, no tracer and no parent takes part.
 */
#include "kmod.h"

#include <linux/fdtable.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/signal.h>
#include <linux/slab.h>

#include <kmod_arch.h>

/* A call that only we have interrupted is entered again. */
void ckpt_fix_interrupted(void)
{
	struct pt_regs *regs = task_pt_regs(current);

	if (!ckpt_arch_in_syscall(regs))
		ckpt_arch_fix_eintr(regs);
}

static void run_cmd(struct ckpt_thread *t)
{
	struct ckpt_session *s = t->session;
	struct ckpt_clone *c = t->cmd.clone;
	long ret;

	t->cmd.clone = NULL;
	if (t->cmd.op == CKPT_OP_CLONE)
		ret = ckpt_clone_make(c);
	else
		ret = vm_munmap(t->cmd.addr, t->cmd.len);

	spin_lock(&s->lock);
	t->cmd.ret = ret;
	WRITE_ONCE(t->cmd.op, 0);
	spin_unlock(&s->lock);
	wake_up(&s->waitq);
}

/* QUEUED to PARKED. False: it was thawed before it came here, or it exits. */
static bool enter(struct ckpt_thread *t)
{
	struct ckpt_session *s = t->session;
	bool exiting = current->flags & PF_EXITING;
	bool parked = false;

	if (!exiting && (t->flags & CKPTBPF_TF_SELF)) {
		if (t->close_fd >= 0)
			close_fd(t->close_fd);
	} else if (!exiting) {
		/*
		 * Also when it was thawed before it came here: its call was
		 * interrupted all the same. Nobody looks at the flags of a
		 * QUEUED record but to see TF_SELF.
		 */
		if (ckpt_arch_in_syscall(task_pt_regs(current)))
			WRITE_ONCE(t->flags, t->flags | CKPTBPF_TF_IN_SYSCALL);
		else
			ckpt_fix_interrupted();
	}

	spin_lock(&s->lock);
	if (t->released) {
		hash_del(&t->node);
		spin_unlock(&s->lock);
		ckpt_thread_put(t);
		return false;
	}
	ckpt_thread_settle(t, exiting ? CKPTBPF_ST_DEAD : CKPTBPF_ST_PARKED);
	parked = !exiting;
	spin_unlock(&s->lock);
	return parked;
}

void ckpt_park(struct callback_head *work)
{
	struct ckpt_thread *t = container_of(work, struct ckpt_thread, work);
	struct ckpt_session *s = t->session;
	int killed = 0;

	if (!enter(t))
		goto out;

	for (;;) {
		killed = wait_event_state(t->wq, READ_ONCE(t->released) || READ_ONCE(t->cmd.op),
					  CKPT_PARK_STATE);
		if (killed || READ_ONCE(t->released))
			break;
		run_cmd(t);
	}

	spin_lock(&s->lock);
	if (!t->released)
		ckpt_thread_settle(t, CKPTBPF_ST_DEAD);
	else
		WRITE_ONCE(t->state, CKPTBPF_ST_DEAD);	/* in no table any more */
	spin_unlock(&s->lock);
	wake_up(&s->waitq);	/* a command that was meant for it */
	mutex_lock(&t->regs_lock);
	mutex_unlock(&t->regs_lock);
	if (t->cmd.clone)
		ckpt_clone_put(t->cmd.clone);	/* one that was not made any more */

	if (!killed && READ_ONCE(t->set_mask))
		sigprocmask(SIG_SETMASK, &t->sigmask, NULL);
out:
	ckpt_thread_put(t);
}

static void set_mask(struct ckpt_thread *t, u64 mask)
{
	siginitset(&t->sigmask, 0);
	memcpy(&t->sigmask, &mask, min(sizeof(t->sigmask), sizeof(mask)));
	/* sigprocmask() in the kernel would block these, too. */
	sigdelsetmask(&t->sigmask, sigmask(SIGKILL) | sigmask(SIGSTOP));
	WRITE_ONCE(t->set_mask, true);
}

long ckpt_do_park_self(struct file *file, void *arg)
{
	struct ckpt_session *s = file->private_data;
	struct ckptbpf_park_self *a = arg;
	struct ckpt_target *tg;
	struct ckpt_thread *t;
	bool known;

	if (a->flags || a->pad0 || a->fd < -1)
		return -EINVAL;
	spin_lock(&s->lock);
	known = ckpt_thread_lookup(s, current);
	spin_unlock(&s->lock);
	if (known)
		return -EBUSY;

	tg = ckpt_target_claim(s, task_tgid(current));
	if (IS_ERR(tg))
		return PTR_ERR(tg);
	t = ckpt_thread_create(tg, current);
	ckpt_target_put(tg);
	if (!t)
		return -ENOMEM;
	t->flags = CKPTBPF_TF_SELF;
	t->close_fd = a->fd;
	set_mask(t, a->sigmask);
	return ckpt_thread_queue(t);
}

/* False: it left PARKED (or the job control stop) meanwhile. */
bool ckpt_wait_off_cpu(struct ckpt_thread *t)
{
	while (smp_load_acquire(&t->task->on_cpu)) {
		if (READ_ONCE(t->state) == CKPTBPF_ST_DEAD)
			return false;
		if (fatal_signal_pending(current))
			return false;
		cond_resched();
		cpu_relax();
	}
	return READ_ONCE(t->state) == CKPTBPF_ST_PARKED ||
	       (READ_ONCE(t->state) == CKPTBPF_ST_QUEUED && task_is_stopped(t->task));
}

/*
 * The record of a thread that is parked, or stopped by job control with its
 * parking queued; with a reference. Whether it stays so is for the caller to
 * see, under regs_lock. -ESRCH: not of this session, or it runs; -EPERM: it
 * changed its credentials on the way here.
 */
struct ckpt_thread *ckpt_get_parked(struct file *file, pid_t tid)
{
	struct ckpt_session *s = file->private_data;
	struct ckpt_thread *t = NULL;
	struct task_struct *task;
	struct pid *pid;

	pid = find_get_pid(tid);
	task = pid ? get_pid_task(pid, PIDTYPE_PID) : NULL;
	put_pid(pid);
	if (!task)
		return ERR_PTR(-ESRCH);

	spin_lock(&s->lock);
	t = ckpt_thread_lookup(s, task);
	if (t && !t->released &&
	    (t->state == CKPTBPF_ST_PARKED ||
	     (t->state == CKPTBPF_ST_QUEUED && task_is_stopped(task))))
		kref_get(&t->ref);
	else
		t = NULL;
	spin_unlock(&s->lock);

	if (t && !(t->flags & CKPTBPF_TF_SELF) && !ckpt_may_attach(file, task)) {
		ckpt_thread_put(t);
		t = ERR_PTR(-EPERM);
	}
	put_task_struct(task);
	return t ?: ERR_PTR(-ESRCH);
}

long ckpt_do_sigmask(struct file *file, void *arg)
{
	struct ckptbpf_sigmask *a = arg;
	struct ckpt_session *s = file->private_data;
	struct ckpt_thread *t;
	long err = 0;

	if (a->flags || a->pad0)
		return -EINVAL;
	t = ckpt_get_parked(file, a->tid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	/* Under the lock it has not been let go, so it has yet to read this. */
	spin_lock(&s->lock);
	if (t->released || t->state != CKPTBPF_ST_PARKED)
		err = -ESRCH;
	else
		set_mask(t, a->mask);
	spin_unlock(&s->lock);
	ckpt_thread_put(t);
	return err;
}

/*
 * Let a parked thread do something, and wait for it: 0 and cmd->ret, or why it
 * was not done. What a cmd holds is the thread's from here on.
 */
int ckpt_run_in_context(struct ckpt_thread *t, struct ckpt_cmd *cmd)
{
	struct ckpt_session *s = t->session;
	int err = 0;

	spin_lock(&s->lock);
	if (t->state != CKPTBPF_ST_PARKED || t->released)
		err = -ESRCH;
	else if (t->cmd.op || (t->flags & CKPTBPF_TF_IN_SYSCALL))
		err = -EBUSY;	/* one whose caller was killed; locks of the call */
	if (!err) {
		t->cmd = *cmd;
		wake_up(&t->wq);
	}
	spin_unlock(&s->lock);
	if (err) {
		if (cmd->clone)
			ckpt_clone_put(cmd->clone);
		return err;
	}

	if (wait_event_killable(s->waitq, !READ_ONCE(t->cmd.op) || READ_ONCE(t->released) ||
				READ_ONCE(t->state) != CKPTBPF_ST_PARKED))
		return -EINTR;
	spin_lock(&s->lock);
	if (t->cmd.op)
		err = -ESRCH;	/* it was let go or died before */
	else
		cmd->ret = t->cmd.ret;
	spin_unlock(&s->lock);
	return err;
}

long ckpt_do_mem_ctx(struct file *file, void *arg)
{
	struct ckptbpf_mem_ctx *a = arg;
	struct ckpt_cmd cmd = { .op = CKPT_OP_MUNMAP, .addr = a->addr, .len = a->len };
	struct ckpt_thread *t;
	long err;

	if (a->flags || a->op != CKPTBPF_MEM_MUNMAP)
		return -EINVAL;
	if (a->addr > ULONG_MAX || a->len > ULONG_MAX)
		return -EINVAL;
	err = ckpt_clone_munmap(file->private_data, a);
	if (err != -ENOENT)
		return err;
	t = ckpt_get_parked(file, a->tid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	err = ckpt_run_in_context(t, &cmd);
	if (!err)
		a->ret = cmd.ret;
	ckpt_thread_put(t);
	return err;
}
