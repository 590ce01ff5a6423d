// SPDX-License-Identifier: GPL-2.0
#include "image/out.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/interrupt.h"
#include "lib/io.h"

/* The least a pipe that polls writable takes without waiting (POSIX). */
#define PIPE_ATOM 4096u

static int fail(struct ckpt_out *o, int err, const char *what)
{
	return ckpt_fail(err, 0, "%s: %s", o->path, what);
}

static void out_zero(struct ckpt_out *o)
{
	*o = (struct ckpt_out){ .fd = -1, .own = -1, .dirfd = -1 };
}

static int open_fd(struct ckpt_out *o, int fd, const char *name)
{
	char self[32];
	struct stat st;

	out_zero(o);
	o->fd = fd;
	o->path = strdup(name);
	if (!o->path)
		return ckpt_fail(-ENOMEM, 0, "image: open");
	if (fstat(fd, &st))
		return fail(o, -errno, "open");
	if (isatty(fd))
		return fail(o, -EINVAL, "an image is not for a terminal");
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		o->kind = OUT_FILE;
		break;
	case S_IFIFO:
		o->kind = OUT_PIPE;
		/*
		 * O_NONBLOCK on fd itself would reach whoever shares it, a
		 * shell for example: a description of our own is needed.
		 */
		snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
		o->own = open(self, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		if (o->own >= 0) {
			o->fd = o->own;
			o->nonblock = true;
		}
		break;
	case S_IFSOCK:
		o->kind = OUT_SOCKET;
		o->nonblock = true;
		break;
	default:
		o->kind = OUT_OTHER;
	}
	return 0;
}

int out_open_fd(struct ckpt_out *o, int fd)
{
	return open_fd(o, fd, fd == STDOUT_FILENO ? "standard output" : "output");
}

/* A device or fifo is written to, never replaced by a file. */
static int open_special(struct ckpt_out *o, const char *path)
{
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	int err;

	if (fd < 0)
		return fail(o, -errno, "open");
	free(o->path);
	err = open_fd(o, fd, path);
	if (o->own >= 0)
		close(fd);
	else
		o->own = fd;
	return err;
}

static int split_path(struct ckpt_out *o, const char *path)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) :
					 strdup(".");

	o->name = strdup(slash ? slash + 1 : path);
	if (!dir || !o->name)
		return fail(o, -ENOMEM, "open");
	if (!*o->name)
		return fail(o, -EISDIR, "open");
	o->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return o->dirfd < 0 ? fail(o, -errno, "open its folder") : 0;
}

/* A temporary name beside the image; two runs never choose the same one. */
static int open_named(struct ckpt_out *o)
{
	for (int i = 0; i < 100; i++) {
		free(o->temp);
		if (asprintf(&o->temp, ".%.200s.%d.%d.tmp", o->name, (int)getpid(), i) < 0) {
			o->temp = NULL;
			return -ENOMEM;
		}
		o->own = openat(o->dirfd, o->temp,
				O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (o->own >= 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	free(o->temp);
	o->temp = NULL;
	return -errno;
}

int out_open_path(struct ckpt_out *o, const char *path, bool force)
{
	struct stat st;
	int err = 0;

	out_zero(o);
	o->path = strdup(path);
	if (!o->path)
		return ckpt_fail(-ENOMEM, 0, "image: open");
	if (!stat(path, &st)) {
		if (S_ISDIR(st.st_mode))
			return fail(o, -EISDIR, "open");
		if (!S_ISREG(st.st_mode))
			return open_special(o, path);
		if (!force)
			return fail(o, -EEXIST, "open");
	}
	err = split_path(o, path);
	if (err)
		return err;
	o->kind = OUT_FILE;
	o->force = force;
	/* Without a name nothing is left behind even by a SIGKILL. */
	o->own = openat(o->dirfd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
	if (o->own < 0)
		err = open_named(o);
	if (!err && fchmod(o->own, 0600))
		err = -errno;
	o->fd = o->own;
	return err ? fail(o, err, "create") : 0;
}

static int interrupted(const struct ckpt_out *o)
{
	return ckpt_interrupted() && !o->last_words ? -EINTR : 0;
}

/* Wait until fd may be written to. */
static int wait_writable(struct ckpt_out *o)
{
	struct pollfd p = { .fd = o->fd, .events = POLLOUT };
	struct timespec t, *left = NULL;

	if (o->deadline) {
		uint64_t now = ckpt_now_ns();

		if (now >= o->deadline)
			return -ETIMEDOUT;
		t.tv_sec = (time_t)((o->deadline - now) / 1000000000u);
		t.tv_nsec = (long)((o->deadline - now) % 1000000000u);
		left = &t;
	}
	switch (ppoll(&p, 1, left, NULL)) {
	case 0:
		return -ETIMEDOUT;
	case -1:
		return errno == EINTR ? interrupted(o) : -errno;
	}
	return p.revents & POLLERR && o->kind == OUT_PIPE ? -EPIPE : 0;
}

static ssize_t write_some(struct ckpt_out *o, struct iovec *iov, int n)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = (size_t)n };
	struct iovec one;

	if (o->kind == OUT_SOCKET)
		return sendmsg(o->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (o->kind == OUT_PIPE && !o->nonblock) {
		int err = wait_writable(o);

		if (err) {
			errno = -err;
			return -1;
		}
		one = iov[0];
		if (one.iov_len > PIPE_ATOM)
			one.iov_len = PIPE_ATOM;
		return writev(o->fd, &one, 1);
	}
	return writev(o->fd, iov, n);
}

int out_writev(struct ckpt_out *o, struct iovec *iov, int n)
{
	while (n) {
		ssize_t w;

		if (!iov->iov_len) {
			iov++;
			n--;
			continue;
		}
		w = write_some(o, iov, n);
		if (w < 0) {
			int err = -errno;

			if (err == -EINTR)
				err = interrupted(o);
			else if (err == -EAGAIN)
				err = wait_writable(o);
			if (!err)
				continue;
			o->torn = true;
			return fail(o, err, "write");
		}
		o->bytes += (uint64_t)w;
		while (n && (size_t)w >= iov->iov_len) {
			w -= (ssize_t)iov->iov_len;
			iov++;
			n--;
		}
		if (n) {
			iov->iov_base = (char *)iov->iov_base + w;
			iov->iov_len -= (size_t)w;
		}
	}
	return 0;
}

/* Give the nameless or temporary file its name. */
static int publish(struct ckpt_out *o)
{
	char self[32];

	if (!o->temp) {
		snprintf(self, sizeof(self), "/proc/self/fd/%d", o->fd);
		if (!o->force)
			return linkat(AT_FDCWD, self, o->dirfd, o->name, AT_SYMLINK_FOLLOW) ?
			       -errno : 0;
		/* A link never replaces: a temporary name first, then a rename. */
		for (int i = 0; !o->temp; i++) {
			if (asprintf(&o->temp, ".%.200s.%d.%d.tmp", o->name, (int)getpid(), i) < 0) {
				o->temp = NULL;
				return -ENOMEM;
			}
			if (!linkat(AT_FDCWD, self, o->dirfd, o->temp, AT_SYMLINK_FOLLOW))
				break;
			free(take_ptr(o->temp));
			if (errno != EEXIST || i == 100)
				return -errno;
		}
	}
	if (renameat2(o->dirfd, o->temp, o->dirfd, o->name, o->force ? 0 : RENAME_NOREPLACE)) {
		/* Not every filesystem knows NOREPLACE; a link refuses as well. */
		if (errno != EINVAL || o->force ||
		    linkat(o->dirfd, o->temp, o->dirfd, o->name, 0))
			return -errno;
		unlinkat(o->dirfd, o->temp, 0);
	}
	free(take_ptr(o->temp));
	return 0;
}

static int finish_file(struct ckpt_out *o)
{
	int err;

	if (fsync(o->fd) && errno != EINVAL && errno != EROFS)
		return fail(o, -errno, "fsync");
	if (o->dirfd < 0)
		return 0;
	err = publish(o);
	if (err)
		return fail(o, err, "rename");
	if (fsync(o->dirfd) && errno != EINVAL)
		return fail(o, -errno, "fsync its folder");
	return 0;
}

static int unread(const struct ckpt_out *o)
{
	int n = 0;

	if (ioctl(o->fd, o->kind == OUT_PIPE ? FIONREAD : SIOCOUTQ, &n))
		return -errno;
	return n;
}

/*
 * Bytes in a pipe are lost with its last reader: the image is not complete
 * before they are out. Nothing wakes a writer when a pipe runs empty, so look
 * again, from 0.1 ms to 2 ms apart; a reader that goes away is seen at once.
 */
static int drain(struct ckpt_out *o)
{
	struct timespec t = { .tv_nsec = 100000 };

	for (;;) {
		struct pollfd p = { .fd = o->fd, .events = 0 };
		int n = unread(o);

		if (n <= 0)
			return n == -ENOTTY || n == -EINVAL ? 0 : n;
		if (ppoll(&p, 1, &t, NULL) > 0 && p.revents & (POLLERR | POLLHUP))
			return unread(o) ? -EPIPE : 0;
		if (o->deadline && ckpt_now_ns() >= o->deadline)
			return -ETIMEDOUT;
		if (interrupted(o))
			return -EINTR;
		if (t.tv_nsec < 2000000)
			t.tv_nsec *= 2;
	}
}

int out_finish(struct ckpt_out *o)
{
	int err = 0;

	if (o->kind == OUT_FILE)
		return finish_file(o);
	if (o->kind == OUT_PIPE || o->kind == OUT_SOCKET)
		err = drain(o);
	return err ? fail(o, err, "reader") : 0;
}

void out_close(struct ckpt_out *o)
{
	if (o->temp)
		unlinkat(o->dirfd, o->temp, 0);
	ckpt_closep(&o->own);
	ckpt_closep(&o->dirfd);
	free(o->path);
	free(o->name);
	free(o->temp);
	out_zero(o);
}
