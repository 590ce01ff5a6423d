// SPDX-License-Identifier: GPL-2.0
/*
 * The restore side of ghost.c. The orchestrator makes the files before the new
 * process is there and fills them as their pages come; the process inherits
 * them. Whatever fails, and whoever dies, they are gone with the last of the
 * descriptors: no name is left of them.
 */
#include "res/ghost.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"

#define PAGE	((uint64_t)CKPT_PAGE_SIZE)
/* Until its own mode comes: an executable must be one before that. */
#define MODE	0700
#define TRIES	100

/* "/tmp/a (deleted)": as /proc named it, of the first description that leads to it. */
static const char *name_of(const struct ckpt_plan *p, const struct plan_ghost *g)
{
	for (size_t i = 0; i < p->files.n; i++)
		if (p->files.v[i].rec.kind == CKPT_FILE_GHOST && p->files.v[i].rec.obj == g->rec.id)
			return p->files.v[i].path;
	return g->folder;
}

static int open_folder(const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int res_ghost_check_plan(const struct ckpt_plan *p)
{
	for (size_t i = 0; i < p->ghosts.n; i++) {
		const struct plan_ghost *g = &p->ghosts.v[i];
		cleanup_close int fd = open_folder(g->folder);
		struct statvfs st;

		if (fd < 0)
			return ckpt_fail(fd, 0, "file %s: folder %s", name_of(p, g), g->folder);
		if (fstatvfs(fd, &st))
			return ckpt_fail(-errno, 0, "file %s: folder %s: statfs", name_of(p, g), g->folder);
		if (st.f_flag & ST_RDONLY)
			return ckpt_fail(-EROFS, 0, "file %s: folder %s", name_of(p, g), g->folder);
	}
	return 0;
}

struct nameless {
	int folder, fd, err;
	char name[32];
};

static int make_and_delete(void *arg)
{
	struct nameless *n = arg;

	n->fd = openat(n->folder, n->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
	n->err = n->fd < 0 ? errno : 0;
	if (n->fd >= 0 && unlinkat(n->folder, n->name, 0))
		n->err = errno;
	_exit(0);
}

/*
 * Where there is no O_TMPFILE it has a name for a moment. A child has our memory
 * and descriptors meanwhile: we may be killed then, and the name goes all the same.
 */
static int make_nameless(int folder)
{
	static uint8_t stack[16384] __attribute__((aligned(16)));
	struct nameless n = { .folder = folder, .fd = -1 };
	sigset_t all, old;

	sigfillset(&all);
	for (int i = 0; i < TRIES; i++) {
		uint64_t r;
		pid_t pid;

		if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
			return -EIO;
		snprintf(n.name, sizeof(n.name), ".ckptbpf-%016llx", (unsigned long long)r);
		sigprocmask(SIG_SETMASK, &all, &old);
		pid = clone(make_and_delete, stack + sizeof(stack),
			    CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, &n);
		sigprocmask(SIG_SETMASK, &old, NULL);
		if (pid < 0)
			return -errno;
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		if (n.err != EEXIST)
			break;
	}
	if (n.err && n.fd >= 0)
		close(n.fd);
	return n.err ? -n.err : n.fd;
}

static int make(const struct ckpt_plan *p, struct plan_ghost *g)
{
	bool linkable = g->rec.flags & CKPT_GHOST_LINKABLE;
	cleanup_close int folder = open_folder(g->folder);

	if (folder < 0)
		return ckpt_fail(folder, 0, "file %s: folder %s", name_of(p, g), g->folder);
	g->fd = openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC | (linkable ? 0 : O_EXCL), MODE);
	if (g->fd < 0 && errno == EOPNOTSUPP && !linkable) {
		g->fd = make_nameless(folder);
		errno = g->fd < 0 ? -g->fd : 0;
	}
	if (g->fd < 0 && errno == EOPNOTSUPP)
		return ckpt_fail(-errno, 0, "file %s: no file without a name (O_TMPFILE) can be made in %s",
				 name_of(p, g), g->folder);
	if (g->fd < 0)
		return ckpt_fail(-errno, 0, "file %s: make it anew in %s", name_of(p, g), g->folder);
	if (ftruncate(g->fd, (off_t)g->rec.size))
		return ckpt_fail(-errno, 0, "file %s: size %llu", name_of(p, g),
				 (unsigned long long)g->rec.size);
	return 0;
}

int res_ghost_make(struct ckpt_plan *p)
{
	int err = 0;

	for (size_t i = 0; i < p->ghosts.n && !err; i++)
		err = make(p, &p->ghosts.v[i]);
	return err;
}

int res_ghost_fill(const struct ckpt_plan *p, const struct plan_ghost *g, const uint64_t *addrs,
		   uint32_t n, const uint8_t *data)
{
	for (uint32_t i = 0, run; i < n; i += run) {
		const uint8_t *from = data + i * PAGE;
		uint64_t at = addrs[i], len;

		for (run = 1; i + run < n && addrs[i + run] == at + run * PAGE; run++)
			;
		/* plan_pages() has seen that each page begins before the end. */
		len = at + run * PAGE > g->rec.size ? g->rec.size - at : run * PAGE;
		for (uint64_t done = 0; done < len;) {
			ssize_t w = pwrite(g->fd, from + done, len - done, (off_t)(at + done));

			if (w > 0)
				done += (uint64_t)w;
			else if (w == 0 || errno != EINTR)
				return ckpt_fail(w ? -errno : -EIO, 0, "file %s: write at %llu",
						 name_of(p, g), (unsigned long long)(at + done));
		}
	}
	return 0;
}

static int set_xattrs(const struct ckpt_plan *p, const struct plan_ghost *g)
{
	const uint8_t *at = g->xattrs, *end = at + g->rec.xattrs_len;

	while (at < end) {
		char name[XATTR_NAME_MAX + 1];
		struct ckpt_xattr x;

		memcpy(&x, at, sizeof(x));
		at += sizeof(x);
		memcpy(name, at, x.name_len);
		name[x.name_len] = 0;
		if (fsetxattr(g->fd, name, at + x.name_len, x.value_len, 0))
			return ckpt_fail(-errno, 0, "file %s: attribute %s", name_of(p, g), name);
		at += x.name_len + x.value_len;
	}
	return 0;
}

static int finish(const struct ckpt_plan *p, struct plan_ghost *g)
{
	const struct timespec times[2] = {
		{ g->rec.atime_sec, g->rec.atime_nsec }, { g->rec.mtime_sec, g->rec.mtime_nsec },
	};
	struct stat st;
	int err;

	/* chown() takes set-user-id and capabilities away; an ACL changes the mode. */
	if (fstat(g->fd, &st))
		return ckpt_fail(-errno, 0, "file %s: stat", name_of(p, g));
	if ((st.st_uid != g->rec.uid || st.st_gid != g->rec.gid) &&
	    fchown(g->fd, g->rec.uid, g->rec.gid))
		return ckpt_fail(-errno, 0, "file %s: owner %u:%u", name_of(p, g), g->rec.uid, g->rec.gid);
	err = set_xattrs(p, g);
	if (err)
		return err;
	if (fchmod(g->fd, g->rec.mode))
		return ckpt_fail(-errno, 0, "file %s: mode 0%o", name_of(p, g), g->rec.mode);
	if (futimens(g->fd, times))
		return ckpt_fail(-errno, 0, "file %s: times", name_of(p, g));
	close(g->fd);
	g->fd = -1;
	return 0;
}

int res_ghost_finish(struct ckpt_plan *p)
{
	int err = 0;

	for (size_t i = 0; i < p->ghosts.n && !err; i++)
		err = finish(p, &p->ghosts.v[i]);
	return err;
}

/* ---- in the child ---- */

int res_ghost_lift(struct ckpt_plan *p, int keep_from)
{
	for (size_t i = 0; i < p->ghosts.n; i++) {
		int was = p->ghosts.v[i].fd, fd;

		if (was >= keep_from)
			continue;
		fd = fcntl(was, F_DUPFD_CLOEXEC, keep_from);
		if (fd < 0)
			return ckpt_fail(-errno, 0, "descriptor from %d on", keep_from);
		/* None may stay that is open for writing: see res_ghost_close(). */
		close(was);
		p->ghosts.v[i].fd = fd;
	}
	return 0;
}

int res_ghost_open(const struct ckpt_plan *p, const struct plan_file *f, uint64_t flags)
{
	const struct plan_ghost *g = plan_ghost(p, f->rec.obj);
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", g->fd);
	/* What lies there is a link. */
	fd = open(path, ((int)flags & ~O_NOFOLLOW) | O_CLOEXEC);
	return fd < 0 ? ckpt_fail(-errno, 0, "file %s: open", f->path) : fd;
}

void res_ghost_close(struct ckpt_plan *p)
{
	for (size_t i = 0; i < p->ghosts.n; i++) {
		close(p->ghosts.v[i].fd);
		p->ghosts.v[i].fd = -1;
	}
}
