// SPDX-License-Identifier: GPL-2.0
/*
 * vmaname: anonymous memory with names, neighbours kept apart by nothing but their
 * names among it; afterwards /proc/self/maps is the same. A kernel without names:
 * `no names`, and then there are none.
 */
#include "prog.h"

#include <sys/mman.h>
#include <sys/prctl.h>

#define PAGE 4096ul
#define LINES 16
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

static char before[LINES][256], after[LINES][256];
static char *area, *shared;

static bool name(char *p, size_t pages, const char *text)
{
	return !prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, p, pages * PAGE, text);
}

static char *map(size_t pages, int flags)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* The lines of both areas. */
static size_t read_maps(char lines[LINES][256])
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	char line[256];
	size_t n = 0;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		CHECK(sscanf(line, "%lx-%lx", &start, &end) == 2);
		if ((end > (unsigned long)area && start < (unsigned long)area + 12 * PAGE) ||
		    start == (unsigned long)shared) {
			CHECK(n < LINES);
			strcpy(lines[n++], line);
		}
	}
	fclose(f);
	return n;
}

int main(void)
{
	char longest[80];
	size_t n;

	prog_init();
	area = map(12, MAP_PRIVATE | MAP_ANONYMOUS);
	shared = map(2, MAP_SHARED | MAP_ANONYMOUS);
	CHECK(mprotect(area, PAGE, PROT_NONE) == 0 && mprotect(area + 11 * PAGE, PAGE, PROT_NONE) == 0);
	memset(longest, 'x', 79);
	longest[79] = 0;
	if (name(area + PAGE, 2, "first")) {
		CHECK(name(area + 3 * PAGE, 2, "second"));
		/* Not named between. */
		CHECK(name(area + 6 * PAGE, 1, "a name with blanks: !\"#%&'()*+,-./"));
		CHECK(name(area + 8 * PAGE, 2, longest));
		if (name(shared, 2, "shared"))
			prog_say("shared too");
	} else {
		prog_say("no names");
	}
	area[PAGE] = 'a';
	shared[0] = 's';
	n = read_maps(before);
	prog_ready();
	CHECK(read_maps(after) == n);
	/* Of shared memory the object's number is a new one. */
	for (size_t i = 0; i < n; i++)
		CHECKF(strstr(before[i], "/dev/zero") || strstr(before[i], "anon_shmem") ||
		       !strcmp(before[i], after[i]), "%s, was %s", after[i], before[i]);
	CHECK(area[PAGE] == 'a' && shared[0] == 's');
	prog_done();
}
