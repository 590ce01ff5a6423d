/* SPDX-License-Identifier: GPL-2.0 */
/* Where an image goes: a file that appears whole or not at all, or a stream. */
#ifndef CKPT_OUT_H
#define CKPT_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

enum out_kind { OUT_FILE, OUT_PIPE, OUT_SOCKET, OUT_OTHER };

struct ckpt_out {
	int fd;
	int own;		/* descriptor to close at the end, -1: the caller's */
	enum out_kind kind;
	bool nonblock;		/* a write to fd gives EAGAIN instead of waiting */
	bool torn;		/* a write failed: what the other side has is unknown */
	bool last_words;	/* says why it failed: a signal to stop does not silence it */
	uint64_t deadline;	/* CLOCK_MONOTONIC in ns, 0: none */
	uint64_t bytes;
	char *path;		/* what messages call it */

	/* Only of a path: */
	int dirfd;
	char *name;		/* in dirfd */
	char *temp;		/* name in dirfd until it is complete; NULL: it has none yet */
	bool force;
};

int out_open_path(struct ckpt_out *o, const char *path, bool force);
int out_open_fd(struct ckpt_out *o, int fd);

/* All of it; the vector is used up. */
int out_writev(struct ckpt_out *o, struct iovec *iov, int n);

/* Durable and visible, or taken by the reader. */
int out_finish(struct ckpt_out *o);

/* Leaves nothing of an unfinished file; safe on a zeroed struct with fds -1. */
void out_close(struct ckpt_out *o);

#endif
