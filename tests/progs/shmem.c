// SPDX-License-Identifier: GPL-2.0
/*
 * shmem: shared anonymous memory and memfd's: content with holes, what is seen
 * in one mapping is seen in the other and through the descriptor, names, sizes,
 * seals, offsets, and work that goes on.
 * shmem shared: its child shares memory with it, by a mapping alone.
 */
#include "prog.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PAGE 4096
#define BIG (64 * PAGE)
#define SPARSE (1l << 30)
#define LARGE (20l << 20)	/* more than what is copied before it is written */

static char *anon, *anon_ro, *map, *map_ro, *priv, *sealed_map, *old_map, *tail, *large;
static int fd, fd2, sealed, future, empty, odd;

static void *map_it(int prot, int flags, int of, size_t len, off_t off)
{
	void *p = mmap(NULL, len, prot, flags, of, off);

	CHECK(p != MAP_FAILED);
	return p;
}

static int memfd(const char *name, unsigned int flags, off_t size)
{
	int f = memfd_create(name, flags);

	CHECK(f >= 0 && ftruncate(f, size) == 0);
	return f;
}

static void link_is(int f, const char *want)
{
	char path[64], to[300] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", f);
	CHECK(readlink(path, to, sizeof(to) - 1) > 0);
	CHECKF(!strcmp(to, want), "%s", to);
}

/* Is there a line of the list of mappings that begins here and ends so? */
static void mapping_is(const void *at, const char *perms, const char *name)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[4200], start[32];
	bool found = false;

	CHECK(f != NULL);
	snprintf(start, sizeof(start), "%lx-", (unsigned long)at);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, start, strlen(start)) && strstr(line, perms) && strstr(line, name))
			found = true;
	fclose(f);
	CHECKF(found, "%s %s", perms, name);
}

static long blocks(int f)
{
	struct stat st;

	CHECK(fstat(f, &st) == 0);
	return (long)st.st_blocks;
}

static void set_up(void)
{
	anon = map_it(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 4 * PAGE, 0);
	anon[1] = 'a';
	anon[3 * PAGE] = 'b';
	CHECK(mprotect(anon + 3 * PAGE, PAGE, PROT_READ) == 0);
	/* The same pages once more, elsewhere. */
	anon_ro = mremap(anon, 0, 4 * PAGE, MREMAP_MAYMOVE);
	CHECK(anon_ro != MAP_FAILED && anon_ro[1] == 'a');

	fd = memfd("a name (of it)", MFD_ALLOW_SEALING | MFD_CLOEXEC, SPARSE);
	CHECK(pwrite(fd, "begin", 5, 0) == 5 && pwrite(fd, "end", 3, SPARSE - 3) == 3);
	CHECK(pwrite(fd, "middle", 6, SPARSE / 2) == 6 && lseek(fd, 4242, SEEK_SET) == 4242);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
	fd2 = dup(fd);
	map = map_it(PROT_READ | PROT_WRITE, MAP_SHARED, fd, BIG, 0);
	map_ro = map_it(PROT_READ, MAP_SHARED, fd, PAGE, SPARSE / 2);
	priv = map_it(PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 2 * PAGE, 0);
	priv[PAGE] = 'p';

	sealed = memfd("sealed", MFD_ALLOW_SEALING, 2 * PAGE);
	CHECK(pwrite(sealed, "fixed", 5, PAGE) == 5);
	CHECK(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0);
	sealed_map = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, sealed, PAGE);
	CHECK(sealed_map != MAP_FAILED);

	future = memfd("future", MFD_ALLOW_SEALING, PAGE);
	old_map = map_it(PROT_READ | PROT_WRITE, MAP_SHARED, future, PAGE, 0);
	CHECK(fcntl(future, F_ADD_SEALS, 0x10 /* F_SEAL_FUTURE_WRITE */) == 0);

	empty = memfd("", 0, 0);
	odd = memfd("odd", 0, PAGE + 100);
	tail = map_it(PROT_READ | PROT_WRITE, MAP_SHARED, odd, 2 * PAGE, 0);
	tail[PAGE + 99] = 'y';
	tail[PAGE + 2000] = 'z';	/* behind its end */

	/* Its descriptor is closed: only the mapping keeps it. */
	large = map_it(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, LARGE, 0);
	for (long i = 0; i < LARGE; i += PAGE)
		large[i] = (char)(i / PAGE % 251 + 1);
}

static void check(void)
{
	char buf[16];

	CHECK(anon[1] == 'a' && anon[3 * PAGE] == 'b' && anon[2 * PAGE] == 0);
	anon[2] = 'c';
	CHECK(anon_ro[2] == 'c' && anon_ro[3 * PAGE] == 'b');
	mapping_is(anon, "rw-s", "/dev/zero (deleted)");
	mapping_is(anon + 3 * PAGE, "r--s", "/dev/zero (deleted)");

	link_is(fd, "/memfd:a name (of it) (deleted)");
	CHECK(lseek(fd, 0, SEEK_CUR) == 4242 && lseek(fd2, 1, SEEK_CUR) == 4243);
	CHECK(lseek(fd, 0, SEEK_CUR) == 4243 && lseek(fd, 4242, SEEK_SET) == 4242);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && fcntl(fd2, F_GETFD) == 0);
	CHECK(fcntl(fd, F_GET_SEALS) == F_SEAL_SHRINK && lseek(fd, 0, SEEK_END) == SPARSE);
	CHECKF(blocks(fd) <= 4 * PAGE / 512, "%ld blocks", blocks(fd));
	CHECK(!memcmp(map, "begin", 5) && !memcmp(map_ro, "middle", 6));
	CHECK(pread(fd, buf, 3, SPARSE - 3) == 3 && !memcmp(buf, "end", 3));
	map[7] = 'm';
	CHECK(pread(fd2, buf, 1, 7) == 1 && buf[0] == 'm');
	CHECK(pwrite(fd2, "w", 1, SPARSE / 2) == 1 && map_ro[0] == 'w');
	CHECK(priv[PAGE] == 'p' && map[PAGE] == 0 && priv[7] == 'm');
	mapping_is(map, "rw-s", "/memfd:a name (of it) (deleted)");

	CHECK(fcntl(sealed, F_GET_SEALS) == (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL));
	CHECK(!memcmp(sealed_map, "fixed", 5) && pwrite(sealed, "x", 1, 0) < 0 && errno == EPERM);
	CHECK(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, sealed, 0) == MAP_FAILED);
	CHECK(fcntl(future, F_GET_SEALS) == 0x10 && pwrite(future, "x", 1, 0) < 0);
	old_map[0]++;
	CHECK(pread(future, buf, 1, 0) == 1 && buf[0] == old_map[0]);

	link_is(empty, "/memfd: (deleted)");
	CHECK(fcntl(empty, F_GET_SEALS) == F_SEAL_SEAL && lseek(empty, 0, SEEK_END) == 0);
	CHECK(lseek(odd, 0, SEEK_END) == PAGE + 100);
	CHECK(tail[PAGE + 99] == 'y' && tail[PAGE + 2000] == 'z');
	for (long i = 0; i < LARGE; i += PAGE)
		CHECKF(large[i] == (char)(i / PAGE % 251 + 1), "%ld", i);
}

/* The log says the child's number. */
static void share(void)
{
	pid_t pid;

	anon = map_it(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, PAGE, 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		prog_say("child %d", (int)getpid());
		prog_ready();
		anon[0] = 1;
		_exit(0);
	}
	CHECK(waitpid(pid, NULL, 0) == pid && anon[0] == 1);
	prog_done();
}

int main(int argc, char **argv)
{
	(void)argv;
	prog_init();
	if (argc > 1)
		share();
	set_up();
	prog_ready();
	check();
	prog_done();
}
