// SPDX-License-Identifier: GPL-2.0
/* Pipes whose ends are all inside: content, packets, capacity, flags, ends that are closed, a reader that waits. */
#include "prog.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>

static int packets[2], mixed[2], plain[2], full[2], ended[2], broken[2], wide[2], waited[2], twice;
static int full_bytes, full_slots[2], slots_bytes;
static char waited_byte;

static void make(int p[2], int flags)
{
	CHECK(pipe2(p, flags) == 0);
}

/* How many bytes, each chunk in a page slot of its own, until it is full. */
static int fill(int fd, size_t chunk)
{
	char buf[4096];
	int total = 0;
	ssize_t n;

	for (;;) {
		for (size_t i = 0; i < chunk; i++)
			buf[i] = (char)('0' + (total + (int)i) % 75);
		n = write(fd, buf, chunk);
		if (n < 0)
			break;
		total += (int)n;
	}
	CHECK(errno == EAGAIN);
	return total;
}

static void check_filled(int fd, int total)
{
	int queued = 0;
	char c;

	CHECK(ioctl(fd, FIONREAD, &queued) == 0);
	CHECKF(queued == total, "%d %d", queued, total);
	for (int i = 0; i < total; i++)
		CHECK(read(fd, &c, 1) == 1 && c == (char)('0' + i % 75));
	CHECK(read(fd, &c, 1) == -1 && errno == EAGAIN);
}

static void *wait_for_byte(void *arg)
{
	CHECK(read(waited[0], &waited_byte, 1) == 1);
	return arg;
}

/* Some of one write each, read one at a time; some bytes between packets. */
static void set_up_packets(void)
{
	static char page[4096];

	make(packets, O_DIRECT | O_NONBLOCK);
	memset(page, 'p', sizeof(page));
	CHECK(write(packets[1], "abc", 3) == 3 && write(packets[1], "defgh", 5) == 5);
	CHECK(write(packets[1], page, sizeof(page)) == sizeof(page));
	CHECK(write(packets[1], "z", 1) == 1);
	make(mixed, O_NONBLOCK);
	/* A packet joins bytes before it where there is room: in this page there was none. */
	CHECK(write(mixed[1], page, sizeof(page)) == sizeof(page) && read(mixed[0], page, 10) == 10);
	CHECK(fcntl(mixed[1], F_SETFL, O_DIRECT | O_NONBLOCK) == 0);
	CHECK(write(mixed[1], "one", 3) == 3 && write(mixed[1], "two", 3) == 3);
	CHECK(fcntl(mixed[1], F_SETFL, O_NONBLOCK) == 0);
	CHECK(write(mixed[1], "more bytes", 10) == 10);
}

static void check_packets(void)
{
	char buf[8192];

	CHECK(fcntl(packets[1], F_GETFL) == (O_WRONLY | O_DIRECT | O_NONBLOCK));
	CHECK(read(packets[0], buf, sizeof(buf)) == 3 && !memcmp(buf, "abc", 3));
	/* What of a packet is not read is gone. */
	CHECK(read(packets[0], buf, 2) == 2 && !memcmp(buf, "de", 2));
	CHECK(read(packets[0], buf, sizeof(buf)) == 4096 && buf[0] == 'p' && buf[4095] == 'p');
	CHECK(write(packets[1], "new", 3) == 3);
	CHECK(read(packets[0], buf, sizeof(buf)) == 1 && buf[0] == 'z');
	CHECK(read(packets[0], buf, sizeof(buf)) == 3 && !memcmp(buf, "new", 3));
	CHECK(read(packets[0], buf, sizeof(buf)) == -1 && errno == EAGAIN);

	CHECK(fcntl(mixed[1], F_GETFL) == (O_WRONLY | O_NONBLOCK));
	CHECK(read(mixed[0], buf, 4086) == 4086 && buf[0] == 'p' && buf[4085] == 'p');
	CHECK(read(mixed[0], buf, sizeof(buf)) == 3 && !memcmp(buf, "one", 3));
	CHECK(read(mixed[0], buf, 1) == 1 && buf[0] == 't');
	CHECK(read(mixed[0], buf, 4) == 4 && !memcmp(buf, "more", 4));
	CHECK(read(mixed[0], buf, sizeof(buf)) == 6 && !memcmp(buf, " bytes", 6));
}

static void set_up(pthread_t *t)
{
	set_up_packets();
	make(plain, 0);
	CHECK(write(plain[1], "hello pipe", 10) == 10);
	make(full, O_NONBLOCK | O_CLOEXEC);
	full_bytes = fill(full[1], 4096);
	make(full_slots, O_NONBLOCK);
	CHECK(fcntl(full_slots[0], F_SETPIPE_SZ, 32768) == 32768);
	slots_bytes = fill(full_slots[1], 4000);
	make(ended, 0);
	CHECK(write(ended[1], "last", 4) == 4);
	close(ended[1]);
	make(broken, 0);
	CHECK(write(broken[1], "lost", 4) == 4);
	close(broken[0]);
	make(wide, 0);
	CHECK(fcntl(wide[0], F_SETPIPE_SZ, 131072) == 131072);
	CHECK(fcntl(wide[0], F_SETFL, O_NONBLOCK) == 0);
	/* Another description of the same reading end, and a dup of the writing one. */
	CHECK(fcntl(plain[1], F_DUPFD, 200) == 200);
	twice = 200;
	make(waited, 0);
	CHECK(pthread_create(t, NULL, wait_for_byte, NULL) == 0);
	usleep(50000);
}

int main(void)
{
	char buf[64];
	pthread_t t;

	prog_init();
	signal(SIGPIPE, SIG_IGN);
	set_up(&t);
	prog_ready();
	check_packets();
	CHECK(write(twice, "!", 1) == 1);
	CHECK(read(plain[0], buf, sizeof(buf)) == 11 && !memcmp(buf, "hello pipe!", 11));
	CHECK((fcntl(full[0], F_GETFL) & O_NONBLOCK) && (fcntl(full[1], F_GETFL) & O_NONBLOCK));
	CHECK((fcntl(full[0], F_GETFD) & FD_CLOEXEC) && !(fcntl(plain[0], F_GETFD) & FD_CLOEXEC));
	CHECK(fcntl(full[0], F_GETPIPE_SZ) == 65536);
	check_filled(full[0], full_bytes);
	CHECK(fcntl(full_slots[1], F_GETPIPE_SZ) == 32768);
	check_filled(full_slots[0], slots_bytes);
	CHECK(read(ended[0], buf, sizeof(buf)) == 4 && !memcmp(buf, "last", 4));
	CHECK(read(ended[0], buf, sizeof(buf)) == 0);
	CHECK(write(broken[1], "x", 1) == -1 && errno == EPIPE);
	CHECK(fcntl(wide[1], F_GETPIPE_SZ) == 131072);
	CHECK(read(wide[0], buf, 1) == -1 && errno == EAGAIN);
	CHECK(fcntl(wide[1], F_GETFL) == O_WRONLY);
	CHECK(write(waited[1], "w", 1) == 1);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(waited_byte == 'w');
	prog_done();
}
