// SPDX-License-Identifier: GPL-2.0
/*
 * sparse private|memfd: 1 GiB of which 16 MiB were written, a MiB here and there, and
 * of private memory much of the rest was read (the kernel's page of zeros). As
 * much of it exists afterwards as before, with what was written, and nothing else.
 */
#include "prog.h"

#include <sys/mman.h>
#include <sys/stat.h>

#define PAGE 4096ul
#define MIB (1ul << 20)
#define SIZE (1024 * MIB)
#define RUNS 16

static char *area;
static int fd = -1;

static char *run(size_t i)
{
	return area + i * 60 * MIB + 3 * PAGE;
}

/* kB that exist: of a memfd in the object, wherever it is mapped. */
static long existing(void)
{
	unsigned long start, end;
	char line[1024];
	bool in = false;
	struct stat st;
	long kb = -1;
	FILE *f;

	if (fd >= 0) {
		CHECK(fstat(fd, &st) == 0);
		return (long)st.st_blocks / 2;
	}
	f = fopen("/proc/self/smaps", "re");
	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			in = start == (unsigned long)area;
		else if (in && sscanf(line, "Anonymous: %ld", &kb) == 1)
			break;
	}
	fclose(f);
	return kb;
}

int main(int argc, char **argv)
{
	bool memfd = argc == 2 && !strcmp(argv[1], "memfd");
	int sum = 0;

	prog_init();
	if (memfd) {
		fd = memfd_create("sparse", 0);
		CHECK(fd >= 0 && ftruncate(fd, SIZE) == 0);
		area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	} else {
		area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	}
	CHECK(area != MAP_FAILED);
	/* EINVAL: a kernel without huge pages, which would make more of it exist. */
	CHECK(madvise(area, SIZE, MADV_NOHUGEPAGE) == 0 || errno == EINVAL);
	for (size_t i = 0; i < RUNS; i++)
		memset(run(i), (int)i + 1, MIB);
	for (size_t at = 0; !memfd && at < SIZE; at += 16 * PAGE)
		sum += *(volatile char *)(area + at);
	CHECKF(existing() == RUNS * 1024, "%ld KiB, %d", existing(), sum);
	prog_ready();
	CHECKF(existing() == RUNS * 1024, "%ld KiB", existing());
	for (size_t i = 0; i < RUNS; i++)
		for (size_t k = 0; k < MIB; k += 512)
			CHECKF(run(i)[k] == (char)(i + 1), "run %zu, byte %zu", i, k);
	CHECK(run(0)[-1] == 0 && run(RUNS - 1)[MIB] == 0 && area[SIZE - 1] == 0);
	prog_done();
}
