/* SPDX-License-Identifier: GPL-2.0 */
/* Where an image comes from: bytes in order, once. */
#ifndef CKPT_IN_H
#define CKPT_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ckpt_in {
	int fd;			/* -1: memory */
	bool regular;
	uint8_t *buf;		/* of fd */
	const uint8_t *p;	/* unread bytes */
	size_t left;
	uint64_t pos;		/* bytes taken so far */
};

int in_open(struct ckpt_in *in, int fd);
void in_open_mem(struct ckpt_in *in, const void *buf, size_t len);
void in_close(struct ckpt_in *in);

/* len bytes; -ENODATA: the image ends before them; any other -errno: of read(). */
int in_read(struct ckpt_in *in, void *buf, size_t len);

/*
 * Is there more? A file is asked; of a pipe only what is there already counts:
 * its writer may live on, and waiting for it could be for ever.
 */
bool in_more(struct ckpt_in *in);

#endif
