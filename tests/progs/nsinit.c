// SPDX-License-Identifier: GPL-2.0
/*
 * Process 1 of a test's pid namespace: adopts and reaps, so that the number of
 * a program that was killed is free for its restore. Ends when killed; the
 * kernel then ends everything in the namespace.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (;;) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		sigwait(&set, &sig);
	}
}
