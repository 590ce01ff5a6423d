// SPDX-License-Identifier: GPL-2.0
/*
 * file_proc: descriptors on files of /proc and /sys. What is read on must be
 * the rest of what was begun, and the process's own files must be of the
 * process that it is now.
 */
#include "prog.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define ROOM 65536

enum { MAPS = 10, STATUS, MEM, VERSION, SYSCTL, SYS, FDS, PLACE, TOP, COMM, NET, LIMITS, END };

static struct { int fl, fd_flags; off_t pos; struct stat st; } before[END];
static volatile int variable = 1;

static void open_at(int want, const char *path, int flags)
{
	int fd = open(path, flags);

	CHECKF(fd >= 0, "%s", path);
	CHECK(dup3(fd, want, flags & O_CLOEXEC) == want && close(fd) == 0);
}

/* To its end; how much there was. */
static size_t read_rest(int fd, char *buf)
{
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, buf + n, ROOM - 1 - n)) > 0)
		n += (size_t)got;
	CHECKF(!got, "fd %d", fd);
	buf[n] = 0;
	return n;
}

/* What is read on is what a new reader finds behind the same place. */
static void check_rest(int fd, const char *path)
{
	static char rest[ROOM], whole[ROOM];
	off_t at = lseek(fd, 0, SEEK_CUR);
	int again = open(path, O_RDONLY);
	size_t n;

	CHECKF(at > 0 && again >= 0, "%s", path);
	n = read_rest(again, whole);
	close(again);
	CHECKF((size_t)at < n, "%s", path);
	CHECKF(read_rest(fd, rest) == n - (size_t)at && !strcmp(rest, whole + at), "%s at %lld:\n%s---\n%s",
	       path, (long long)at, rest, whole + at);
}

static void read_state(void)
{
	for (int fd = MAPS; fd < END; fd++) {
		before[fd].fl = fcntl(fd, F_GETFL);
		before[fd].fd_flags = fcntl(fd, F_GETFD);
		before[fd].pos = before[fd].fl & O_PATH ? 0 : lseek(fd, 0, SEEK_CUR);
		CHECK(before[fd].fl >= 0 && before[fd].pos >= 0 && !fstat(fd, &before[fd].st));
	}
}

static void check_state(void)
{
	for (int fd = MAPS; fd < END; fd++) {
		struct stat st;

		CHECKF(fcntl(fd, F_GETFL) == before[fd].fl, "fd %d: %#x %#x", fd, fcntl(fd, F_GETFL), before[fd].fl);
		CHECKF(fcntl(fd, F_GETFD) == before[fd].fd_flags, "fd %d", fd);
		CHECKF(!fstat(fd, &st) && st.st_mode == before[fd].st.st_mode, "fd %d", fd);
		CHECKF(fd == PLACE || lseek(fd, 0, SEEK_CUR) == before[fd].pos, "fd %d: %lld, %lld", fd,
		       (long long)lseek(fd, 0, SEEK_CUR), (long long)before[fd].pos);
	}
}

/* Every descriptor that is open is listed, from where the reading was on. */
static void check_folder(void)
{
	DIR *d = fdopendir(FDS);
	struct dirent *e;
	bool seen = false;

	CHECK(d != NULL);
	while ((e = readdir(d)))
		seen |= !strcmp(e->d_name, "18");
	CHECK(seen);
}

static void check_own(void)
{
	char text[ROOM], want[32];
	int stat, seven = 7;

	/* Read to its end: nothing more comes. */
	CHECK(read(LIMITS, text, sizeof(text)) == 0);
	read_rest(STATUS, text);
	snprintf(want, sizeof(want), "\nPid:\t%d\n", (int)getpid());
	CHECKF(strstr(text, want), "%s", text);

	CHECK(pwrite(MEM, &seven, sizeof(seven), (off_t)(uintptr_t)&variable) == sizeof(seven));
	CHECK(variable == 7);

	stat = openat(PLACE, "stat", O_RDONLY);
	CHECK(stat >= 0);
	read_rest(stat, text);
	CHECKF(atoi(text) == getpid(), "%s", text);
}

int main(void)
{
	struct { char room[64]; } few;
	char text[ROOM], path[64];

	prog_init();
	open_at(MAPS, "/proc/self/maps", O_RDONLY);
	CHECK(read(MAPS, text, 200) == 200);
	open_at(STATUS, "/proc/self/status", O_RDONLY | O_CLOEXEC);
	open_at(LIMITS, "/proc/self/limits", O_RDONLY);
	read_rest(LIMITS, text);
	open_at(MEM, "/proc/self/mem", O_RDWR);
	CHECK(lseek(MEM, (off_t)(uintptr_t)&variable, SEEK_SET) > 0);
	open_at(VERSION, "/proc/version", O_RDONLY | O_NONBLOCK);
	CHECK(read(VERSION, text, 7) == 7);
	open_at(SYSCTL, "/proc/sys/kernel/ostype", O_RDONLY);
	CHECK(read(SYSCTL, text, 3) == 3);
	open_at(SYS, "/sys/devices/system/cpu/kernel_max", O_RDONLY);
	CHECK(read(SYS, text, 1) == 1);
	open_at(FDS, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(syscall(SYS_getdents64, FDS, &few, sizeof(few)) > 0);
	open_at(PLACE, "/proc/self", O_PATH | O_DIRECTORY);
	open_at(TOP, "/proc", O_RDONLY | O_DIRECTORY);
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", (int)getpid());
	open_at(COMM, path, O_RDONLY);
	open_at(NET, "/proc/net/dev", O_RDONLY);
	read_state();
	prog_ready();
	check_state();
	check_rest(MAPS, "/proc/self/maps");
	check_rest(VERSION, "/proc/version");
	check_rest(SYSCTL, "/proc/sys/kernel/ostype");
	check_rest(SYS, "/sys/devices/system/cpu/kernel_max");
	check_own();
	check_folder();
	CHECK(read(COMM, text, sizeof(text)) == 10 && !strncmp(text, "file_proc\n", 10));
	CHECK(read(NET, text, 6) == 6 && !strncmp(text, "Inter-", 6));
	prog_done();
}
