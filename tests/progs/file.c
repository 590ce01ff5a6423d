// SPDX-License-Identifier: GPL-2.0
/*
 * file DIR: descriptors on regular files and harmless devices: numbers with
 * gaps, offsets, flags, which share a description, and that work goes on at
 * the very byte.
 * file device NODE: one on the zero device, whose node the test takes away.
 * file DIR edited: one descriptor; the test writes the file anew meanwhile.
 */
#include "prog.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define MAX_FD 1000

struct fd_state {
	bool open;
	int fd_flags, fl;
	off_t pos;
	dev_t dev, rdev;
	ino_t ino;
};

static struct fd_state before[MAX_FD], after[MAX_FD];
static const char *dir;

/* Opened and put at this number. */
static void open_at(int want, const char *name, int flags)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s%s%s", *name == '/' ? "" : dir, *name == '/' ? "" : "/", name);
	fd = open(path, flags, 0644);
	CHECKF(fd >= 0, "%s", path);
	if (fd == want)
		return;
	CHECK(dup3(fd, want, flags & O_CLOEXEC) == want);
	close(fd);
}

static void make(const char *name, size_t len)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wx");
	CHECK(f != NULL);
	for (size_t i = 0; i < len; i++)
		fputc('a' + (int)(i % 23), f);
	CHECK(fclose(f) == 0);
}

static void read_state(struct fd_state *s)
{
	for (int fd = 0; fd < MAX_FD; fd++) {
		struct stat st;

		s[fd].fd_flags = fcntl(fd, F_GETFD);
		s[fd].open = s[fd].fd_flags >= 0;
		if (!s[fd].open)
			continue;
		s[fd].fl = fcntl(fd, F_GETFL);
		s[fd].pos = lseek(fd, 0, SEEK_CUR);
		CHECK(fstat(fd, &st) == 0);
		s[fd].dev = st.st_dev;
		s[fd].ino = st.st_ino;
		s[fd].rdev = st.st_rdev;
	}
}

/* Do two descriptors share one description? */
static bool same(int a, int b)
{
	long r = syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, a, b);

	CHECK(r >= 0 || errno == ENOSYS);
	if (r >= 0)
		return r == 0;
	/* A kernel without kcmp: an offset that moves in one moves in the other. */
	off_t a0 = lseek(a, 0, SEEK_CUR), b0 = lseek(b, 0, SEEK_CUR);
	bool moved;

	lseek(a, a0 + 1, SEEK_SET);
	moved = lseek(b, 0, SEEK_CUR) == b0 + 1;
	lseek(a, a0, SEEK_SET);
	return moved;
}

static void set_up(void)
{
	char direct[PATH_MAX];
	int fd;

	make("data", 100000);
	make("log", 10);
	make("out", 0);
	open_at(7, "data", O_RDONLY);
	CHECK(lseek(7, 12345, SEEK_SET) == 12345);
	CHECK(dup2(7, 100) == 100);
	CHECK(dup3(7, 900, O_CLOEXEC) == 900);
	open_at(8, "data", O_RDONLY | O_CLOEXEC);
	CHECK(lseek(8, 777, SEEK_SET) == 777);
	open_at(20, "log", O_WRONLY | O_APPEND);
	open_at(21, "out", O_RDWR | O_NONBLOCK | O_DSYNC);
	CHECK(write(21, "first ", 6) == 6);
	open_at(22, "data", O_RDWR | O_NOATIME | O_SYNC);
	CHECK(lseek(22, 1 << 30, SEEK_SET) == 1 << 30);
	open_at(50, "/dev/null", O_RDWR);
	open_at(51, "/dev/zero", O_RDONLY | O_NONBLOCK);
	open_at(52, "/dev/urandom", O_RDONLY);
	open_at(53, "/dev/full", O_RDWR | O_CLOEXEC);
	open_at(54, "/dev/random", O_RDONLY | O_NONBLOCK);
	/* Not every filesystem has it. */
	snprintf(direct, sizeof(direct), "%s/data", dir);
	fd = open(direct, O_RDONLY | O_DIRECT);
	CHECK(fd < 0 || (dup3(fd, 55, O_CLOEXEC) == 55 && close(fd) == 0));
	CHECK(lseek(55, 4096, SEEK_SET) == 4096 || fd < 0);
	open_at(899, "out", O_RDONLY);
}

static void check_same_fds(void)
{
	for (int fd = 0; fd < MAX_FD; fd++) {
		struct fd_state *a = &after[fd], *b = &before[fd];

		CHECKF(a->open == b->open, "fd %d", fd);
		if (!a->open)
			continue;
		CHECKF(a->fd_flags == b->fd_flags, "fd %d: %#x %#x", fd, a->fd_flags, b->fd_flags);
		CHECKF(a->fl == b->fl, "fd %d: %#x %#x", fd, a->fl, b->fl);
		/* Descriptor 1 is the log: its offset moved by the word `ready`. */
		CHECKF(a->pos == b->pos || fd <= 2, "fd %d: %lld %lld", fd, (long long)a->pos,
		       (long long)b->pos);
		CHECKF(a->dev == b->dev && a->ino == b->ino && a->rdev == b->rdev, "fd %d", fd);
	}
	CHECK(same(7, 100) && same(7, 900) && same(1, 2));
	CHECK(!same(7, 8) && !same(7, 22) && !same(21, 899));
}

static void check_going_on(void)
{
	static char page[4096] __attribute__((aligned(4096)));
	char buf[64];
	struct stat st;

	CHECK(read(100, buf, 8) == 8);
	for (int i = 0; i < 8; i++)
		CHECK(buf[i] == 'a' + (12345 + i) % 23);
	CHECK(lseek(900, 0, SEEK_CUR) == 12353);
	CHECK(read(8, buf, 1) == 1 && buf[0] == 'a' + 777 % 23);
	CHECK(write(20, "tail", 4) == 4);
	CHECK(fstat(20, &st) == 0 && st.st_size == 14);
	CHECK(write(21, "second", 6) == 6);
	CHECK(read(899, buf, sizeof(buf)) == 12 && !memcmp(buf, "first second", 12));
	CHECK(read(22, buf, 1) == 0);
	CHECK(write(50, buf, 5) == 5 && read(50, buf, 5) == 0);
	buf[0] = 1;
	CHECK(read(51, buf, 1) == 1 && buf[0] == 0);
	CHECK(read(52, buf, 16) == 16);
	CHECK(write(53, buf, 1) == -1 && errno == ENOSPC);
	CHECK(read(54, buf, 16) == 16);
	if (before[55].open) {
		CHECK(read(55, page, sizeof(page)) == sizeof(page));
		CHECK(page[0] == 'a' + 4096 % 23);
	}
}

/* Only the path counts: what is there now is what it reads. */
static void edited(void)
{
	char buf[64] = "";

	make("edited", 20);
	open_at(9, "edited", O_RDONLY);
	CHECK(lseek(9, 4, SEEK_SET) == 4);
	prog_ready();
	CHECK(lseek(9, 0, SEEK_CUR) == 4);
	CHECK(read(9, buf, sizeof(buf)) > 0);
	CHECKF(!strncmp(buf, "changed", 7), "%s", buf);
}

static void device(const char *node)
{
	char c = 1;

	CHECK(open(node, O_RDONLY) == 3);
	prog_ready();
	CHECK(read(3, &c, 1) == 1 && c == 0);
}

int main(int argc, char **argv)
{
	CHECK(argc >= 2);
	dir = argv[1];
	prog_init();
	if (!strcmp(dir, "device")) {
		device(argv[2]);
		prog_done();
	}
	if (argc > 2) {
		edited();
		prog_done();
	}
	set_up();
	read_state(before);
	prog_ready();
	read_state(after);
	check_same_fds();
	check_going_on();
	prog_done();
}
