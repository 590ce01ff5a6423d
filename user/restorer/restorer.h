/* SPDX-License-Identifier: GPL-2.0 */
/* Between the files of the restorer: how each of its operations is made and told. */
#ifndef CKPT_RESTORER_H
#define CKPT_RESTORER_H

#include "restorer/blob.h"
#include "restorer_arch.h"

#define call(nr, a, b, c, d, e, f) \
	arch_syscall6(__NR_##nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

void at(struct blob_plan *p, unsigned int step, unsigned int index, unsigned long addr);
void __attribute__((noreturn)) fail(struct blob_plan *p, unsigned int step, unsigned int index,
				    unsigned long addr, long err);
/* What could not be given back: told in the report, or the end of it all without --force. */
void lose(struct blob_plan *p, unsigned int step, unsigned int index, unsigned long addr, long err);

/* A build for the tests fails one chosen operation: blob_plan.fault. */
#ifdef CKPT_FAULT
static long fault(const struct blob_plan *p, unsigned int step, unsigned int index)
{
	return p->fault.step == step && (p->fault.index == index || p->fault.index == ~0u) ?
	       -(long)p->fault_errno : 0;
}
#else
#define fault(p, step, index) 0l
#endif

/* Announce and do; what the call returned. */
#define attempt(p, step, index, addr, expr) ({					\
	long attempt_ret;							\
	at(p, step, index, (unsigned long)(addr));				\
	attempt_ret = fault(p, step, index);					\
	attempt_ret ? attempt_ret : (expr);					\
})

/* The same, and go no further if it failed. */
#define must(p, step, index, addr, expr) ({					\
	long must_ret = attempt(p, step, index, addr, expr);			\
	if (must_ret < 0 && must_ret >= -4095)					\
		fail(p, step, index, (unsigned long)(addr), must_ret);		\
	must_ret;								\
})

/* The same of what the program can do without: with restore --force a loss that is named. */
#define may(p, step, index, expr) ({						\
	long may_ret = attempt(p, step, index, 0, expr);			\
	if (may_ret < 0 && may_ret >= -4095)					\
		lose(p, step, index, 0, may_ret);					\
	may_ret;								\
})

/* memory.c: its mappings, empty; when their pages are there, guards, locks, keys. */
void map_memory(struct blob_plan *p);
void finish_memory(struct blob_plan *p);

/* prctl.c: what a thread asked of the kernel for itself. */
void process_prctl(struct blob_plan *p);
void clone_prctl(struct blob_plan *p, struct blob_thread *t);	/* by who makes t, before */
void thread_prctl(struct blob_plan *p, struct blob_thread *t);
void dispatch_prctl(struct blob_plan *p, struct blob_thread *t);
void strict_prctl(struct blob_plan *p, struct blob_thread *t);

#endif
