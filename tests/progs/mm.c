// SPDX-License-Identifier: GPL-2.0
/*
 * mm DIR: mappings of every kind that is saved, stacks that go on growing. The list of mappings with
 * permissions, offsets, names and VmFlags, the auxiliary vector, the command
 * line, the environment and the executable are the same afterwards, and the
 * memory holds what it held.
 */
#include "prog.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#define PAGE 4096ul
#define MANY 200
#define TEXT (1 << 20)

struct texts {
	char maps[TEXT], auxv[4096], cmdline[4096], environ[65536], exe[PATH_MAX];
	size_t maps_len, auxv_len, cmdline_len, environ_len, exe_len;
};

static struct texts before, after;
static char raw[2 * TEXT];

static char *anon, *noaccess, *readonly, *file_private, *file_ro, *file_shared, *beyond, *grows,
	*locked, *code, *sparse, *many[MANY], *moved, *heap;
static char *advised[8], *onfault;
static const int advice[8] = { MADV_DONTFORK, MADV_WIPEONFORK, MADV_DONTDUMP, MADV_SEQUENTIAL,
			       MADV_RANDOM, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_MERGEABLE };
static int shared_fd;

static size_t slurp(const char *path, char *buf, size_t len)
{
	int fd = open(path, O_RDONLY);
	size_t at = 0;
	ssize_t n;

	CHECKF(fd >= 0, "%s", path);
	while ((n = read(fd, buf + at, len - at)) > 0)
		at += (size_t)n;
	CHECKF(n == 0 && at < len, "%s", path);
	close(fd);
	buf[at] = 0;
	return at;
}

/* Of smaps the heads and the VmFlags; "sd" is the mark of whoever tracks. */
static size_t read_maps(char *out)
{
	size_t n = 0;

	slurp("/proc/self/smaps", raw, sizeof(raw));
	for (char *l = raw, *end; *l; l = end + 1) {
		bool flags = !strncmp(l, "VmFlags:", 8);
		char *colon = strchr(l, ':');

		end = strchr(l, '\n');
		CHECK(end != NULL);
		*end = 0;
		/* A head has its first ':' after a blank: "7f..-7f.. r--p 0 08:01". */
		if (!flags && (!colon || !memchr(l, ' ', (size_t)(colon - l))))
			continue;
		if (flags && strstr(l, " sd"))
			memmove(strstr(l, " sd"), strstr(l, " sd") + 3, strlen(strstr(l, " sd") + 3) + 1);
		n += (size_t)snprintf(out + n, TEXT - n, "%s\n", l);
		CHECK(n < TEXT);
	}
	return n;
}

static void read_texts(struct texts *t)
{
	ssize_t n = readlink("/proc/self/exe", t->exe, sizeof(t->exe));

	CHECK(n > 0);
	t->exe_len = (size_t)n;
	t->auxv_len = slurp("/proc/self/auxv", t->auxv, sizeof(t->auxv));
	t->cmdline_len = slurp("/proc/self/cmdline", t->cmdline, sizeof(t->cmdline));
	t->environ_len = slurp("/proc/self/environ", t->environ, sizeof(t->environ));
	t->maps_len = read_maps(t->maps);
}

static char *map(size_t len, int prot, int flags, int fd)
{
	char *p = mmap(NULL, len, prot, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static char *map_anon(size_t pages, int flags)
{
	return map(pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1);
}

static void fill(char *p, size_t pages, unsigned int seed)
{
	for (size_t i = 0; i < pages * PAGE; i++)
		p[i] = (char)(seed + i * 7 + i / PAGE);
}

static void check_fill(const char *p, size_t pages, unsigned int seed)
{
	for (size_t i = 0; i < pages * PAGE; i++)
		CHECKF(p[i] == (char)(seed + i * 7 + i / PAGE), "%p", (const void *)(p + i));
}

static int make_file(const char *dir, const char *name, size_t pages)
{
	char path[PATH_MAX], page[PAGE];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);
	CHECKF(fd >= 0, "%s", path);
	for (size_t i = 0; i < pages; i++) {
		memset(page, 'A' + (int)i, sizeof(page));
		CHECK(write(fd, page, sizeof(page)) == (ssize_t)sizeof(page));
	}
	return fd;
}

static void set_up_files(const char *dir)
{
	int fd = make_file(dir, "private", 4);

	file_private = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	memset(file_private + PAGE, 'x', PAGE);
	file_ro = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	memset(file_ro + 2 * PAGE, 'y', PAGE);
	CHECK(mprotect(file_ro, 4 * PAGE, PROT_READ) == 0);
	close(fd);
	fd = make_file(dir, "short", 1);
	beyond = map(3 * PAGE, PROT_READ, MAP_PRIVATE, fd);
	close(fd);
	shared_fd = make_file(dir, "shared", 3);
	file_shared = map(3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, shared_fd);
	memcpy(file_shared + PAGE, "shared", 6);
	map(PAGE, PROT_READ, MAP_SHARED, shared_fd);
}

static void set_up_anon(void)
{
	static const unsigned char fortytwo[] = { 0xb8, 42, 0, 0, 0, 0xc3 };	/* mov $42,%eax; ret */
	char *gap;

	anon = map_anon(3, 0);
	fill(anon, 3, 1);
	noaccess = map_anon(2, 0);
	fill(noaccess, 2, 2);
	CHECK(mprotect(noaccess, 2 * PAGE, PROT_NONE) == 0);
	readonly = map_anon(2, 0);
	fill(readonly, 2, 3);
	CHECK(mprotect(readonly, 2 * PAGE, PROT_READ) == 0);
	code = map_anon(1, 0);
	memcpy(code, fortytwo, sizeof(fortytwo));
	CHECK(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0);
	locked = map_anon(2, 0);
	fill(locked, 1, 4);
	CHECK(mlock(locked, 2 * PAGE) == 0);
	sparse = map_anon(1ul << 18, MAP_NORESERVE);
	fill(sparse + (1ul << 17) * PAGE, 1, 5);
	CHECK(sparse[12345 * PAGE] == 0);	/* the zero page */
	onfault = map_anon(4, 0);
	fill(onfault, 1, 20);
	CHECK(mlock2(onfault, 4 * PAGE, MLOCK_ONFAULT) == 0);
	for (int i = 0; i < 8; i++) {
		advised[i] = map_anon(2, 0);
		fill(advised[i], 1, 10 + (unsigned int)i);
		/* EINVAL: a kernel without huge pages, or without KSM. */
		CHECK(madvise(advised[i], 2 * PAGE, advice[i]) == 0 || errno == EINVAL);
	}
	/* With a gap around: two neighbours that the kernel could have made one come back as one. */
	gap = map(66 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	moved = map_anon(4, 0);
	fill(moved, 4, 6);
	moved = mremap(moved, 4 * PAGE, 64 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, gap + PAGE);
	CHECK(moved != MAP_FAILED);
}

static void set_up_many(void)
{
	char *area = map_anon(2 * MANY, 0);

	/* Every other page differs, so that no two become one. */
	for (int i = 0; i < MANY; i++) {
		many[i] = area + 2 * (size_t)i * PAGE;
		fill(many[i], 1, 100 + (unsigned int)i);
		CHECK(mprotect(many[i], PAGE, i % 2 ? PROT_READ : PROT_READ | PROT_EXEC) == 0);
	}
	heap = sbrk(300 * PAGE);
	CHECK(heap != (void *)-1);
	fill(heap, 300, 7);
}

/* Last: nothing may come to lie in the room below, into which it grows. */
static void set_up_growing(void)
{
	grows = map_anon(1024, 0);
	CHECK(munmap(grows, 1024 * PAGE) == 0);
	CHECK(mmap(grows + 1000 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0) != MAP_FAILED);
	grows += 1000 * PAGE;
	grows[0] = 'g';
	grows[-(long)PAGE] = 'h';	/* it grew once */
}

/* 4 MiB more than it ever had, as deep calls make it. */
static int grow_stack(int depth)
{
	volatile char page[PAGE];

	page[0] = (char)depth;
	page[PAGE - 1] = depth ? (char)grow_stack(depth - 1) : 0;
	return page[0] + page[PAGE - 1];
}

static void check_texts(void)
{
	read_texts(&after);
	CHECK(after.exe_len == before.exe_len && !memcmp(after.exe, before.exe, after.exe_len));
	CHECK(after.auxv_len == before.auxv_len && !memcmp(after.auxv, before.auxv, after.auxv_len));
	CHECK(after.cmdline_len == before.cmdline_len &&
	      !memcmp(after.cmdline, before.cmdline, after.cmdline_len));
	CHECK(after.environ_len == before.environ_len &&
	      !memcmp(after.environ, before.environ, after.environ_len));
	for (size_t i = 0; i < before.maps_len || i < after.maps_len; i++) {
		size_t at = i;

		if (before.maps[i] == after.maps[i])
			continue;
		while (at && before.maps[at - 1] != '\n')
			at--;
		CHECKF(!"same mappings", "now: %.120s, before: %.120s", after.maps + at,
		       before.maps + at);
	}
}

static void check_memory(void)
{
	char page[6];

	check_fill(anon, 3, 1);
	CHECK(mprotect(noaccess, 2 * PAGE, PROT_READ) == 0);
	check_fill(noaccess, 2, 2);
	check_fill(readonly, 2, 3);
	check_fill(locked, 1, 4);
	check_fill(sparse + (1ul << 17) * PAGE, 1, 5);
	CHECK(sparse[12345 * PAGE] == 0 && sparse[777 * PAGE] == 0);
	check_fill(moved, 4, 6);
	CHECK(moved[63 * PAGE] == 0);
	check_fill(onfault, 1, 20);
	for (int i = 0; i < 8; i++)
		check_fill(advised[i], 1, 10 + (unsigned int)i);
	for (int i = 0; i < MANY; i++)
		check_fill(many[i], 1, 100 + (unsigned int)i);
	CHECK(((int (*)(void))(void *)code)() == 42);
	CHECK(file_private[0] == 'A' && file_private[PAGE] == 'x' && file_private[3 * PAGE] == 'D');
	CHECK(file_ro[0] == 'A' && file_ro[2 * PAGE] == 'y' && file_ro[PAGE] == 'B');
	CHECK(beyond[0] == 'A');
	CHECK(!memcmp(file_shared + PAGE, "shared", 6));
	memcpy(file_shared, "after!", 6);
	CHECK(pread(shared_fd, page, 6, 0) == 6 && !memcmp(page, "after!", 6));
	CHECK(grows[0] == 'g' && grows[-(long)PAGE] == 'h');
	grows[-20 * (long)PAGE] = 'i';
	grows[-100 * (long)PAGE] = 'j';
	CHECK(grows[-20 * (long)PAGE] == 'i');
	grow_stack(1024);
}

static void check_heap_and_vdso(const struct timespec *then)
{
	struct timespec now;

	check_fill(heap, 300, 7);
	CHECK(sbrk(0) == heap + 300 * PAGE);
	CHECK(sbrk(10 * PAGE) == heap + 300 * PAGE);
	fill(heap + 300 * PAGE, 10, 8);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	CHECK(now.tv_sec > then->tv_sec || (now.tv_sec == then->tv_sec && now.tv_nsec >= then->tv_nsec));
	CHECK(!memcmp((const void *)getauxval(AT_SYSINFO_EHDR), "\177ELF", 4));
}

int main(int argc, char **argv)
{
	char deep[400 << 10];
	struct timespec then;

	CHECK(argc == 2);
	prog_init();
	fill(deep, sizeof(deep) / PAGE, 9);
	set_up_files(argv[1]);
	set_up_anon();
	set_up_many();
	set_up_growing();
	CHECK(clock_gettime(CLOCK_MONOTONIC, &then) == 0);
	read_texts(&before);
	prog_ready();
	check_texts();
	check_memory();
	check_heap_and_vdso(&then);
	check_fill(deep, sizeof(deep) / PAGE, 9);
	prog_done();
}
