/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* MEMPOLICY of a mapping or of a thread. */
#ifndef CKPTBPF_MEMPOLICY_BPF_H
#define CKPTBPF_MEMPOLICY_BPF_H

#include "emit.bpf.h"

/* include/uapi/linux/mempolicy.h */
#define MPOL_LOCAL	4	/* its nodes are never set */
#define MPOL_F_USER	0xc000	/* STATIC_NODES, RELATIVE_NODES: the nodes as they were given are kept */
#define MPOL_F_MODE	0xe000	/* and NUMA_BALANCING: what get_mempolicy() shows */

static __always_inline void emit_mempolicy(struct seq_file *seq, struct mempolicy *p, __u64 start,
					   const struct reader *r, struct task_struct *t)
{
	struct gather_mempolicy o = {};
	__u64 size;
	__u16 flags;

	if (!p)
		return;
	size = bpf_core_type_size(nodemask_t);
	CLAMP(size, sizeof(o.rec.nodes));
	fill_hdr(&o.h, r, t, t->thread_pid, t->signal, GATHER_MEMPOLICY);
	o.h.len = sizeof(o);
	flags = BPF_CORE_READ(p, flags);
	o.rec.start = start;
	o.rec.mode = BPF_CORE_READ(p, mode) | (flags & MPOL_F_MODE);
	o.rec.home_node = bpf_core_field_exists(p->home_node) ? BPF_CORE_READ(p, home_node) : -1;
	if (o.rec.mode != MPOL_LOCAL)
		bpf_probe_read_kernel(o.rec.nodes, size, (void *)p + (flags & MPOL_F_USER ?
				      bpf_core_field_offset(p->w.user_nodemask) :
				      bpf_core_field_offset(p->nodes)));
	bpf_seq_write(seq, &o, sizeof(o));
}

#endif
