/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Building a record in a scratch map and handing it on.
 *
 * Every program owns one ARRAY map of one element, its scratch: the stack has
 * 512 bytes only. Scratch is all zero when a program starts and when it ends:
 * so no pad and no unset field shows what lay there before, and nothing of a
 * target stays in a map that outlives the run. It serves one reader at a time;
 * user/engine/bpf.c sees to that.
 *
 * A program may run twice for one object (the seq file's buffer was full), so
 * it must leave nothing behind but its output. All output of one run must stay
 * below 32 KiB or the reader gets E2BIG.
 */
#ifndef CKPTBPF_EMIT_BPF_H
#define CKPTBPF_EMIT_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "gather.h"

#define SEQ_LIMIT	32768	/* one run's output must be smaller: bpf_seq_read() */
#define PID_LEVEL_MAX	32	/* MAX_PID_NS_LEVEL */
#define PATH_ROOM	4096	/* for bpf_d_path(), with the NUL */
#define PATH_SLACK	4096	/* behind it: the verifier cannot know that tail + len is PATH_ROOM */

#define SCRATCH(name, bytes)					\
	struct {						\
		__uint(type, BPF_MAP_TYPE_ARRAY);		\
		__uint(max_entries, 1);				\
		__uint(key_size, 4);				\
		__uint(value_size, (bytes));			\
	} name SEC(".maps")

/*
 * Bound an unsigned 64-bit variable for the verifier. In assembly, because
 * clang drops a comparison that it can prove and the verifier cannot.
 */
#define CLAMP(v, max) \
	asm volatile("if %0 <= %1 goto +1\n\t%0 = %1" : "+r"(v) : "i"(max))

static __always_inline void *scratch_of(void *map)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(map, &zero);
}

/* A failing probe read zeroes its buffer, at the speed of memset(). */
static __always_inline void forget(void *p, __u64 len)
{
	bpf_probe_read_kernel(p, len, (void *)0);
}

/* len: bounded by the caller, a multiple of 8. */
static __always_inline void emit(struct seq_file *seq, void *rec, __u64 len)
{
	bpf_seq_write(seq, rec, len);
	forget(rec, len);
}

/*
 * The text of path into buf, which has PATH_ROOM + PATH_SLACK bytes of zeros.
 * Returns its length without the NUL, at most PATH_ROOM - 1; 0 and *err = -errno
 * (ENAMETOOLONG) if there is none: a text is whole or absent. It is the path
 * that the reader would see, as readlink of /proc/PID/fd/N gives it.
 */
static __always_inline __u64 path_text(struct path *path, char *buf, __s32 *err)
{
	long n = bpf_d_path(path, buf, PATH_ROOM);
	__u64 len = n, tail;

	if (n <= 0) {
		if (n < 0)
			*err = n;
		forget(buf, PATH_ROOM);
		return 0;
	}
	/* d_path() wrote it at the end and moved it: take away what is left there. */
	CLAMP(len, PATH_ROOM);
	tail = PATH_ROOM - len;
	CLAMP(tail, PATH_ROOM);
	if (tail >= len)
		forget(buf + tail, len);
	else
		forget(buf + len, tail);
	return len - 1;
}

static __always_inline __u64 round8(__u64 len)
{
	return (len + 7) & ~7ull;
}

/*
 * The reader: bpf_get_current_task() is who called read(). Numbers are given
 * as its pid namespace counts; ns is looked at only if that is not the first.
 */
struct reader {
	__u32 level;
	struct pid_namespace *ns;
};

static __always_inline struct pid_namespace *pid_ns_at(struct pid *pid, __u32 level, __s32 *nr)
{
	struct upid u = {};
	__u64 at = level;

	/* 6.1 adds only bounded numbers to a pointer. */
	CLAMP(at, PID_LEVEL_MAX);
	bpf_probe_read_kernel(&u, sizeof(u), (void *)pid + bpf_core_field_offset(struct pid, numbers) +
			      at * bpf_core_type_size(struct upid));
	*nr = u.nr;
	return u.ns;
}

static __always_inline void reader_init(struct reader *r)
{
	struct pid *pid = bpf_get_current_task_btf()->thread_pid;
	__s32 nr;

	r->level = pid->level;
	r->ns = r->level ? pid_ns_at(pid, r->level, &nr) : (void *)0;
}

/* pid's number for the reader, 0: not visible there. */
static __always_inline __s32 pid_nr(const struct reader *r, struct pid *pid)
{
	__s32 nr;

	if (!pid || BPF_CORE_READ(pid, level) < r->level)
		return 0;
	if (pid_ns_at(pid, r->level, &nr) != r->ns && r->level)
		return 0;
	return nr;
}

/* pid, sig: of t. */
static __always_inline void fill_hdr(struct gather_hdr *h, const struct reader *r,
				     struct task_struct *t, struct pid *pid,
				     struct signal_struct *sig, __u32 type)
{
	h->type = type;
	if (r->level) {
		h->tid = pid_nr(r, pid);
		h->tgid = pid_nr(r, sig->pids[PIDTYPE_TGID]);
	} else {
		h->tid = t->pid;
		h->tgid = t->tgid;
	}
}

static __always_inline void fill_file(struct ckpt_file *o, struct file *f, struct inode *inode)
{
	/* The kernel's own bits are higher: a mapping's real file below an overlay has one. */
	o->flags = f->f_flags & 037777777;
	o->mode = inode->i_mode;
	o->pos = f->f_pos;
	o->ino = inode->i_ino;
	o->size = inode->i_size;
	o->dev = inode->i_sb->s_dev;
	o->rdev = inode->i_rdev;
}

/* How many descriptions lead to a file by this name. */
static __always_inline __u32 dentry_refs(struct file *f)
{
	return (__u32)BPF_CORE_READ(f, f_path.dentry, d_lockref.count);
}

#endif
