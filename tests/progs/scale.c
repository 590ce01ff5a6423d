// SPDX-License-Identifier: GPL-2.0
/*
 * scale mappings N | descriptors N, in an empty folder: as many, of mixed kinds,
 * and each has something of its own.
 */
#include "prog.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#define PAGE	4096ul
#define FILE_PAGES 16

static int n;

/* ---- mappings ---- */

enum { ANON, ONLY_READ, NOTHING, FILE_PRIVATE, FILE_SHARED, MEMFD, NMAPS };

static uint32_t **maps;		/* at every second page: no two of them are neighbours */
static char *maps_text;

static char *slurp(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0, room = 64 << 20;
	char *s = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ssize_t r;

	CHECK(fd >= 0 && s != MAP_FAILED);
	while ((r = read(fd, s + len, room - len - 1)) > 0)
		len += (size_t)r;
	CHECK(r == 0);
	close(fd);
	return s;
}

static void set_up_mappings(void)
{
	int file = open("pages", O_RDWR | O_CREAT | O_EXCL, 0600), memfd = memfd_create("scale", 0);
	char *base = mmap(NULL, 2 * PAGE * (size_t)n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(file >= 0 && memfd >= 0 && base != MAP_FAILED);
	CHECK(ftruncate(file, FILE_PAGES * PAGE) == 0 && ftruncate(memfd, (off_t)PAGE * n) == 0);
	maps = calloc((size_t)n, sizeof(*maps));
	for (int i = 0; i < n; i++) {
		int kind = i % NMAPS, prot = PROT_READ | PROT_WRITE, flags = MAP_FIXED | MAP_PRIVATE, fd = -1;
		off_t at = 0;

		if (kind < FILE_PRIVATE)
			flags |= MAP_ANONYMOUS;
		if (kind == FILE_PRIVATE || kind == FILE_SHARED) {
			fd = file;
			at = (off_t)PAGE * (i / NMAPS % FILE_PAGES);
		}
		if (kind == MEMFD) {
			fd = memfd;
			at = (off_t)PAGE * i;
		}
		if (kind == FILE_SHARED || kind == MEMFD)
			flags = MAP_FIXED | MAP_SHARED;
		maps[i] = mmap(base + 2 * PAGE * (size_t)i, PAGE, prot, flags, fd, at);
		CHECKF(maps[i] != MAP_FAILED, "%d", i);
		if (kind != FILE_SHARED)
			*maps[i] = (uint32_t)i + 1;
		if (kind == NOTHING || kind == ONLY_READ)
			CHECK(mprotect(maps[i], PAGE, kind == NOTHING ? PROT_NONE : PROT_READ) == 0);
	}
	/* The gaps go, so that each mapping is one of its own. */
	for (int i = 0; i < n; i++)
		CHECK(munmap(base + 2 * PAGE * (size_t)i + PAGE, PAGE) == 0);
	/* Twice: the first one is in the second. */
	maps_text = slurp("/proc/self/maps");
	strcpy(maps_text, slurp("/proc/self/maps"));
}

static void check_mappings(void)
{
	/* One that came since takes the place of what slurp() maps now. */
	char *now = slurp("/proc/self/maps");
	char *a = maps_text, *b = now;

	for (int i = 0; i < n; i++) {
		int kind = i % NMAPS;

		if (kind == NOTHING)
			CHECK(mprotect(maps[i], PAGE, PROT_READ) == 0);
		CHECKF(*maps[i] == (kind == FILE_SHARED ? 0 : (uint32_t)i + 1), "mapping %d: %u", i, *maps[i]);
	}
	for (int i = 0; i < n; i++) {
		char want[24];
		size_t len;

		/* Their lines: range, protection, offset, inode; a memfd has another one. */
		snprintf(want, sizeof(want), "\n%lx-", (unsigned long)maps[i]);
		a = strstr(a, want);
		b = strstr(b, want);
		len = a ? strcspn(a + 1, i % NMAPS == MEMFD ? ":" : "\n") : 0;
		CHECKF(a && b && !strncmp(a, b, len), "mapping %d: %.80s", i, b ? b : "gone");
	}
}

/* ---- descriptors ---- */

enum { REG, REG_DUP, FOLDER, PLACE, NOTHING_DEV, PIPE_READ, PIPE_WRITE, COUNTER, TIMER, SIGNALS, WATCH,
       MEMORY, EPOLL, NFDS };

static int *fds, ring;

static bool same(int a, int b)
{
	return syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, a, b) == 0;
}

static int open_one(int i)
{
	struct itimerspec day = { { 0, 0 }, { 86400 + i, 0 } };
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = (uint64_t)i };
	static int ends[2];
	sigset_t set;
	int fd = -1;

	switch (i % NFDS) {
	case REG:
		fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		CHECK(lseek(fd, i, SEEK_SET) == i);
		return fd;
	case REG_DUP:
		return dup(fds[i - 1]);
	case FOLDER:
		return open(".", O_RDONLY | O_DIRECTORY);
	case PLACE:
		return open("file", O_PATH);
	case NOTHING_DEV:
		return open("/dev/null", O_WRONLY);
	case PIPE_READ:
		CHECK(pipe2(ends, O_NONBLOCK) == 0);
		return ends[0];
	case PIPE_WRITE:
		CHECK(write(ends[1], &i, sizeof(i)) == sizeof(i));
		return ends[1];
	case COUNTER:
		return eventfd((unsigned int)i, EFD_NONBLOCK);
	case TIMER:
		fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
		CHECK(timerfd_settime(fd, 0, &day, NULL) == 0);
		return fd;
	case SIGNALS:
		sigemptyset(&set);
		sigaddset(&set, 1 + i % 8);
		return signalfd(-1, &set, SFD_NONBLOCK);
	case WATCH:
		/* Few are allowed to one user. */
		if (i >= 40 * NFDS)
			return eventfd((unsigned int)i, EFD_NONBLOCK);
		fd = inotify_init1(IN_NONBLOCK);
		CHECK(inotify_add_watch(fd, ".", IN_CREATE) == 1);
		return fd;
	case MEMORY:
		fd = memfd_create("scale", 0);
		CHECK(write(fd, &i, sizeof(i)) == sizeof(i));
		return fd;
	}
	fd = epoll_create1(0);
	CHECK(epoll_ctl(fd, EPOLL_CTL_ADD, fds[i - EPOLL + PIPE_READ], &ev) == 0);
	return fd;
}

static void set_up_descriptors(void)
{
	struct rlimit lim;
	int one;

	CHECK(getrlimit(RLIMIT_NOFILE, &lim) == 0);
	lim.rlim_cur = lim.rlim_max;
	CHECK(setrlimit(RLIMIT_NOFILE, &lim) == 0);
	fds = calloc((size_t)n, sizeof(*fds));
	for (int i = 0; i < n; i++) {
		fds[i] = open_one(i);
		CHECKF(fds[i] >= 0, "%d", i);
	}
	/* And one that watches all counters. */
	ring = epoll_create1(0);
	for (int i = COUNTER; i < n; i += NFDS) {
		struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.u64 = (uint64_t)i };

		CHECK(epoll_ctl(ring, EPOLL_CTL_ADD, fds[i], &ev) == 0);
	}
	/* All of it has been seen, so that one that is bumped comes alone. */
	do {
		struct epoll_event ev[64];

		one = epoll_wait(ring, ev, 64, 0);
	} while (one > 0);
}

static void check_one(int i)
{
	struct inotify_event in[16];
	struct itimerspec left;
	struct epoll_event ev;
	struct stat st;
	uint64_t count;
	int fd = fds[i], got = -1;

	switch (i % NFDS) {
	case REG:
		CHECKF(lseek(fd, 0, SEEK_CUR) == i && fcntl(fd, F_GETFD) == FD_CLOEXEC, "%d", i);
		break;
	case REG_DUP:
		CHECKF(same(fd, fds[i - 1]) && (i < NFDS || !same(fd, fds[i - NFDS])), "%d", i);
		break;
	case FOLDER:
		CHECKF(faccessat(fd, "file", F_OK, 0) == 0, "%d", i);
		break;
	case PLACE:
		CHECKF(fcntl(fd, F_GETFL) & O_PATH && fstat(fd, &st) == 0 && S_ISREG(st.st_mode), "%d", i);
		break;
	case NOTHING_DEV:
		CHECKF(write(fd, &i, sizeof(i)) == sizeof(i), "%d", i);
		break;
	case PIPE_READ:
		if (i + 1 < n)
			CHECKF(read(fd, &got, sizeof(got)) == sizeof(got) && got == i + 1, "%d: %d", i, got);
		break;
	case PIPE_WRITE:
		CHECKF(write(fd, &i, sizeof(i)) == sizeof(i) && read(fds[i - 1], &got, sizeof(got)) == sizeof(got) &&
		       got == i, "%d: %d", i, got);
		break;
	case COUNTER:
		CHECKF(read(fd, &count, sizeof(count)) == sizeof(count) && count == (uint64_t)i, "%d", i);
		count = 1;
		CHECKF(write(fd, &count, sizeof(count)) == sizeof(count), "%d", i);
		CHECKF(epoll_wait(ring, &ev, 1, 0) == 1 && ev.data.u64 == (uint64_t)i, "%d", i);
		break;
	case TIMER:
		CHECKF(timerfd_gettime(fd, &left) == 0 && left.it_value.tv_sec <= 86400 + i &&
		       left.it_value.tv_sec > 86400 + i - 3600, "%d: %ld", i, (long)left.it_value.tv_sec);
		break;
	case SIGNALS:
		CHECKF(read(fd, in, sizeof(in)) == -1 && errno == EAGAIN, "%d", i);
		break;
	case WATCH:
		if (i < 40 * NFDS)
			CHECKF(read(fd, in, sizeof(in)) > 0 && in[0].wd == 1 && in[0].mask == IN_CREATE, "%d", i);
		break;
	case MEMORY:
		CHECKF(pread(fd, &got, sizeof(got), 0) == sizeof(got) && got == i, "%d: %d", i, got);
		break;
	case EPOLL:
		/* Its pipe is empty by now: one byte, one event. */
		CHECKF(epoll_wait(fd, &ev, 1, 0) == 0, "%d", i);
		CHECK(write(fds[i - EPOLL + PIPE_WRITE], "", 1) == 1);
		CHECKF(epoll_wait(fd, &ev, 1, 0) == 1 && ev.data.u64 == (uint64_t)i, "%d", i);
	}
}

static void check_descriptors(void)
{
	int fd = open("new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	for (int i = 0; i < n; i++)
		check_one(i);
}

int main(int argc, char **argv)
{
	bool mappings = argc == 3 && !strcmp(argv[1], "mappings");

	CHECK(argc == 3);
	n = atoi(argv[2]);
	CHECK(n > 0);
	prog_init();
	mappings ? set_up_mappings() : set_up_descriptors();
	prog_ready();
	mappings ? check_mappings() : check_descriptors();
	prog_done();
}
