// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* iter/task_vma: one VMA per mapping. */
#include "compat.bpf.h"
#include "mempolicy.bpf.h"

SCRATCH(vma_scratch, sizeof(struct gather_vma) + PATH_ROOM + PATH_SLACK);

_Static_assert(sizeof(struct gather_vma) % 8 == 0, "records are whole words");

/* include/linux/mm.h; the bits have not moved from 6.1 to 7.2. */
#define VM_READ		0x00000001ul
#define VM_WRITE	0x00000002ul
#define VM_EXEC		0x00000004ul
#define VM_SHARED	0x00000008ul
#define VM_MAYSHARE	0x00000080ul
#define VM_GROWSDOWN	0x00000100ul
#define VM_LOCKED	0x00002000ul
#define VM_SEQ_READ	0x00008000ul
#define VM_RAND_READ	0x00010000ul
#define VM_DONTCOPY	0x00020000ul
#define VM_ACCOUNT	0x00100000ul
#define VM_NORESERVE	0x00200000ul
#define VM_LOCKONFAULT	0x00080000ul
#define VM_HUGETLB	0x00400000ul
#define VM_WIPEONFORK	0x02000000ul
#define VM_DONTDUMP	0x04000000ul
#define VM_HUGEPAGE	0x20000000ul
#define VM_NOHUGEPAGE	0x40000000ul
#define VM_MERGEABLE	0x80000000ul
#define VM_PKEY_SHIFT	32

/*
 * include/linux/fs.h: set of every file that a filesystem opens for itself, so
 * of what overlayfs maps (a backing file has a flag of its own since 6.5,
 * which has moved).
 */
#define FMODE_NOACCOUNT	(1u << 29)

static __always_inline __u64 flags_of(__u64 vm)
{
	__u64 f = 0;

#define MAP_FLAG(from, to) (f |= vm & (from) ? (to) : 0)
	MAP_FLAG(VM_READ, CKPT_VMA_READ);
	MAP_FLAG(VM_WRITE, CKPT_VMA_WRITE);
	MAP_FLAG(VM_EXEC, CKPT_VMA_EXEC);
	MAP_FLAG(VM_SHARED | VM_MAYSHARE, CKPT_VMA_SHARED);
	MAP_FLAG(VM_GROWSDOWN, CKPT_VMA_GROWSDOWN);
	MAP_FLAG(VM_LOCKED, CKPT_VMA_LOCKED);
	MAP_FLAG(VM_SEQ_READ, CKPT_VMA_SEQ_READ);
	MAP_FLAG(VM_RAND_READ, CKPT_VMA_RAND_READ);
	MAP_FLAG(VM_DONTCOPY, CKPT_VMA_DONTFORK);
	MAP_FLAG(VM_ACCOUNT, CKPT_VMA_ACCOUNT);
	MAP_FLAG(VM_NORESERVE, CKPT_VMA_NORESERVE);
	MAP_FLAG(VM_WIPEONFORK, CKPT_VMA_WIPEONFORK);
	MAP_FLAG(VM_DONTDUMP, CKPT_VMA_DONTDUMP);
	MAP_FLAG(VM_HUGEPAGE, CKPT_VMA_HUGEPAGE);
	MAP_FLAG(VM_NOHUGEPAGE, CKPT_VMA_NOHUGEPAGE);
	MAP_FLAG(VM_LOCKONFAULT, CKPT_VMA_LOCKONFAULT);
	MAP_FLAG(VM_MERGEABLE, CKPT_VMA_MERGEABLE);
	MAP_FLAG(VM_HUGETLB, CKPT_VMA_HUGETLB);
#undef MAP_FLAG
	/* VM_PKEY_BIT0 to 3; other architectures have other things there. */
	return f | (vm >> VM_PKEY_SHIFT & 0xf) << CKPT_VMA_PKEY_SHIFT;
}

/*
 * Without a file, operations mean a special mapping, whose name tells which:
 * its address would need the symbol table.
 */
static __always_inline void fill_special(struct gather_vma *o, struct vm_area_struct *v)
{
	struct vm_special_mapping *sm = v->vm_private_data;
	const char *name = BPF_CORE_READ(sm, name);

	if (bpf_probe_read_kernel_str(o->special, sizeof(o->special), name) <= 1 ||
	    o->special[0] != '[')
		forget(o->special, sizeof(o->special));
}

static __always_inline void emit_name(struct seq_file *seq, struct vm_area_struct *v,
				      const struct reader *r, struct task_struct *t)
{
	struct gather_vmaname o = {};
	long n = compat_anon_name(v, o.name, sizeof(o.name));

	if (n <= 1)
		return;
	fill_hdr(&o.h, r, t, t->thread_pid, t->signal, GATHER_VMANAME);
	o.h.len = sizeof(o);
	o.rec.start = v->vm_start;
	o.rec.name_len = n - 1;
	bpf_seq_write(seq, &o, sizeof(o));
}

#define HELD_STEPS	16384	/* walked on one list */

struct held_walk {
	void *p, *head;
	struct file *file;
	__u32 held;
};

static long held_step(__u32 i, struct held_walk *w)
{
	struct lock_view v;

	if (!w->p || w->p == w->head)
		return 1;
	compat_lock(&v, w->p);
	if (v.file == w->file && v.owner == w->file) {
		w->held = 1;
		return 1;
	}
	return bpf_probe_read_kernel(&w->p, sizeof(w->p), w->p) ? 1 : 0;
}

static __always_inline __u32 holds_any(void *head, struct file *f)
{
	struct held_walk w = { .head = head, .file = f };

	if (bpf_probe_read_kernel(&w.p, sizeof(w.p), head))
		return 0;
	bpf_loop(HELD_STEPS, held_step, &w, 0);
	return w.held;
}

/* Of a description that may have no descriptor any more: locks of its own. */
static __always_inline __u32 file_holds(struct file *f, struct inode *inode)
{
	struct file_lock_context *c = inode->i_flctx;

	return c && (holds_any(&c->flc_flock, f) || holds_any(&c->flc_posix, f) ||
		     holds_any(&c->flc_lease, f));
}

SEC("iter/task_vma")
int ckpt_vma(struct bpf_iter__task_vma *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct vm_area_struct *v = ctx->vma;
	struct task_struct *t = ctx->task;
	struct gather_vma *o;
	struct inode *inode;
	struct reader r;
	struct file *f;
	__u64 len = 0;

	if (!t || !v)
		return 0;
	o = scratch_of(&vma_scratch);
	if (!o)
		return 0;
	reader_init(&r);

	fill_hdr(&o->h, &r, t, t->thread_pid, t->signal, GATHER_VMA);
	f = v->vm_file;
	o->rec.start = v->vm_start;
	o->rec.end = v->vm_end;
	o->vm_flags = v->vm_flags;
	o->rec.flags = flags_of(o->vm_flags);
	o->vm_file = (__u64)f;
	o->vm_ops = (__u64)v->vm_ops;
	if (bpf_core_field_exists(v->vm_userfaultfd_ctx.ctx))
		o->uffd = (__u64)v->vm_userfaultfd_ctx.ctx;
	o->anon_vma = (__u64)v->anon_vma;
	if (f) {
		o->rec.offset = v->vm_pgoff << 12;
		inode = f->f_inode;
		fill_file(&o->file, f, inode);
		compat_mtime(inode, &o->mtime);
		o->file.kind = CKPT_FILE_MAPPED;
		o->nlink = inode->i_nlink;
		o->s_magic = inode->i_sb->s_magic;
		if (o->rec.flags & CKPT_VMA_HUGETLB)
			o->rec.flags |= (__u64)inode->i_sb->s_blocksize_bits << CKPT_VMA_HUGE_SHIFT;
		/* This iterator holds none itself; what overlayfs maps, it holds too. */
		if (!(f->f_mode & FMODE_NOACCOUNT)) {
			o->refs = compat_file_refs(f) + 1;
			o->dentry_refs = dentry_refs(f);
		}
		o->writers = inode->i_writecount.counter;
		o->held = file_holds(f, inode);
		o->linkable = compat_linkable(inode);
		if (f->f_mode & FMODE_NOACCOUNT)
			o->path_err = GATHER_PATH_LINK;
		else
			len = path_text((struct path *)&f->f_path, o->path, &o->path_err);
		o->path_len = len;
		o->file.path_len = len;
	} else if (o->vm_ops) {
		fill_special(o, v);
	}
	CLAMP(len, PATH_ROOM);
	len = round8(sizeof(*o) + len);
	o->h.len = len;
	emit(seq, o, len);
	emit_name(seq, v, &r, t);
	if (bpf_core_field_exists(v->vm_policy))
		emit_mempolicy(seq, v->vm_policy, v->vm_start, &r, t);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
