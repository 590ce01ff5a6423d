// SPDX-License-Identifier: GPL-2.0
/*
 * Open files of /proc: opened by path again, those of the process itself in the
 * new one, which has the same number. What a program reads there is made while
 * it reads, and lseek() itself already reads up to the place: so positions are
 * set when the new process is complete and the restorer is gone from it. Where
 * the text has changed since, the place is another one, as after any lseek().
 */
#include "res/file_proc.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"

#define FMODE_WRITE	0x2u
#define FMODE_LSEEK	0x4u

/* A path's component that is a number; 0: it is none. *at: behind it. */
static int32_t component_number(const char **at, const char *end)
{
	const char *s = *at;
	int64_t n = 0;

	while (s < end && *s >= '0' && *s <= '9' && n < INT32_MAX)
		n = 10 * n + (*s++ - '0');
	if (s == *at || n > INT32_MAX || (s < end && *s != '/'))
		return 0;
	*at = s;
	return (int32_t)n;
}

bool proc_path_parse(const char *path, size_t len, struct proc_path *p)
{
	static const char top[] = "/proc", task[] = "/task/";
	const size_t ntop = sizeof(top) - 1, ntask = sizeof(task) - 1;
	const char *end = path + len, *at = path + ntop + 1;

	*p = (struct proc_path){ 0 };
	if (len < ntop || memcmp(path, top, ntop) || (len > ntop && path[ntop] != '/'))
		return false;
	if (at < end)
		p->pid = component_number(&at, end);
	if (p->pid && (size_t)(end - at) > ntask && !memcmp(at, task, ntask)) {
		at += ntask;
		p->tid = component_number(&at, end);
	}
	return true;
}

static bool ends_with(const struct gather_fd *g, const char *name)
{
	size_t n = strlen(name);

	return g->path_len > n && !memcmp(g->path + g->path_len - n, name, n);
}

/* Those whose private_data is the address space that they were opened for. */
static bool keeps_mm(const struct gather_fd *g)
{
	return ends_with(g, "/mem") || ends_with(g, "/environ") || ends_with(g, "/auxv") ||
	       ends_with(g, "/pagemap");
}

const char *res_proc_refusal(const struct ckpt_dump *d, const struct gather_fd *g)
{
	static const char pressure[] = "/proc/pressure/";
	struct proc_path p;

	if (dump_path_deleted(g->path, g->path_len))
		return "what it tells of has ended";
	if (!proc_path_parse(g->path, g->path_len, &p))
		return "its filesystem is not mounted at /proc";
	if (p.pid && p.pid != d->pid)
		return "it tells of another process";
	if (p.tid && p.tid != d->pid)
		return "it tells of one thread alone";
	if (p.pid && S_ISREG(g->file.mode) && keeps_mm(g) && g->priv != d->threads.v[0].g->mm)
		return "it is of the program that ran before execve()";
	if (g->path_len > sizeof(pressure) - 1 && g->f_mode & FMODE_WRITE &&
	    !memcmp(g->path, pressure, sizeof(pressure) - 1))
		return "a pressure trigger cannot be saved";
	if (g->file.pos && !(g->f_mode & FMODE_LSEEK))
		return "its position cannot be set";
	return NULL;
}

int res_proc_check_opened(const struct plan_file *f, int fd)
{
	struct proc_path p;
	struct statfs fs;
	char self[16];
	ssize_t n;

	if (fstatfs(fd, &fs))
		return ckpt_fail(-errno, 0, "file %s: statfs", f->path);
	if (fs.f_type != PROC_SUPER_MAGIC)
		return ckpt_fail(-EINVAL, 0, "file %s: it is not below a /proc", f->path);
	if (!proc_path_parse(f->path, strlen(f->path), &p) || !p.pid)
		return 0;
	/* A /proc of another pid namespace has other processes under our number. */
	n = readlink("/proc/self", self, sizeof(self) - 1);
	if (n < 0)
		return ckpt_fail(-errno, 0, "/proc/self");
	self[n] = 0;
	if (atoi(self) != p.pid || p.pid != getpid())
		return ckpt_fail(-EINVAL, 0, "file %s: /proc is of another pid namespace", f->path);
	return 0;
}

int res_proc_seek(const struct ckpt_plan *p, const struct plan_task *t)
{
	cleanup_close int pidfd = -1;

	for (size_t i = 0; i < t->fds.n; i++) {
		const struct plan_file *f = plan_file(p, t->fds.v[i].file);
		cleanup_close int fd = -1;

		if (f->rec.kind != CKPT_FILE_PROC || !f->rec.pos)
			continue;
		if (pidfd < 0)
			pidfd = (int)syscall(SYS_pidfd_open, t->rec.pid, 0);
		if (pidfd >= 0)
			fd = (int)syscall(SYS_pidfd_getfd, pidfd, t->fds.v[i].fd, 0);
		if (fd < 0)
			return ckpt_fail(-errno, t->rec.pid, "fd %d (%s): pidfd_getfd",
					 t->fds.v[i].fd, f->path);
		if (lseek(fd, (off_t)f->rec.pos, SEEK_SET) != (off_t)f->rec.pos)
			return ckpt_fail(-errno, t->rec.pid, "fd %d (%s): seek to %llu",
					 t->fds.v[i].fd, f->path, (unsigned long long)f->rec.pos);
	}
	return 0;
}
