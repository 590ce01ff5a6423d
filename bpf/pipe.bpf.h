/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* PIPE: who has its ends, what is in it; where there are packets, the length of each part. */
#ifndef CKPTBPF_PIPE_BPF_H
#define CKPTBPF_PIPE_BPF_H

#include "anon.bpf.h"
#include "compat.bpf.h"

#define PIPE_SLOTS_MAX	65536	/* counted of one pipe: 256 MiB */
#define PIPE_BUF_PACKET	0x08	/* PIPE_BUF_FLAG_PACKET */

SCRATCH(pipe_scratch, sizeof(struct gather_packets) + (GATHER_PACKETS_MAX + 2) * sizeof(__u32));

struct pipe_walk {
	void *bufs;
	__u64 bytes;
	__u32 mask, at, packets;
};

static __always_inline struct pipe_buffer *pipe_next(struct pipe_walk *w)
{
	return w->bufs + (__u64)(w->at++ & w->mask) * bpf_core_type_size(struct pipe_buffer);
}

static long pipe_step(__u32 i, struct pipe_walk *w)
{
	struct pipe_buffer *b = pipe_next(w);

	w->bytes += BPF_CORE_READ(b, len);
	w->packets += !!(BPF_CORE_READ(b, flags) & PIPE_BUF_PACKET);
	return 0;
}

static long packet_step(__u32 i, struct pipe_walk *w)
{
	struct gather_packets *o = scratch_of(&pipe_scratch);
	struct pipe_buffer *b = pipe_next(w);
	__u64 n = i;

	if (!o)
		return 1;
	CLAMP(n, GATHER_PACKETS_MAX);
	o->part[n] = BPF_CORE_READ(b, len) & ~CKPT_PIPE_PACKET;
	if (BPF_CORE_READ(b, flags) & PIPE_BUF_PACKET)
		o->part[n] |= CKPT_PIPE_PACKET;
	return 0;
}

static __always_inline void pipe_walk_init(struct pipe_walk *w, struct pipe_inode_info *p)
{
	w->bufs = BPF_CORE_READ(p, bufs);
	w->at = BPF_CORE_READ(p, tail);
	w->mask = BPF_CORE_READ(p, ring_size) - 1;
	w->bytes = 0;
	w->packets = 0;
}

static __always_inline void fill_pipe(struct gather_fd *o, struct file *f, struct pipe_inode_info *p)
{
	struct pipe_walk w;
	__u64 n;

	pipe_walk_init(&w, p);
	o->pipe.readers = BPF_CORE_READ(p, readers);
	o->pipe.writers = BPF_CORE_READ(p, writers);
	o->pipe.ring_size = w.mask + 1;
	o->pipe.nbufs = BPF_CORE_READ(p, head) - w.at;
	/* Of a fifo that was opened while nobody wrote: has anybody since? */
	o->pipe.had_writer = compat_file_seen(f) != BPF_CORE_READ(p, w_counter);
	n = o->pipe.nbufs;
	CLAMP(n, PIPE_SLOTS_MAX);
	if (n)
		bpf_loop(n, pipe_step, &w, 0);
	o->pipe.bytes = w.bytes;
	o->pipe.packets = w.packets;
}

/* nbufs: as fill_pipe() found it, with packets among them. */
static __always_inline void emit_packets(struct seq_file *seq, const struct anon_fd *fd, __u32 nbufs)
{
	struct gather_packets *o = scratch_of(&pipe_scratch);
	struct pipe_walk w;
	__u64 n = nbufs;

	if (!o)
		return;
	o->more = n > GATHER_PACKETS_MAX;
	CLAMP(n, GATHER_PACKETS_MAX);
	pipe_walk_init(&w, fd->priv);
	if (n)
		bpf_loop(n, packet_step, &w, 0);
	o->a.n = n;
	n = round8(sizeof(*o) + n * sizeof(__u32));
	anon_hdr(&o->a, fd, GATHER_PACKETS, n);
	emit(seq, o, n);
}

#endif
