// SPDX-License-Identifier: GPL-2.0
/*
 * Timerfds of each clock: what is left of them, what was not read, intervals,
 * absolute ones, a reader that waits. `sleep`: the test lets time pass between
 * snapshot and restore, at least two seconds.
 */
#include "prog.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>

#define NS 1000000000ll

static int idle, once, periodic, fired, many, boot, wall, wall_passed, mono_at, shared, waited;
static uint64_t waited_ticks;
static int64_t mono_started;
static bool away;

static int64_t now(clockid_t clock)
{
	struct timespec t;

	CHECK(clock_gettime(clock, &t) == 0);
	return t.tv_sec * NS + t.tv_nsec;
}

static int make(clockid_t clock, int flags, int settime, int64_t at, int64_t interval)
{
	struct itimerspec its = { { interval / NS, interval % NS }, { at / NS, at % NS } };
	int fd = timerfd_create(clock, flags);

	CHECK(fd >= 0);
	CHECK(timerfd_settime(fd, settime, &its, NULL) == 0);
	return fd;
}

static int64_t left(int fd, int64_t *interval)
{
	struct itimerspec its;

	CHECK(timerfd_gettime(fd, &its) == 0);
	if (interval)
		*interval = its.it_interval.tv_sec * NS + its.it_interval.tv_nsec;
	return its.it_value.tv_sec * NS + its.it_value.tv_nsec;
}

static uint64_t ticks(int fd)
{
	uint64_t n = 0;
	ssize_t got = read(fd, &n, sizeof(n));

	CHECK(got == sizeof(n) || (got == -1 && errno == EAGAIN));
	return n;
}

static void *wait_for_ticks(void *arg)
{
	CHECK(read(waited, &waited_ticks, sizeof(waited_ticks)) == sizeof(waited_ticks));
	return arg;
}

static void set_up(pthread_t *t)
{
	int64_t wall_now = now(CLOCK_REALTIME);

	idle = make(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC, 0, 0, 0);
	once = make(CLOCK_REALTIME, TFD_NONBLOCK, 0, 1000 * NS, 0);
	periodic = make(CLOCK_MONOTONIC, TFD_NONBLOCK, 0, 2000 * NS, 7 * NS);
	boot = make(CLOCK_BOOTTIME, TFD_NONBLOCK, 0, 3000 * NS, 0);
	wall = make(CLOCK_REALTIME, TFD_NONBLOCK, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
		    wall_now + 4000 * NS, 0);
	wall_passed = make(CLOCK_REALTIME, TFD_NONBLOCK, TFD_TIMER_ABSTIME, wall_now + 2 * NS, 0);
	mono_started = now(CLOCK_MONOTONIC);
	mono_at = make(CLOCK_MONOTONIC, TFD_NONBLOCK, TFD_TIMER_ABSTIME, mono_started + 5000 * NS, 11 * NS);
	shared = dup(periodic);
	CHECK(shared >= 0);
	fired = make(CLOCK_MONOTONIC, TFD_NONBLOCK, 0, 1, 0);
	many = make(CLOCK_MONOTONIC, TFD_NONBLOCK, 0, NS / 20, NS / 20);
	waited = make(CLOCK_MONOTONIC, 0, 0, 3600 * NS, 0);
	CHECK(pthread_create(t, NULL, wait_for_ticks, NULL) == 0);
	usleep(220000);
}

/* About what is left of `of`: the program has run for `ran`, the freeze may count or not. */
static void check_left(int fd, int64_t of, int64_t ran)
{
	int64_t is = left(fd, NULL), want = of - ran;
	const char *slow = getenv("CKPT_SLOW");
	int64_t room = NS / 20 * (slow ? atoi(slow) : 1);

	/* Never more than was left at the freeze; time that the program did not live through may count. */
	CHECKF(is <= of && is >= want - room, "%lld of %lld after %lld", (long long)is, (long long)of,
	       (long long)ran);
}

int main(int argc, char **argv)
{
	int64_t interval, ran;
	uint64_t n;
	pthread_t t;

	prog_init();
	away = argc > 1 && !strcmp(argv[1], "sleep");
	set_up(&t);
	prog_ready();
	CHECK(left(idle, NULL) == 0 && ticks(idle) == 0);
	CHECK(fcntl(idle, F_GETFL) == (O_RDWR | O_NONBLOCK) && fcntl(waited, F_GETFL) == O_RDWR);
	CHECK((fcntl(idle, F_GETFD) & FD_CLOEXEC) && !(fcntl(once, F_GETFD) & FD_CLOEXEC));
	ran = now(CLOCK_MONOTONIC) - mono_started;
	check_left(once, 1000 * NS, ran);
	check_left(periodic, 2000 * NS, ran);
	check_left(boot, 3000 * NS, ran);
	check_left(mono_at, 5000 * NS, ran);
	/* Set while away, time passed that the relative ones know nothing of. */
	if (away) {
		CHECKF(left(once, NULL) - (1000 * NS - ran) > NS, "%lld", (long long)left(once, NULL));
		CHECK(ticks(wall_passed) == 1);
	}
	left(periodic, &interval);
	CHECK(interval == 7 * NS);
	left(mono_at, &interval);
	CHECK(interval == 11 * NS);
	/* One timer behind both descriptors. */
	CHECK(timerfd_settime(shared, 0, &(struct itimerspec){ .it_value = { 0 } }, NULL) == 0);
	CHECK(left(periodic, NULL) == 0);
	CHECK(left(wall, NULL) <= 4000 * NS - ran + NS / 20 && left(wall, NULL) > 3000 * NS);
	CHECK(ticks(fired) == 1 && ticks(fired) == 0 && left(fired, NULL) == 0);
	/* Four times before the first snapshot; each time once more per 50 ms. */
	n = ticks(many);
	CHECKF(n >= 4 && n <= (uint64_t)(ran / (NS / 20)) + 1, "%llu in %lld ns", (unsigned long long)n,
	       (long long)ran);
	usleep(120000);
	n = ticks(many);
	CHECKF(n >= 2, "%llu", (unsigned long long)n);
	left(many, &interval);
	CHECK(interval == NS / 20);
	CHECK(timerfd_settime(waited, 0, &(struct itimerspec){ .it_value = { 0, 1000 } }, NULL) == 0);
	CHECK(pthread_join(t, NULL) == 0 && waited_ticks == 1);
	prog_done();
}
