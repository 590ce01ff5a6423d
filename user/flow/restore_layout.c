// SPDX-License-Identifier: GPL-2.0
/*
 * R: where the restorer lies in the new task. It must be free in the layout
 * that the task has when it enters (ours) and in the one it builds (the
 * image's), so that nothing ever has to be moved.
 */
#include "flow/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/mman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/rseq.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "res/restart.h"
#include "restorer_arch.h"
#include "restorer_blob.h"

#define LOWEST	0x100000000ul		/* far from what is linked low */
#define MARGIN	0x1000000ul		/* room for a stack to grow, a heap to begin */

struct range { uint64_t start, end; };

static int by_start(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* The middle of the widest gap that has room for len; 0: none. */
static uint64_t find_gap(struct range *v, size_t n, uint64_t len)
{
	uint64_t at = LOWEST, best = 0, width = len + 2 * MARGIN;

	qsort(v, n, sizeof(*v), by_start);
	for (size_t i = 0; i <= n; i++) {
		uint64_t end = i < n && v[i].start < ARCH_USER_END ? v[i].start : ARCH_USER_END;

		if (end > at && end - at >= width) {
			width = end - at;
			best = (at + width / 2 - len / 2) & ~(BLOB_PAGE - 1);
		}
		if (i < n && v[i].end > at)
			at = v[i].end;
	}
	return best;
}

static int place(struct restore_proc *p)
{
	cleanup_fclose FILE *f = fopen("/proc/self/maps", "re");
	VEC(struct range) used = { 0 };
	char line[4352];
	int err = 0;

	if (!f)
		return ckpt_fail(-errno, 0, "/proc/self/maps");
	while (!err && fgets(line, sizeof(line), f)) {
		struct range x, *slot;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &x.start, &x.end) != 2)
			continue;
		slot = vec_push(&used);
		if (slot)
			*slot = x;
		else
			err = -ENOMEM;
	}
	for (size_t i = 0; i < p->task->mm.vmas.n && !err; i++) {
		struct range *slot = vec_push(&used);

		if (!slot)
			err = -ENOMEM;
		else
			*slot = (struct range){ p->task->mm.vmas.v[i].start, p->task->mm.vmas.v[i].end };
	}
	if (!err)
		p->base = find_gap(used.v, used.n, p->len);
	vec_free(&used);
	if (err)
		return ckpt_fail(err, p->task->rec.pid, "restorer: its place");
	return p->base ? 0 : ckpt_fail(-ENOMEM, p->task->rec.pid,
				       "restorer: no room for %" PRIu64 " bytes in its address space",
				       p->len);
}

static uint32_t vma_prot(const struct ckpt_vma *v)
{
	return (v->flags & CKPT_VMA_READ ? PROT_READ : 0) |
	       (v->flags & CKPT_VMA_WRITE ? PROT_WRITE : 0) |
	       (v->flags & CKPT_VMA_EXEC ? PROT_EXEC : 0);
}

/*
 * A protection key comes last: only whoever has it at hand may touch the memory.
 * What may only be executed has from the kernel a key of its own, as soon as it
 * is mapped so.
 */
static void describe_pkey(const struct ckpt_vma *v, const struct ckpt_mmopt *o, struct blob_vma *b)
{
	int key = (int)((v->flags & CKPT_VMA_PKEY) >> CKPT_VMA_PKEY_SHIFT);

	b->pkey = -1;
	if (!o->pkeys || (!key && b->prot != PROT_EXEC))
		return;
	b->late = 1;
	b->late_prot = b->prot;
	if (b->prot == PROT_EXEC) {
		b->prot |= PROT_READ;
		b->map_prot |= PROT_READ;
	}
	if (key != o->exec_pkey)
		b->pkey = key;
}

/*
 * Private huge pages cannot be written by force: what may not be written becomes
 * so when all pages are there.
 */
static void describe_huge(const struct ckpt_vma *v, struct blob_vma *b)
{
	if (!(v->flags & CKPT_VMA_HUGETLB))
		return;
	if (v->kind == CKPT_VMA_ANON)
		b->flags |= MAP_HUGETLB | (int)(v->flags >> CKPT_VMA_HUGE_SHIFT) << MAP_HUGE_SHIFT;
	if (v->flags & (CKPT_VMA_SHARED | CKPT_VMA_WRITE))
		return;
	b->late = 1;
	b->late_prot = vma_prot(v);
	b->prot = b->map_prot = PROT_READ | PROT_WRITE;
}

static void describe_vma(const struct ckpt_vma *v, const struct ckpt_mmopt *opt, struct blob_vma *b)
{
	static const struct { uint32_t flag, advice; } advices[] = {
		{ CKPT_VMA_HUGEPAGE, MADV_HUGEPAGE }, { CKPT_VMA_NOHUGEPAGE, MADV_NOHUGEPAGE },
		{ CKPT_VMA_DONTFORK, MADV_DONTFORK }, { CKPT_VMA_WIPEONFORK, MADV_WIPEONFORK },
		{ CKPT_VMA_DONTDUMP, MADV_DONTDUMP }, { CKPT_VMA_SEQ_READ, MADV_SEQUENTIAL },
		{ CKPT_VMA_RAND_READ, MADV_RANDOM }, { CKPT_VMA_MERGEABLE, MADV_MERGEABLE },
	};

	b->start = v->start;
	b->len = v->end - v->start;
	b->offset = v->offset;
	b->prot = b->map_prot = vma_prot(v);
	b->flags = MAP_FIXED_NOREPLACE | (v->flags & CKPT_VMA_SHARED ? MAP_SHARED : MAP_PRIVATE);
	if (v->kind == CKPT_VMA_ANON)
		b->flags |= MAP_ANONYMOUS;
	if (v->flags & CKPT_VMA_GROWSDOWN)
		b->flags |= MAP_GROWSDOWN;
	if (v->flags & CKPT_VMA_NORESERVE)
		b->flags |= MAP_NORESERVE;
	/* Accounted for because it was writable once; that sticks, and shows in VmFlags. */
	if ((v->flags & CKPT_VMA_ACCOUNT) && !(v->flags & (CKPT_VMA_WRITE | CKPT_VMA_SHARED)))
		b->map_prot |= PROT_WRITE;
	for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++)
		if (v->flags & advices[i].flag)
			b->advise |= 1u << advices[i].advice;
	/* Else PR_SET_MEMORY_MERGE would have it merged. */
	if (opt->flags & CKPT_MMOPT_KSM && !(v->flags & CKPT_VMA_MERGEABLE))
		b->advise |= 1u << MADV_UNMERGEABLE;
	b->locked = !(v->flags & CKPT_VMA_LOCKED) ? 0 : v->flags & CKPT_VMA_LOCKONFAULT ? 2 : 1;
	describe_pkey(v, opt, b);
	describe_huge(v, b);
	b->fd = -1;	/* opened in the child */
}

static void describe_call(const struct plan_thread *t, struct blob_thread *b)
{
	struct restart_call c;

	restart_call_of(t, &c);
	b->call_nr = c.nr;
	memcpy(b->call_args, c.args, sizeof(b->call_args));
	memcpy(b->call_ts, c.ts, sizeof(b->call_ts));
	if (c.ts_arg >= 0)
		b->call_args[c.ts_arg] = (uint64_t)(uintptr_t)b->call_ts;
}

static void describe_thread(const struct plan_thread *t, uint32_t index, bool keep_pdeath,
			    struct blob_thread *b)
{
	const struct ckpt_thread *rec = &t->rec;

	b->tid = rec->tid;
	b->index = index;
	b->rseq = rec->rseq;
	b->rseq_len = rec->rseq_len;
	b->rseq_sig = rec->rseq_sig;
	b->robust_list = rec->robust_list;
	b->clear_child_tid = rec->clear_child_tid;
	b->altstack_sp = rec->altstack_sp;
	b->altstack_size = rec->altstack_size;
	b->altstack_flags = rec->altstack_flags;
	b->no_new_privs = !!(rec->flags & CKPT_THREAD_NO_NEW_PRIVS);
	b->pdeath_signal = keep_pdeath ? (uint32_t)rec->pdeath_signal : 0;
	b->sigmask = rec->flags & CKPT_THREAD_RESTORE_SIGMASK ? rec->saved_blocked : rec->blocked;
	b->park_fd = -1;
	describe_call(t, b);
	memcpy(b->comm, rec->comm, sizeof(b->comm));
}

static void describe_mm(const struct plan_task *t, struct blob_plan *b)
{
	const struct ckpt_mm *m = &t->mm.rec;

	b->mm = (struct prctl_mm_map){
		.start_code = m->start_code, .end_code = m->end_code,
		.start_data = m->start_data, .end_data = m->end_data,
		.start_brk = m->start_brk, .brk = m->brk, .start_stack = m->start_stack,
		.arg_start = m->arg_start, .arg_end = m->arg_end,
		.env_start = m->env_start, .env_end = m->env_end,
		.auxv = (void *)b->auxv, .auxv_size = m->auxv_len,
	};
	memcpy(b->auxv, t->mm.auxv, m->auxv_len);
}

#ifdef CKPT_FAULT
/* CKPTBPF_FAULT=STEP:INDEX:ERRNO, in the tests' own build only. */
static void describe_fault(struct blob_plan *b)
{
	static const char *const names[] = {
#define X(name, object, text) #name,
		BLOB_STEPS(X)
#undef X
	};
	const char *want = getenv("CKPTBPF_FAULT");
	unsigned int index, err;
	char name[32];

	b->fault.step = BLOB_NSTEPS;
	if (!want || sscanf(want, "%31[A-Z_]:%u:%u", name, &index, &err) != 3)
		return;
	for (unsigned int i = 0; i < BLOB_NSTEPS; i++)
		if (!strcmp(names[i], name))
			b->fault = (struct blob_at){ .step = i, .index = index };
	b->fault_errno = err;
}
#endif

static int describe(struct restore *r, struct blob_plan *b)
{
	struct restore_proc *p = &r->proc;
	const struct plan_task *t = p->task;

#ifdef CKPT_FAULT
	describe_fault(b);
#endif
	b->magic = BLOB_MAGIC;
	b->base = p->base;
	b->len = p->len;
	b->limit = ARCH_USER_END;
	b->report = p->report;
	b->personality = t->rec.personality;
	/* 2 cannot be asked for; 0 protects as much. */
	b->dumpable = t->mm.rec.dumpable == 1;
	b->subreaper = !!(t->rec.flags & CKPT_TASK_SUBREAPER);
	b->vdso_at = t->mm.rec.vdso - (r->vdso.code - r->vdso.start);
	if (__rseq_size) {
		b->own_rseq = (uint64_t)(uintptr_t)__builtin_thread_pointer() + (uint64_t)__rseq_offset;
		b->own_rseq_sig = RSEQ_SIG;
	}
	memcpy(&b->sighand, &t->sighand, sizeof(b->sighand));
	describe_mm(t, b);
	for (size_t i = 0; i < t->mm.vmas.n; i++)
		if (t->mm.vmas.v[i].kind == CKPT_VMA_ANON || t->mm.vmas.v[i].kind == CKPT_VMA_FILE)
			describe_vma(&t->mm.vmas.v[i], &t->mm.opt, &b->vmas[b->nvmas++]);
	/* With --detach its parent is init, soon: the signal would come at once. */
	for (size_t i = 0; i < t->threads.n; i++)
		describe_thread(&t->threads.v[i], (uint32_t)i, !r->a->res.detach,
				&b->threads[b->nthreads++]);
	res_sigpending_describe(t, b);
	res_itimer_describe(t, b);
	res_posixtimer_describe(t, b);
	res_mempolicy_describe(t, b);
	res_vmaname_describe(t, b);
	res_lock_describe(t, b);
	res_lease_describe(t, b);
	res_fowner_describe(&r->plan, t, b);
	res_prctl_describe(t, b);
	b->force = r->a->res.force;
	res_guard_describe(t, b);
	b->rlimits = t->rlimits;
	return res_creds_describe(t, b);
}

static uint64_t round_page(uint64_t n)
{
	return (n + BLOB_PAGE - 1) & ~(BLOB_PAGE - 1);
}

/* Map [at, at + len) here; the address is known to be free. */
static int map_at(uint64_t at, uint64_t len, int prot, int flags)
{
	void *want = (void *)(uintptr_t)at;
	void *got = mmap(want, len, prot, flags | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (got == MAP_FAILED)
		return ckpt_fail(-errno, 0, "restorer: mmap");
	return got == want ? 0 : ckpt_fail(-EEXIST, 0, "restorer: mmap");
}

static size_t fcntl_count(const struct plan_task *t)
{
	return t->locks.n + t->leases.n + res_fowner_count(t);
}

int restore_map_region(struct restore *r)
{
	struct restore_proc *p = &r->proc;
	size_t nvmas = p->task->mm.vmas.n, nthreads = p->task->threads.n;
	uint64_t code = round_page(RESTORER_BLOB_SIZE), at;
	uint64_t plan = round_page(sizeof(struct blob_plan) + nvmas * sizeof(struct blob_vma) +
				   nthreads * sizeof(struct blob_thread) +
				   res_sigpending_count(p->task) * sizeof(struct blob_signal) +
				   p->task->timers.n * sizeof(struct blob_timer) +
				   res_mempolicy_count(p->task) * sizeof(struct blob_policy) +
				   p->task->mm.names.n * (CKPT_MAX_VMANAME + 1) +
				   fcntl_count(p->task) * sizeof(struct blob_fcntl) +
				   p->task->mm.guards.n * sizeof(struct blob_guard) +
				   res_creds_groups(p->task) * sizeof(__u32));
	int err;

	p->code_len = RESTORER_BLOB_SIZE;
	p->len = code + plan + BLOB_REPORT + BLOB_ROOT_STACK + (nthreads - 1) * BLOB_STACK;
	err = place(p);
	if (!err)
		err = map_at(p->base, code + plan, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	at = p->base + code + plan;
	if (!err)
		err = map_at(at, BLOB_REPORT, PROT_READ | PROT_WRITE, MAP_SHARED);
	if (!err)
		err = map_at(at + BLOB_REPORT, p->base + p->len - at - BLOB_REPORT,
			     PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE);
	if (err)
		return err;
	memcpy((void *)p->base, restorer_blob, RESTORER_BLOB_SIZE);
	if (mprotect((void *)p->base, code, PROT_READ | PROT_EXEC))
		return ckpt_fail(-errno, 0, "restorer: mprotect");
	p->report = (void *)at;
	p->stack_top = at + BLOB_REPORT + BLOB_ROOT_STACK;
	p->blob = (void *)(p->base + code);
	p->blob->vmas = (void *)(p->blob + 1);
	p->blob->threads = (void *)(p->blob->vmas + nvmas);
	p->blob->timers = (void *)(p->blob->threads + nthreads);
	p->blob->signals = (void *)(p->blob->timers + p->task->timers.n);
	p->blob->fcntls = (void *)(p->blob->signals + res_sigpending_count(p->task));
	p->blob->policies = (void *)(p->blob->fcntls + fcntl_count(p->task));
	p->blob->guards = (void *)(p->blob->policies + res_mempolicy_count(p->task));
	p->blob->groups = (void *)(p->blob->guards + p->task->mm.guards.n);
	p->blob->names = (void *)(p->blob->groups + res_creds_groups(p->task));
	p->blob->stacks = p->stack_top;
	return describe(r, p->blob);
}
