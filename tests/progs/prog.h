/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The contract of a program under test:
 *
 *   1. It calls prog_init(), sets up a state and calls prog_ready(), which
 *      prints `ready` and waits for SIGUSR1. Snapshots happen there.
 *   2. On SIGUSR1 it checks itself, by CHECK() for each thing that must have
 *      survived, and ends by prog_done(): `ok` and status 0, or it has ended
 *      at the first failed CHECK() with `FAIL file:line: why` and status 1.
 *
 * Standard output is its log, a regular file; standard input is /dev/null. The
 * arguments a program takes are named in the comment at its top. It must pass
 * its own check when nobody snapshots it at all, else the check is wrong.
 */
#ifndef PROG_H
#define PROG_H

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void prog_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline void prog_say(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	/* One write per line and no buffer that a snapshot could double. */
	if (write(STDOUT_FILENO, line, n) != n)
		_exit(3);
}

#define CHECK(cond) CHECKF(cond, "%s", "")
#define CHECKF(cond, fmt, ...) do {					\
	if (!(cond)) {							\
		int err__ = errno;					\
									\
		prog_say("FAIL %s:%d: %s " fmt " (errno %d)", __FILE__,	\
			 __LINE__, #cond, __VA_ARGS__, err__);		\
		_exit(1);						\
	}								\
} while (0)

/* First in main(), before any thread: SIGUSR1 waits for prog_ready(). */
static inline void prog_init(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

/* Returns when the test wants the check: after any number of snapshots. */
static inline void prog_ready(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	prog_say("ready");
	CHECK(sigwait(&set, &sig) == 0 && sig == SIGUSR1);
}

static inline void prog_done(void)
{
	prog_say("ok");
	_exit(0);
}

#endif
