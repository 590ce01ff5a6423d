// SPDX-License-Identifier: GPL-2.0
/*
 * Open file descriptions and the descriptors on them. Two descriptors share a
 * description if the kernel's struct file is one (dup, fork); that sharing is
 * kept. Regular files are reopened by path, never created or truncated; a
 * description that leads out of the snapshot is recorded as external.
 *
 * Files of /proc: see file_proc.c.
 *
 * Saved: path, flags, position and inode of each description, and which
 * descriptors share it.
 * Restored: opened by path without O_CREAT or O_TRUNC, lseek(), dup3() to each
 * number; of an external one what --inherit names or the restorer's own
 * standard descriptor.
 * Refused: at the restore, a path that leads to nothing or another type; files
 * of /proc that tell of another process or of one thread; other devices.
 * Lost: who opened it, posix_fadvise(); that a file of
 * /sys has not changed since it was read: poll() tells once that it has.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fail.h"
#include "res/file_proc.h"
#include "res/ghost.h"
#include "res/shmem.h"

#define PROC_MAGIC	0x9fa0u
#define HUGETLBFS_MAGIC	0x958458f6u
#define O_PATH_KERNEL	010000000u

struct dump_file *dump_file_of(struct ckpt_dump *d, uint64_t cookie, const struct ckpt_file *rec,
			       const char *path)
{
	uint32_t at = cookie_get(&d->file_of, cookie);
	struct dump_file *f;

	if (at)
		return &d->files.v[at - 1];
	if (!rec)
		return NULL;
	f = vec_push(&d->files);
	if (!f || cookie_put(&d->file_of, cookie, (uint32_t)d->files.n))
		return NULL;
	f->cookie = cookie;
	f->rec = *rec;
	f->rec.kind = CKPT_FILE_MAPPED;
	f->path = path;
	f->fd = -1;
	return f;
}

/* Does any of the standard descriptors lead to this description? */
static bool is_standard(const struct ckpt_dump *d, uint64_t cookie)
{
	const struct gather_fd *lowest = dump_fd_of(d, cookie);

	return lowest && lowest->rec.fd <= 2;
}

static bool harmless_device(uint32_t rdev)
{
	uint32_t minor = rdev & 0xfffff;

	/* null, zero, full, random, urandom: they keep nothing for us. */
	return rdev >> 20 == 1 && (minor == 3 || minor == 5 || (minor >= 7 && minor <= 9));
}

static int refuse_fd(struct ckpt_dump *d, const struct gather_fd *g, const char *why)
{
	return dump_refuse(d, "fd %d (%.*s): %s", g->rec.fd,
			   g->path_len ? (int)g->path_len : (int)sizeof(g->name),
			   g->path_len ? g->path : g->name, why);
}

/* Of what is reopened by its path: regular files, folders, places. */
static const char *path_refusal(const struct gather_fd *g)
{
	if (g->s_magic == HUGETLBFS_MAGIC)
		return "files of hugetlbfs cannot be saved yet";
	if ((!g->nlink || dump_path_deleted(g->path, g->path_len)) && !S_ISREG(g->file.mode))
		return "deleted files cannot be saved yet";
	if (!g->path_len || g->path[0] != '/')
		return "it has no usable path";
	return NULL;
}

/* What kind of FILE this description becomes; 0 and *why if none. */
static uint32_t classify(struct ckpt_dump *d, const struct gather_fd *g, const char **why)
{
	*why = NULL;
	/* Whatever type its inode has: none until 6.15, a regular file's since 6.16. */
	if (dump_anon_of(d, g->cookie))
		return CKPT_FILE_ANON;
	if (g->s_magic == PROC_MAGIC) {
		*why = res_proc_refusal(d, g);
		return *why ? 0 : CKPT_FILE_PROC;
	}
	if (g->file.flags & O_PATH_KERNEL) {
		*why = path_refusal(g);
		return *why ? 0 : CKPT_FILE_PATH;
	}
	if (dump_is_shmem(&g->file, g->path))
		return CKPT_FILE_SHMEM;
	switch (g->file.mode & S_IFMT) {
	case S_IFREG:
		*why = path_refusal(g);
		return *why ? 0 : CKPT_FILE_REG;
	case S_IFCHR:
		if (harmless_device(g->file.rdev) && g->path_len)
			return CKPT_FILE_DEV;
		/* Of whoever opens it: the restorer's. */
		if (g->file.rdev == CKPT_RDEV_TTY && g->path_len && d->proc->task.flags & CKPT_TASK_HAS_TTY)
			return CKPT_FILE_DEV;
		*why = "devices cannot be saved";
		return is_standard(d, g->cookie) ? CKPT_FILE_EXTERNAL : 0;
	case S_IFIFO:
		*why = res_pipe_refusal(d, g);
		if (!*why)
			return g->path[0] == '/' ? CKPT_FILE_FIFO : CKPT_FILE_PIPE;
		return is_standard(d, g->cookie) && !res_pipe_is_inside(d, g) ? CKPT_FILE_EXTERNAL : 0;
	case S_IFSOCK:
		*why = "sockets cannot be saved yet";
		return is_standard(d, g->cookie) ? CKPT_FILE_EXTERNAL : 0;
	case S_IFDIR:
		*why = path_refusal(g);
		return *why ? 0 : CKPT_FILE_DIR;
	}
	*why = "this kind of descriptor cannot be saved yet";
	return 0;
}

/* "0, 1 (pipe:[123])" */
static int name_external(struct ckpt_dump *d, const struct gather_fd *g)
{
	char text[512], **slot;
	size_t n = 0;

	for (size_t i = 0; i < d->fds.n && n < 200; i++)
		if (d->fds.v[i]->cookie == g->cookie)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%d", n ? ", " : "",
					      d->fds.v[i]->rec.fd);
	snprintf(text + n, sizeof(text) - n, " (%.*s)", (int)(g->path_len > 200 ? 200 : g->path_len),
		 g->path);
	slot = vec_push(&d->externals);
	if (!slot || !(*slot = strdup(text)))
		return -ENOMEM;
	return 0;
}

int res_file_check_dump(struct ckpt_dump *d)
{
	int err = res_pipe_count_ends(d);

	for (size_t i = 0; i < d->fds.n && !err; i++) {
		const struct gather_fd *g = d->fds.v[i];
		struct dump_file *f = dump_file_of(d, g->cookie, NULL, NULL);
		const char *why;
		uint32_t kind;

		if (f && f->fd >= 0)
			continue;	/* a dup: decided already */
		kind = classify(d, g, &why);
		if (!kind) {
			err = refuse_fd(d, g, why);
			continue;
		}
		f = dump_file_of(d, g->cookie, &g->file, g->path);
		if (!f)
			return -ENOMEM;
		f->rec.kind = kind;
		f->mtime = g->mtime;
		f->fd = g->rec.fd;
		if (kind == CKPT_FILE_EXTERNAL)
			err = name_external(d, g);
		if (kind == CKPT_FILE_ANON) {
			f->anon = dump_anon_of(d, g->cookie);
			err = res_anon_check(d, g, &f->anon);
		}
		if (kind == CKPT_FILE_SHMEM) {
			char what[32];

			snprintf(what, sizeof(what), "fd/%d", g->rec.fd);
			err = res_shmem_take(d, f, what);
		}
		if ((kind == CKPT_FILE_REG || kind == CKPT_FILE_PATH) &&
		    dump_is_gone(g->file.mode, g->nlink, g->path, g->path_len)) {
			char what[32], who[32];

			snprintf(what, sizeof(what), "fd/%d", g->rec.fd);
			snprintf(who, sizeof(who), "fd %d", g->rec.fd);
			err = res_ghost_take(d, f, g->linkable, what, who);
		}
		if (kind == CKPT_FILE_PIPE || kind == CKPT_FILE_FIFO)
			err = res_pipe_take(d, f, g);
	}
	return err;
}

int res_file_write_one(struct ckpt_dump *d, struct dump_file *f, uint32_t *id)
{
	struct ckpt_file rec = f->rec;
	uint64_t cookie = f->cookie, pipe = f->pipe;
	const struct gather_anon *anon = f->anon;
	struct gather_mtime mtime = f->mtime;
	uint32_t shmem = f->shmem, ghost = f->ghost;
	const char *path = f->path;
	int err = 0;

	if (f->id) {
		*id = f->id;
		return 0;
	}
	if (pipe)
		err = res_pipe_write_one(d, pipe, &rec.obj);
	else if (shmem)
		err = res_shmem_write_one(d, shmem, &rec.obj);
	else if (ghost)
		err = res_ghost_write_one(d, ghost, &rec.obj);
	else if (anon)
		err = res_anon_write_one(d, anon, &rec.obj);
	if (err)
		return err;
	rec.id = d->next_id++;
	err = ckpt_write_record(d->w, CKPT_FILE, 0, &rec, sizeof(rec), path, rec.path_len);
	if (!err)
		err = res_filecheck_write(d, &rec, path, &mtime);
	if (err)
		return err;
	f = dump_file_of(d, cookie, NULL, NULL);
	*id = f->id = rec.id;
	return 0;
}

int res_file_write(struct ckpt_dump *d)
{
	int err = 0;

	for (size_t i = 0; i < d->fds.n && !err; i++) {
		struct ckpt_fd rec = d->fds.v[i]->rec;
		struct dump_file *f = dump_file_of(d, d->fds.v[i]->cookie, NULL, NULL);

		if (!f)
			return ckpt_fail(-EPROTO, d->pid, "fd %d", rec.fd);
		err = res_file_write_one(d, f, &rec.file);
		if (!err)
			err = ckpt_write_record(d->w, CKPT_FD, d->task_id, &rec, sizeof(rec), NULL, 0);
	}
	return err;
}
