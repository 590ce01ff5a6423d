/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CKPT_IO_H
#define CKPT_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* All of it or -errno; a short read is -ENODATA. Interrupted calls go on, a read only until ckpt_interrupted(). */
int ckpt_write_all(int fd, const void *buf, size_t len);
int ckpt_read_all(int fd, void *buf, size_t len);
int ckpt_pread_all(int fd, void *buf, size_t len, off_t off);

/*
 * The next pages of a file that hold data, from at on: 1 and [*start, *end), a run of
 * whole pages that may go beyond the file's end; 0: none; -errno. Moves the offset.
 */
int ckpt_next_data(int fd, uint64_t at, uint64_t *start, uint64_t *end);

/* Whole small file, NUL added behind it; *len without the NUL. Caller frees. -errno; -EFBIG over 64 MiB. */
int ckpt_slurp(const char *path, char **buf, size_t *len);
int ckpt_slurp_at(int dirfd, const char *path, char **buf, size_t *len);

static inline uint64_t ckpt_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#endif
