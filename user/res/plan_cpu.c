// SPDX-License-Identifier: GPL-2.0
/*
 * Registers of an image. The kernel's regsets check them again when they are
 * set; refused here is also what a regset would quietly mask away.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "res/plan_int.h"

#define USER_CS		0x33u
#define USER32_CS	0x23u
#define USER_DS		0x2bu
#define TLS_FIRST	0x60u	/* GDT entries 12 to 14 */
#define TLS_LAST	0x77u

/* Bits of eflags that user code can change; IF and bit 1 are always set. */
#define EFLAGS_USER	0x254dd5ull	/* CF PF AF ZF SF TF DF OF NT RF AC ID */
#define EFLAGS_FIXED	0x202ull

#define XSAVE_MXCSR	24
#define XSAVE_HEADER	512	/* xstate_bv, xcomp_bv, six reserved words */
#define XSAVE_MIN	576u
#define MXCSR_BITS	0xffffu
#define XFEATURES_FPSSE	0x3ull
#define VDSO_MAX	(1u << 20)

int plan_take_arch(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	memcpy(&p->arch, rec->payload, sizeof(p->arch));
	if (p->arch.arch != CKPT_ARCH_X86_64)
		return unknown(rec, "it is of another architecture (%u)", p->arch.arch);
	if (p->arch.xstate_size < XSAVE_MIN || p->arch.xstate_size > CKPT_MAX_XSTATE)
		return bad(rec, "xstate_size %u", p->arch.xstate_size);
	if ((p->arch.xfeatures & XFEATURES_FPSSE) != XFEATURES_FPSSE)
		return bad(rec, "xfeatures without x87 and SSE");
	if (p->arch.vdso_len > VDSO_MAX)
		return bad(rec, "vdso_len %llu", (unsigned long long)p->arch.vdso_len);
	p->have_arch = true;
	return 0;
}

static struct plan_thread *thread_of(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct plan_index *ix = plan_object(p, rec->h.owner, CKPT_THREAD);

	return &p->tasks.v[ix->task].threads.v[ix->at];
}

static int check_selector(const struct ckpt_rec *rec, const char *name, uint64_t v)
{
	if (v >= TLS_FIRST && v <= TLS_LAST)
		return unknown(rec, "%s 0x%llx selects a TLS segment: not supported yet", name,
			       (unsigned long long)v);
	return v && v != USER_DS ? bad(rec, "%s is 0x%llx", name, (unsigned long long)v) : 0;
}

int plan_take_cpu(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_cpu *c = rec->payload;
	struct plan_thread *t = thread_of(p, rec);
	int err;

	if (t->have_cpu)
		return bad(rec, "a second one of tid %d", t->rec.tid);
	if (c->cs == USER32_CS)
		return unknown(rec, "tid %d runs 32-bit code: not supported yet", t->rec.tid);
	if (c->cs != USER_CS)
		return bad(rec, "cs is 0x%llx", (unsigned long long)c->cs);
	if (c->ss != USER_DS)
		return bad(rec, "ss is 0x%llx", (unsigned long long)c->ss);
	err = check_selector(rec, "ds", c->ds);
	if (!err)
		err = check_selector(rec, "es", c->es);
	if (!err)
		err = check_selector(rec, "fs", c->fs);
	if (!err)
		err = check_selector(rec, "gs", c->gs);
	if (err)
		return err;
	if ((c->flags & ~EFLAGS_USER) != EFLAGS_FIXED)
		return bad(rec, "flags are 0x%llx", (unsigned long long)c->flags);
	if (!plan_is_addr(c->ip) || !plan_is_addr(c->sp))
		return bad(rec, "ip or sp is not a user address");
	if (!plan_is_addr(c->fs_base) || !plan_is_addr(c->gs_base))
		return bad(rec, "fs_base or gs_base is not a user address");
	t->cpu = *c;
	t->have_cpu = true;
	return 0;
}

int plan_take_xstate(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_xstate *x = rec->payload;
	const uint8_t *data = (const uint8_t *)(x + 1);
	struct plan_thread *t = thread_of(p, rec);
	uint64_t head[8];
	uint32_t mxcsr;

	if (t->have_xstate)
		return bad(rec, "a second one of tid %d", t->rec.tid);
	if (x->size < XSAVE_MIN || x->size > p->arch.xstate_size || x->size % 8)
		return bad(rec, "size %u", x->size);
	memcpy(head, data + XSAVE_HEADER, sizeof(head));
	memcpy(&mxcsr, data + XSAVE_MXCSR, sizeof(mxcsr));
	if (head[0] & ~p->arch.xfeatures)
		return bad(rec, "features 0x%llx that its machine did not have",
			   (unsigned long long)(head[0] & ~p->arch.xfeatures));
	if (head[0] != x->features)
		return bad(rec, "features differ from its own XSAVE header");
	for (int i = 1; i < 8; i++)
		if (head[i])
			return bad(rec, "%s of its XSAVE header is not zero",
				   i == 1 ? "xcomp_bv" : "a reserved word");
	if (mxcsr & ~MXCSR_BITS)
		return bad(rec, "mxcsr is 0x%x", mxcsr);
	t->xstate = malloc(x->size);
	if (!t->xstate)
		return plan_nomem(rec);
	memcpy(t->xstate, data, x->size);
	t->xstate_len = x->size;
	t->xfeatures = x->features;
	t->have_xstate = true;
	return 0;
}
