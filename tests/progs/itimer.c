// SPDX-License-Identifier: GPL-2.0
/*
 * itimer MODE [GAP]: interval timers.
 *   far GAP	none is due yet; GAP ms or more of the time before the check do
 *		not count, because the program did not exist
 *   due	they go off, again and again
 *   pending	ITIMER_REAL went off and waits for its signal to be taken
 */
#include "prog.h"

#include <sys/time.h>
#include <time.h>

static volatile sig_atomic_t count[65];

static void on_signal(int sig)
{
	count[sig] = count[sig] + 1;
}

static void start(int which, long ms, long interval_ms)
{
	struct itimerval it = {
		.it_value = { ms / 1000, ms % 1000 * 1000 },
		.it_interval = { interval_ms / 1000, interval_ms % 1000 * 1000 },
	};

	CHECK(setitimer((__itimer_which_t)which, &it, NULL) == 0);
}

static long left_ms(int which, long interval_ms)
{
	struct itimerval it;

	CHECK(getitimer((__itimer_which_t)which, &it) == 0);
	CHECKF(it.it_interval.tv_sec * 1000 + it.it_interval.tv_usec / 1000 == interval_ms,
	       "%d: %ld.%06ld", which, (long)it.it_interval.tv_sec, (long)it.it_interval.tv_usec);
	return it.it_value.tv_sec * 1000 + it.it_value.tv_usec / 1000;
}

static long now_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void far(long gap)
{
	long begin = now_ms(CLOCK_MONOTONIC), passed, used;

	start(ITIMER_REAL, 1000000, 60000);
	start(ITIMER_VIRTUAL, 2000000, 0);
	start(ITIMER_PROF, 3000000, 70000);
	prog_ready();
	used = 1000000 - left_ms(ITIMER_REAL, 60000);
	passed = now_ms(CLOCK_MONOTONIC) - begin;
	CHECKF(used >= 0 && used <= passed - gap, "%ld ms of %ld used", used, passed);
	used = 2000000 - left_ms(ITIMER_VIRTUAL, 0);
	CHECKF(used >= -10 && used < 500, "%ld", used);
	used = 3000000 - left_ms(ITIMER_PROF, 70000);
	CHECKF(used >= -10 && used < 500, "%ld", used);
}

static void wait_for(int sig, int n, bool burn)
{
	long until = now_ms(CLOCK_MONOTONIC) + 20000;

	while (count[sig] < n) {
		CHECKF(now_ms(CLOCK_MONOTONIC) < until, "signal %d came %d times", sig, (int)count[sig]);
		if (!burn)
			usleep(1000);
	}
}

static void due(void)
{
	signal(SIGALRM, on_signal);
	signal(SIGVTALRM, on_signal);
	signal(SIGPROF, on_signal);
	start(ITIMER_REAL, 300, 150);
	start(ITIMER_VIRTUAL, 100, 50);
	start(ITIMER_PROF, 200, 0);
	prog_ready();
	wait_for(SIGALRM, count[SIGALRM] + 2, false);
	wait_for(SIGVTALRM, 3, true);
	wait_for(SIGPROF, 1, true);
	CHECK(count[SIGPROF] == 1);
}

static void pending(void)
{
	struct timespec ts = { 5, 0 };
	sigset_t set;
	long begin;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	start(ITIMER_REAL, 20, 200);
	usleep(50000);
	prog_ready();
	begin = now_ms(CLOCK_MONOTONIC);
	CHECK(sigtimedwait(&set, NULL, &ts) == SIGALRM);
	CHECK(now_ms(CLOCK_MONOTONIC) - begin < 100);
	for (int i = 0; i < 2; i++)
		CHECK(sigtimedwait(&set, NULL, &ts) == SIGALRM);
	CHECK(now_ms(CLOCK_MONOTONIC) - begin >= 200);
}

int main(int argc, char **argv)
{
	prog_init();
	CHECK(argc > 1);
	if (!strcmp(argv[1], "far"))
		far(argc > 2 ? atol(argv[2]) : 0);
	else if (!strcmp(argv[1], "due"))
		due();
	else
		pending();
	prog_done();
}
