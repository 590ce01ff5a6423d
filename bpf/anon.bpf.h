/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Descriptors on anonymous inodes: told apart by the dentry's name, as /proc/PID/fd shows it. */
#ifndef CKPTBPF_ANON_BPF_H
#define CKPTBPF_ANON_BPF_H

#include "emit.bpf.h"

#define ANON_INODE_FS_MAGIC	0x09041934
#define PID_FS_MAGIC		0x50494446	/* since 6.9 */

/* What the emitters need of the FD record, which has left the scratch when they run. */
struct anon_fd {
	struct gather_hdr h;
	__s32 fd;
	__u64 name;		/* the first eight bytes, 0: not on an anonymous inode */
	void *priv;		/* file->private_data; on pidfs inode->i_private */
};

/* The bytes of a name as they lie in memory. */
#define NAME8(a, b, c, d, e, f, g, h)						\
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 |	\
	 (__u64)(e) << 32 | (__u64)(f) << 40 | (__u64)(g) << 48 | (__u64)(h) << 56)

static __always_inline void anon_of(struct anon_fd *f, const struct gather_fd *o,
				    struct inode *inode)
{
	f->h = o->h;
	f->fd = o->rec.fd;
	f->priv = (void *)o->priv;
	f->name = o->s_magic == ANON_INODE_FS_MAGIC ? *(const __u64 *)o->name : 0;
	if (o->s_magic == PID_FS_MAGIC) {
		f->name = NAME8('[', 'p', 'i', 'd', 'f', 'd', ']', 0);
		f->priv = inode->i_private;
	}
}

static __always_inline void anon_hdr(struct gather_anon *a, const struct anon_fd *f, __u32 type,
				     __u32 len)
{
	a->h = f->h;
	a->h.type = type;
	a->h.len = len;
	a->fd = f->fd;
}

#endif
