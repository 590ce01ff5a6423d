// SPDX-License-Identifier: GPL-2.0
/*
 * mmopt [off]: settings of the address space as a whole, each read back by the
 * call or file that tells it, and by what it does to a new mapping. With `off`
 * nothing is set, and nothing may be afterwards. What this kernel lacks is said
 * by `no NAME` and left out.
 */
#include "prog.h"

#include <fcntl.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define PAGE 4096ul
#ifndef PR_SET_MDWE
#define PR_SET_MDWE	65
#define PR_GET_MDWE	66
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE	67
#define PR_GET_MEMORY_MERGE	68
#endif
#define FUTEX_HASH	78	/* PR_FUTEX_HASH: 1 sets, 2 tells the slots */
#define REGISTRATIONS	(1 << 9)	/* MEMBARRIER_CMD_GET_REGISTRATIONS, since 6.3 */
#define FILTER		0x1a5ul

struct state {
	int thp, ksm, mdwe, slots;
	long registered, expedited;
	unsigned long filter;
	bool locked, on_fault, mergeable, unmergeable;
};

static char *unmerged;

static char *map_anon(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* Does the mapping that addr lies in have this of its VmFlags? */
static bool has_flag(const char *addr, const char *flag)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long start, end;
	bool in = false, has = false;
	char line[1024];

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			in = (unsigned long)addr >= start && (unsigned long)addr < end;
		if (in && !strncmp(line, "VmFlags:", 8))
			has = strstr(line, flag) != NULL;
	}
	fclose(f);
	return has;
}

static unsigned long coredump_filter(void)
{
	FILE *f = fopen("/proc/self/coredump_filter", "re");
	unsigned long v;

	CHECK(f != NULL && fscanf(f, "%lx", &v) == 1);
	fclose(f);
	return v;
}

static bool resident(char *p)
{
	unsigned char in;

	CHECK(mincore(p, PAGE, &in) == 0);
	return in & 1;
}

static void look(struct state *s)
{
	char *p;

	memset(s, 0, sizeof(*s));
	s->thp = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0);
	s->ksm = prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0);
	s->mdwe = prctl(PR_GET_MDWE, 0, 0, 0, 0);
	s->slots = prctl(FUTEX_HASH, 2, 0, 0, 0);
	s->registered = syscall(SYS_membarrier, REGISTRATIONS, 0, 0);
	s->expedited = syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	s->filter = coredump_filter();
	p = map_anon(1);
	s->locked = has_flag(p, " lo");
	s->on_fault = s->locked && !resident(p);
	s->mergeable = has_flag(p, " mg");
	CHECK(munmap(p, PAGE) == 0);
	s->unmergeable = has_flag(unmerged, " mg");
}

static void check_same(const struct state *was)
{
	struct state now;

	look(&now);
	CHECKF(now.thp == was->thp, "%d, was %d", now.thp, was->thp);
	CHECKF(now.ksm == was->ksm, "%d, was %d", now.ksm, was->ksm);
	CHECKF(now.mdwe == was->mdwe, "%d, was %d", now.mdwe, was->mdwe);
	CHECKF(now.slots == was->slots, "%d, was %d", now.slots, was->slots);
	CHECKF(now.registered == was->registered, "%lx, was %lx", now.registered, was->registered);
	CHECKF(now.expedited == was->expedited, "%ld, was %ld", now.expedited, was->expedited);
	CHECKF(now.filter == was->filter, "%lx, was %lx", now.filter, was->filter);
	CHECK(now.locked == was->locked && now.on_fault == was->on_fault);
	CHECK(now.mergeable == was->mergeable && now.unmergeable == was->unmergeable);
}

static void set_filter(void)
{
	FILE *f = fopen("/proc/self/coredump_filter", "we");

	CHECK(f != NULL && fprintf(f, "%#lx\n", FILTER) > 0 && fclose(f) == 0);
}

static void lacks(const char *what)
{
	CHECKF(errno == EINVAL || errno == ENOSYS, "%s", what);
	prog_say("no %s", what);
}

static void set_up(void)
{
	set_filter();
	/* 2: but where it is advised; since 6.18. */
	if (prctl(PR_SET_THP_DISABLE, 1, 2, 0, 0))
		CHECK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
	if (prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0))
		lacks("KSM");
	else
		CHECK(madvise(unmerged, PAGE, MADV_UNMERGEABLE) == 0 || errno == EINVAL);
	if (prctl(FUTEX_HASH, 1, 32, 0, 0))
		lacks("PR_FUTEX_HASH");
	CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0);
	CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0) == 0);
	CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0);
	CHECK(mlockall(MCL_FUTURE | MCL_ONFAULT) == 0);
	/* 3: and for no child; 2 since 6.7. */
	if (prctl(PR_SET_MDWE, 3, 0, 0, 0) && prctl(PR_SET_MDWE, 1, 0, 0, 0))
		lacks("PR_SET_MDWE");
}

int main(int argc, char **argv)
{
	bool off = argc > 1 && !strcmp(argv[1], "off");
	struct state was;
	char *p;

	prog_init();
	unmerged = map_anon(3);
	/* Apart from its neighbours, whatever their flags. */
	CHECK(mprotect(unmerged, PAGE, PROT_NONE) == 0);
	CHECK(mprotect(unmerged + 2 * PAGE, PAGE, PROT_NONE) == 0);
	unmerged += PAGE;
	if (!off)
		set_up();
	look(&was);
	CHECK(was.locked == !off && was.on_fault == !off);
	CHECK(off || was.filter == FILTER);
	CHECK((was.expedited == 0) == !off);
	prog_ready();
	check_same(&was);
	p = map_anon(1);
	p[0] = 1;
	if (was.mdwe > 0)
		CHECK(mprotect(p, PAGE, PROT_READ | PROT_EXEC) == -1 && errno == EACCES);
	else
		CHECK(mprotect(p, PAGE, PROT_READ | PROT_EXEC) == 0);
	prog_done();
}
