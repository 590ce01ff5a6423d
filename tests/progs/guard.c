// SPDX-License-Identifier: GPL-2.0
/*
 * guard: guard pages within private, shared, file and locked memory, over two
 * mappings and beside pages that have content. Afterwards each raises SIGSEGV, and
 * nothing else does; one that is taken away reads as zeros. A kernel without them:
 * `unsupported`.
 */
#include "prog.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>

#define PAGE 4096ul
#ifndef MADV_GUARD_INSTALL		/* since 6.13 */
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif
#define AREAS 5
#define PAGES 16

static char *area[AREAS];
static bool guarded[AREAS][PAGES], seen[AREAS][PAGES];
static sigjmp_buf back;

static void on_segv(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

static bool faults(char *p)
{
	if (sigsetjmp(back, 1))
		return true;
	(void)*(volatile char *)p;
	return false;
}

/* As /proc/self/pagemap has it: bit 58, since 6.15. */
static bool marked(char *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t e;

	CHECK(fd >= 0 && pread(fd, &e, 8, (off_t)((uintptr_t)p / PAGE * 8)) == 8);
	close(fd);
	return e >> 58 & 1;
}

static char *map(int flags, int fd)
{
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void guard(int a, int from, int n)
{
	CHECKF(madvise(area[a] + from * PAGE, n * PAGE, MADV_GUARD_INSTALL) == 0, "area %d", a);
	for (int i = 0; i < n; i++)
		guarded[a][from + i] = true;
}

static void set_up(void)
{
	int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0 && ftruncate(fd, PAGES * PAGE) == 0);
	area[0] = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	area[1] = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	area[2] = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	area[3] = map(MAP_SHARED | MAP_ANONYMOUS, -1);
	area[4] = map(MAP_PRIVATE, fd);
	close(fd);
	memset(area[0], 'a', PAGES * PAGE);
	if (madvise(area[0], PAGE, MADV_GUARD_INSTALL)) {
		CHECK(errno == EINVAL);
		prog_say("unsupported");
		_exit(0);
	}
	guarded[0][0] = true;
	guard(0, 5, 3);
	guard(0, 15, 1);
	/* Two mappings, one range. */
	CHECK(mprotect(area[1] + 8 * PAGE, 8 * PAGE, PROT_READ) == 0);
	guard(1, 6, 4);
	area[1][0] = 'b';
	guard(2, 2, 1);
	area[2][3 * PAGE] = 'c';
	CHECK(mlock(area[2], PAGES * PAGE) == 0 || errno == ENOMEM);
	area[3][PAGE] = 'd';
	/* Since 6.15 in files and shared memory as well. */
	if (!madvise(area[3] + 2 * PAGE, PAGE, MADV_GUARD_INSTALL)) {
		guarded[3][2] = true;
		guard(4, 1, 2);
	}
	area[4][3 * PAGE] = 'e';
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_segv };
	bool tells;

	prog_init();
	set_up();
	CHECK(sigaction(SIGSEGV, &sa, NULL) == 0);
	tells = marked(area[0]);
	if (!tells)
		prog_say("untold");
	prog_ready();
	for (int a = 0; a < AREAS; a++) {
		for (int i = 0; i < PAGES; i++) {
			char *p = area[a] + i * PAGE;

			if (tells)
				CHECKF(marked(p) == guarded[a][i], "area %d page %d", a, i);
			seen[a][i] = faults(p);
			CHECKF(seen[a][i] == guarded[a][i], "area %d page %d", a, i);
		}
	}
	CHECK(area[0][PAGE] == 'a' && area[0][8 * PAGE] == 'a' && area[0][14 * PAGE] == 'a');
	CHECK(area[1][0] == 'b' && area[2][3 * PAGE] == 'c' && area[3][PAGE] == 'd' &&
	      area[4][3 * PAGE] == 'e');
	CHECK(madvise(area[0], PAGES * PAGE, MADV_GUARD_REMOVE) == 0);
	CHECK(area[0][0] == 0 && area[0][6 * PAGE] == 0 && area[0][PAGE] == 'a');
	prog_done();
}
