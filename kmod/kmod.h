/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who holds whom. A session is one open of the device. A target is one
 * process a session works on; while it is claimed, no other session may. A
 * thread record is one thread of a target, from FREEZE or PARK_SELF until it
 * is let go:
 *
 *   file -> session <- target <- thread record -> task
 *
 * A record has two references: the session's table and the task work queued
 * on the task. A task work that has not run yet cannot be taken back, so a
 * record may outlive its THAW and its session; each holds the module.
 */
#ifndef CKPTBPF_KMOD_H
#define CKPTBPF_KMOD_H

#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/signal_types.h>
#include <linux/spinlock.h>
#include <linux/task_work.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <ckptbpf/kmod_abi.h>

struct ckpt_clone;
struct kernel_clone_args;
struct rusage;

struct ckpt_session {
	struct kref ref;
	struct mutex cmd_lock;		/* one command at a time; taken before lock */
	wait_queue_head_t waitq;	/* commands and poll() */
	struct pid *opener;		/* its process: never to be frozen by this session */
	fl_owner_t owner;		/* its file table: compared, never followed */
	spinlock_t lock;		/* all below; and state, released, cmd of the records */
	bool closed;
	bool expired;			/* the deadline came before THAW */
	unsigned long deadline;		/* jiffies; while expiry is armed */
	struct delayed_work expiry;
	struct list_head clones;
	unsigned int nthreads, ndead;	/* records not released; of them dead */
	DECLARE_HASHTABLE(threads, 8);	/* by task */
};

struct ckpt_target {
	struct kref ref;
	struct list_head node;		/* in the list of claimed ones, or empty */
	struct ckpt_session *session;
	struct pid *pid;		/* of the thread group's leader */
	unsigned int nqueued;		/* under session->lock: records yet to park */
	bool own;			/* under claimed_lock: it dies with the session */
};

/* What a parked thread is asked to do in its own context. */
struct ckpt_cmd {
	u32 op;				/* CKPT_OP_*, 0: nothing */
	unsigned long addr, len;
	struct ckpt_clone *clone;	/* with a reference */
	long ret;
};
#define CKPT_OP_MUNMAP	1u
#define CKPT_OP_CLONE	2u

/*
 * Only a fatal signal wakes it; not counted in the load, not a hung task, and
 * system suspend may pass.
 */
#define CKPT_PARK_STATE	(TASK_KILLABLE | TASK_NOLOAD | TASK_FREEZABLE)

struct ckpt_thread {
	struct kref ref;
	struct callback_head work;
	struct hlist_node node;		/* in session->threads, or unhashed */
	struct ckpt_session *session;
	struct ckpt_target *target;
	struct task_struct *task;
	struct pid *pid;		/* its number after it has died */
	wait_queue_head_t wq;		/* it sleeps here */
	/*
	 * Held while its registers are read or written from outside. It takes
	 * this itself after it has left PARKED and before it goes on, so its
	 * registers are not touched behind its back.
	 */
	struct mutex regs_lock;
	u32 state;			/* CKPTBPF_ST_* */
	u32 flags;			/* CKPTBPF_TF_SELF, _IN_SYSCALL */
	bool released;
	struct ckpt_cmd cmd;
	int close_fd;			/* PARK_SELF */
	bool set_mask;			/* sigmask becomes its blocked set as it goes */
	sigset_t sigmask;
};

/* session.c */
struct ckpt_session *ckpt_session_create(void);
void ckpt_session_put(struct ckpt_session *s);
void ckpt_session_end(struct ckpt_session *s);
void ckpt_set_deadline(struct ckpt_session *s, u32 ms);

struct ckpt_target *ckpt_target_claim(struct ckpt_session *s, struct pid *pid);
int ckpt_target_own(struct ckpt_target *tg);
void ckpt_target_unclaim(struct ckpt_session *s, struct pid *pid);
void ckpt_target_put(struct ckpt_target *tg);

struct ckpt_thread *ckpt_thread_create(struct ckpt_target *tg, struct task_struct *task);
void ckpt_thread_put(struct ckpt_thread *t);
int ckpt_thread_queue(struct ckpt_thread *t);
struct ckpt_thread *ckpt_thread_lookup(struct ckpt_session *s, struct task_struct *task);
void ckpt_thread_settle(struct ckpt_thread *t, u32 state);
void ckpt_thread_rearm(struct ckpt_thread *t, struct ckpt_target *tg);
void ckpt_release(struct ckpt_session *s, struct pid *tgid, bool self_too);

/* park.c */
void ckpt_park(struct callback_head *work);
struct ckpt_thread *ckpt_get_parked(struct file *file, pid_t tid);
bool ckpt_wait_off_cpu(struct ckpt_thread *t);
void ckpt_fix_interrupted(void);
int ckpt_run_in_context(struct ckpt_thread *t, struct ckpt_cmd *cmd);

/* clone.c */
long ckpt_clone_make(struct ckpt_clone *c);
void ckpt_clone_put(struct ckpt_clone *c);
void ckpt_clones_end(struct ckpt_session *s);
long ckpt_clone_munmap(struct ckpt_session *s, struct ckptbpf_mem_ctx *a);
struct mm_struct *ckpt_clone_mm(struct file *file, pid_t nr);

/* dev.c: may the caller, and he who opened the device, attach to task? */
bool ckpt_may_attach(struct file *file, struct task_struct *task);

/* resolve.c */
int ckpt_resolve_init(void);
int ckpt_task_work_add(struct task_struct *task, struct callback_head *work,
		       enum task_work_notify_mode mode);
bool ckpt_ptrace_may_access(struct task_struct *task, unsigned int mode);
bool ckpt_can_clone(void);
pid_t ckpt_kernel_clone(struct kernel_clone_args *args);
long ckpt_kernel_wait4(pid_t pid, int __user *status, int options, struct rusage *usage);
void ckpt_drop_files(void);

/* The commands; arg is a checked copy, written back by the caller. */
long ckpt_do_freeze(struct file *file, void *arg);
long ckpt_do_thaw(struct file *file, void *arg);
long ckpt_do_list(struct file *file, void *arg);
long ckpt_do_regset(struct file *file, void *arg);
long ckpt_do_snapshot(struct file *file, void *arg);
long ckpt_do_reap(struct file *file, void *arg);
long ckpt_do_pages(struct file *file, void *arg);
long ckpt_do_mem_ctx(struct file *file, void *arg);
long ckpt_do_park_self(struct file *file, void *arg);
long ckpt_do_sigmask(struct file *file, void *arg);

int ckpt_dev_register(void);
void ckpt_dev_deregister(void);

#endif
