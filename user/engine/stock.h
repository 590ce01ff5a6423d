/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stock engine: ptrace, and nothing but what every kernel has. The death
 * of the tracer lets a target go and, by EXITKILL, ends a half-restored one:
 * nothing is ever left in a state that only we could undo.
 */
#ifndef CKPT_ENGINE_STOCK_H
#define CKPT_ENGINE_STOCK_H

#include <sys/ptrace.h>
#include <sys/user.h>

#include "engine/engine.h"
#include "lib/vec.h"
#include "selfheal.h"

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

struct stock_thread {
	pid_t tid;
	bool stopped;		/* in a PTRACE_EVENT_STOP that we have waited for */
	bool dead;
	bool circles;		/* see park_wait() */
};

struct stock_proc {
	pid_t pid;
	bool adopted;		/* a child we are restoring: EXITKILL */
	VEC(struct stock_thread) threads;
	VEC(pid_t) tids;	/* what threads() hands out */
};

struct stock {
	VEC(struct stock_proc) procs;
	struct arch_heal_code code;	/* of the process that is to be cloned */
	uint64_t stack;			/* the lowest page of its main stack's mapping */
};

struct stock_proc *stock_find(struct stock *s, pid_t pid);
/* -errno of ptrace(), no ckpt_fail(). */
long stock_ptrace(int req, pid_t tid, void *addr, void *data);
/* Wait for tid until deadline_ns; 0 and *status, -ETIMEDOUT, -EINTR (a signal for us), -ECHILD. */
int stock_wait(pid_t tid, int *status, uint64_t deadline_ns);
/* General registers; -errno, no ckpt_fail(). */
int stock_get_regs(pid_t tid, struct user_regs_struct *regs);
int stock_set_regs(pid_t tid, struct user_regs_struct *regs);
int stock_get_regset(struct ckpt_engine *e, pid_t tid, uint32_t note, void *buf, size_t *len);
int stock_set_regset(struct ckpt_engine *e, pid_t tid, uint32_t note, const void *buf, size_t len);

/* stock_clone.c */
int stock_clone_prepare(struct ckpt_engine *e, pid_t pid, const char **why);
int stock_clone(struct ckpt_engine *e, pid_t pid, struct ckpt_clone *c, const char **why);
int stock_clone_settle(struct ckpt_engine *e, struct ckpt_clone *c);
int stock_clone_give_back(struct ckpt_engine *e, struct ckpt_clone *c, uint64_t addr, uint64_t len);
void stock_clone_end(struct ckpt_engine *e, struct ckpt_clone *c);

/* stock_restore.c */
int stock_adopt(struct ckpt_engine *e, pid_t pid);
int stock_park_fd(struct ckpt_engine *e);
int stock_park_wait(struct ckpt_engine *e, pid_t pid, const pid_t *tids, const bool *circles,
		    size_t n, uint64_t lo, uint64_t hi, uint64_t deadline_ns);
int stock_set_sigmask(struct ckpt_engine *e, pid_t tid, uint64_t mask);
int stock_unmap(struct ckpt_engine *e, pid_t tid, uint64_t addr, uint64_t len,
		uint64_t syscall_insn);
int stock_resume(struct ckpt_engine *e);
/* Kill a child that was not resumed, and reap it. */
void stock_kill_adopted(struct stock_proc *p);

#endif
