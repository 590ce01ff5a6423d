// SPDX-License-Identifier: GPL-2.0
/*
 * The restore side of file.c: runs in the new task. Everything is opened at
 * high numbers first, then put where it belongs, so that no number that is
 * still needed is overwritten.
 */
#include "res/file_restore.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "res/file_proc.h"
#include "res/filecheck.h"
#include "res/ghost.h"
#include "res/shmem.h"

/* f_flags that open() takes again; what creates or truncates is not among them. */
#define REOPEN_FLAGS (O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DIRECT | O_LARGEFILE | \
		      O_NOATIME | O_NOFOLLOW | O_ASYNC)
/* In the kernel's own numbers; the C library calls it 0 here. */
#define KERNEL_O_LARGEFILE 0100000
#define SETFL_FLAGS (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

static int open_path(const char *path, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS };
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static bool is_device(const char *path, uint32_t rdev)
{
	struct stat st;

	return !stat(path, &st) && S_ISCHR(st.st_mode) && filecheck_dev(st.st_rdev) == rdev;
}

/* A device is one wherever its node lies: the path it had, else the usual one. */
static const char *path_of(const struct plan_file *f)
{
	static const char *const usual[] = {
		[3] = "/dev/null", [5] = "/dev/zero", [7] = "/dev/full", [8] = "/dev/random",
		[9] = "/dev/urandom",
	};
	uint32_t minor = f->rec.rdev & 0xfffff;

	if (f->rec.kind != CKPT_FILE_DEV || is_device(f->path, f->rec.rdev))
		return f->path;
	return minor < sizeof(usual) / sizeof(*usual) && usual[minor] &&
	       is_device(usual[minor], f->rec.rdev) ? usual[minor] : f->path;
}

int res_file_look(const struct plan_file *f, struct stat *st, const char **why)
{
	/* Of a place that is a symbolic link, not where it leads to. */
	bool link = f->rec.flags & O_PATH && f->rec.flags & O_NOFOLLOW;
	cleanup_close int fd = open_path(path_of(f), O_PATH | (link ? O_NOFOLLOW : 0));

	*why = NULL;
	if (fd < 0)
		return fd;
	if (fstat(fd, st))
		return -errno;
	switch (f->rec.kind) {
	case CKPT_FILE_DEV:
		if (!S_ISCHR(st->st_mode) || filecheck_dev(st->st_rdev) != f->rec.rdev)
			*why = "it is another device now";
		break;
	case CKPT_FILE_FIFO:
		if (!S_ISFIFO(st->st_mode))
			*why = "it is not a fifo any more";
		break;
	case CKPT_FILE_DIR:
		if (!S_ISDIR(st->st_mode))
			*why = "it is not a folder any more";
		break;
	case CKPT_FILE_PATH:
	case CKPT_FILE_PROC:
		if ((st->st_mode ^ f->rec.mode) & S_IFMT)
			*why = "it is of another type now";
		break;
	default:
		if (!S_ISREG(st->st_mode))
			*why = "it is not a regular file any more";
	}
	return *why ? -EINVAL : 0;
}

/* flags: of an open that cannot block; what is opened must be what was looked at. */
static int open_seen(const struct plan_file *f, const struct stat *seen, uint64_t flags)
{
	cleanup_close int fd = open_path(path_of(f), flags);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) || st.st_dev != seen->st_dev || st.st_ino != seen->st_ino)
		return -EAGAIN;
	return take_fd(fd);
}

int res_file_open_seen(const struct plan_file *f, const struct stat *seen)
{
	return open_seen(f, seen, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

/* Never blocks: O_NONBLOCK is set for the open and taken away afterwards. */
static int reopen(const struct plan_file *f, uint64_t flags)
{
	uint64_t once = 0;
	cleanup_close int fd = -1;
	const char *why;
	struct stat st;
	int err = res_file_look(f, &st, &why);

	if (err)
		return ckpt_fail(err, 0, "file %s%s%s", f->path, why ? ": " : "", why ? why : "");
	/* Packets, and whom it signals: by F_SETFL only. */
	if (f->rec.kind == CKPT_FILE_FIFO)
		once = O_DIRECT | O_ASYNC;
	fd = open_seen(f, &st, flags & O_PATH ? flags : (flags & ~once) | O_NONBLOCK | O_NOCTTY);
	if (fd == -EAGAIN)
		return ckpt_fail(fd, 0, "file %s: it changed while it was opened", f->path);
	if (fd < 0)
		return ckpt_fail(fd, 0, "file %s: open", f->path);
	if (f->rec.kind == CKPT_FILE_PROC) {
		err = res_proc_check_opened(f, fd);
		if (err)
			return err;
	}
	if (!(flags & O_PATH) && fcntl(fd, F_SETFL, flags & SETFL_FLAGS) < 0)
		return ckpt_fail(-errno, 0, "file %s: F_SETFL %#llx", f->path,
				 (unsigned long long)flags);
	return take_fd(fd);
}

int res_file_open_fifo(const char *path)
{
	const struct plan_file f = { .rec.kind = CKPT_FILE_FIFO, .path = (char *)path };

	return reopen(&f, O_RDWR | O_NONBLOCK);
}

static int open_any(const struct ckpt_plan *p, const struct plan_file *f, uint64_t flags)
{
	if (f->rec.kind == CKPT_FILE_SHMEM)
		return res_shmem_open(p, f, flags);
	return f->rec.kind == CKPT_FILE_GHOST ? res_ghost_open(p, f, flags) : reopen(f, flags);
}

/* Made by restore itself: nothing is there to be compared. */
static bool is_made(const struct plan_file *f)
{
	return f->rec.kind == CKPT_FILE_SHMEM || f->rec.kind == CKPT_FILE_GHOST;
}

int res_file_open_mapped(const struct ckpt_plan *p, uint32_t file, bool write)
{
	const struct plan_file *f = plan_file(p, file);
	uint64_t flags = write ? O_RDWR : O_RDONLY;

	return open_any(p, f, flags);
}

int res_file_first_free(const struct ckpt_plan *p)
{
	int top = 2;

	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct plan_task *t = &p->tasks.v[i];

		for (size_t j = 0; j < t->fds.n; j++)
			if (t->fds.v[j].fd > top)
				top = t->fds.v[j].fd;
	}
	return top + 1 > res_anon_first_free(p) ? top + 1 : res_anon_first_free(p);
}

/* The restorer's descriptor that stands for an external one; a new one, or -errno. */
static int open_external(const struct plan_task *t, const struct plan_file *f,
			 const struct restore_opts *o)
{
	int lowest = -1, from = -1, fd;

	for (size_t i = 0; i < t->fds.n; i++) {
		if (t->fds.v[i].file != f->rec.id)
			continue;
		if (lowest < 0)
			lowest = t->fds.v[i].fd;
		for (size_t j = 0; j < o->inherit.n; j++)
			if (o->inherit.v[j].fd == t->fds.v[i].fd)
				from = o->inherit.v[j].from;
	}
	if (from < 0 && o->detach) {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		return fd < 0 ? ckpt_fail(-errno, t->rec.pid, "/dev/null") : fd;
	}
	if (from < 0)
		from = lowest;
	fd = fcntl(from, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return ckpt_fail(-errno, t->rec.pid,
				 "fd %d (%s): the restorer's descriptor %d cannot take its place",
				 lowest, f->path, from);
	return fd;
}

/*
 * The ends as pipe2() makes them lack O_LARGEFILE, which open() always sets and
 * nothing takes away: a description without it gets the end itself.
 */
static int open_pipe_end(const struct plan_file *f, struct restored_pipe *pipe)
{
	int acc = (int)(f->rec.flags & O_ACCMODE), fd;
	int *end = acc == O_RDONLY ? &pipe->read_fd : &pipe->write_fd;
	bool *given = acc == O_RDONLY ? &pipe->read_given : &pipe->write_given;
	char path[40];

	if (!(f->rec.flags & KERNEL_O_LARGEFILE) && acc != O_RDWR && !*given) {
		*given = true;
		fd = fcntl(*end, F_DUPFD_CLOEXEC, 3);
	} else {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", *end);
		fd = open(path, acc | O_NONBLOCK | O_CLOEXEC);
	}
	if (fd < 0)
		return ckpt_fail(-errno, 0, "%s: open", f->path);
	if (fcntl(fd, F_SETFL, f->rec.flags & SETFL_FLAGS) < 0) {
		close(fd);
		return ckpt_fail(-errno, 0, "%s: F_SETFL", f->path);
	}
	return fd;
}

/* An end of a fifo; of one that nobody ever wrote to, it alone can give the pipe its size. */
static int open_fifo_end(const struct ckpt_plan *p, const struct plan_file *f)
{
	int fd = reopen(f, f->rec.flags & REOPEN_FLAGS);

	if (fd < 0 || fcntl(fd, F_SETPIPE_SZ, plan_pipe(p, f->rec.obj)->rec.capacity) >= 0)
		return fd;
	close(fd);
	return ckpt_fail(-errno, 0, "file %s: F_SETPIPE_SZ", f->path);
}

/* The terminal of the restorer's session; detached it is /dev/null, as what leads out of the snapshot. */
static int open_terminal(const struct plan_task *t, const struct plan_file *f, const struct restore_opts *o)
{
	const char *path = o->detach ? "/dev/null" : "/dev/tty";
	int fd = open(path, (int)(f->rec.flags & (O_ACCMODE | O_APPEND | O_NONBLOCK)) | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? ckpt_fail(-errno, t->rec.pid, "file %s%s", path,
				  errno == ENXIO ? ": the restorer has no terminal" : "") : fd;
}

static int open_regular(const struct ckpt_plan *p, const struct plan_file *f)
{
	bool seeks = !(f->rec.flags & O_PATH) && (f->rec.kind == CKPT_FILE_REG ||
						  f->rec.kind == CKPT_FILE_DIR || is_made(f));
	uint64_t flags = f->rec.flags & REOPEN_FLAGS;
	int fd;

	/* A regular file may have it from O_TMPFILE. */
	if (S_ISDIR(f->rec.mode))
		flags |= f->rec.flags & O_DIRECTORY;
	if (f->rec.flags & O_PATH)
		flags = f->rec.flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW);
	fd = open_any(p, f, flags);
	if (fd >= 0 && seeks &&
	    lseek(fd, (off_t)f->rec.pos, SEEK_SET) != (off_t)f->rec.pos) {
		close(fd);
		return ckpt_fail(-errno, 0, "file %s: seek to %llu", f->path,
				 (unsigned long long)f->rec.pos);
	}
	return fd;
}

/* Where fd numbers up to the highest fit only if the limit lets them. */
static int raise_nofile(int need)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return ckpt_fail(-errno, 0, "RLIMIT_NOFILE: read");
	if (r.rlim_cur > (rlim_t)need)
		return 0;
	/* Its own limits come last, so that a higher one does no harm. */
	if (r.rlim_max <= (rlim_t)need)
		r.rlim_max = (rlim_t)need + 1;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r))
		return ckpt_fail(-EMFILE, 0, "RLIMIT_NOFILE: %d descriptors are needed", need);
	return 0;
}

static int move_up(int fd, int keep_from)
{
	int high;

	if (fd < 0 || fd >= keep_from)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, keep_from);
	if (high < 0)
		return ckpt_fail(-errno, 0, "descriptor above %d", keep_from);
	close(fd);
	return high;
}

struct opened {
	VEC(struct restored_pipe) pipes;
	VEC(int) fds;			/* by plan file index; -1: not open */
};

static int open_all(const struct ckpt_plan *p, const struct plan_task *t,
		    const struct restore_opts *o, int keep_from, struct opened *out)
{
	for (size_t i = 0; i < p->pipes.n; i++) {
		struct restored_pipe *rp = vec_push(&out->pipes);
		int err = rp ? res_pipe_restore(p, p->pipes.v[i].rec.id, rp) : -ENOMEM;

		if (err)
			return ckpt_fail(err, 0, "pipe");
		/* Of a fifo there is one, or none at all. */
		if (rp->read_fd >= 0)
			rp->read_fd = err = move_up(rp->read_fd, keep_from);
		if (err >= 0 && rp->write_fd >= 0)
			rp->write_fd = err = move_up(rp->write_fd, keep_from);
		if (err < 0)
			return err;
	}
	for (size_t i = 0; i < p->files.n; i++) {
		const struct plan_file *f = &p->files.v[i];
		int *slot = vec_push(&out->fds);
		int fd = -1;

		if (!slot)
			return ckpt_fail(-ENOMEM, 0, "files");
		*slot = -1;
		switch (f->rec.kind) {
		case CKPT_FILE_MAPPED:
			continue;
		case CKPT_FILE_EXTERNAL:
			fd = open_external(t, f, o);
			break;
		case CKPT_FILE_PIPE:
			fd = open_pipe_end(f, &out->pipes.v[plan_pipe(p, f->rec.obj) - p->pipes.v]);
			break;
		case CKPT_FILE_FIFO:
			fd = open_fifo_end(p, f);
			break;
		case CKPT_FILE_ANON:
			fd = res_anon_restore(p, f);
			break;
		default:
			fd = f->rec.kind == CKPT_FILE_DEV && f->rec.rdev == CKPT_RDEV_TTY ?
			     open_terminal(t, f, o) : open_regular(p, f);
		}
		fd = move_up(fd, keep_from);
		if (fd < 0)
			return fd;
		out->fds.v[i] = fd;
	}
	return 0;
}

int res_file_restore(const struct ckpt_plan *p, const struct plan_task *t,
		     const struct restore_opts *o, int keep_from)
{
	struct opened opened = { 0 };
	int err = raise_nofile(keep_from + (int)p->files.n + 2 * (int)p->pipes.n + 64);

	if (!err)
		err = open_all(p, t, o, keep_from, &opened);
	if (!err && syscall(SYS_close_range, 0u, (unsigned int)keep_from - 1, 0))
		err = ckpt_fail(-errno, t->rec.pid, "close_range");
	if (!err)
		err = res_anon_fill(p, opened.fds.v);
	for (size_t i = 0; i < t->fds.n && !err; i++) {
		const struct ckpt_fd *fd = &t->fds.v[i];
		int from = opened.fds.v[plan_file(p, fd->file) - p->files.v];

		if (from < 0)
			err = ckpt_fail(-EINVAL, t->rec.pid, "fd %d: its file was not opened", fd->fd);
		else if (dup3(from, fd->fd, fd->flags & CKPT_FD_CLOEXEC ? O_CLOEXEC : 0) < 0)
			err = ckpt_fail(-errno, t->rec.pid, "fd %d: dup", fd->fd);
	}
	for (size_t i = 0; i < opened.fds.n; i++)
		if (opened.fds.v[i] >= 0)
			close(opened.fds.v[i]);
	for (size_t i = 0; i < opened.pipes.n; i++) {
		if (opened.pipes.v[i].read_fd >= 0)
			close(opened.pipes.v[i].read_fd);
		if (opened.pipes.v[i].write_fd >= 0)
			close(opened.pipes.v[i].write_fd);
	}
	vec_free(&opened.fds);
	vec_free(&opened.pipes);
	return err;
}
