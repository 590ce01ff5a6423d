// SPDX-License-Identifier: GPL-2.0
/*
 * neighbours N: N mappings side by side, kept apart by their advice alone. They are
 * as many afterwards, with the same flags. Two that the kernel kept apart for
 * no reason that can be seen may have become one.
 */
#include "prog.h"

#include <sys/mman.h>

#define PAGE 4096ul

static const int advice[] = { MADV_NORMAL, MADV_DONTDUMP, MADV_RANDOM, MADV_DONTFORK, MADV_SEQUENTIAL };
#define KINDS (sizeof(advice) / sizeof(advice[0]))

static char *area, *moved;

/* Mappings within the area; their flags into sums, one for each, at most n. */
static size_t look(size_t n, unsigned int *sums)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long start, end, first = (unsigned long)area;
	char line[1024];
	size_t found = 0;
	bool in = false;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
			in = start >= first && start < first + n * PAGE;
			found += in;
		} else if (in && found <= n && !strncmp(line, "VmFlags:", 8)) {
			/* "sd" is the mark of whoever tracks. */
			char *sd = strstr(line, " sd");

			if (sd)
				*sd = 0;
			for (const char *c = line; *c && *c != '\n'; c++)
				sums[found - 1] = sums[found - 1] * 31 + (unsigned char)*c;
		}
	}
	fclose(f);
	return found;
}

static size_t lines(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	size_t n = 0;
	int c;

	CHECK(f != NULL);
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

int main(int argc, char **argv)
{
	size_t n = argc == 2 ? strtoul(argv[1], NULL, 10) : 0, before, after;
	unsigned int *was, *now;

	prog_init();
	CHECK(n > 0);
	was = calloc(n, sizeof(*was));
	now = calloc(n, sizeof(*now));
	CHECK(was && now);
	area = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED);
	for (size_t i = 0; i < n; i++) {
		CHECK(madvise(area + i * PAGE, PAGE, advice[i % KINDS]) == 0);
		*(size_t *)(area + i * PAGE) = i;
	}
	/* Each has memory of its own when it comes beside the other. */
	moved = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(moved != MAP_FAILED);
	memset(moved, 'm', 3 * PAGE);
	CHECK(mprotect(moved + PAGE, PAGE, PROT_READ) == 0);
	CHECK(mremap(moved + 2 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, moved + PAGE) != MAP_FAILED);
	CHECKF(look(n, was) == n, "%zu mappings", look(n, was));
	memset(was, 0, n * sizeof(*was));
	look(n, was);
	before = lines();
	prog_ready();
	CHECK(look(n, now) == n);
	for (size_t i = 0; i < n; i++) {
		CHECKF(now[i] == was[i], "flags of mapping %zu", i);
		CHECKF(*(size_t *)(area + i * PAGE) == i, "mapping %zu", i);
	}
	CHECK(moved[0] == 'm' && moved[PAGE] == 'm');
	after = lines();
	CHECKF(after <= before && after + 8 >= before, "%zu mappings, were %zu", after, before);
	prog_done();
}
