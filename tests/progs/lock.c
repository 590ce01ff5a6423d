// SPDX-License-Identifier: GPL-2.0
/*
 * lock DIR: holds locks of each kind, which another process must run into.
 * lock hold FILE: holds the three for which `wait` waits, until it is told.
 * lock wait FILE: waits for them, in a thread each; `ok` when it has them all.
 */
#include "prog.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>

static const char *dir;
static char path[PATH_MAX];
static int posix_fd, twin, ofd, flocked, folder, memory, ends[2], gone;

static int range(int fd, int cmd, short type, off_t from, off_t len)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = from, .l_len = len };

	return fcntl(fd, cmd, &l);
}

static int open_again(int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	CHECKF(fd >= 0, "%s", path);
	return fd;
}

static void set_up(void)
{
	snprintf(path, sizeof(path), "%s/data", dir);
	posix_fd = open_again(O_RDWR | O_CREAT);
	CHECK(ftruncate(posix_fd, 8192) == 0);
	CHECK(range(posix_fd, F_SETLK, F_WRLCK, 10, 10) == 0);
	/* Two that the kernel joins. */
	CHECK(range(posix_fd, F_SETLK, F_WRLCK, 20, 5) == 0);
	CHECK(range(posix_fd, F_SETLK, F_RDLCK, 5000, 0) == 0);
	twin = dup(posix_fd);
	/* A restore opens the file to map it: closing that must not cost the locks. */
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, twin, 0) != MAP_FAILED);
	ofd = open_again(O_RDWR);
	CHECK(range(ofd, F_OFD_SETLK, F_WRLCK, 1000, 1000) == 0);
	CHECK(range(ofd, F_OFD_SETLK, F_RDLCK, 3000, 1) == 0);
	flocked = open_again(O_RDONLY);
	CHECK(flock(flocked, LOCK_EX) == 0);
	folder = open(dir, O_RDONLY | O_DIRECTORY);
	CHECK(flock(folder, LOCK_SH) == 0);
	memory = memfd_create("locked", 0);
	CHECK(memory >= 0 && flock(memory, LOCK_EX) == 0);
	CHECK(pipe(ends) == 0 && flock(ends[0], LOCK_EX) == 0);
	snprintf(path, sizeof(path), "%s/gone", dir);
	gone = open_again(O_RDWR | O_CREAT);
	CHECK(flock(gone, LOCK_EX) == 0 && range(gone, F_SETLK, F_WRLCK, 7, 1) == 0 && unlink(path) == 0);
	snprintf(path, sizeof(path), "%s/data", dir);
}

/* Who holds [from, from + len) against type? 0: nobody, -1: a description. */
static pid_t holder(int fd, int cmd, short type, off_t from, off_t len)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = from, .l_len = len };

	CHECK(fcntl(fd, cmd, &l) == 0);
	return l.l_type == F_UNLCK ? 0 : l.l_pid;
}

/* In another process. */
static void run_into(pid_t us)
{
	int fd = open_again(O_RDWR), dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
	char again[32];

	CHECK(holder(fd, F_GETLK, F_RDLCK, 0, 10) == 0);
	CHECK(holder(fd, F_GETLK, F_RDLCK, 10, 1) == us && holder(fd, F_GETLK, F_RDLCK, 24, 1) == us);
	CHECK(holder(fd, F_GETLK, F_RDLCK, 25, 975) == 0);
	CHECK(holder(fd, F_GETLK, F_RDLCK, 1000, 1) == -1 && holder(fd, F_GETLK, F_RDLCK, 1999, 1) == -1);
	CHECK(holder(fd, F_GETLK, F_WRLCK, 2000, 1000) == 0);
	CHECK(holder(fd, F_GETLK, F_RDLCK, 3000, 1) == 0 && holder(fd, F_GETLK, F_WRLCK, 3000, 1) == -1);
	CHECK(holder(fd, F_GETLK, F_RDLCK, 5000, 0) == 0);
	CHECK(holder(fd, F_GETLK, F_WRLCK, 1ll << 40, 1) == us && holder(fd, F_GETLK, F_WRLCK, 4000, 1000) == 0);
	CHECK(flock(fd, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK);
	CHECK(flock(dir_fd, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK);
	CHECK(flock(dir_fd, LOCK_SH | LOCK_NB) == 0);
	snprintf(again, sizeof(again), "/proc/%d/fd/%d", (int)us, memory);
	CHECK(flock(open(again, O_RDWR), LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK);
	snprintf(again, sizeof(again), "/proc/%d/fd/%d", (int)us, gone);
	fd = open(again, O_RDWR);
	CHECK(flock(fd, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK);
	CHECK(holder(fd, F_GETLK, F_RDLCK, 7, 1) == us && holder(fd, F_GETLK, F_RDLCK, 8, 0) == 0);
	snprintf(again, sizeof(again), "/proc/%d/fd/%d", (int)us, ends[1]);
	CHECK(flock(open(again, O_WRONLY), LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK);
	_exit(0);
}

static void in_child(void (*fn)(pid_t))
{
	pid_t us = getpid(), pid = fork();
	int status;

	if (!pid)
		fn(us);
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

/* What one close gave back, and what it did not. */
static void after_close(pid_t us)
{
	int fd = open_again(O_RDWR);

	CHECK(range(fd, F_SETLK, F_WRLCK, 10, 15) == 0 && range(fd, F_SETLK, F_WRLCK, 5000, 0) == 0);
	CHECK(holder(fd, F_GETLK, F_RDLCK, 1000, 1) == -1);
	CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0);
	(void)us;
	_exit(0);
}

static void check_locks(void)
{
	in_child(run_into);
	/* Its own locks are no obstacle to the one they belong to. */
	CHECK(range(twin, F_SETLK, F_RDLCK, 10, 5) == 0 && range(ofd, F_OFD_SETLK, F_UNLCK, 3000, 1) == 0);
	CHECK(flock(flocked, LOCK_UN) == 0);
	close(twin);
	in_child(after_close);
}

static const char *file;

static void *wait_posix(void *arg)
{
	CHECK(range(open(file, O_RDWR), F_SETLKW, F_WRLCK, 0, 10) == 0);
	return arg;
}

static void *wait_ofd(void *arg)
{
	CHECK(range(open(file, O_RDWR), F_OFD_SETLKW, F_RDLCK, 20, 10) == 0);
	return arg;
}

static void *wait_flock(void *arg)
{
	CHECK(flock(open(file, O_RDWR), LOCK_SH) == 0);
	return arg;
}

static void wait_for_all(void)
{
	void *(*const fns[])(void *) = { wait_posix, wait_ofd, wait_flock };
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		CHECK(pthread_create(&t[i], NULL, fns[i], NULL) == 0);
	usleep(50000);
	prog_say("ready");
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

static void hold(void)
{
	CHECK(range(open(file, O_RDWR | O_CREAT, 0644), F_SETLK, F_WRLCK, 0, 10) == 0);
	CHECK(range(open(file, O_RDWR), F_OFD_SETLK, F_WRLCK, 20, 10) == 0);
	CHECK(flock(open(file, O_RDWR), LOCK_EX) == 0);
	prog_ready();
}

int main(int argc, char **argv)
{
	CHECK(argc >= 2);
	dir = argv[1];
	file = argc > 2 ? argv[2] : NULL;
	prog_init();
	if (!strcmp(dir, "hold")) {
		hold();
	} else if (!strcmp(dir, "wait")) {
		wait_for_all();
	} else {
		set_up();
		prog_ready();
		check_locks();
	}
	prog_done();
}
