// SPDX-License-Identifier: GPL-2.0
/*
 * hugetlb [few]: memory of 2 MiB pages: private, also such as may only be read or
 * not be touched at all, shared anonymous, and a memfd that is mapped twice. It
 * holds what it held, in pages of the same size, and no page more than before.
 * Needs 7 pages, with `few` one.
 */
#include "prog.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define HUGE (2ul << 20)
#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#endif
#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21u << 26)
#endif

static char *anon, *readonly, *none, *shared, *mem, *again, *cow;
static int fd;

static char *map(size_t pages, int flags, int from)
{
	char *p = mmap(NULL, pages * HUGE, PROT_READ | PROT_WRITE,
		       flags | (from < 0 ? MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB : 0), from, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void fill(char *p, unsigned int seed)
{
	for (size_t i = 0; i < HUGE; i += 8)
		*(size_t *)(p + i) = i * 31 + seed;
}

static void check_fill(const char *p, unsigned int seed)
{
	for (size_t i = 0; i < HUGE; i += 8)
		CHECKF(*(const size_t *)(p + i) == i * 31 + seed, "seed %u, byte %zu", seed, i);
}

/* kB of a line of smaps of the mapping at p. */
static long smaps(const char *p, const char *what)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long start, end;
	bool in = false;
	char line[1024];
	long kb = -1;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			in = start == (unsigned long)p;
		else if (in && !strncmp(line, what, strlen(what)))
			kb = strtol(line + strlen(what), NULL, 10);
	}
	fclose(f);
	return kb;
}

static void check_sizes(void)
{
	char *all[] = { anon, readonly, none, shared, mem, again, cow };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all) && all[i]; i++)
		CHECKF(smaps(all[i], "KernelPageSize:") == 2048, "mapping %zu", i);
	CHECKF(smaps(anon, "Private_Hugetlb:") == 2048, "%ld", smaps(anon, "Private_Hugetlb:"));
}

static void set_up_others(void)
{
	readonly = map(1, MAP_PRIVATE, -1);
	fill(readonly, 2);
	CHECK(mprotect(readonly, HUGE, PROT_READ) == 0);
	none = map(1, MAP_PRIVATE, -1);
	fill(none, 3);
	CHECK(mprotect(none, HUGE, PROT_NONE) == 0);
	shared = map(1, MAP_SHARED, -1);
	fill(shared, 4);
	fd = memfd_create("huge one", MFD_HUGETLB | MFD_HUGE_2MB | MFD_ALLOW_SEALING);
	CHECK(fd >= 0 && ftruncate(fd, 3 * HUGE) == 0);
	mem = map(3, MAP_SHARED | MAP_NORESERVE, fd);
	fill(mem + HUGE, 5);	/* the others are holes */
	again = map(3, MAP_SHARED | MAP_NORESERVE, fd);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0);
	cow = map(3, MAP_PRIVATE | MAP_NORESERVE, fd);
	cow[HUGE] = 'c';
}

static void check_others(void)
{
	struct stat st;

	check_fill(readonly, 2);
	CHECK(mprotect(none, HUGE, PROT_READ) == 0);
	check_fill(none, 3);
	check_fill(shared, 4);
	check_fill(mem + HUGE, 5);
	CHECK(fstat(fd, &st) == 0 && st.st_size == 3 * (off_t)HUGE);
	CHECKF(st.st_blocks == (blkcnt_t)(HUGE / 512), "%ld blocks", (long)st.st_blocks);
	CHECK(fcntl(fd, F_GET_SEALS) == F_SEAL_GROW);
	CHECK(cow[HUGE] == 'c' && !memcmp(cow + HUGE + 8, mem + HUGE + 8, HUGE - 8));
	mem[HUGE] = 'x';
	CHECK(again[HUGE] == 'x' && cow[HUGE] == 'c');
	shared[0] = 'y';
}

int main(int argc, char **argv)
{
	bool few = argc > 1 && !strcmp(argv[1], "few");

	prog_init();
	anon = map(1, MAP_PRIVATE, -1);
	fill(anon, 1);
	if (!few)
		set_up_others();
	check_sizes();
	prog_ready();
	check_sizes();
	check_fill(anon, 1);
	if (!few)
		check_others();
	fill(anon, 7);
	prog_done();
}
