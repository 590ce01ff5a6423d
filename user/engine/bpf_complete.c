// SPDX-License-Identifier: GPL-2.0
/*
 * Records that an iterator marks as not complete: the rest comes from /proc, or
 * piece by piece from the iterator.
 */
#include "engine/bpf_walk.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"

/* "Groups:\t1 2 3 \n" out of /proc/PID/task/TID/status into g, whose n is already true. */
static int parse_groups(const char *status, struct gather_groups *g)
{
	const char *p = strstr(status, "\nGroups:");
	char *end;

	if (!p)
		return -EPROTO;
	p += strlen("\nGroups:");
	for (__u32 i = 0; i < g->n; i++) {
		errno = 0;
		g->gid[i] = (__u32)strtoul(p, &end, 10);
		if (end == p || errno)
			return -EPROTO;
		p = end;
	}
	p += strspn(p, " \t");
	return *p == '\n' ? 0 : -EPROTO;
}

int ckpt_complete_groups(pid_t pid, const struct gather_groups *got, ckpt_bpf_cb cb, void *arg)
{
	cleanup_free struct gather_groups *g = NULL;
	cleanup_free char *status = NULL;
	char path[64];
	size_t len;
	int err;

	if (got->n > CKPT_MAX_GROUPS)
		return ckpt_fail(-EPROTO, pid, "BPF: %u groups", got->n);
	len = ckpt_round8(sizeof(*g) + got->n * sizeof(g->gid[0]));
	g = calloc(1, len);
	if (!g)
		return ckpt_fail(-ENOMEM, pid, "BPF: groups");
	*g = *got;
	g->h.len = (__u32)len;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, got->h.tid);
	err = ckpt_slurp(path, &status, &len);
	if (!err)
		err = parse_groups(status, g);
	if (err)
		return ckpt_fail(err, pid, "%s: groups", path);
	return cb(&g->h, arg);
}

/* As the kernel keeps a device number inside: 12 bits of major, 20 of minor. */
static __u32 kernel_dev(dev_t d)
{
	return (__u32)(major(d) << 20 | (minor(d) & 0xfffff));
}

static int follow(pid_t pid, struct ckpt_map_link *l, const struct gather_vma *v)
{
	char path[96];
	struct stat st;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", pid,
		 (unsigned long long)v->rec.start, (unsigned long long)v->rec.end);
	n = readlink(path, l->text, sizeof(l->text));
	if (n < 0 || stat(path, &st))
		return ckpt_fail(-errno, pid, "%s", path);
	if ((size_t)n >= sizeof(l->text))
		return ckpt_fail(-ENAMETOOLONG, pid, "%s", path);
	l->len = (__u32)n;
	l->ino = v->file.ino;
	l->dev = v->file.dev;
	l->file = v->file;
	l->file.mode = st.st_mode;
	l->file.ino = st.st_ino;
	l->file.size = (__u64)st.st_size;
	l->file.dev = kernel_dev(st.st_dev);
	l->file.rdev = kernel_dev(st.st_rdev);
	l->file.path_len = (__u32)n;
	l->nlink = (__u32)st.st_nlink;
	return 0;
}

int ckpt_complete_path(pid_t pid, struct ckpt_map_link *last, const struct gather_vma *got,
		       ckpt_bpf_cb cb, void *arg)
{
	cleanup_free struct gather_vma *v = NULL;
	size_t len;
	int err;

	if (!last->len || last->end != got->rec.start || last->ino != got->file.ino ||
	    last->dev != got->file.dev) {
		err = follow(pid, last, got);
		if (err)
			return err;
	}
	last->end = got->rec.end;
	len = ckpt_round8(sizeof(*v) + last->len);
	v = calloc(1, len);
	if (!v)
		return ckpt_fail(-ENOMEM, pid, "BPF: mappings");
	*v = *got;
	v->h.len = (__u32)len;
	v->file = last->file;
	v->file.flags = got->file.flags;
	v->file.pos = got->file.pos;
	v->nlink = last->nlink;
	v->path_len = last->len;
	v->path_err = 0;
	memcpy(v->path, last->text, last->len);
	return cb(&v->h, arg);
}

struct epoll_rest {
	pid_t pid;
	struct gather_epoll *all;
	size_t room;			/* items */
	bool came;
};

/* FD is there again, then the items. */
static int append_items(const struct gather_hdr *h, void *arg)
{
	const struct gather_epoll *more = (const void *)h;
	struct epoll_rest *r = arg;
	size_t n = (size_t)r->all->a.n + (h->type == GATHER_EPOLL ? more->a.n : 0);

	if (h->type != GATHER_EPOLL)
		return 0;
	if (more->a.fd != r->all->a.fd || !more->a.n)
		return ckpt_fail(-EPROTO, r->pid, "BPF: descriptors: rest of an epoll");
	if (n > r->room) {
		struct gather_epoll *all = realloc(r->all, sizeof(*all) + 2 * n * sizeof(all->items[0]));

		if (!all)
			return ckpt_fail(-ENOMEM, r->pid, "BPF: descriptors");
		r->all = all;
		r->room = 2 * n;
	}
	memcpy(&r->all->items[r->all->a.n], more->items, more->a.n * sizeof(more->items[0]));
	r->all->a.n = (__u32)n;
	r->all->next = more->next;
	r->came = true;
	return 0;
}

static int ask_for(int from, struct gather_epoll_from *o)
{
	__u32 zero = 0;

	return bpf_map_update_elem(from, &zero, o, BPF_ANY) ? -errno : 0;
}

int ckpt_complete_epoll(int prog, int from, pid_t pid, const struct gather_epoll *got, ckpt_bpf_cb cb,
			void *arg)
{
	struct epoll_rest r = { .pid = pid, .all = malloc(got->a.h.len), .room = got->a.n };
	struct gather_epoll_from none = { 0 };
	int err = 0;

	if (!r.all)
		return ckpt_fail(-ENOMEM, pid, "BPF: descriptors");
	memcpy(r.all, got, got->a.h.len);
	/* It may change under our hands where others have it as well: it has an end all the same. */
	while (!err && r.all->next && r.all->a.n <= CKPT_EPOLL_MAX) {
		struct gather_epoll_from o = { .next = r.all->next, .fd = got->a.fd };

		r.came = false;
		err = o.next == GATHER_EPOLL_LOST ? -EPROTO : ask_for(from, &o);
		if (!err)
			err = ckpt_walk(prog, -1, CKPT_WALK_FDS, pid, append_items, &r);
		if (!err && !r.came)
			err = -EPROTO;
		if (err)
			ckpt_fail(err, pid, "BPF: descriptors: rest of epoll %d", got->a.fd);
	}
	if (ask_for(from, &none) && !err)
		err = ckpt_fail(-errno, pid, "BPF: descriptors: map");
	r.all->a.h.len = (__u32)(sizeof(*r.all) + r.all->a.n * sizeof(r.all->items[0]));
	if (!err)
		err = cb(&r.all->a.h, arg);
	free(r.all);
	return err;
}
