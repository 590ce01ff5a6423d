// SPDX-License-Identifier: GPL-2.0
#include "lib/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>

#include "lib/fail.h"

static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
	if (sig != SIGALRM)
		caught = sig;
}

void ckpt_interrupt_catch(void)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM };
	struct sigaction sa = { .sa_handler = on_signal };	/* no SA_RESTART: calls break */

	for (size_t i = 0; i < sizeof(sigs) / sizeof(*sigs); i++) {
		struct sigaction old;

		/* nohup and background shells: what was ignored stays ignored. */
		if (sigs[i] != SIGALRM && !sigaction(sigs[i], NULL, &old) &&
		    old.sa_handler == SIG_IGN)
			continue;
		sigaction(sigs[i], &sa, NULL);
	}
}

int ckpt_interrupted(void)
{
	return caught;
}

int ckpt_interrupt_check(void)
{
	if (!caught)
		return 0;
	return ckpt_fail(-EINTR, 0, "interrupted by SIG%s", sigabbrev_np(caught));
}

void ckpt_interrupt_tick(unsigned int ms)
{
	struct timeval t = { ms / 1000, (suseconds_t)(ms % 1000) * 1000 };
	struct itimerval it = { t, t };

	setitimer(ITIMER_REAL, &it, NULL);
}
