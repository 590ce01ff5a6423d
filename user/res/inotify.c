// SPDX-License-Identifier: GPL-2.0
/*
 * An inotify: its watches with their numbers. The kernel keeps the inode that is
 * watched and no path; one is found by the file handle that fdinfo shows, and is
 * taken only if it leads there. Events that were not read are lost by name.
 *
 * Saved: watches with number, mask and path; the number that the next one gets.
 * Restored: inotify_init1(), inotify_add_watch(); numbers between are used up
 * by watches that are removed again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"
#include "res/anon.h"
#include "res/file_restore.h"

#define HANDLE_MAX	MAX_HANDLE_SZ

/* ---- snapshot ---- */

struct watch {
	int wd;
	uint32_t mask;
	char *path;
};

/* The record with what fdinfo adds. */
struct watches {
	struct gather_inotify g;
	size_t n;
	struct watch v[];
};

struct handle {
	struct file_handle h;
	unsigned char room[HANDLE_MAX];
};

/* "1 8 0a0b..": length, type and bytes. */
static bool parse_handle(const char *at, struct handle *h)
{
	unsigned int bytes, type, byte;
	unsigned char *to = (unsigned char *)h + offsetof(struct file_handle, f_handle);
	int used;

	if (sscanf(at, "fhandle-bytes:%x fhandle-type:%x f_handle:%n", &bytes, &type, &used) != 2 ||
	    bytes > HANDLE_MAX)
		return false;
	h->h.handle_bytes = bytes;
	h->h.handle_type = (int)type;
	for (unsigned int i = 0; i < bytes; i++) {
		if (sscanf(at + used + 2 * i, "%2x", &byte) != 1)
			return false;
		to[i] = (unsigned char)byte;
	}
	return true;
}

/* The path of what h is on the mount at, if it can be reached by it. */
static char *path_on(const char *at, struct handle *h, uint64_t ino)
{
	cleanup_close int mount = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int fd = mount < 0 ? -1 : open_by_handle_at(mount, &h->h, O_PATH | O_CLOEXEC);
	struct stat there, here;
	char link[40], path[CKPT_MAX_PATH];
	ssize_t n;

	if (fd < 0)
		return NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0 || path[0] != '/')
		return NULL;
	path[n] = '\0';
	if (fstat(fd, &there) || there.st_ino != ino || stat(path, &here) ||
	    here.st_dev != there.st_dev || here.st_ino != there.st_ino)
		return NULL;
	return strdup(path);
}

/* Octal escapes of mountinfo: blank, tab, newline, backslash. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

static char *find_path(const char *mounts, uint32_t dev, struct handle *h, uint64_t ino)
{
	char at[CKPT_MAX_PATH], *path;
	unsigned int major, minor;

	for (const char *line = mounts; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%*d %*d %u:%u %*s %4095s", &major, &minor, at) != 3 ||
		    (major << 20 | minor) != dev)
			continue;
		unescape(at);
		path = path_on(at, h, ino);
		if (path)
			return path;
	}
	return NULL;
}

static int by_wd(const void *a, const void *b)
{
	const struct watch *x = a, *y = b;

	return x->wd < y->wd ? -1 : x->wd > y->wd;
}

/* One line of fdinfo. Returns -errno, or 0 with the refusal told if there is no path. */
static int take_watch(struct ckpt_dump *d, int fd, const char *line, const char *mounts, struct watch *w)
{
	unsigned int wd, dev;
	int used;
	struct handle h = { 0 };
	cleanup_free char *path = NULL;
	unsigned long ino;

	if (sscanf(line, "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:%*x %n", &wd, &ino, &dev,
		   &w->mask, &used) != 4)
		return ckpt_fail(-EPROTO, d->pid, "fd %d (inotify): fdinfo", fd);
	w->wd = (int)wd;
	if (parse_handle(line + used, &h))
		path = find_path(mounts, dev, &h, ino);
	if (!path)
		return dump_refuse(d, "fd %d (inotify): no path leads to inode %lu of device %u:%u, watch %u",
				   fd, ino, dev >> 20, dev & 0xfffff, wd);
	w->path = dump_alloc(d, strlen(path) + 1);
	if (!w->path)
		return ckpt_fail(-ENOMEM, d->pid, "fd %d (inotify)", fd);
	strcpy(w->path, path);
	return 0;
}

int res_inotify_complete(struct ckpt_dump *d, const struct gather_anon **a)
{
	const struct gather_inotify *g = (const void *)*a;
	cleanup_free char *text = NULL, *mounts = NULL;
	struct watches *all;
	char path[64];
	size_t n = 0;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)d->pid, g->a.fd);
	err = ckpt_slurp(path, &text, NULL);
	if (err)
		return ckpt_fail(err, d->pid, "%s", path);
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)d->pid);
	err = ckpt_slurp(path, &mounts, NULL);
	if (err)
		return ckpt_fail(err, d->pid, "%s", path);
	for (const char *at = text; (at = strstr(at, "inotify wd:")); at++)
		n++;
	all = dump_alloc(d, sizeof(*all) + n * sizeof(all->v[0]));
	if (!all)
		return ckpt_fail(-ENOMEM, d->pid, "fd %d (inotify)", g->a.fd);
	memset(all, 0, sizeof(*all) + n * sizeof(all->v[0]));
	all->g = *g;
	for (const char *at = text; (at = strstr(at, "inotify wd:")) && !err; at++)
		err = take_watch(d, g->a.fd, at, mounts, &all->v[all->n++]);
	qsort(all->v, all->n, sizeof(all->v[0]), by_wd);
	*a = &all->g.a;
	return err;
}

int res_inotify_check(struct ckpt_dump *d, const struct gather_fd *fd, const struct gather_anon *a)
{
	const struct watches *w = (const void *)a;
	size_t room = 0;

	for (size_t i = 0; i < w->n; i++) {
		room += CKPT_INOTIFY_WATCH + (w->v[i].path ? strlen(w->v[i].path) : 0);
		if (w->v[i].wd <= 0 || w->v[i].wd > CKPT_MAX_WD)
			return dump_refuse(d, "fd %d (inotify): watch %d is above %d", fd->rec.fd,
					   w->v[i].wd, CKPT_MAX_WD);
	}
	if (room > CKPT_MAX_META - sizeof(struct ckpt_inotify))
		return dump_refuse(d, "fd %d (inotify): it has too many watches", fd->rec.fd);
	if (w->g.events)
		return dump_lose(d, "fd %d (inotify): %u events that it has not read", fd->rec.fd,
				 w->g.events);
	return 0;
}

int res_inotify_write(struct ckpt_dump *d, const struct gather_anon *a, uint32_t *id)
{
	const struct watches *w = (const void *)a;
	struct ckpt_inotify rec = { .nwatches = (uint32_t)w->n };
	cleanup_free char *extra = NULL;
	struct inotify_lists it;

	for (size_t i = 0; i < w->n; i++)
		rec.text_len += (uint32_t)strlen(w->v[i].path);
	/* Beyond what can be counted up to the numbers begin again, and so be it. */
	rec.next_wd = w->g.next_wd > 0 && w->g.next_wd <= CKPT_MAX_WD ? w->g.next_wd : 0;
	extra = malloc(w->n * CKPT_INOTIFY_WATCH + rec.text_len + 1);
	if (!extra)
		return ckpt_fail(-ENOMEM, d->pid, "fd %d (inotify)", a->fd);
	inotify_lists(&it, extra, w->n);
	for (size_t i = 0; i < w->n; i++) {
		it.wd[i] = w->v[i].wd;
		it.mask[i] = w->v[i].mask;
		it.len[i] = (uint32_t)strlen(w->v[i].path);
		it.text = mempcpy(it.text, w->v[i].path, it.len[i]);
	}
	rec.id = *id = d->next_id++;
	return ckpt_write_record(d->w, CKPT_INOTIFY, 0, &rec, sizeof(rec), extra,
				 w->n * CKPT_INOTIFY_WATCH + rec.text_len);
}

/* ---- restore ---- */

int res_inotify_restore(const struct ckpt_inotify *n)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	return fd < 0 ? ckpt_fail(-errno, 0, "inotify %u: inotify_init1", n->id) : fd;
}

static int watch_path(int fd, const char *path, uint32_t mask)
{
	cleanup_close int at = open(path, O_PATH | O_CLOEXEC);
	char link[40];
	int wd;

	if (at < 0)
		return -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", at);
	wd = inotify_add_watch(fd, link, mask);
	return wd < 0 ? -errno : wd;
}

/* Numbers are given in turn: use up those before wd, by watching what nobody else can. */
static int count_up(int fd, int wd)
{
	cleanup_close int nobody = memfd_create("inotify", MFD_CLOEXEC);
	char link[40];
	int got;

	if (nobody < 0)
		return -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", nobody);
	do {
		got = inotify_add_watch(fd, link, IN_ATTRIB);
		if (got < 0 || inotify_rm_watch(fd, got))
			return -errno;
	} while (got < wd - 1);
	return got == wd - 1 ? 0 : -EEXIST;
}

int res_inotify_fill(const struct plan_anon *a, int fd)
{
	char events[4096], path[CKPT_MAX_PATH];
	int next = 1, flags = fcntl(fd, F_GETFL), err;
	struct inotify_lists it;

	inotify_lists(&it, a->items, a->inotify.nwatches);
	for (uint32_t i = 0; i < a->inotify.nwatches; i++, next++) {
		int got = it.wd[i] > next ? count_up(fd, it.wd[i]) : 0;

		memcpy(path, it.text, it.len[i]);
		path[it.len[i]] = '\0';
		it.text += it.len[i];
		if (!got)
			got = watch_path(fd, path, it.mask[i]);
		if (got != it.wd[i])
			return ckpt_fail(got < 0 ? got : -EEXIST, 0, "inotify %u: watch %d (%s)",
					 a->id, it.wd[i], path);
		next = got;
	}
	err = a->inotify.next_wd > next ? count_up(fd, a->inotify.next_wd) : 0;
	if (err)
		return ckpt_fail(err, 0, "inotify %u: watch %d", a->id, a->inotify.next_wd);
	/* Ours, of the numbers that were used up. */
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	while (read(fd, events, sizeof(events)) > 0)
		;
	return fcntl(fd, F_SETFL, flags) ? ckpt_fail(-errno, 0, "inotify %u: F_SETFL", a->id) : 0;
}
