/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a stopped task is reached. res/ and flow/ never ask which engine runs.
 * Everything returns 0 or -errno and has told ckpt_fail() why. Whatever
 * happens to us, a target goes on running and a half-restored process dies.
 */
#ifndef CKPT_ENGINE_H
#define CKPT_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ckpt_engine;

/*
 * A copy-on-write clone of a target's memory: a stopped process without
 * descriptors that dies with us, and is the first to die if memory runs out. The clone was made with some memory of the
 * target's lent for it: of those pages lent_absent says which did not exist
 * (bit 0: the page at lent); in the clone they are there, as zeros.
 */
struct ckpt_clone {
	pid_t pid;		/* 0: none */
	uint64_t lent;
	uint32_t lent_absent;
};

struct ckpt_engine_ops {
	const char *name;

	/* Usable here? 0, or -errno and one line in why: what is missing and what to do. */
	int (*probe)(char *why, size_t why_len);
	int (*open)(struct ckpt_engine *e);

	/* -- snapshot -- */

	/*
	 * Prepare pid's stop without stopping it: permissions are checked here;
	 * -EPERM, -ESRCH, -EBUSY (traced, or another snapshot of it runs).
	 */
	int (*attach)(struct ckpt_engine *e, pid_t pid);
	/*
	 * Stop every thread of every attached process at its return to user
	 * mode, threads born meanwhile too; returns when all are off their CPUs.
	 * By deadline_ns (CLOCK_MONOTONIC) or -ETIMEDOUT, naming a thread.
	 */
	int (*freeze)(struct ckpt_engine *e, uint64_t deadline_ns);
	/* Threads of pid now stopped, leader first; array is the engine's. */
	int (*threads)(struct ckpt_engine *e, pid_t pid, const pid_t **tids, size_t *n);
	/* Let all go as they were; signals that arrived meanwhile are delivered. Idempotent. */
	int (*thaw)(struct ckpt_engine *e);
	/* SIGKILL all attached processes and wait until their pids are gone or zombies. */
	int (*kill)(struct ckpt_engine *e);
	/* Leave them stopped by SIGSTOP instead of running. */
	int (*stop)(struct ckpt_engine *e);
	/*
	 * Optional (NULL: no clones). Of a running target, before attach():
	 * what clone() needs is looked up. -EOPNOTSUPP without ckpt_fail(), and
	 * *why: it cannot be had of this one.
	 */
	int (*clone_prepare)(struct ckpt_engine *e, pid_t pid, const char **why);
	/*
	 * In the stop: -EOPNOTSUPP or what clone() failed with, without
	 * ckpt_fail(), and *why: not now, the target is as it was.
	 */
	int (*clone)(struct ckpt_engine *e, pid_t pid, struct ckpt_clone *c, const char **why);
	/* After the thaw, first of all: it lets go of the target's descriptors. */
	int (*clone_settle)(struct ckpt_engine *e, struct ckpt_clone *c);
	/* After that. [addr, addr + len) was read: the target's writes there cost no copy any more. */
	int (*clone_give_back)(struct ckpt_engine *e, struct ckpt_clone *c, uint64_t addr, uint64_t len);
	/* Its end; also of one that is none. */
	void (*clone_end)(struct ckpt_engine *e, struct ckpt_clone *c);

	/* -- both: a stopped or parked thread -- */
	int (*get_regset)(struct ckpt_engine *e, pid_t tid, uint32_t note, void *buf, size_t *len);
	int (*set_regset)(struct ckpt_engine *e, pid_t tid, uint32_t note, const void *buf, size_t len);

	/* -- restore; pids are our own children -- */

	/* Before the child runs the restorer: from now on it dies when we die. */
	int (*adopt)(struct ckpt_engine *e, pid_t pid);
	/*
	 * How the restorer's threads are to wait at the end: fd >= 0: by
	 * PARK_SELF on that descriptor (inherited by the child at this number);
	 * -1: in a futex wait, from which the engine fetches them.
	 */
	int (*park_fd)(struct ckpt_engine *e);
	/*
	 * Wait until all n threads are parked with instruction pointers in
	 * [lo, hi), the restorer's code. circles[i]: the thread may not wait any
	 * more (strict seccomp) and runs in a circle there. -ECHILD: one died.
	 */
	int (*park_wait)(struct ckpt_engine *e, pid_t pid, const pid_t *tids, const bool *circles,
			 size_t n, uint64_t lo, uint64_t hi, uint64_t deadline_ns);
	/* The signal mask that a parked thread gets as it goes. */
	int (*set_sigmask)(struct ckpt_engine *e, pid_t tid, uint64_t mask);
	/*
	 * munmap [addr, addr + len) in pid's context, through parked thread tid;
	 * syscall_insn: address of a syscall instruction outside that range.
	 * Its registers are as before.
	 */
	int (*unmap)(struct ckpt_engine *e, pid_t tid, uint64_t addr, uint64_t len,
		     uint64_t syscall_insn);
	/* All parked threads of all adopted processes go on together. After this they no longer die with us. */
	int (*resume)(struct ckpt_engine *e);

	/* Thaws what is frozen, kills what is adopted and not resumed. */
	void (*close)(struct ckpt_engine *e);
};

struct ckpt_engine {
	const struct ckpt_engine_ops *ops;
	void *priv;
};

extern const struct ckpt_engine_ops ckpt_engine_stock, ckpt_engine_kmod;

/* "auto": kmod if it can be used, else stock. -EINVAL for an unknown name. */
int ckpt_engine_open(struct ckpt_engine *e, const char *name);
void ckpt_engine_close(struct ckpt_engine *e);

#endif
