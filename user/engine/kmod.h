/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kmod engine: the module parks threads where a signal would stop them,
 * unseen by them and by their parent. One descriptor of its device is the
 * session; when that goes, by our death too, the frozen run on and the half
 * restored die.
 */
#ifndef CKPT_ENGINE_KMOD_H
#define CKPT_ENGINE_KMOD_H

#include "ckptbpf/kmod_abi.h"
#include "engine/engine.h"
#include "lib/vec.h"

struct kmod_proc {
	pid_t pid;
	int pidfd;		/* is pid still the process that was attached? */
	bool adopted;		/* a child we are restoring, until it runs */
	bool frozen;
	VEC(pid_t) tids;	/* what threads() hands out */
};

struct kmod {
	int fd;
	uint64_t caps;		/* CKPTBPF_CAP_* of the loaded module */
	bool deadline;		/* it lets all go by itself */
	VEC(struct kmod_proc) procs;
	VEC(struct ckptbpf_thread) list;	/* the last LIST */
};

struct kmod_proc *kmod_find(struct kmod *k, pid_t pid);
/* The process that is known under pid from now on; NULL: told ckpt_fail(). */
struct kmod_proc *kmod_add(struct kmod *k, pid_t pid);
/* ioctl() on the session: 0 or -errno, no ckpt_fail(). */
int kmod_call(struct kmod *k, unsigned long cmd, void *arg);
/* Read LIST into k->list. */
int kmod_list(struct kmod *k);

/* kmod_clone.c */
int kmod_clone_prepare(struct ckpt_engine *e, pid_t pid, const char **why);
int kmod_clone(struct ckpt_engine *e, pid_t pid, struct ckpt_clone *c, const char **why);
int kmod_clone_settle(struct ckpt_engine *e, struct ckpt_clone *c);
int kmod_clone_give_back(struct ckpt_engine *e, struct ckpt_clone *c, uint64_t addr, uint64_t len);
void kmod_clone_end(struct ckpt_engine *e, struct ckpt_clone *c);

/* kmod_restore.c */
int kmod_adopt(struct ckpt_engine *e, pid_t pid);
int kmod_park_fd(struct ckpt_engine *e);
int kmod_park_wait(struct ckpt_engine *e, pid_t pid, const pid_t *tids, const bool *circles,
		    size_t n, uint64_t lo, uint64_t hi, uint64_t deadline_ns);
int kmod_set_sigmask(struct ckpt_engine *e, pid_t tid, uint64_t mask);
int kmod_unmap(struct ckpt_engine *e, pid_t tid, uint64_t addr, uint64_t len,
	       uint64_t syscall_insn);
int kmod_resume(struct ckpt_engine *e);
/* Kill a child that was not resumed, and reap it. */
void kmod_kill_adopted(struct kmod_proc *p);

#endif
