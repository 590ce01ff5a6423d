// SPDX-License-Identifier: GPL-2.0
/*
 * Memory policies: on which NUMA nodes pages are put, of a mapping (mbind) and of
 * a thread (set_mempolicy). Of a memory object that several map the kernel keeps
 * it with the object; each mapping that has it gives it back.
 *
 * Saved: mode with its flags, nodes (as given, if the kernel kept that), home node.
 * Restored: mbind() before a mapping has a page; set_mempolicy() by the thread.
 * Refused: at the restore, a node that is not there, a kernel without policies.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fail.h"
#include "res/dump.h"
#include "res/res.h"
#include "restorer/blob.h"

#define MEMS_ALLOWED	4	/* MPOL_F_MEMS_ALLOWED: include/uapi/linux/mempolicy.h */
#define RELATIVE_NODES	(1u << 14)
#define WORDS		(CKPT_MAX_NODES / 64)

/* ---- snapshot ---- */

int res_mempolicy_write(struct ckpt_dump *d, uint64_t start, size_t *at)
{
	const struct gather_mempolicy *m = *at < d->policies.n ? d->policies.v[*at] : NULL;

	if (!m || m->rec.start != start)
		return 0;
	++*at;
	return ckpt_write_record(d->w, CKPT_MEMPOLICY, d->mm_id, &m->rec, sizeof(m->rec), NULL, 0);
}

int res_mempolicy_write_threads(struct ckpt_dump *d)
{
	int err = 0;

	for (size_t i = 0; i < d->threads.n && !err; i++) {
		const struct dump_thread *t = &d->threads.v[i];

		if (t->policy)
			err = ckpt_write_record(d->w, CKPT_MEMPOLICY, t->id, &t->policy->rec,
						sizeof(t->policy->rec), NULL, 0);
	}
	return err;
}

/* ---- restore ---- */

/* The first of its nodes that we may not use, -1: none. Relative ones fit any. */
static int missing_node(const struct ckpt_mempolicy *m, const uint64_t *allowed)
{
	if (m->home_node >= 0 && !(allowed[m->home_node / 64] >> m->home_node % 64 & 1))
		return m->home_node;
	for (unsigned int i = 0; i < WORDS && !(m->mode & RELATIVE_NODES); i++)
		if (m->nodes[i].mask & ~allowed[i])
			return (int)(i * 64) + __builtin_ctzll(m->nodes[i].mask & ~allowed[i]);
	return -1;
}

int res_mempolicy_check(const struct ckpt_plan *p)
{
	const struct plan_task *t = &p->tasks.v[0];
	uint64_t allowed[WORDS] = { 0 };
	int node;

	if (!res_mempolicy_count(t))
		return 0;
	if (syscall(SYS_get_mempolicy, NULL, allowed, CKPT_MAX_NODES, NULL, MEMS_ALLOWED))
		return ckpt_fail(-errno, t->rec.pid, "get_mempolicy");
	for (size_t i = 0; i < t->mm.policies.n; i++) {
		node = missing_node(&t->mm.policies.v[i], allowed);
		if (node >= 0)
			return ckpt_fail(-EOPNOTSUPP, t->rec.pid,
					 "mapping %llx: its memory policy names node %d, which is not here",
					 (unsigned long long)t->mm.policies.v[i].start, node);
	}
	for (size_t i = 0; i < t->threads.n; i++) {
		const struct plan_thread *th = &t->threads.v[i];

		node = th->have_policy ? missing_node(&th->policy, allowed) : -1;
		if (node >= 0)
			return ckpt_fail(-EOPNOTSUPP, t->rec.pid,
					 "thread %d: its memory policy names node %d, which is not here",
					 th->rec.tid, node);
	}
	return 0;
}

size_t res_mempolicy_count(const struct plan_task *t)
{
	size_t n = t->mm.policies.n;

	for (size_t i = 0; i < t->threads.n; i++)
		n += t->threads.v[i].have_policy;
	return n;
}

static void put(struct blob_policy *b, const struct ckpt_mempolicy *m)
{
	b->mode = m->mode;
	b->home_node = m->home_node;
	memcpy(b->nodes, m->nodes, sizeof(b->nodes));
}

void res_mempolicy_describe(const struct plan_task *t, struct blob_plan *b)
{
	uint32_t n = 0;

	for (uint32_t v = 0; n < t->mm.policies.n; n++) {
		put(&b->policies[n], &t->mm.policies.v[n]);
		while (v < b->nvmas && b->vmas[v].start < t->mm.policies.v[n].start)
			v++;
		/* Else it is that of the vdso, which the kernel places. */
		if (v < b->nvmas && b->vmas[v].start == t->mm.policies.v[n].start)
			b->vmas[v].policy = n + 1;
	}
	for (size_t i = 0; i < t->threads.n; i++) {
		if (!t->threads.v[i].have_policy)
			continue;
		put(&b->policies[n], &t->threads.v[i].policy);
		b->threads[i].policy = ++n;
	}
}
