// SPDX-License-Identifier: GPL-2.0
/*
 * share [gone], in an empty folder: each pair of things that can lead to one object does,
 * and beside it there is one that looks the same and is another; with `gone` a deleted file is among them.
 */
#include "prog.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#define PAGE 4096ul

enum { REG, FOLDER, PLACE, NULL_DEV, PIPE_READ, PIPE_WRITE, COUNTER, TIMER, SIGNALS, WATCH, EPOLL, MEMFD, GONE, NKINDS };

static int nkinds = GONE;
static int one[NKINDS], same[NKINDS], again[NKINDS];	/* a descriptor, a dup of it, one opened anew */
static int ep_dup, ep_again, in_epoll, reopened, ends[2];
static char *memfd_map, *memfd_map2, *memfd_private, *anon_map, *file_map, *file_map2, *gone_map;
static pthread_barrier_t turn;
static int their_fd;
static long their_pos;
static char *their_page;

static bool shared(int a, int b)
{
	long r = syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, a, b);

	CHECK(r >= 0);
	return r == 0;
}

static int open_kind(int kind)
{
	struct itimerspec hour = { { 0, 0 }, { 3600, 0 } };
	sigset_t set;
	int fd;

	switch (kind) {
	case REG:
		return open("file", O_RDWR | O_CREAT, 0600);
	case FOLDER:
		return open(".", O_RDONLY | O_DIRECTORY);
	case PLACE:
		return open(".", O_PATH);
	case NULL_DEV:
		return open("/dev/null", O_RDWR);
	case PIPE_READ:
		CHECK(pipe(ends) == 0);
		return ends[0];
	case PIPE_WRITE:
		return ends[1];
	case COUNTER:
		return eventfd(5, EFD_NONBLOCK);
	case TIMER:
		fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
		CHECK(timerfd_settime(fd, 0, &hour, NULL) == 0);
		return fd;
	case SIGNALS:
		sigemptyset(&set);
		sigaddset(&set, SIGUSR2);
		return signalfd(-1, &set, SFD_NONBLOCK);
	case WATCH:
		return inotify_init1(IN_NONBLOCK);
	case EPOLL:
		return epoll_create1(0);
	case MEMFD:
		fd = memfd_create("share", 0);
		CHECK(ftruncate(fd, 2 * PAGE) == 0);
		return fd;
	}
	fd = open("gone", O_RDWR | O_CREAT, 0600);
	CHECK(ftruncate(fd, PAGE) == 0 && unlink("gone") == 0);
	return fd;
}

static void watch(int ep, int fd, uint64_t data)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = data };

	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0);
}

static char *map(int fd, int flags)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* Of the same table: what the main thread does with a descriptor or a page it sees. */
static void *other_thread(void *arg)
{
	int moved;

	pthread_barrier_wait(&turn);
	pthread_barrier_wait(&turn);
	their_pos = lseek(one[REG], 0, SEEK_CUR);
	moved = fcntl(one[COUNTER], F_DUPFD, 500);
	CHECK(moved >= 500 && chdir("/") == 0 && umask(077) == 021);
	their_fd = moved;
	*their_page = 'T';
	pthread_barrier_wait(&turn);
	return arg;
}

static void set_up(void)
{
	char path[40];

	for (int k = 0; k < nkinds; k++) {
		one[k] = open_kind(k);
		CHECKF(one[k] >= 0, "%d", k);
		same[k] = dup(one[k]);
		CHECKF(same[k] >= 0, "%d", k);
	}
	for (int k = 0; k < nkinds; k++)
		again[k] = open_kind(k);
	CHECK(ftruncate(one[REG], 2 * PAGE) == 0);
	CHECK(lseek(one[REG], 100, SEEK_SET) == 100 && lseek(again[REG], 200, SEEK_SET) == 200);
	/* One object, two descriptions. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", one[MEMFD]);
	reopened = open(path, O_RDWR);
	CHECK(reopened >= 0);
	/* The same file in two epolls, under two numbers, and an epoll in another. */
	watch(one[EPOLL], one[COUNTER], 1);
	watch(one[EPOLL], same[PIPE_READ], 2);
	watch(again[EPOLL], same[COUNTER], 3);
	in_epoll = epoll_create1(0);
	watch(in_epoll, one[EPOLL], 4);
	ep_dup = dup(in_epoll);
	ep_again = epoll_create1(0);
	watch(ep_again, same[EPOLL], 5);
	memfd_map = map(one[MEMFD], MAP_SHARED);
	memfd_map2 = map(reopened, MAP_SHARED);
	memfd_private = map(one[MEMFD], MAP_PRIVATE);
	file_map = map(one[REG], MAP_SHARED);
	file_map2 = map(again[REG], MAP_SHARED);
	if (nkinds > GONE)
		gone_map = strcpy(map(one[GONE], MAP_SHARED), "gone");
	/* Two mappings of one object that no descriptor leads to. */
	anon_map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(anon_map != MAP_FAILED);
	their_page = mremap(anon_map, 0, PAGE, MREMAP_MAYMOVE);
	CHECK(their_page != MAP_FAILED);
	strcpy(memfd_map, "memfd");
	strcpy(file_map, "file");
	strcpy(anon_map, "anon");
	strcpy(memfd_private, "private");
	umask(021);
}

static void check_descriptors(void)
{
	uint64_t n;
	char c = 0;

	for (int k = 0; k < nkinds; k++) {
		CHECKF(shared(one[k], same[k]), "%d", k);
		CHECKF(!shared(one[k], again[k]), "%d", k);
		for (int l = 0; l < k; l++)
			CHECKF(!shared(one[k], one[l]) && !shared(one[k], again[l]), "%d %d", k, l);
	}
	CHECK(shared(in_epoll, ep_dup) && !shared(in_epoll, ep_again) && !shared(one[MEMFD], reopened));
	/* Position and flags are the description's. */
	CHECK(lseek(same[REG], 7, SEEK_CUR) == 107 && lseek(one[REG], 0, SEEK_CUR) == 107);
	CHECK(lseek(again[REG], 0, SEEK_CUR) == 200);
	CHECK(fcntl(same[PIPE_READ], F_SETFL, O_NONBLOCK) == 0 && fcntl(one[PIPE_READ], F_GETFL) & O_NONBLOCK);
	CHECK(!(fcntl(again[PIPE_READ], F_GETFL) & O_NONBLOCK));
	/* The descriptor's own flag is not. */
	CHECK(fcntl(same[REG], F_SETFD, FD_CLOEXEC) == 0 && fcntl(one[REG], F_GETFD) == 0);
	CHECK(write(same[PIPE_WRITE], "x", 1) == 1 && read(one[PIPE_READ], &c, 1) == 1 && c == 'x');
	CHECK(write(again[PIPE_WRITE], "y", 1) == 1 && read(one[PIPE_READ], &c, 1) == -1 && errno == EAGAIN);
	CHECK(read(again[PIPE_READ], &c, 1) == 1 && c == 'y');
	CHECK(read(same[COUNTER], &n, 8) == 8 && n == 5 && read(one[COUNTER], &n, 8) == -1);
	CHECK(read(again[COUNTER], &n, 8) == 8 && n == 5);
	CHECK(inotify_add_watch(same[WATCH], ".", IN_CREATE) == 1 && inotify_add_watch(one[WATCH], ".", IN_CREATE) == 1);
}

static void expect(int ep, int n, uint64_t data)
{
	struct epoll_event ev[4];
	int got = epoll_wait(ep, ev, 4, 0);

	CHECKF(got == n && (!n || ev[0].data.u64 == data), "%d: %d events, data %d", ep, got,
	       got > 0 ? (int)ev[0].data.u64 : -1);
}

static void check_epolls(void)
{
	uint64_t two = 2, n;

	expect(ep_dup, 0, 0);
	CHECK(write(same[COUNTER], &two, 8) == 8);
	expect(same[EPOLL], 1, 1);
	expect(again[EPOLL], 1, 3);
	expect(ep_dup, 1, 4);
	expect(ep_again, 1, 5);
	CHECK(read(one[COUNTER], &n, 8) == 8 && n == 2);
	expect(one[EPOLL], 0, 0);
	expect(in_epoll, 0, 0);
	CHECK(write(one[PIPE_WRITE], "z", 1) == 1);
	expect(one[EPOLL], 1, 2);
	expect(again[EPOLL], 0, 0);
	expect(in_epoll, 1, 4);
}

/* What is written through one way is there by all others. */
static void check_memory(void)
{
	char text[8] = "";

	CHECK(!strcmp(memfd_map2, "memfd") && !strcmp(memfd_private, "private"));
	CHECK(pread(reopened, text, sizeof(text), 0) == sizeof(text) && !strcmp(text, "memfd"));
	CHECK(pwrite(same[MEMFD], "MEM", 3, 0) == 3 && !strcmp(memfd_map, "MEMfd") && !strcmp(memfd_map2, "MEMfd"));
	CHECK(!strcmp(memfd_private, "private"));
	memfd_map2[3] = 'F';
	CHECK(pread(one[MEMFD], text, 5, 0) == 5 && !memcmp(text, "MEMFd", 5));
	CHECK(!strcmp(file_map2, "file") && pwrite(same[REG], "FI", 2, 0) == 2);
	CHECK(!strcmp(file_map, "FIle") && !strcmp(file_map2, "FIle"));
	if (nkinds > GONE) {
		CHECK(pwrite(same[GONE], "GO", 2, 0) == 2 && !strcmp(gone_map, "GOne"));
		CHECK(pread(again[GONE], text, 4, 0) == 4 && !text[0]);
	}
	CHECK(!strcmp(their_page, "anon"));
	strcpy(their_page, "ANON");
	CHECK(!strcmp(anon_map, "ANON"));
}

int main(int argc, char **argv)
{
	char cwd[256] = "";
	pthread_t t;

	if (argc > 1 && !strcmp(argv[1], "gone"))
		nkinds = NKINDS;
	prog_init();
	CHECK(pthread_barrier_init(&turn, NULL, 2) == 0);
	set_up();
	CHECK(pthread_create(&t, NULL, other_thread, NULL) == 0);
	pthread_barrier_wait(&turn);
	prog_ready();
	check_descriptors();
	check_epolls();
	check_memory();
	pthread_barrier_wait(&turn);
	pthread_barrier_wait(&turn);
	CHECK(their_pos == 107 && shared(their_fd, one[COUNTER]) && *anon_map == 'T');
	CHECK(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/") && umask(0) == 077);
	CHECK(pthread_join(t, NULL) == 0);
	prog_done();
}
