// SPDX-License-Identifier: GPL-2.0
/*
 * folder DIR: descriptors on folders, read half way and shared, and on places
 * (O_PATH) of every type: a list that was begun goes on with what is left of it.
 */
#include "prog.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define ENTRIES 500
#define FDS 64

struct fd_state {
	int fd_flags, fl;
	off_t pos;
	dev_t dev;
	ino_t ino;
};

static int seen[ENTRIES];
static struct fd_state before[FDS], after[FDS];

static int open_at(int want, const char *path, int flags)
{
	int fd = open(path, flags);

	CHECKF(fd >= 0, "%s", path);
	if (fd != want) {
		CHECK(dup3(fd, want, flags & O_CLOEXEC) == want);
		close(fd);
	}
	return want;
}

/* One buffer of entries: how many bytes it held. */
static long read_some(int fd)
{
	struct entry {
		unsigned long ino;
		long off;
		unsigned short len;
		unsigned char type;
		char name[];
	};
	_Alignas(8) char buf[1024];
	long n = syscall(SYS_getdents64, fd, buf, sizeof(buf));

	CHECK(n >= 0);
	for (long at = 0; at < n;) {
		struct entry *e = (struct entry *)(buf + at);
		int i;

		if (sscanf(e->name, "entry%d", &i) == 1) {
			CHECK(i >= 0 && i < ENTRIES);
			seen[i]++;
		}
		at += e->len;
	}
	return n;
}

static void read_state(struct fd_state *s)
{
	for (int fd = 3; fd < FDS; fd++) {
		struct stat st;

		s[fd].fd_flags = fcntl(fd, F_GETFD);
		if (s[fd].fd_flags < 0)
			continue;
		s[fd].fl = fcntl(fd, F_GETFL);
		s[fd].pos = lseek(fd, 0, SEEK_CUR);
		CHECK(fstat(fd, &st) == 0);
		s[fd].dev = st.st_dev;
		s[fd].ino = st.st_ino;
	}
}

static void set_up(void)
{
	char name[32];

	CHECK(mkdir("full", 0755) == 0 && mkdir("empty", 0755) == 0);
	for (int i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "full/entry%d", i);
		CHECK(close(open(name, O_CREAT | O_WRONLY, 0600)) == 0);
	}
	CHECK(symlink("nowhere", "link") == 0 && mkfifo("fifo", 0600) == 0);
	open_at(10, "full", O_RDONLY | O_DIRECTORY);
	CHECK(dup2(10, 11) == 11);
	open_at(12, "full", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	open_at(13, "empty", O_RDONLY);
	open_at(20, "full", O_PATH);
	open_at(21, "full/entry7", O_PATH | O_CLOEXEC);
	open_at(22, "empty", O_PATH | O_DIRECTORY);
	open_at(23, "link", O_PATH | O_NOFOLLOW);
	open_at(24, "fifo", O_PATH);
	/* Up to the end; half of the other. */
	while (read_some(12) > 0)
		;
	memset(seen, 0, sizeof(seen));
	CHECK(read_some(13) >= 0);
	for (int i = 0; i < 4; i++)
		CHECK(read_some(10) > 0);
}

static void check(void)
{
	char buf[16];

	for (int fd = 3; fd < FDS; fd++) {
		struct fd_state *a = &after[fd], *b = &before[fd];

		CHECKF(a->fd_flags == b->fd_flags && a->fl == b->fl, "fd %d: %#x %#x", fd, a->fl, b->fl);
		CHECKF(a->pos == b->pos, "fd %d: %lld %lld", fd, (long long)a->pos, (long long)b->pos);
		CHECKF(a->dev == b->dev && a->ino == b->ino, "fd %d", fd);
	}
	CHECK(read_some(12) == 0 && read_some(13) == 0);
	while (read_some(11) > 0)
		;
	CHECK(read_some(10) == 0);
	for (int i = 0; i < ENTRIES; i++)
		CHECKF(seen[i] == 1, "entry%d: %d times", i, seen[i]);
	CHECK(faccessat(20, "entry499", R_OK, 0) == 0);
	CHECK(read(21, buf, 1) < 0 && errno == EBADF);
	CHECK(fchdir(22) == 0 && access("../full", F_OK) == 0);
	CHECK(readlinkat(23, "", buf, sizeof(buf)) == 7 && !memcmp(buf, "nowhere", 7));
}

int main(int argc, char **argv)
{
	CHECK(argc == 2 && chdir(argv[1]) == 0);
	prog_init();
	set_up();
	read_state(before);
	prog_ready();
	read_state(after);
	check();
	prog_done();
}
