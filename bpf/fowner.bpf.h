/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * FOWNER: who is told, by which signal, that something happens to a description;
 * and, of what keeps a list of those that asked for it (O_ASYNC), the descriptor
 * that the signal will name.
 */
#ifndef CKPTBPF_FOWNER_BPF_H
#define CKPTBPF_FOWNER_BPF_H

#include "anon.bpf.h"
#include "compat.bpf.h"

#define FASYNC_STEPS	4096	/* walked on one list */
#define FASYNC_FLAG	020000

struct fasync_walk {
	struct fasync_struct *p;
	struct file *file;
	__s32 fd;
};

static long fasync_step(__u32 i, struct fasync_walk *w)
{
	struct fasync_struct *p = w->p;

	if (!p)
		return 1;
	if (BPF_CORE_READ(p, fa_file) == w->file) {
		w->fd = BPF_CORE_READ(p, fa_fd);
		return 1;
	}
	w->p = BPF_CORE_READ(p, fa_next);
	return 0;
}

static __always_inline __s32 fasync_fd(struct fasync_struct *list, struct file *file)
{
	struct fasync_walk w = { .p = list, .file = file, .fd = -1 };

	if (list)
		bpf_loop(FASYNC_STEPS, fasync_step, &w, 0);
	return w.fd;
}

static __always_inline __s32 async_fd_of(const struct anon_fd *a, struct file *f, bool fifo)
{
	struct pipe_inode_info *p = a->priv;
	struct fsnotify_group *g = a->priv;
	__s32 fd;

	if (!a->priv)
		return -1;
	if (fifo) {
		fd = fasync_fd(BPF_CORE_READ(p, fasync_readers), f);
		return fd >= 0 ? fd : fasync_fd(BPF_CORE_READ(p, fasync_writers), f);
	}
	if (a->name == NAME8('i', 'n', 'o', 't', 'i', 'f', 'y', 0) ||
	    a->name == NAME8('[', 'i', 'n', 'o', 't', 'i', 'f', 'y'))
		return fasync_fd(BPF_CORE_READ(g, fsn_fa), f);
	return -1;
}

/* Has nobody that number any more? */
static __always_inline bool pid_is_dead(struct pid *pid, __u32 type)
{
	void *first = (void *)0;

	if (type > PIDTYPE_PGID)
		return 0;
	bpf_probe_read_kernel(&first, sizeof(first), (void *)pid +
			      bpf_core_field_offset(struct pid, tasks) + type * sizeof(first));
	return !first;
}

static __always_inline void emit_fowner(struct seq_file *seq, const struct anon_fd *a,
					struct file *f, bool fifo, const struct reader *r)
{
	struct gather_fowner o = {};
	struct pid *pid = compat_file_owner(f, &o.rec);

	o.rec.async_fd = f->f_flags & FASYNC_FLAG ? async_fd_of(a, f, fifo) : -1;
	/* A lease, too, sets the flag. */
	if (!pid && !o.rec.signum && !(f->f_flags & FASYNC_FLAG))
		return;
	anon_hdr(&o.a, a, GATHER_FOWNER, sizeof(o));
	if (pid) {
		o.rec.pid = pid_nr(r, pid);
		o.dead = pid_is_dead(pid, o.rec.type);
		o.outside = !o.rec.pid;
	}
	bpf_seq_write(seq, &o, sizeof(o));
}

#endif
