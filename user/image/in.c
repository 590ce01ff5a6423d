// SPDX-License-Identifier: GPL-2.0
#include "image/in.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/interrupt.h"

#define IN_BUF (256u << 10)

int in_open(struct ckpt_in *in, int fd)
{
	struct stat st;

	*in = (struct ckpt_in){ .fd = fd };
	if (fstat(fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	in->regular = S_ISREG(st.st_mode);
	if (in->regular)
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	in->buf = malloc(IN_BUF);
	in->p = in->buf;
	return in->buf ? 0 : -ENOMEM;
}

void in_open_mem(struct ckpt_in *in, const void *buf, size_t len)
{
	*in = (struct ckpt_in){ .fd = -1, .p = buf, .left = len };
}

void in_close(struct ckpt_in *in)
{
	if (in->fd >= 0)
		close(in->fd);
	free(in->buf);
}

static ssize_t read_some(struct ckpt_in *in, void *buf, size_t len)
{
	for (;;) {
		ssize_t n = read(in->fd, buf, len);
		struct pollfd p = { .fd = in->fd, .events = POLLIN };

		if (n >= 0)
			return n;
		/* Somebody else's O_NONBLOCK on a shared description. */
		if (errno == EAGAIN && poll(&p, 1, -1) >= 0)
			continue;
		if (errno != EINTR || ckpt_interrupted())
			return -errno;
	}
}

int in_read(struct ckpt_in *in, void *buf, size_t len)
{
	uint8_t *to = buf;

	while (len) {
		size_t n = len < in->left ? len : in->left;
		ssize_t r;

		if (n) {
			memcpy(to, in->p, n);
			in->p += n;
			in->left -= n;
		} else if (in->fd < 0) {
			return -ENODATA;
		} else if (len >= IN_BUF) {
			/* Page data: no detour through the buffer. */
			r = read_some(in, to, len);
			if (r <= 0)
				return r ? (int)r : -ENODATA;
			n = (size_t)r;
		} else {
			r = read_some(in, in->buf, IN_BUF);
			if (r <= 0)
				return r ? (int)r : -ENODATA;
			in->p = in->buf;
			in->left = (size_t)r;
			continue;
		}
		to += n;
		len -= n;
		in->pos += n;
	}
	return 0;
}

bool in_more(struct ckpt_in *in)
{
	char c;
	int n = 0;

	if (in->left || in->fd < 0)
		return in->left;
	if (in->regular)
		return read_some(in, &c, 1) > 0;
	return !ioctl(in->fd, FIONREAD, &n) && n > 0;
}
