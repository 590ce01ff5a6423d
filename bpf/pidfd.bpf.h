/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* PIDFD: which process it stands for. On an anonymous inode until 6.8, on pidfs since. */
#ifndef CKPTBPF_PIDFD_BPF_H
#define CKPTBPF_PIDFD_BPF_H

#include "anon.bpf.h"

static __always_inline void emit_pidfd(struct seq_file *seq, const struct anon_fd *f,
				       const struct reader *r, struct task_struct *t)
{
	struct pid *pid = f->priv;
	struct gather_pidfd o = {};

	anon_hdr(&o.a, f, GATHER_PIDFD, sizeof(o));
	o.rec.pid = pid_nr(r, pid);
	/* The number alone may be another's by now. */
	o.own = pid == t->signal->pids[PIDTYPE_TGID];
	bpf_seq_write(seq, &o, sizeof(o));
}

#endif
