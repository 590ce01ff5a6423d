/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * LOCK, LEASE: what lies on the lists of the inode, of all processes, is looked
 * through for what was taken by this description: its own, or, of POSIX locks,
 * those of this process. /proc/PID/fdinfo/N shows the same.
 */
#ifndef CKPTBPF_LOCK_BPF_H
#define CKPTBPF_LOCK_BPF_H

#include "anon.bpf.h"
#include "compat.bpf.h"

#define LOCK_STEPS	16384	/* walked on one list */
/* Behind the last item, for the verifier alone. */
#define LOCK_SLACK	sizeof(struct gather_lock)

SCRATCH(lock_scratch, sizeof(struct gather_locks) +
	GATHER_LOCKS_MAX * sizeof(struct gather_lock) + LOCK_SLACK);

struct lock_walk {
	void *p, *head;
	struct file *file;
	void *files;		/* files_struct: owner of a process's POSIX locks */
};

static long lock_step(__u32 i, struct lock_walk *w)
{
	struct gather_locks *o = scratch_of(&lock_scratch);
	struct lock_view v;
	__u64 n;

	if (!o || !w->p || w->p == w->head)
		return 1;
	compat_lock(&v, w->p);
	if (v.file == w->file && (v.owner == w->files || v.owner == w->file)) {
		n = o->a.n;
		if (n >= GATHER_LOCKS_MAX) {
			o->more = 1;
			return 1;
		}
		CLAMP(n, GATHER_LOCKS_MAX);
		o->items[n] = v.item;
		o->a.n = n + 1;
	}
	return bpf_probe_read_kernel(&w->p, sizeof(w->p), w->p) ? 1 : 0;
}

static __always_inline void walk_locks(struct gather_locks *o, void *head, struct file *f,
				       void *files)
{
	struct lock_walk w = { .head = head, .file = f, .files = files };

	if (bpf_probe_read_kernel(&w.p, sizeof(w.p), head))
		return;
	/* A list too long to walk may hold more of ours. */
	if (bpf_loop(LOCK_STEPS, lock_step, &w, 0) == LOCK_STEPS)
		o->more = 1;
}

static __always_inline void emit_locks(struct seq_file *seq, const struct anon_fd *fd,
				       struct file *f, struct inode *inode, struct task_struct *t)
{
	struct gather_locks *o = scratch_of(&lock_scratch);
	struct file_lock_context *c = inode->i_flctx;
	void *files = t->files;
	__u64 len;

	if (!o || !c)
		return;
	walk_locks(o, &c->flc_posix, f, files);
	walk_locks(o, &c->flc_flock, f, files);
	walk_locks(o, &c->flc_lease, f, files);
	len = o->a.n;
	if (!len && !o->more)
		return;
	CLAMP(len, GATHER_LOCKS_MAX);
	len = sizeof(*o) + len * sizeof(o->items[0]);
	anon_hdr(&o->a, fd, GATHER_LOCKS, len);
	emit(seq, o, len);
}

#endif
