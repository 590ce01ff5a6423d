// SPDX-License-Identifier: GPL-2.0
/* Settings of an address space, as an image has them. */
#include <errno.h>

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
