// SPDX-License-Identifier: GPL-2.0
/*
 * Memory advised to be huge, with holes punched into it: the holes must stay
 * holes (resident size) and read as zeros, the rest must have its content.
 */
#include <stdint.h>
#include <sys/mman.h>

#include "prog.h"

#define HUGE	(2ul << 20)
#define PAGE	4096ul
#define PAGES	(4 * HUGE / PAGE)

static bool is_hole(size_t i)
{
	return (i >= 2 && i < 100) || (i >= 200 && i < 512) || (i >= 513 && i < 1000);
}

static long resident(void)
{
	char line[256];
	FILE *f = fopen("/proc/self/smaps_rollup", "re");
	long kb = -1;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Anonymous: %ld", &kb) == 1)
			break;
	fclose(f);
	return kb;
}

/* Since boot, by all programs: /sys/kernel/mm/transparent_hugepage. */
static long collapsed(void)
{
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/khugepaged/pages_collapsed", "re");
	long n = 0;

	if (f) {
		CHECK(fscanf(f, "%ld", &n) == 1);
		fclose(f);
	}
	return n;
}

int main(void)
{
	char *map, *p;
	long before, after, collapses;

	prog_init();
	map = mmap(NULL, 5 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(map != MAP_FAILED);
	p = (char *)(((uintptr_t)map + HUGE - 1) & ~(HUGE - 1));
	/* EINVAL: a kernel without huge pages; the holes are a test all the same. */
	CHECK(madvise(p, 4 * HUGE, MADV_HUGEPAGE) == 0 || errno == EINVAL);
	for (size_t i = 0; i < PAGES; i++)
		memset(p + i * PAGE, (int)(i % 255) + 1, PAGE);
	for (size_t i = 0; i < PAGES; i++)
		if (is_hole(i))
			CHECK(madvise(p + i * PAGE, PAGE, MADV_DONTNEED) == 0);
	collapses = collapsed();
	before = resident();
	prog_ready();
	after = resident();
	if (collapsed() != collapses)
		prog_say("collapsed");
	else
		CHECKF(after <= before + 256, "anonymous memory was %ld KiB, is %ld", before, after);
	for (size_t i = 0; i < PAGES; i++) {
		char want = is_hole(i) ? 0 : (char)(i % 255 + 1);

		CHECKF(p[i * PAGE] == want && p[i * PAGE + PAGE - 1] == want, "page %zu", i);
	}
	prog_done();
}
