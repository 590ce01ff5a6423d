// SPDX-License-Identifier: GPL-2.0
/* Eventfds: counters of 64 bits, the semaphore kind, flags, a dup, a reader that waits. */
#include "prog.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>

static int zero, five, semaphore, nearly_full, full, shared, waited;
static uint64_t waited_value;

static int make(unsigned int count, int flags)
{
	int fd = eventfd(count, flags);

	CHECK(fd >= 0);
	return fd;
}

static void add(int fd, uint64_t n)
{
	CHECK(write(fd, &n, sizeof(n)) == sizeof(n));
}

static uint64_t take(int fd)
{
	uint64_t n = 0;

	CHECK(read(fd, &n, sizeof(n)) == sizeof(n));
	return n;
}

static void check_empty(int fd)
{
	uint64_t n;

	CHECK(read(fd, &n, sizeof(n)) == -1 && errno == EAGAIN);
}

static void *wait_for_value(void *arg)
{
	waited_value = take(waited);
	return arg;
}

static void set_up(pthread_t *t)
{
	zero = make(0, EFD_NONBLOCK);
	five = make(5, EFD_CLOEXEC);
	semaphore = make(3, EFD_SEMAPHORE | EFD_NONBLOCK);
	nearly_full = make(7, EFD_NONBLOCK);
	add(nearly_full, UINT64_MAX - 1 - 7 - 10);
	full = make(0, EFD_NONBLOCK | EFD_SEMAPHORE);
	add(full, UINT64_MAX - 1);
	shared = make(1, 0);
	CHECK(dup2(shared, 100) == 100);
	CHECK(fcntl(100, F_SETFL, O_NONBLOCK | O_APPEND) == 0);
	waited = make(0, 0);
	CHECK(pthread_create(t, NULL, wait_for_value, NULL) == 0);
	usleep(50000);
}

int main(void)
{
	uint64_t eleven = 11, one = 1;
	pthread_t t;

	prog_init();
	set_up(&t);
	prog_ready();
	check_empty(zero);
	CHECK(fcntl(zero, F_GETFL) == (O_RDWR | O_NONBLOCK));
	CHECK(take(five) == 5);
	CHECK(fcntl(five, F_GETFL) == O_RDWR);
	CHECK((fcntl(five, F_GETFD) & FD_CLOEXEC) && !(fcntl(zero, F_GETFD) & FD_CLOEXEC));
	CHECK(take(semaphore) == 1 && take(semaphore) == 1 && take(semaphore) == 1);
	check_empty(semaphore);
	CHECK(write(nearly_full, &eleven, sizeof(eleven)) == -1 && errno == EAGAIN);
	add(nearly_full, 10);
	CHECK(take(nearly_full) == UINT64_MAX - 1);
	check_empty(nearly_full);
	CHECK(write(full, &one, sizeof(one)) == -1 && errno == EAGAIN);
	CHECK(take(full) == 1);
	add(full, 1);
	/* One description: its flags and its counter are seen from both. */
	CHECK(fcntl(shared, F_GETFL) == (O_RDWR | O_NONBLOCK | O_APPEND));
	add(100, 41);
	CHECK(take(shared) == 42);
	check_empty(100);
	add(waited, 77);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(waited_value == 77);
	prog_done();
}
