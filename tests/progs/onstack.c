// SPDX-License-Identifier: GPL-2.0
/*
 * Two threads that are inside of a signal's handler on their alternate stack
 * while the snapshot is taken, one with SS_AUTODISARM, which takes the stack
 * away for as long as the handler runs. They return from it into what they did,
 * with their mask, and the next signal finds the stack again.
 */
#include "prog.h"

#include <pthread.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM	(1u << 31)
#endif
#define SIZE	65536

static char stacks[2][SIZE] __attribute__((aligned(16)));
static __thread int mine = -1, calls;
static volatile int inside, go_on;

static bool on_stack(void)
{
	char *here = __builtin_frame_address(0);

	return here >= stacks[mine] && here < stacks[mine] + SIZE;
}

static int flags_now(void)
{
	stack_t ss;

	CHECK(sigaltstack(NULL, &ss) == 0);
	return ss.ss_flags;
}

/* What sigaltstack() tells in the handler. */
static void check_inside(void)
{
	CHECK(on_stack());
	CHECKF(flags_now() == (mine ? SS_DISABLE : SS_ONSTACK), "%#x", flags_now());
}

static void handler(int sig)
{
	sigset_t set;

	CHECK(sig == SIGUSR2);
	check_inside();
	if (!calls++) {
		if (mine) {
			inside = 1;
			while (!go_on)
				usleep(1000);
		} else {
			while (!inside)
				usleep(1000);
			prog_ready();
		}
	}
	check_inside();
	CHECK(pthread_sigmask(SIG_SETMASK, NULL, &set) == 0);
	CHECK(sigismember(&set, SIGTERM) && sigismember(&set, SIGUSR2) && sigismember(&set, SIGUSR1));
}

static void *run(void *arg)
{
	stack_t ss = { .ss_size = SIZE }, old;
	volatile double kept = 1.5;
	sigset_t set;

	mine = arg ? 1 : 0;
	ss.ss_sp = stacks[mine];
	ss.ss_flags = mine ? (int)SS_AUTODISARM : 0;
	CHECK(sigaltstack(&ss, NULL) == 0);
	for (int i = 1; i <= 2; i++) {
		CHECK(pthread_kill(pthread_self(), SIGUSR2) == 0);
		CHECKF(calls == i, "%d", calls);
		CHECK(!on_stack() && kept == 1.5);
		CHECK(sigaltstack(NULL, &old) == 0);
		CHECK(old.ss_sp == ss.ss_sp && old.ss_size == SIZE && old.ss_flags == ss.ss_flags);
		CHECK(pthread_sigmask(SIG_SETMASK, NULL, &set) == 0);
		CHECK(!sigismember(&set, SIGTERM) && !sigismember(&set, SIGUSR2));
		go_on = 1;
	}
	return NULL;
}

int main(void)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
	static char second;
	pthread_t other;

	prog_init();
	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGTERM);
	CHECK(sigaction(SIGUSR2, &sa, NULL) == 0);
	CHECK(pthread_create(&other, NULL, run, &second) == 0);
	run(NULL);
	CHECK(pthread_join(other, NULL) == 0);
	prog_done();
}
