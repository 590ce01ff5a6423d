// SPDX-License-Identifier: GPL-2.0
/*
 * cowfile FILE: a private mapping of four pages of it, one written, one read. What
 * was written is kept; everything else is what the file holds by then.
 */
#include "prog.h"

#include <fcntl.h>
#include <sys/mman.h>

#define PAGE 4096ul

int main(int argc, char **argv)
{
	char page[PAGE], *p;
	int fd, sum = 0;

	prog_init();
	CHECK(argc == 2);
	fd = open(argv[1], O_RDONLY);
	CHECK(fd >= 0);
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	memset(p + PAGE, 'x', PAGE);
	/* Read only, and the last one by writing what it holds: that is a copy too. */
	sum += *(volatile char *)(p + 2 * PAGE);
	*(volatile char *)(p + 3 * PAGE) = *(volatile char *)(p + 3 * PAGE);
	memcpy(page, p + 3 * PAGE, PAGE);
	prog_ready();
	for (size_t i = 0; i < PAGE; i++)
		CHECKF(p[PAGE + i] == 'x' && p[3 * PAGE + i] == page[i], "byte %zu, %d", i, sum);
	for (off_t at = 0; at < 4 * (off_t)PAGE; at += 2 * (off_t)PAGE) {
		CHECK(pread(fd, page, PAGE, at) == (ssize_t)PAGE);
		CHECKF(!memcmp(p + at, page, PAGE), "page at %ld", (long)at);
	}
	prog_done();
}
