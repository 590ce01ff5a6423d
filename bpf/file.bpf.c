// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* iter/task_file: one FD per descriptor, and what it is if no path can tell. */
#include "compat.bpf.h"
#include "epoll.bpf.h"
#include "eventfd.bpf.h"
#include "fowner.bpf.h"
#include "inotify.bpf.h"
#include "lock.bpf.h"
#include "pidfd.bpf.h"
#include "pipe.bpf.h"
#include "signalfd.bpf.h"
#include "timerfd.bpf.h"
#include "told.bpf.h"

#define S_IFMT		0170000
#define S_IFIFO		0010000

SCRATCH(file_scratch, sizeof(struct gather_fd) + PATH_ROOM + PATH_SLACK);

_Static_assert(sizeof(struct gather_fd) % 8 == 0, "records are whole words");
_Static_assert(sizeof(struct gather_fd) + PATH_ROOM + sizeof(struct gather_packets) +
	       GATHER_PACKETS_MAX * sizeof(__u32) + sizeof(struct gather_locks) +
	       GATHER_LOCKS_MAX * sizeof(struct gather_lock) + sizeof(struct gather_fowner) < SEQ_LIMIT,
	       "one run's output");

static __always_inline __u32 cloexec_of(struct task_struct *t, __u32 fd)
{
	unsigned long *map = BPF_CORE_READ(t, files, fdt, close_on_exec), word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), map + fd / 64);
	return word >> (fd % 64) & 1 ? CKPT_FD_CLOEXEC : 0;
}

static __always_inline void emit_anon(struct seq_file *seq, const struct anon_fd *f,
				      const struct reader *r, struct task_struct *t)
{
	switch (f->name) {
	case NAME8('[', 'e', 'v', 'e', 'n', 't', 'f', 'd'):
		emit_eventfd(seq, f);
		break;
	case NAME8('[', 'e', 'v', 'e', 'n', 't', 'p', 'o'):
		emit_epoll(seq, f);
		break;
	case NAME8('[', 't', 'i', 'm', 'e', 'r', 'f', 'd'):
		emit_timerfd(seq, f);
		break;
	case NAME8('[', 's', 'i', 'g', 'n', 'a', 'l', 'f'):
		emit_signalfd(seq, f);
		break;
	/* Without brackets until 7.1. */
	case NAME8('i', 'n', 'o', 't', 'i', 'f', 'y', 0):
	case NAME8('[', 'i', 'n', 'o', 't', 'i', 'f', 'y'):
		emit_inotify(seq, f);
		break;
	case NAME8('[', 'p', 'i', 'd', 'f', 'd', ']', 0):
		emit_pidfd(seq, f, r, t);
		break;
	}
}

SEC("iter/task_file")
int ckpt_file(struct bpf_iter__task_file *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *t = ctx->task;
	struct file *f = ctx->file;
	struct gather_epoll_from *from;
	struct gather_fd *o;
	struct anon_fd anon;
	struct inode *inode;
	struct reader r;
	__u32 packets = 0;
	bool fifo;
	__u64 len;

	if (!t || !f)
		return 0;
	from = scratch_of(&epoll_from);
	o = scratch_of(&file_scratch);
	if (!o || !from || (from->next && from->fd != (__s32)ctx->fd))
		return 0;
	reader_init(&r);

	fill_hdr(&o->h, &r, t, t->thread_pid, t->signal, GATHER_FD);
	inode = f->f_inode;
	o->rec.fd = ctx->fd;
	o->rec.flags = cloexec_of(t, ctx->fd);
	fill_file(&o->file, f, inode);
	compat_mtime(inode, &o->mtime);
	o->cookie = (__u64)f;
	o->priv = (__u64)f->private_data;
	o->f_mode = f->f_mode;
	o->nlink = inode->i_nlink;
	o->s_magic = inode->i_sb->s_magic;
	o->refs = compat_file_refs(f);
	o->dentry_refs = dentry_refs(f);
	o->writers = inode->i_writecount.counter;
	o->linkable = compat_linkable(inode);
	o->told = told_file(f);
	bpf_probe_read_kernel_str(o->name, sizeof(o->name),
				  BPF_CORE_READ(f, f_path.dentry, d_name.name));
	fifo = (o->file.mode & S_IFMT) == S_IFIFO;
	if (fifo && o->priv)
		fill_pipe(o, f, (void *)o->priv);
	if (o->pipe.packets)
		packets = o->pipe.nbufs;
	len = path_text((struct path *)&f->f_path, o->path, &o->path_err);
	o->path_len = len;
	o->file.path_len = len;
	CLAMP(len, PATH_ROOM);
	len = round8(sizeof(*o) + len);
	o->h.len = len;
	anon_of(&anon, o, inode);
	emit(seq, o, len);
	if (anon.name && anon.priv)
		emit_anon(seq, &anon, &r, t);
	if (packets)
		emit_packets(seq, &anon, packets);
	emit_locks(seq, &anon, f, inode, t);
	emit_fowner(seq, &anon, f, fifo, &r);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
