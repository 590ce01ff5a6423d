// SPDX-License-Identifier: GPL-2.0
/*
 * Memory objects of huge pages. hugetlbfs can be read like a file but has no
 * SEEK_DATA and no write(): what exists is found by content (a block of zeros is
 * left a hole, unless all of the object exists), and filled through a mapping.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/fail.h"
#include "lib/io.h"
#include "res/shmem.h"

#define PAGE	((uint64_t)CKPT_PAGE_SIZE)
#define BLOCK	(2ull << 20)

int shmem_huge_data(int fd, uint64_t size, uint64_t at, uint64_t *start, uint64_t *end)
{
	static uint8_t block[BLOCK];
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (at >= size || !st.st_blocks)
		return 0;
	if ((uint64_t)st.st_blocks * 512 >= size) {
		*start = at;
		*end = size;
		return 1;
	}
	for (at &= ~(BLOCK - 1); at < size; at += BLOCK) {
		int err = ckpt_pread_all(fd, block, BLOCK, (off_t)at);

		if (err)
			return err;
		if (!block[0] && !memcmp(block, block + 1, BLOCK - 1))
			continue;
		*start = at;
		*end = at + BLOCK;
		return 1;
	}
	return 0;
}

/* Faulted in by a call that can fail: a page that is missing would be a SIGBUS. */
static uint8_t *map(const struct plan_shmem *s, uint64_t at, uint64_t len)
{
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, (off_t)at);

	if (p == MAP_FAILED)
		return NULL;
	if (madvise(p, len, MADV_POPULATE_WRITE)) {
		int err = errno;

		munmap(p, len);
		errno = err;
		return NULL;
	}
	return p;
}

int shmem_huge_fill(const struct plan_shmem *s, const uint64_t *addrs, uint32_t n, const uint8_t *data)
{
	uint64_t len = 1ull << (s->rec.flags >> CKPT_SHMEM_HUGE_SHIFT), base = 0;
	uint8_t *p = NULL;

	for (uint32_t i = 0; i < n; i++) {
		if (!p || addrs[i] - base >= len) {
			if (p)
				munmap(p, len);
			base = addrs[i] & ~(len - 1);
			p = map(s, base, len);
		}
		if (!p)
			return ckpt_fail(-errno, 0, "shared memory %u: a huge page of %llu KiB", s->rec.id,
					 (unsigned long long)(len >> 10));
		memcpy(p + (addrs[i] - base), data + i * PAGE, PAGE);
	}
	if (p)
		munmap(p, len);
	return 0;
}
