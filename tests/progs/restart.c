// SPDX-License-Identifier: GPL-2.0
/*
 * Threads in calls with a relative timeout. A ticker adds up the gaps in its
 * own time: the stops, the time the process did not exist, and a busy machine.
 * Without them no call may have lasted longer than its timeout, as it would if
 * it began anew; and none may end early.
 */
#include "prog.h"

#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

#define MS 1000000ll

static long long length_ns = 3000 * MS, slack_ns = 20 * MS;
static volatile long long gaps_ns;
static volatile int ticking = 1;
static volatile unsigned long ticks;
static struct timespec length;
static int word, none[2];

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 * MS + t.tv_nsec;
}

static void *tick(void *arg)
{
	long long last = now_ns();

	while (ticking) {
		struct timespec ms = { 0, MS };
		long long now;

		clock_nanosleep(CLOCK_MONOTONIC, 0, &ms, NULL);
		now = now_ns();
		if (now - last > 4 * MS)
			gaps_ns += now - last - MS;
		last = now;
		ticks++;
	}
	return arg;
}

/* What has been added up since; a gap that has just ended is in it. */
static long long gaps_since(long long before)
{
	unsigned long seen = ticks;

	while (ticks < seen + 2)
		usleep(500);
	return gaps_ns - before;
}

static long run_nanosleep(void)
{
	return syscall(SYS_nanosleep, &length, NULL);
}

static long run_clock_nanosleep(void)
{
	struct timespec rest;

	return syscall(SYS_clock_nanosleep, CLOCK_BOOTTIME, 0, &length, &rest);
}

static long run_poll(void)
{
	struct pollfd p = { .fd = none[0], .events = POLLIN };

	return syscall(SYS_poll, &p, 1L, (long)(length_ns / MS));
}

static long run_futex(void)
{
	return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &length, NULL, 0) ? -errno : 0;
}

static long run_ppoll(void)
{
	struct pollfd p = { .fd = none[0], .events = POLLIN };
	struct timespec t = length;

	return syscall(SYS_ppoll, &p, 1L, &t, NULL, 0L);
}

static long run_select(void)
{
	struct timeval t = { length.tv_sec, length.tv_nsec / 1000 };

	return syscall(SYS_select, 0, NULL, NULL, NULL, &t);
}

/* A handler may run in it: it ends with EINTR and the rest, which belongs to the old end. */
static long run_interrupted(void)
{
	struct timespec rest = { 0, 0 }, twice = { 2 * length.tv_sec, 0 };
	long long start = now_ns(), gaps = gaps_ns, slept, left;
	long r = syscall(SYS_nanosleep, &twice, &rest) ? -errno : 0;

	slept = now_ns() - start;
	gaps = gaps_since(gaps);
	left = rest.tv_sec * 1000 * MS + rest.tv_nsec;
	CHECKF(r == -EINTR, "%ld", r);
	CHECKF(slept + left > 2 * length_ns - slack_ns && slept + left < 2 * length_ns + gaps + slack_ns,
	       "slept %lld, left %lld", slept, left);
	return 0;
}

static const struct { const char *name; long (*fn)(void); long want; } calls[] = {
	{ "nanosleep", run_nanosleep, 0 },
	{ "clock_nanosleep", run_clock_nanosleep, 0 },
	{ "poll", run_poll, 0 },
	{ "futex", run_futex, -ETIMEDOUT },
	{ "ppoll", run_ppoll, 0 },
	{ "select", run_select, 0 },
};
#define N (sizeof(calls) / sizeof(*calls))

static void *run(void *arg)
{
	size_t i = (size_t)arg;
	long long start = now_ns(), gaps = gaps_ns, took;
	long got = calls[i].fn();

	took = now_ns() - start;
	gaps = gaps_since(gaps);
	CHECKF(got == calls[i].want, "%s: %ld, not %ld", calls[i].name, got, calls[i].want);
	CHECKF(took >= length_ns && took < length_ns + gaps + slack_ns, "%s: %lld ns, %lld in gaps",
	       calls[i].name, took, gaps);
	return NULL;
}

static void *run_last(void *arg)
{
	run_interrupted();
	return arg;
}

static void on_signal(int sig)
{
	(void)sig;
}

int main(void)
{
	const char *slow = getenv("CKPT_SLOW");
	struct sigaction sa = { .sa_handler = on_signal };
	pthread_t t[N], last, ticker;

	if (slow && atoi(slow) > 1) {
		slack_ns *= atoi(slow);
		length_ns += atoi(slow) * 1000 * MS;
	}
	length = (struct timespec){ length_ns / (1000 * MS), length_ns % (1000 * MS) };
	prog_init();
	CHECK(pipe(none) == 0);
	CHECK(sigaction(SIGUSR2, &sa, NULL) == 0);
	CHECK(pthread_create(&ticker, NULL, tick, NULL) == 0);
	for (size_t i = 0; i < N; i++)
		CHECK(pthread_create(&t[i], NULL, run, (void *)i) == 0);
	CHECK(pthread_create(&last, NULL, run_last, NULL) == 0);
	usleep(50000);
	prog_ready();
	pthread_kill(last, SIGUSR2);
	CHECK(pthread_join(last, NULL) == 0);
	for (size_t i = 0; i < N; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	ticking = 0;
	CHECK(pthread_join(ticker, NULL) == 0);
	prog_done();
}
