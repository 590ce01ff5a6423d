// SPDX-License-Identifier: GPL-2.0
/*
 * filecheck LIB DATA OPEN: has loaded LIB, mapped DATA and opened OPEN. LIB is this
 * file too, built with FILECHECK_LIBRARY, more than once: each says another number.
 */
#ifdef FILECHECK_LIBRARY

int filecheck_build(void);
int filecheck_build(void)
{
	return FILECHECK_LIBRARY;
}

#else
#include "prog.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>

static int (*load(const char *path))(void)
{
	void *lib = dlopen(path, RTLD_NOW);
	int (*fn)(void);

	CHECKF(lib, "%s", dlerror());
	/* As POSIX has it for a pointer to a function. */
	*(void **)&fn = dlsym(lib, "filecheck_build");
	CHECK(fn);
	return fn;
}

int main(int argc, char **argv)
{
	int (*build)(void);
	int data, fd;
	char *map;

	CHECK(argc == 4);
	prog_init();
	build = load(argv[1]);
	CHECK(build() == 1);
	data = open(argv[2], O_RDONLY);
	CHECK(data >= 0);
	map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, data, 0);
	CHECK(map != MAP_FAILED && close(data) == 0);
	fd = open(argv[3], O_RDWR);
	CHECK(fd >= 0 && lseek(fd, 4, SEEK_SET) == 4);

	prog_ready();
	CHECK(build() == 1);
	CHECK(map[0] == 'd');
	CHECK(lseek(fd, 0, SEEK_CUR) == 4);
	prog_done();
}

#endif
