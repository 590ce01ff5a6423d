// SPDX-License-Identifier: GPL-2.0
/*
 * fifo DIR: fifos whose ends are all inside: what they hold, their size, who
 * waits, and whether a reader takes silence for the end.
 */
#include "prog.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>

static const char *dir;
static int own, quiet, ended, reader, writer, broken, packets;
static char opened_byte, waited_byte;

static const char *path_of(const char *name)
{
	static __thread char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int open_end(const char *name, int flags)
{
	int fd = open(path_of(name), flags);

	CHECKF(fd >= 0, "%s", name);
	return fd;
}

static int open_new(const char *name, int flags)
{
	CHECKF(mkfifo(path_of(name), 0644) == 0, "%s", name);
	return open_end(name, flags);
}

static void *wait_for_byte(void *arg)
{
	CHECK(read(reader, &waited_byte, 1) == 1);
	return arg;
}

/* In open() itself, until the other end is opened. */
static void *wait_in_open(void *arg)
{
	int fd = open_end("late", O_RDONLY);

	CHECK(read(fd, &opened_byte, 1) == 1);
	return arg;
}

static int events_of(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static void set_up(pthread_t t[2])
{
	int fd;

	own = open_new("own", O_RDWR | O_CLOEXEC);
	CHECK(fcntl(own, F_SETPIPE_SZ, 131072) == 131072 && write(own, "hello", 5) == 5);
	quiet = open_new("quiet", O_RDONLY | O_NONBLOCK);
	CHECK(fcntl(quiet, F_SETPIPE_SZ, 8192) == 8192 && events_of(quiet) == 0);
	ended = open_new("ended", O_RDONLY | O_NONBLOCK);
	fd = open_end("ended", O_WRONLY);
	CHECK(write(fd, "left", 4) == 4 && close(fd) == 0 && events_of(ended) == (POLLIN | POLLHUP));
	reader = open_new("both", O_RDONLY | O_NONBLOCK);
	writer = open_end("both", O_WRONLY | O_NONBLOCK);
	CHECK(fcntl(reader, F_SETFL, 0) == 0 && dup2(writer, 100) == 100);
	fd = open_new("broken", O_RDWR);
	broken = open_end("broken", O_WRONLY);
	close(fd);
	packets = open_new("packets", O_RDWR | O_NONBLOCK);
	CHECK(fcntl(packets, F_SETFL, O_DIRECT | O_NONBLOCK) == 0);
	CHECK(write(packets, "one", 3) == 3 && write(packets, "two", 3) == 3);
	CHECK(mkfifo(path_of("late"), 0644) == 0);
	CHECK(pthread_create(&t[0], NULL, wait_for_byte, NULL) == 0);
	CHECK(pthread_create(&t[1], NULL, wait_in_open, NULL) == 0);
	usleep(50000);
}

static void check_own(void)
{
	struct stat st, at;
	char buf[64];

	CHECK(fstat(own, &st) == 0 && stat(path_of("own"), &at) == 0 && st.st_ino == at.st_ino);
	CHECK(fcntl(own, F_GETPIPE_SZ) == 131072 && fcntl(own, F_GETFD) == FD_CLOEXEC);
	CHECK(write(own, "!", 1) == 1 && read(own, buf, sizeof(buf)) == 6 && !memcmp(buf, "hello!", 6));
	CHECK(fcntl(packets, F_GETFL) & O_DIRECT);
	CHECK(read(packets, buf, sizeof(buf)) == 3 && !memcmp(buf, "one", 3));
	CHECK(read(packets, buf, sizeof(buf)) == 3 && !memcmp(buf, "two", 3));
}

static void check_ends(void)
{
	char buf[64];
	int fd;

	/* Nobody has ever written to it, so that nobody has stopped. */
	CHECKF(events_of(quiet) == 0, "%#x", events_of(quiet));
	CHECK(fcntl(quiet, F_GETPIPE_SZ) == 8192);
	fd = open_end("quiet", O_WRONLY);
	CHECK(read(quiet, buf, 1) == -1 && errno == EAGAIN && write(fd, "q", 1) == 1);
	CHECK(read(quiet, buf, 1) == 1 && close(fd) == 0 && events_of(quiet) == POLLHUP);
	CHECKF(events_of(ended) == (POLLIN | POLLHUP), "%#x", events_of(ended));
	CHECK(read(ended, buf, sizeof(buf)) == 4 && !memcmp(buf, "left", 4) && read(ended, buf, 1) == 0);
	CHECK(write(broken, "x", 1) == -1 && errno == EPIPE);
}

int main(int argc, char **argv)
{
	pthread_t t[2];
	int late;

	CHECK(argc == 2);
	dir = argv[1];
	prog_init();
	signal(SIGPIPE, SIG_IGN);
	set_up(t);
	prog_ready();
	check_own();
	check_ends();
	CHECK(fcntl(writer, F_GETFL) & O_NONBLOCK && !(fcntl(reader, F_GETFL) & O_NONBLOCK));
	CHECK(write(100, "w", 1) == 1 && pthread_join(t[0], NULL) == 0 && waited_byte == 'w');
	late = open_end("late", O_WRONLY);
	CHECK(write(late, "l", 1) == 1 && pthread_join(t[1], NULL) == 0 && opened_byte == 'l');
	prog_done();
}
