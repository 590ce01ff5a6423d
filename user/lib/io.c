// SPDX-License-Identifier: GPL-2.0
#include "lib/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/interrupt.h"

#define SLURP_MAX (64u << 20)

int ckpt_write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int ckpt_read_all(int fd, void *buf, size_t len)
{
	char *p = buf;

	while (len) {
		ssize_t n = read(fd, p, len);

		/* A pipe may stay silent for ever: only a signal gets us out. */
		if (n < 0 && errno == EINTR && !ckpt_interrupted())
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -ENODATA;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int ckpt_pread_all(int fd, void *buf, size_t len, off_t off)
{
	char *p = buf;

	while (len) {
		ssize_t n = pread(fd, p, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -ENODATA;
		p += n;
		off += n;
		len -= (size_t)n;
	}
	return 0;
}

int ckpt_slurp_at(int dirfd, const char *path, char **buf, size_t *len)
{
	cleanup_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	cleanup_free char *b = NULL;
	size_t n = 0, cap = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t r;

		if (cap - n < 4096) {
			size_t c = cap ? cap * 2 : 16384;
			char *p = c > SLURP_MAX ? NULL : realloc(b, c);

			if (!p)
				return c > SLURP_MAX ? -EFBIG : -ENOMEM;
			b = p;
			cap = c;
		}
		r = read(fd, b + n, cap - n - 1);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (!r)
			break;
		n += (size_t)r;
	}
	b[n] = 0;
	if (len)
		*len = n;
	*buf = take_ptr(b);
	return 0;
}

int ckpt_slurp(const char *path, char **buf, size_t *len)
{
	return ckpt_slurp_at(AT_FDCWD, path, buf, len);
}

int ckpt_next_data(int fd, uint64_t at, uint64_t *start, uint64_t *end)
{
	const uint64_t mask = 4095;
	off_t data = lseek(fd, (off_t)at, SEEK_DATA), hole;

	if (data < 0)
		return errno == ENXIO ? 0 : -errno;
	hole = lseek(fd, data, SEEK_HOLE);
	if (hole < 0)
		return errno == ENXIO ? 0 : -errno;
	/* Blocks can be smaller than a page, but two runs share none: at is where one begins. */
	*start = (uint64_t)data & ~mask;
	*end = ((uint64_t)hole + mask) & ~mask;
	return 1;
}
