// SPDX-License-Identifier: GPL-2.0
/*
 * clocks [MAX_GAP_MS]: CLOCK_MONOTONIC and CLOCK_BOOTTIME never go back, by
 * the vdso as by the system call, which agree; no gap in them is longer than
 * MAX_GAP_MS. Timers and calls that wait, relative and absolute by either clock,
 * end at their time: not early, and later only by what a ticker saw of gaps (the
 * stops, the time the process did not exist).
 */
#include "prog.h"

#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>

#define MS 1000000ll

static long long length_ns = 3000 * MS, slack_ns = 20 * MS, max_gap_ns = INT64_MAX;
static volatile long long gaps_ns;
static volatile unsigned long ticks;
static volatile int ticking = 1;
static long long start_ns[2];
static int word;

static const clockid_t counted[2] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME };

static long long in_ns(struct timespec t)
{
	return t.tv_sec * 1000 * MS + t.tv_nsec;
}

static struct timespec in_ts(long long ns)
{
	return (struct timespec){ ns / (1000 * MS), ns % (1000 * MS) };
}

static long long now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return in_ns(t);
}

/* Both ways to ask, by turns: each answer at least as late as the one before. */
static void look(long long last[2])
{
	struct timespec t;

	for (int i = 0; i < 2; i++) {
		long long vdso = now_ns(counted[i]), call;

		CHECKF(vdso >= last[i], "clock %d: %lld after %lld", counted[i], vdso, last[i]);
		CHECK(syscall(SYS_clock_gettime, counted[i], &t) == 0);
		call = in_ns(t);
		CHECKF(call >= vdso, "clock %d: %lld after %lld", counted[i], call, vdso);
		last[i] = now_ns(counted[i]);
		CHECKF(last[i] >= call, "clock %d: %lld after %lld", counted[i], last[i], call);
	}
}

static void *tick(void *arg)
{
	long long last[2] = { now_ns(counted[0]), now_ns(counted[1]) }, before;
	struct timespec ms = { 0, MS };

	while (ticking) {
		before = last[0];
		clock_nanosleep(CLOCK_MONOTONIC, 0, &ms, NULL);
		look(last);
		CHECKF(last[0] - before < max_gap_ns, "a gap of %lld ns", last[0] - before);
		if (last[0] - before > 4 * MS)
			gaps_ns += last[0] - before - MS;
		ticks++;
	}
	return arg;
}

/* Once the tick that saw the last gap has added it. */
static long long gaps(void)
{
	unsigned long seen = ticks;

	while (ticks < seen + 2)
		usleep(500);
	return gaps_ns;
}

static void sleep_until(int i)
{
	struct timespec until = in_ts(start_ns[i] + length_ns);

	CHECK(clock_nanosleep(counted[i], TIMER_ABSTIME, &until, NULL) == 0);
}

static void sleep_for(int i)
{
	struct timespec t = in_ts(length_ns);

	CHECK(clock_nanosleep(counted[i], 0, &t, NULL) == 0);
}

static void futex_until(int i)
{
	struct timespec until = in_ts(start_ns[i] + length_ns);

	CHECK(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &until, NULL,
		      FUTEX_BITSET_MATCH_ANY) == -1 && errno == ETIMEDOUT);
}

static void wait_timerfd(int i, int flags)
{
	struct itimerspec t = { .it_value = in_ts(flags ? start_ns[i] + length_ns : length_ns) };
	struct pollfd p = { .fd = timerfd_create(counted[i], 0), .events = POLLIN };
	uint64_t n;

	CHECK(p.fd >= 0 && timerfd_settime(p.fd, flags, &t, NULL) == 0);
	CHECK(poll(&p, 1, -1) == 1 && read(p.fd, &n, 8) == 8 && n == 1);
}

static void timerfd_until(int i) { wait_timerfd(i, TFD_TIMER_ABSTIME); }
static void timerfd_for(int i) { wait_timerfd(i, 0); }

static void wait_timer(int i, int flags)
{
	struct itimerspec t = { .it_value = in_ts(flags ? start_ns[i] + length_ns : length_ns) };
	int sig = SIGRTMIN + 2 * !!flags + i;
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = sig };
	siginfo_t si;
	sigset_t set;
	timer_t id;

	sigemptyset(&set);
	sigaddset(&set, sig);
	CHECK(timer_create(counted[i], &ev, &id) == 0);
	CHECK(timer_settime(id, flags, &t, NULL) == 0);
	CHECK(sigwaitinfo(&set, &si) == sig && si.si_code == SI_TIMER);
}

static void timer_until(int i) { wait_timer(i, TIMER_ABSTIME); }
static void timer_for(int i) { wait_timer(i, 0); }

static const struct { const char *name; void (*fn)(int i); } waits[] = {
	{ "clock_nanosleep, absolute", sleep_until }, { "clock_nanosleep", sleep_for },
	{ "futex, absolute", futex_until },
	{ "timerfd, absolute", timerfd_until }, { "timerfd", timerfd_for },
	{ "timer, absolute", timer_until }, { "timer", timer_for },
};
#define N (2 * sizeof(waits) / sizeof(*waits))

static void *run(void *arg)
{
	size_t n = (size_t)arg;
	int i = n % 2;
	long long lost, took;

	/* Futexes know CLOCK_MONOTONIC and CLOCK_REALTIME only. */
	if (waits[n / 2].fn == futex_until)
		i = 0;
	waits[n / 2].fn(i);
	took = now_ns(counted[i]) - start_ns[i];
	lost = gaps();
	CHECKF(took >= length_ns && took < length_ns + lost + slack_ns,
	       "%s by clock %d: %lld ns, %lld in gaps", waits[n / 2].name, counted[i], took, lost);
	return NULL;
}

int main(int argc, char **argv)
{
	const char *slow = getenv("CKPT_SLOW");
	pthread_t t[N], ticker;
	sigset_t set;

	if (slow && atoi(slow) > 1) {
		slack_ns *= atoi(slow);
		length_ns += atoi(slow) * 1000 * MS;
	}
	if (argc > 1)
		max_gap_ns = atoll(argv[1]) * MS;
	prog_init();
	sigemptyset(&set);
	for (int i = 0; i < 4; i++)
		sigaddset(&set, SIGRTMIN + i);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(pthread_create(&ticker, NULL, tick, NULL) == 0);
	for (int i = 0; i < 2; i++)
		start_ns[i] = now_ns(counted[i]);
	for (size_t i = 0; i < N; i++)
		CHECK(pthread_create(&t[i], NULL, run, (void *)i) == 0);
	prog_ready();
	for (size_t i = 0; i < N; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	ticking = 0;
	CHECK(pthread_join(ticker, NULL) == 0);
	prog_done();
}
