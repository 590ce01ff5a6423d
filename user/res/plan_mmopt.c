// SPDX-License-Identifier: GPL-2.0
/* Settings of an address space, names and memory policies, as an image has them. */
#include <errno.h>
#include <string.h>

#include "res/plan_int.h"

static int check_flags(const struct ckpt_rec *rec, uint32_t f)
{
	if (f & ~CKPT_MMOPT_ALL)
		return unknown(rec, "flags 0x%x", f);
	if ((f & CKPT_MMOPT_LOCK_ONFAULT && !(f & CKPT_MMOPT_LOCK_FUTURE)) ||
	    (f & CKPT_MMOPT_THP_ADVISED && !(f & CKPT_MMOPT_NO_THP)) ||
	    (f & CKPT_MMOPT_MDWE_OWN && !(f & CKPT_MMOPT_MDWE)))
		return bad(rec, "flags 0x%x contradict each other", f);
	return 0;
}

/* Key 0 is everybody's; where there are no keys there is none at all. */
static int check_pkeys(const struct ckpt_rec *rec, const struct ckpt_mmopt *o)
{
	if (o->pkeys > 0xffff || (o->pkeys && !(o->pkeys & 1)))
		return bad(rec, "pkeys 0x%x", o->pkeys);
	if (o->exec_pkey != -1 && (o->exec_pkey < 1 || o->exec_pkey > 15 ||
				   !(o->pkeys & 1u << o->exec_pkey)))
		return bad(rec, "exec_pkey %d", o->exec_pkey);
	return 0;
}

int plan_take_mmopt(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_mmopt *o = rec->payload;
	struct plan_mm *m = &p->tasks.v[p->cur].mm;
	int err;

	if (m->have_opt || m->vmas.n)
		return bad(rec, "it does not come behind its MM");
	err = check_flags(rec, o->flags);
	if (!err)
		err = check_pkeys(rec, o);
	if (err)
		return err;
	if (o->coredump_filter > 0x1ff)
		return bad(rec, "coredump_filter 0x%x", o->coredump_filter);
	if (o->membarrier & ~CKPT_MEMBARRIER_ALL)
		return unknown(rec, "membarrier 0x%x", o->membarrier);
	if (o->tag_bits && o->tag_bits != 6)
		return unknown(rec, "tag_bits %u", o->tag_bits);
	if (o->futex_slots && (!(o->flags & CKPT_MMOPT_FUTEX_SLOTS) || o->futex_slots < 2 ||
			       o->futex_slots > CKPT_MAX_FUTEX_SLOTS ||
			       o->futex_slots & (o->futex_slots - 1)))
		return bad(rec, "futex_slots %u", o->futex_slots);
	m->opt = *o;
	m->have_opt = true;
	return 0;
}

int plan_take_vmaname(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_vmaname *n = rec->payload;
	struct plan_mm *m = &p->tasks.v[p->cur].mm;
	const struct ckpt_vma *v = m->vmas.n ? &m->vmas.v[m->vmas.n - 1] : NULL;
	const char *text = (const char *)(n + 1);
	struct plan_vmaname *slot;

	if (!v || v->start != n->start)
		return bad(rec, "it does not come behind its VMA");
	if (m->names.n && m->names.v[m->names.n - 1].start == n->start)
		return bad(rec, "a second one of mapping 0x%llx", (unsigned long long)n->start);
	if (v->kind != CKPT_VMA_ANON && !(v->kind == CKPT_VMA_FILE && v->flags & CKPT_VMA_SHARED))
		return bad(rec, "mapping 0x%llx is not anonymous memory", (unsigned long long)n->start);
	if (!n->name_len || n->name_len > CKPT_MAX_VMANAME)
		return bad(rec, "a name of %u bytes", n->name_len);
	/* What prctl() takes. */
	for (uint32_t i = 0; i < n->name_len; i++)
		if (text[i] < ' ' || text[i] > '~' || strchr("\\`$[]", text[i]))
			return bad(rec, "byte %u of the name", i);
	slot = vec_push(&m->names);
	if (!slot)
		return plan_nomem(rec);
	slot->start = n->start;
	return plan_text(rec, text, n->name_len, false, "its name", &slot->name);
}

/* The modes' numbers are the kernel's; WEIGHTED_INTERLEAVE since 6.9. */
static int check_policy(const struct ckpt_rec *rec, const struct ckpt_mempolicy *m)
{
	enum { PREFERRED = 1, BIND, INTERLEAVE, LOCAL, PREFERRED_MANY, WEIGHTED };
	enum { BALANCING = 1 << 13, RELATIVE = 1 << 14, STATIC = 1 << 15 };
	uint32_t mode = m->mode & 0x1fff, flags = m->mode & ~0x1fffu;
	bool some = false, many = mode == BIND || mode == PREFERRED_MANY;

	for (unsigned int i = 0; i < CKPT_MAX_NODES / 64; i++)
		some |= m->nodes[i].mask != 0;
	if (mode < PREFERRED || mode > WEIGHTED || flags & ~(uint32_t)(BALANCING | RELATIVE | STATIC))
		return unknown(rec, "mode 0x%x", m->mode);
	if ((flags & RELATIVE && flags & STATIC) || (flags & BALANCING && !many) ||
	    (mode == LOCAL && flags))
		return bad(rec, "mode 0x%x", m->mode);
	if (some == (mode == LOCAL) && (some || mode != PREFERRED))
		return bad(rec, "mode 0x%x with%s nodes", m->mode, some ? "" : "out");
	if (m->home_node < -1 || m->home_node >= (int32_t)CKPT_MAX_NODES ||
	    (m->home_node >= 0 && (!many || !m->start)))
		return bad(rec, "home_node %d", m->home_node);
	return 0;
}

int plan_take_mempolicy(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_mempolicy *m = rec->payload;
	const struct plan_index *ix = plan_object(p, rec->h.owner, CKPT_THREAD);
	struct plan_mm *mm = &p->tasks.v[p->cur].mm;
	struct plan_thread *t = ix ? &p->tasks.v[ix->task].threads.v[ix->at] : NULL;
	struct ckpt_mempolicy *slot;
	int err = check_policy(rec, m);

	if (err)
		return err;
	if (t) {
		if (t->have_policy)
			return bad(rec, "a second one of tid %d", t->rec.tid);
		if (m->start)
			return bad(rec, "start 0x%llx, of a thread", (unsigned long long)m->start);
		t->policy = *m;
		t->have_policy = true;
		return 0;
	}
	if (!mm->vmas.n || mm->vmas.v[mm->vmas.n - 1].start != m->start)
		return bad(rec, "it does not come behind its VMA");
	if (mm->policies.n && mm->policies.v[mm->policies.n - 1].start == m->start)
		return bad(rec, "a second one of mapping 0x%llx", (unsigned long long)m->start);
	slot = vec_push(&mm->policies);
	if (!slot)
		return plan_nomem(rec);
	*slot = *m;
	return 0;
}

int plan_take_guard(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_guard *g = rec->payload;
	struct plan_mm *m = &p->tasks.v[p->cur].mm;
	const struct ckpt_vma *v = m->vmas.n ? &m->vmas.v[m->vmas.n - 1] : NULL;
	struct ckpt_guard *slot;

	if (!plan_is_page(g->start) || !plan_is_page(g->end) || g->start >= g->end)
		return bad(rec, "0x%llx-0x%llx", (unsigned long long)g->start, (unsigned long long)g->end);
	if (!v || g->start < v->start || g->end > v->end)
		return bad(rec, "0x%llx-0x%llx is not in the VMA before it", (unsigned long long)g->start,
			   (unsigned long long)g->end);
	if (v->kind != CKPT_VMA_ANON && v->kind != CKPT_VMA_FILE)
		return bad(rec, "a mapping of the kernel's own has none");
	if (m->guards.n && g->start < m->guards.v[m->guards.n - 1].end)
		return bad(rec, "it starts before the end of the one before");
	slot = vec_push(&m->guards);
	if (!slot)
		return plan_nomem(rec);
	*slot = *g;
	return 0;
}
