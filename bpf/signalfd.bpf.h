/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* SIGNALFD: which signals it reads. */
#ifndef CKPTBPF_SIGNALFD_BPF_H
#define CKPTBPF_SIGNALFD_BPF_H

#include "anon.bpf.h"

static __always_inline void emit_signalfd(struct seq_file *seq, const struct anon_fd *f)
{
	struct signalfd_ctx *c = f->priv;
	struct gather_signalfd o = {};

	anon_hdr(&o.a, f, GATHER_SIGNALFD, sizeof(o));
	/* The kernel keeps those that it does not read. */
	o.rec.mask = ~BPF_CORE_READ(c, sigmask.sig[0]);
	bpf_seq_write(seq, &o, sizeof(o));
}

#endif
