/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* EVENTFD: the counter and how read() takes from it. */
#ifndef CKPTBPF_EVENTFD_BPF_H
#define CKPTBPF_EVENTFD_BPF_H

#include "anon.bpf.h"

static __always_inline void emit_eventfd(struct seq_file *seq, const struct anon_fd *f)
{
	struct eventfd_ctx *c = f->priv;
	struct gather_eventfd o = {};

	anon_hdr(&o.a, f, GATHER_EVENTFD, sizeof(o));
	/* With the flags of the call, of which only this one counts later. */
	o.rec.flags = BPF_CORE_READ(c, flags) & CKPT_EVENTFD_SEMAPHORE;
	o.rec.count = BPF_CORE_READ(c, count);
	bpf_seq_write(seq, &o, sizeof(o));
}

#endif
