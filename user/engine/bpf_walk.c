// SPDX-License-Identifier: GPL-2.0
/*
 * An iterator is a file: link a program to one process, create the file, read
 * records out of it. What comes is checked as if it came from elsewhere,
 * because kernels differ in how they walk:
 *  - task_vma by thread number never ends once the output passes 32 KiB (6.1 to
 *    7.2), by process number it is right, but comes again for each thread that
 *    has a descriptor table of its own;
 *  - task_file by process number lists twice on 6.1, by thread number is right.
 */
#include "engine/bpf_walk.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"

#define READ_ROOM	131072u
#define RECORD_MAX	32768u	/* the kernel's own limit for one run of a program */

struct walk {
	enum ckpt_walk_kind kind;
	int prog, from;
	pid_t pid;
	ckpt_bpf_cb cb;
	void *arg;
	__s32 tid;		/* of the THREAD last seen */
	__u64 start;		/* VMA: of the last one */
	__u64 next;		/* VMA: end of the last one; FD: lowest number that may follow */
	size_t records, limit;
	struct ckpt_map_link link;
};

static const char *const kind_name[] = { "threads", "mappings", "descriptors", "signals" };

static int bad(const struct walk *w, const char *what)
{
	return ckpt_fail(-EPROTO, w->pid, "BPF: %s: %s", kind_name[w->kind], what);
}

static int check_proc(const struct walk *w, const struct gather_proc *p)
{
	if (p->h.len < sizeof(*p) || p->mm.auxv_len > CKPT_MAX_AUXV ||
	    p->exe.path_len >= CKPT_MAX_PATH || p->fs.cwd_len >= CKPT_MAX_PATH ||
	    p->fs.root_len >= CKPT_MAX_PATH ||
	    p->h.len != ckpt_round8(sizeof(*p) + p->exe.path_len + p->fs.cwd_len + p->fs.root_len))
		return bad(w, "process record");
	if (p->path_err)
		return ckpt_fail(p->path_err, w->pid, "path of its program, cwd or root");
	return 0;
}

/* Behind a thread, where start is 0 as there, or a mapping. */
static int check_mempolicy(const struct walk *w, const struct gather_mempolicy *m)
{
	return m->h.len == sizeof(*m) && m->rec.start == w->start ? 0 : bad(w, "memory policy");
}

static int check_thread_records(struct walk *w, const struct gather_hdr *h)
{
	const struct gather_xstate *x = (const void *)h;
	const struct gather_groups *g = (const void *)h;

	if (h->type == GATHER_THREAD) {
		if (h->len != sizeof(struct gather_thread) || h->tid <= 0)
			return bad(w, "thread record");
		w->tid = h->tid;
		return 0;
	}
	/* The others follow their thread. */
	if (h->tid != w->tid)
		return bad(w, "order");
	switch (h->type) {
	case GATHER_XSTATE:
		if (h->len < sizeof(*x))
			return bad(w, "xstate record");
		if (x->size > GATHER_XSTATE_MAX)
			return ckpt_fail(-EFBIG, w->pid, "thread %d: xstate of %u bytes", h->tid, x->size);
		return h->len == ckpt_round8(sizeof(*x) + x->size) ? 0 : bad(w, "xstate record");
	case GATHER_GROUPS:
		if (h->len < sizeof(*g) ||
		    h->len != ckpt_round8(sizeof(*g) + (g->n > GATHER_GROUPS_MAX ? 0 : g->n) * sizeof(g->gid[0])))
			return bad(w, "groups record");
		return 0;
	case GATHER_MEMPOLICY:
		return check_mempolicy(w, (const void *)h);
	case GATHER_PROC:
		return check_proc(w, (const void *)h);
	default:
		return bad(w, "unknown record");
	}
}

static int check_vmaname(const struct walk *w, const struct gather_vmaname *n)
{
	return n->h.len == sizeof(*n) && n->rec.start == w->start &&
	       n->rec.name_len == strnlen(n->name, sizeof(n->name)) &&
	       n->rec.name_len <= CKPT_MAX_VMANAME ? 0 : bad(w, "name");
}

static int check_vma(struct walk *w, const struct gather_vma *v)
{
	if (w->next && v->h.type == GATHER_MEMPOLICY)
		return check_mempolicy(w, (const void *)v);
	if (w->next && v->h.type == GATHER_VMANAME)
		return check_vmaname(w, (const void *)v);
	if (v->h.type != GATHER_VMA || v->h.len < sizeof(*v) || v->path_len >= CKPT_MAX_PATH ||
	    v->path_len != v->file.path_len || v->h.len != ckpt_round8(sizeof(*v) + v->path_len) ||
	    v->special[sizeof(v->special) - 1])
		return bad(w, "record");
	if (v->rec.start < w->next || v->rec.end <= v->rec.start)
		return bad(w, "order");
	w->start = v->rec.start;
	w->next = v->rec.end;
	if (v->path_err && v->path_err != GATHER_PATH_LINK)
		return ckpt_fail(v->path_err, w->pid, "mapping %llx: path of its file",
				 (unsigned long long)v->rec.start);
	return 0;
}

static int check_fd(struct walk *w, const struct gather_fd *f)
{
	if (f->h.type != GATHER_FD || f->h.len < sizeof(*f) || f->path_len >= CKPT_MAX_PATH ||
	    f->path_len != f->file.path_len || f->h.len != ckpt_round8(sizeof(*f) + f->path_len) ||
	    f->name[sizeof(f->name) - 1])
		return bad(w, "record");
	if (f->rec.fd < 0 || (__u64)f->rec.fd < w->next)
		return bad(w, "order");
	w->next = (__u64)f->rec.fd + 1;
	if (f->path_err)
		return ckpt_fail(f->path_err, w->pid, "fd %d: path", f->rec.fd);
	return 0;
}

/* Behind its FD, of the kind's own length. */
static int check_anon(struct walk *w, const struct gather_anon *a)
{
	size_t len = sizeof(*a), item = 0;

	switch (a->h.type) {
	case GATHER_EVENTFD:
		len = sizeof(struct gather_eventfd);
		break;
	case GATHER_TIMERFD:
		len = sizeof(struct gather_timerfd);
		break;
	case GATHER_SIGNALFD:
		len = sizeof(struct gather_signalfd);
		break;
	case GATHER_INOTIFY:
		len = sizeof(struct gather_inotify);
		break;
	case GATHER_PIDFD:
		len = sizeof(struct gather_pidfd);
		break;
	case GATHER_LOCKS:
		len = sizeof(struct gather_locks);
		item = sizeof(struct gather_lock);
		break;
	case GATHER_PACKETS:
		len = sizeof(struct gather_packets);
		item = sizeof(__u32);
		break;
	case GATHER_FOWNER:
		len = sizeof(struct gather_fowner);
		break;
	case GATHER_EPOLL:
		len = sizeof(struct gather_epoll);
		item = sizeof(struct gather_epitem);
		break;
	default:
		return bad(w, "unknown record");
	}
	if (a->h.len < len || a->h.len != ckpt_round8(len + item * a->n))
		return bad(w, "length of a descriptor's kind");
	if (!w->next || (__u64)a->fd != w->next - 1)
		return bad(w, "order");
	return 0;
}

static int check_signals(struct walk *w, const struct gather_hdr *h)
{
	const struct gather_posixtimers *t = (const void *)h;
	const struct gather_sigpending *p = (const void *)h;

	if (h->type == GATHER_POSIXTIMERS && h->len >= sizeof(*t)) {
		if (t->n > GATHER_TIMERS_MAX)
			return ckpt_fail(-EFBIG, w->pid, "it has more than %u POSIX timers",
					 GATHER_TIMERS_MAX);
		return h->len == sizeof(*t) + t->n * sizeof(t->rec[0]) ? 0 : bad(w, "length");
	}
	if (h->type != GATHER_SIGPENDING || h->len < sizeof(*p) || h->tid <= 0)
		return bad(w, "record");
	if (p->rec.n > GATHER_SIGNALS_MAX)
		return ckpt_fail(-EFBIG, w->pid, "thread %d: more than %u signals are pending", h->tid,
				 GATHER_SIGNALS_MAX);
	return h->len == sizeof(*p) + p->rec.n * sizeof(p->info[0]) ? 0 : bad(w, "length");
}

static int take(struct walk *w, const struct gather_hdr *h)
{
	int err;

	if (++w->records > w->limit)
		return ckpt_fail(-EFBIG, w->pid, "BPF: more than %zu %s", w->limit, kind_name[w->kind]);
	if (h->tgid != w->pid)
		return bad(w, "another process");
	/* Again, for another thread of the same memory. */
	if (w->kind == CKPT_WALK_VMAS && h->tid != w->pid)
		return 0;
	switch (w->kind) {
	case CKPT_WALK_THREADS:
		err = check_thread_records(w, h);
		if (!err && h->type == GATHER_GROUPS &&
		    ((const struct gather_groups *)h)->n > GATHER_GROUPS_MAX)
			return ckpt_complete_groups(w->pid, (const void *)h, w->cb, w->arg);
		break;
	case CKPT_WALK_VMAS:
		err = check_vma(w, (const void *)h);
		if (!err && h->type == GATHER_VMA &&
		    ((const struct gather_vma *)h)->path_err == GATHER_PATH_LINK)
			return ckpt_complete_path(w->pid, &w->link, (const void *)h, w->cb, w->arg);
		break;
	case CKPT_WALK_SIGNALS:
		err = check_signals(w, h);
		break;
	default:
		err = h->type == GATHER_FD ? check_fd(w, (const void *)h) : check_anon(w, (const void *)h);
	}
	if (!err && w->from >= 0 && h->type == GATHER_EPOLL && ((const struct gather_epoll *)h)->next)
		return ckpt_complete_epoll(w->prog, w->from, w->pid, (const void *)h, w->cb, w->arg);
	return err ? err : w->cb(h, w->arg);
}

/* Whole records out of buf; *used: how many bytes they were. */
static int take_all(struct walk *w, const char *buf, size_t have, size_t *used)
{
	const struct gather_hdr *h;
	size_t at = 0;
	int err;

	*used = 0;
	while (have - at >= sizeof(*h)) {
		h = (const void *)(buf + at);
		if (h->len < sizeof(*h) || h->len % 8 || h->len > RECORD_MAX)
			return bad(w, "length");
		if (h->len > have - at)
			break;
		err = take(w, h);
		if (err)
			return err;
		at += h->len;
	}
	*used = at;
	return 0;
}

static int open_iter(int prog, const struct walk *w)
{
	DECLARE_LIBBPF_OPTS(bpf_link_create_opts, opts);
	cleanup_close int link = -1;
	union bpf_iter_link_info info;
	int iter;

	memset(&info, 0, sizeof(info));
	if (w->kind == CKPT_WALK_FDS)
		info.task.tid = (__u32)w->pid;
	else
		info.task.pid = (__u32)w->pid;
	opts.iter_info = &info;
	opts.iter_info_len = sizeof(info);
	link = bpf_link_create(prog, 0, BPF_TRACE_ITER, &opts);
	if (link < 0)
		return -errno;
	iter = bpf_iter_create(link);
	return iter < 0 ? -errno : iter;
}

static size_t limit_of(enum ckpt_walk_kind kind)
{
	switch (kind) {
	case CKPT_WALK_THREADS:
	case CKPT_WALK_SIGNALS:
		return 4 * (size_t)CKPT_MAX_THREADS;
	case CKPT_WALK_VMAS:
		return 3 * (size_t)CKPT_MAX_VMAS;
	default:
		return 2 * (size_t)CKPT_MAX_FDS;
	}
}

int ckpt_walk(int prog, int from, enum ckpt_walk_kind kind, pid_t pid, ckpt_bpf_cb cb, void *arg)
{
	struct walk w = { .kind = kind, .prog = prog, .from = from, .pid = pid, .cb = cb, .arg = arg, .limit = limit_of(kind) };
	cleanup_free char *buf = malloc(READ_ROOM);
	cleanup_close int iter = -1;
	size_t have = 0, used;
	ssize_t n;
	int err;

	if (!buf)
		return ckpt_fail(-ENOMEM, pid, "BPF: %s", kind_name[kind]);
	if (pid <= 0)
		return ckpt_fail(-ESRCH, pid, "BPF: %s", kind_name[kind]);
	iter = open_iter(prog, &w);
	if (iter < 0)
		return ckpt_fail(iter, pid, "BPF: %s: iterator", kind_name[kind]);
	for (;;) {
		n = read(iter, buf + have, READ_ROOM - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ckpt_fail(-errno, pid, "BPF: %s: read", kind_name[kind]);
		if (!n)
			break;
		have += (size_t)n;
		err = take_all(&w, buf, have, &used);
		if (err)
			return err;
		have -= used;
		memmove(buf, buf + used, have);
	}
	if (have)
		return bad(&w, "cut short");
	if (!w.records && (kind == CKPT_WALK_THREADS || (kill(pid, 0) && errno == ESRCH)))
		return ckpt_fail(-ESRCH, pid, "BPF: %s", kind_name[kind]);
	return 0;
}
