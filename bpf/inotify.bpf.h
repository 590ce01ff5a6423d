/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * INOTIFY: how much waits to be read, and the next watch's number. The watches
 * themselves are in fdinfo, with a handle by which user space finds a path; the
 * kernel keeps inodes only.
 */
#ifndef CKPTBPF_INOTIFY_BPF_H
#define CKPTBPF_INOTIFY_BPF_H

#include "anon.bpf.h"

static __always_inline void emit_inotify(struct seq_file *seq, const struct anon_fd *f)
{
	struct fsnotify_group *g = f->priv;
	struct gather_inotify o = {};

	anon_hdr(&o.a, f, GATHER_INOTIFY, sizeof(o));
	o.events = BPF_CORE_READ(g, q_len);
	o.next_wd = BPF_CORE_READ(g, inotify_data.idr.idr_next);
	bpf_seq_write(seq, &o, sizeof(o));
}

#endif
