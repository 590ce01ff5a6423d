// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings: made before their pages come; what would keep the pages out, or can
 * only be done with them, when they are there.
 */
#include "restorer/restorer.h"

#include <linux/mman.h>

#define EINVAL		22
#define ENOMEM		12
#ifndef MADV_HUGEPAGE
#define MADV_HUGEPAGE	14
#define MADV_NOHUGEPAGE	15
#endif
#ifndef MADV_GUARD_INSTALL	/* since 6.13 */
#define MADV_GUARD_INSTALL	102
#endif
#ifndef PR_SET_VMA		/* since 5.17 */
#define PR_SET_VMA		0x53564d41
#define PR_SET_VMA_ANON_NAME	0
#endif
#ifndef __NR_set_mempolicy_home_node	/* since 5.17 */
#define __NR_set_mempolicy_home_node	450
#endif
#ifndef PR_SET_MDWE		/* since 6.3 */
#define PR_SET_MDWE	65
#endif

/* Before it has a page: where that lies is what the policy says. */
static void name_and_place(struct blob_plan *p, unsigned int i)
{
	const struct blob_vma *v = &p->vmas[i];
	const struct blob_policy *m = v->policy ? &p->policies[v->policy - 1] : 0;

	if (v->name)
		must(p, BLOB_VMA_NAME, i, v->start,
		     call(prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, v->start, v->len, v->name, 0));
	if (m)
		must(p, BLOB_MBIND, i, v->start,
		     call(mbind, v->start, v->len, m->mode, m->nodes, CKPT_MAX_NODES + 1, 0));
	if (m && m->home_node >= 0)
		must(p, BLOB_HOME_NODE, i, v->start,
		     call(set_mempolicy_home_node, v->start, v->len, m->home_node, 0, 0, 0));
}

static void map_one(struct blob_plan *p, unsigned int i)
{
	const struct blob_vma *v = &p->vmas[i];
	unsigned long end = v->start + v->len;
	long got;

	/* Checked by the plan; a mistake here would cut the branch we sit on. */
	if (!v->len || end < v->start || (v->start < p->base + p->len && end > p->base))
		fail(p, BLOB_MMAP, i, v->start, -EINVAL);
	got = must(p, BLOB_MMAP, i, v->start,
		   call(mmap, v->start, v->len, v->map_prot, v->flags, v->fd, v->offset));
	/* A kernel before 4.17 takes FIXED_NOREPLACE for a hint. */
	if ((unsigned long)got != v->start)
		fail(p, BLOB_MMAP, i, v->start, -EINVAL);
	name_and_place(p, i);
	/*
	 * Where nothing was ever written, mprotect() takes VM_ACCOUNT off again (since
	 * v6.7): what only counts as written keeps it, and keeps no page.
	 */
	if (v->map_prot != v->prot && v->flags & MAP_ANONYMOUS) {
		*(volatile char *)v->start = 0;
		must(p, BLOB_MADVISE, i, v->start,
		     call(madvise, v->start, v->len, MADV_DONTNEED, 0, 0, 0));
	}
	if (v->map_prot != v->prot)
		must(p, BLOB_MPROTECT, i, v->start, call(mprotect, v->start, v->len, v->prot, 0, 0, 0));
	for (unsigned int advice = 0; advice < 32; advice++) {
		long err;

		if (!(v->advise & (1u << advice)))
			continue;
		err = attempt(p, BLOB_MADVISE, i, v->start,
			      call(madvise, v->start, v->len, advice, 0, 0, 0));
		/* A kernel without huge pages, or one that merges none, has nothing to advise about. */
		if (err == -EINVAL && (advice == MADV_HUGEPAGE || advice == MADV_NOHUGEPAGE ||
				       advice == MADV_MERGEABLE || advice == MADV_UNMERGEABLE))
			continue;
		if (err)
			fail(p, BLOB_MADVISE, i, v->start, err);
	}
}

void map_memory(struct blob_plan *p)
{
	for (unsigned int i = 0; i < p->nvmas; i++)
		map_one(p, i);
}

static void install_guards(struct blob_plan *p)
{
	for (unsigned int i = 0; i < p->nvmas; i++) {
		const struct blob_guard *g = &p->guards[p->vmas[i].first_guard];

		for (unsigned int n = 0; n < p->vmas[i].nguards; n++)
			must(p, BLOB_GUARD, i, p->vmas[i].start,
			     call(madvise, g[n].start, g[n].len, MADV_GUARD_INSTALL, 0, 0, 0));
	}
}

static void lock_memory(struct blob_plan *p)
{
	for (unsigned int i = 0; i < p->nvmas; i++) {
		const struct blob_vma *v = &p->vmas[i];
		long err;

		if (!v->locked)
			continue;
		/* The next one ends at the first guard page, where it cannot tell why. */
		if (v->nguards)
			must(p, BLOB_MLOCK, i, v->start,
			     call(mlock2, v->start, v->len, MLOCK_ONFAULT, 0, 0, 0));
		err = attempt(p, BLOB_MLOCK, i, v->start,
			      call(mlock2, v->start, v->len, v->locked == 2 ? MLOCK_ONFAULT : 0, 0, 0, 0));
		/* It is locked all the same where nothing can be faulted in. */
		if (err == -ENOMEM && (!(v->prot & PROT_READ) || v->nguards))
			err = 0;
		if (err)
			lose(p, BLOB_MLOCK, i, v->start, err);
	}
}

/* What stands in the way of filling and locking. */
static void close_memory(struct blob_plan *p)
{
	for (unsigned int i = 0; i < p->nvmas; i++) {
		const struct blob_vma *v = &p->vmas[i];

		if (v->late && v->pkey >= 0)
			must(p, BLOB_PKEY, i, v->start,
			     call(pkey_mprotect, v->start, v->len, v->late_prot, v->pkey, 0, 0));
		else if (v->late)
			must(p, BLOB_MPROTECT, i, v->start,
			     call(mprotect, v->start, v->len, v->late_prot, 0, 0, 0));
	}
	for (unsigned int key = 1; key < 16; key++)
		if (p->drop_pkeys >> key & 1)
			must(p, BLOB_PKEY, 0, 0, call(pkey_free, key, 0, 0, 0, 0, 0));
	if (p->lock_future)
		may(p, BLOB_MLOCKALL, 0, call(mlockall, p->lock_future, 0, 0, 0, 0, 0));
	/* Nothing is mapped, or made executable, after this. */
	if (p->mdwe)
		must(p, BLOB_MDWE, 0, 0, call(prctl, PR_SET_MDWE, p->mdwe, 0, 0, 0, 0));
}

void finish_memory(struct blob_plan *p)
{
	install_guards(p);
	lock_memory(p);
	close_memory(p);
}
