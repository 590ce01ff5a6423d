// SPDX-License-Identifier: GPL-2.0
/* Address spaces of an image, and whether each page has a place in them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "res/plan_int.h"

static int check_marks(const struct ckpt_rec *rec, const struct ckpt_mm *m)
{
	const struct { const char *name; uint64_t start, end; } pairs[] = {
		{ "code", m->start_code, m->end_code }, { "data", m->start_data, m->end_data },
		{ "brk", m->start_brk, m->brk }, { "arg", m->arg_start, m->arg_end },
		{ "env", m->env_start, m->env_end },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (pairs[i].start > pairs[i].end || !plan_is_addr(pairs[i].end))
			return bad(rec, "%s: its end is before its start or not a user address",
				   pairs[i].name);
	if (!plan_is_addr(m->start_stack) || !plan_is_addr(m->vdso) || !plan_is_page(m->vdso))
		return bad(rec, "start_stack or vdso is not a user address");
	return 0;
}

int plan_take_mm(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_mm *m = rec->payload;
	struct plan_task *t = &p->tasks.v[p->cur];
	int err;

	if (t->have_mm)
		return bad(rec, "a second one of pid %d", t->rec.pid);
	if (!plan_file(p, m->exe))
		return bad(rec, "exe %u is no FILE that came before", m->exe);
	err = check_marks(rec, m);
	if (err)
		return err;
	if (m->dumpable > 2)
		return bad(rec, "dumpable %u", m->dumpable);
	if (m->nvmas > CKPT_MAX_VMAS)
		return bad(rec, "%u mappings", m->nvmas);
	if (m->auxv_len > CKPT_MAX_AUXV || m->auxv_len % 16)
		return bad(rec, "auxv of %u bytes", m->auxv_len);
	t->mm.rec = *m;
	memcpy(t->mm.auxv, m + 1, m->auxv_len);
	t->have_mm = true;
	return plan_new_object(p, rec, m->id, 0, (uint32_t)p->cur);
}

static int check_vma_flags(const struct ckpt_rec *rec, const struct ckpt_vma *v)
{
	uint64_t f = v->flags;

	if (f & ~(uint64_t)CKPT_VMA_ALL)
		return bad(rec, "flags 0x%llx", (unsigned long long)f);
	if (f & CKPT_VMA_SHARED && v->kind == CKPT_VMA_ANON)
		return bad(rec, "shared anonymous memory is that of a SHMEM");
	if (f & CKPT_VMA_SHARED && v->kind != CKPT_VMA_FILE)
		return bad(rec, "only a file can be mapped shared");
	if (f & CKPT_VMA_GROWSDOWN && v->kind != CKPT_VMA_ANON)
		return bad(rec, "only anonymous memory can grow down");
	if ((f & CKPT_VMA_HUGEPAGE && f & CKPT_VMA_NOHUGEPAGE) ||
	    (f & CKPT_VMA_SEQ_READ && f & CKPT_VMA_RAND_READ) ||
	    (f & CKPT_VMA_LOCKONFAULT && !(f & CKPT_VMA_LOCKED)))
		return bad(rec, "flags 0x%llx contradict each other", (unsigned long long)f);
	return 0;
}

static int check_vma_file(struct ckpt_plan *p, const struct ckpt_rec *rec, const struct ckpt_vma *v)
{
	const struct plan_file *f = plan_file(p, v->file);

	if (v->kind != CKPT_VMA_FILE)
		return v->file || v->offset ? bad(rec, "a file or an offset, but it maps no file") : 0;
	if (!f)
		return bad(rec, "file %u is no FILE that came before", v->file);
	if (f->rec.kind != CKPT_FILE_REG && f->rec.kind != CKPT_FILE_DEV &&
	    f->rec.kind != CKPT_FILE_MAPPED && f->rec.kind != CKPT_FILE_SHMEM &&
	    (f->rec.kind != CKPT_FILE_GHOST || f->rec.flags & O_PATH))
		return bad(rec, "file %u cannot be mapped", v->file);
	if (!plan_is_page(v->offset) || v->offset > INT64_MAX - (v->end - v->start))
		return bad(rec, "offset 0x%llx", (unsigned long long)v->offset);
	return 0;
}

/* Huge pages: of the size of its object, if it has one, in whole pages. */
static int check_vma_huge(const struct ckpt_plan *p, const struct ckpt_rec *rec, const struct ckpt_vma *v)
{
	unsigned int huge = (unsigned int)((v->flags & CKPT_VMA_HUGE) >> CKPT_VMA_HUGE_SHIFT), object = 0;
	const struct plan_file *f = plan_file(p, v->file);

	if (f && f->rec.kind == CKPT_FILE_SHMEM)
		object = plan_shmem(p, f->rec.obj)->rec.flags >> CKPT_SHMEM_HUGE_SHIFT;
	if (v->flags & CKPT_VMA_HUGETLB ? huge != 21 && huge != 30 : huge)
		return unknown(rec, "flags 0x%llx: the size of its pages", (unsigned long long)v->flags);
	if (v->kind == CKPT_VMA_ANON ? v->flags & CKPT_VMA_GROWSDOWN && huge : huge != object)
		return bad(rec, "flags 0x%llx: such huge pages it cannot have", (unsigned long long)v->flags);
	if (huge && (v->start | v->end | v->offset) & ((1ull << huge) - 1))
		return bad(rec, "0x%llx-0x%llx is not whole huge pages", (unsigned long long)v->start,
			   (unsigned long long)v->end);
	return 0;
}

int plan_take_vma(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_vma *v = rec->payload;
	struct plan_mm *m = &p->tasks.v[p->cur].mm;
	struct ckpt_vma *slot;
	int err;

	if (m->vmas.n == m->rec.nvmas)
		return bad(rec, "the mm has only %u mappings", m->rec.nvmas);
	if (p->nvmas == CKPT_MAX_VMAS)
		return bad(rec, "more than %u mappings", CKPT_MAX_VMAS);
	if (!plan_is_page(v->start))
		return bad(rec, "start is not page-aligned");
	if (!plan_is_page(v->end))
		return bad(rec, "end is not page-aligned");
	if (v->start >= v->end || v->end > PLAN_ADDR_END)
		return bad(rec, "0x%llx-0x%llx is not in user space", (unsigned long long)v->start,
			   (unsigned long long)v->end);
	if (m->vmas.n && v->start < m->vmas.v[m->vmas.n - 1].end)
		return bad(rec, "it starts before the end of the one before");
	if (v->kind < CKPT_VMA_ANON || v->kind > CKPT_VMA_VVAR)
		return unknown(rec, "kind %u", v->kind);
	if (v->kind == CKPT_VMA_VDSO && v->start != m->rec.vdso)
		return bad(rec, "the vdso is not where the mm says");
	if (v->flags & CKPT_VMA_PKEY && (!m->opt.pkeys || v->kind > CKPT_VMA_FILE))
		return bad(rec, "a protection key where there are none");
	if (v->flags & CKPT_VMA_PKEY && v->flags & (CKPT_VMA_READ | CKPT_VMA_WRITE) &&
	    (v->flags & CKPT_VMA_PKEY) >> CKPT_VMA_PKEY_SHIFT == (uint64_t)m->opt.exec_pkey)
		return bad(rec, "the key of what may only be executed");
	err = check_vma_flags(rec, v);
	if (!err)
		err = check_vma_file(p, rec, v);
	if (!err)
		err = check_vma_huge(p, rec, v);
	if (err)
		return err;
	slot = vec_push(&m->vmas);
	if (!slot)
		return plan_nomem(rec);
	*slot = *v;
	p->nvmas++;
	return 0;
}

/* Index of the first mapping that ends above addr. */
static size_t vma_above(const struct plan_mm *m, uint64_t addr)
{
	size_t lo = 0, hi = m->vmas.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->vmas.v[mid].end > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static bool holds_pages(const struct ckpt_vma *v)
{
	return v->kind == CKPT_VMA_ANON ||
	       (v->kind == CKPT_VMA_FILE && !(v->flags & CKPT_VMA_SHARED));
}

static int object_pages(const struct ckpt_rec *rec, uint64_t size, bool *done, const char *what)
{
	const struct ckpt_pages *pg = rec->payload;
	const uint64_t *addr = (const uint64_t *)(pg + 1);

	if (*done)
		return bad(rec, "the pages of %s %u have ended already", what, rec->h.owner);
	*done = !pg->npages;
	for (uint32_t i = 0; i < pg->npages; i++) {
		if (!plan_is_page(addr[i]))
			return bad(rec, "address %u is not page-aligned", i);
		if (i && addr[i] <= addr[i - 1])
			return bad(rec, "address %u does not ascend", i);
		if (addr[i] >= size)
			return bad(rec, "page 0x%llx is behind the end of %s %u",
				   (unsigned long long)addr[i], what, rec->h.owner);
	}
	return 0;
}

int plan_pages(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_pages *pg = rec->payload;
	const uint64_t *addr = (const uint64_t *)(pg + 1);
	struct plan_task *t = plan_task_of_mm(p, rec->h.owner);
	struct plan_shmem *shmem = plan_shmem(p, rec->h.owner);
	struct plan_ghost *ghost = plan_ghost(p, rec->h.owner);
	const struct plan_mm *m;
	size_t at;

	if (shmem)
		return object_pages(rec, shmem->rec.size, &shmem->pages_done, "shared memory");
	if (ghost)
		return object_pages(rec, ghost->rec.size, &ghost->pages_done, "deleted file");
	if (!t)
		return bad(rec, "its owner %u is no MM, SHMEM or GHOST", rec->h.owner);
	if (t->pages_done)
		return bad(rec, "the pages of mm %u have ended already", rec->h.owner);
	if (!pg->npages) {
		t->pages_done = true;
		return 0;
	}
	m = &t->mm;
	at = vma_above(m, addr[0]);
	for (uint32_t i = 0; i < pg->npages; i++) {
		if (!plan_is_page(addr[i]))
			return bad(rec, "address %u is not page-aligned", i);
		if (i && addr[i] <= addr[i - 1])
			return bad(rec, "address %u does not ascend", i);
		while (at < m->vmas.n && m->vmas.v[at].end <= addr[i])
			at++;
		if (at == m->vmas.n || m->vmas.v[at].start > addr[i])
			return bad(rec, "page 0x%llx is in no mapping", (unsigned long long)addr[i]);
		if (!holds_pages(&m->vmas.v[at]))
			return bad(rec, "page 0x%llx is not of private memory",
				   (unsigned long long)addr[i]);
	}
	return 0;
}
