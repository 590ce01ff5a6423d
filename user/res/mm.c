// SPDX-License-Identifier: GPL-2.0
/*
 * The address space: its mappings, the marks that exec() left in mm_struct,
 * the auxiliary vector, and what of each mapping differs from its file.
 * The vdso and vvar are not saved: the running kernel's are put in their place.
 *
 * Saved: mappings with their advice and locks, the marks that exec() left,
 * auxv, dumpable, and each page that differs from its file.
 * Restored: the restorer maps each where it was, pages come through userfaultfd
 * or /proc/PID/mem, PR_SET_MM_MAP sets the marks; the running kernel's vdso is
 * moved to its place.
 * Refused: at the restore, a file that is too short now, a vdso of other code.
 */
#include <errno.h>
#include <string.h>

#include "lib/fail.h"
#include "res/ghost.h"
#include "res/shmem.h"

/* vm_flags as include/linux/mm.h numbers them, the same from 6.1 to 7.2. */
#define VM_PLAIN	0x000000ffu	/* READ .. MAYSHARE */
#define VM_GROWSDOWN	0x00000100u
#define VM_LOCKED	0x00002000u
#define VM_ADVICE	0x00018000u	/* SEQ_READ, RAND_READ */
#define VM_DONTCOPY	0x00020000u
#define VM_DONTEXPAND	0x00040000u
#define VM_RESERVE	0x00300000u	/* ACCOUNT, NORESERVE */
#define VM_HUGETLB	0x00400000u
#define VM_SYNC		0x00800000u
#define VM_LOCKONFAULT	0x00080000u
#define VM_MERGEABLE	0x80000000u
#define VM_MAYBE_GUARD	0x00000800u	/* since 6.19; what there is, guard.c finds */
#define VM_PKEY		0xf00000000ull
#define VM_WIPEONFORK	0x02000000u
#define VM_DONTDUMP	0x04000000u
#define VM_SOFTDIRTY	0x08000000u	/* a tracker's mark, not the program's */
#define VM_HUGE		0x60000000u	/* HUGEPAGE, NOHUGEPAGE */
#define VM_SAVED (VM_PLAIN | VM_GROWSDOWN | VM_LOCKED | VM_ADVICE | VM_DONTCOPY | VM_RESERVE | \
		  VM_WIPEONFORK | VM_DONTDUMP | VM_SOFTDIRTY | VM_HUGE | VM_LOCKONFAULT | VM_MERGEABLE | \
		  VM_MAYBE_GUARD)

static int vma_kind(const struct gather_vma *v)
{
	if (v->vm_file)
		return dump_is_anon_huge(v) ? CKPT_VMA_ANON : CKPT_VMA_FILE;
	if (!v->vm_ops)
		return CKPT_VMA_ANON;
	if (!strcmp(v->special, "[vdso]"))
		return CKPT_VMA_VDSO;
	if (!strncmp(v->special, "[vvar", 5))
		return CKPT_VMA_VVAR;
	return 0;
}

static int check_vma(struct ckpt_dump *d, const struct gather_vma *v)
{
	unsigned long long at = v->rec.start;
	int kind = vma_kind(v);
	uint64_t odd = v->vm_flags & ~(uint64_t)(VM_SAVED | (d->proc->mmopt.pkeys ? VM_PKEY : 0));

	if (!kind)
		return dump_refuse(d, "mapping %llx: special mapping '%.15s'", at, v->special);
	if (kind == CKPT_VMA_VDSO || kind == CKPT_VMA_VVAR)
		return 0;
	if (v->uffd)
		return dump_refuse(d, "mapping %llx: it is watched by a userfaultfd", at);
	if (v->vm_flags & VM_HUGETLB) {
		odd &= ~(uint64_t)(VM_HUGETLB | VM_DONTEXPAND);
		d->private_huge |= !(v->rec.flags & CKPT_VMA_SHARED);
		if (kind != CKPT_VMA_ANON && !dump_is_shmem(&v->file, v->path))
			return dump_refuse(d, "mapping %llx (%.*s): huge pages of a named file", at,
					   (int)v->path_len, v->path);
	}
	/* Given back while this had it, then taken by the kernel: nobody else can have it now. */
	if (v->vm_flags & VM_PKEY && v->rec.flags & (CKPT_VMA_READ | CKPT_VMA_WRITE) &&
	    (v->vm_flags & VM_PKEY) >> CKPT_VMA_PKEY_SHIFT == (uint64_t)d->proc->mmopt.exec_pkey)
		return dump_refuse(d, "mapping %llx: its protection key is the kernel's own by now", at);
	if (odd)
		return dump_refuse(d, "mapping %llx: kernel flags %#llx", at, (unsigned long long)odd);
	if (kind == CKPT_VMA_ANON)
		return 0;
	if (!v->path_len)
		return dump_refuse(d, "mapping %llx: its file has no usable path", at);
	if (dump_is_shmem(&v->file, v->path))
		return res_shmem_take_vma(d, v);
	if (dump_is_gone(v->file.mode, v->nlink, v->path, v->path_len))
		return res_ghost_take_vma(d, v);
	if ((v->file.mode & 0170000) != 0100000)
		return dump_refuse(d, "mapping %llx (%.*s): not a regular file", at,
				   (int)v->path_len, v->path);
	return 0;
}

static int check_exe(struct ckpt_dump *d)
{
	const struct gather_proc *p = d->proc;
	struct dump_file *f;

	if (!p->exe.path_len)
		return dump_refuse(d, "its executable has no usable path");
	if (!dump_is_gone(p->exe.mode, p->exe_nlink, p->text, p->exe.path_len))
		return 0;
	f = dump_file_of(d, p->exe_file, &p->exe, p->text);
	if (!f)
		return -ENOMEM;
	if (dump_is_shmem(&p->exe, p->text))
		return res_shmem_take(d, f, "exe");
	return res_ghost_take(d, f, 0, "exe", "its executable");
}

int res_mm_check(struct ckpt_dump *d)
{
	int err = res_mmopt_check(d);
	bool vdso = false;

	for (size_t i = 0; i < d->vmas.n && !err; i++) {
		err = check_vma(d, d->vmas.v[i]);
		vdso |= vma_kind(d->vmas.v[i]) == CKPT_VMA_VDSO;
	}
	if (!err)
		err = res_guard_check(d);
	if (!err && d->vmas.n != d->proc->map_count)
		err = dump_refuse(d, "it has %u mappings, but %zu were found",
				  d->proc->map_count, d->vmas.n);
	if (!err && !vdso)
		err = dump_refuse(d, "it has no vdso");
	if (!err && d->proc->ctx_ldt)
		err = dump_refuse(d, "it has a local descriptor table");
	return err ? err : check_exe(d);
}

static int write_vma(struct ckpt_dump *d, const struct gather_vma *v)
{
	struct ckpt_vma rec = v->rec;

	rec.kind = (uint32_t)vma_kind(v);
	if (rec.kind == CKPT_VMA_FILE) {
		struct dump_file *f = dump_file_of(d, v->vm_file, NULL, NULL);

		rec.file = f->id;
	} else {
		rec.offset = 0;
	}
	return ckpt_write_record(d->w, CKPT_VMA, d->mm_id, &rec, sizeof(rec), NULL, 0);
}

/* Objects come before who refers to them: the files first. */
static int write_files(struct ckpt_dump *d, uint32_t *exe)
{
	const struct gather_proc *p = d->proc;
	struct dump_file *f = dump_file_of(d, p->exe_file, &p->exe, p->text);
	uint32_t id;
	int err;

	if (!f)
		return -ENOMEM;
	f->mtime = p->exe_mtime;
	err = res_file_write_one(d, f, exe);
	for (size_t i = 0; i < d->vmas.n && !err; i++) {
		const struct gather_vma *v = d->vmas.v[i];

		if (vma_kind(v) != CKPT_VMA_FILE)
			continue;
		f = dump_file_of(d, v->vm_file, &v->file, v->path);
		if (!f)
			return -ENOMEM;
		f->mtime = v->mtime;
		err = res_file_write_one(d, f, &id);
	}
	return err;
}

int res_mm_write(struct ckpt_dump *d)
{
	const struct gather_proc *p = d->proc;
	struct ckpt_mm rec = p->mm;
	int err = write_files(d, &rec.exe);

	if (err)
		return err;
	d->mm_id = rec.id = d->next_id++;
	rec.nvmas = (uint32_t)d->vmas.n;
	err = ckpt_write_record(d->w, CKPT_MM, d->task_id, &rec, sizeof(rec), p->auxv,
				rec.auxv_len);
	if (!err)
		err = res_mmopt_write(d);
	for (size_t i = 0, name = 0, policy = 0, guard = 0; i < d->vmas.n && !err; i++) {
		uint64_t start = d->vmas.v[i]->rec.start;

		err = write_vma(d, d->vmas.v[i]);
		if (!err)
			err = res_guard_write(d, d->vmas.v[i], &guard);
		if (!err)
			err = res_vmaname_write(d, start, &name);
		if (!err)
			err = res_mempolicy_write(d, start, &policy);
	}
	return err ? err : res_mempolicy_write_threads(d);
}
