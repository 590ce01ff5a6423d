// SPDX-License-Identifier: GPL-2.0
#include "cmd/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/interrupt.h"

/* SIGINT, SIGTERM, SIGHUP and SIGQUIT are caught meanwhile: they end the restore. */
static const int held[] = { SIGUSR1, SIGUSR2, SIGCONT, SIGTSTP, SIGWINCH, SIGCHLD, SIGTTOU };
static const int enders[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static sigset_t ours;		/* what job_wait() takes */
static int tty = -1;		/* the terminal, if it was ours and is the job's now */

void job_prepare(void)
{
	sigemptyset(&ours);
	for (size_t i = 0; i < sizeof(held) / sizeof(*held); i++)
		sigaddset(&ours, held[i]);
	sigprocmask(SIG_BLOCK, &ours, NULL);
	for (size_t i = 0; i < sizeof(enders) / sizeof(*enders); i++) {
		struct sigaction sa;

		/* nohup: what we ignore is not for it either. */
		if (!sigaction(enders[i], NULL, &sa) && sa.sa_handler != SIG_IGN)
			sigaddset(&ours, enders[i]);
	}
}

int job_hand_terminal(pid_t pid)
{
	pid_t group = getpgid(pid);

	tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty < 0)
		return -1;
	/* A background job has no terminal to give, another session's process cannot take it. */
	if (group <= 0 || tcgetpgrp(tty) != getpgrp() || getsid(pid) != getsid(0) ||
	    tcsetpgrp(tty, group)) {
		close(tty);
		tty = -1;
	}
	return tty;
}

void job_take_terminal(pid_t pid)
{
	pid_t group = getpgid(pid);

	tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty >= 0 && (group <= 0 || group == getpgrp() || tcgetpgrp(tty) != group)) {
		close(tty);
		tty = -1;
	}
}

/* Die of the signal that ended it, without a core of our own. */
static int die_of(int sig)
{
	struct rlimit none = { 0, 0 };
	sigset_t set;

	setrlimit(RLIMIT_CORE, &none);
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 128 + sig;
}

/* True when it has ended, with *status. */
static bool look(pid_t pid, int *status)
{
	int st;

	while (waitpid(pid, &st, WNOHANG | WUNTRACED) == pid) {
		if (!WIFSTOPPED(st)) {
			*status = st;
			return true;
		}
		/* Our shell sees us stop; without a terminal nobody would continue us. */
		if (tty >= 0) {
			tcsetpgrp(tty, getpgrp());
			raise(SIGSTOP);
		}
	}
	return false;
}

static void pass_on(pid_t pid, int sig)
{
	if (sig != SIGCONT) {
		kill(pid, sig);
		return;
	}
	if (tty >= 0 && tcgetpgrp(tty) == getpgrp())
		tcsetpgrp(tty, getpgid(pid));
	kill(tty >= 0 ? -getpgid(pid) : pid, SIGCONT);
}

int job_wait(pid_t pid)
{
	int status = 0;

	sigprocmask(SIG_BLOCK, &ours, NULL);
	/* One that came between its first step and now. */
	if (ckpt_interrupted())
		kill(pid, ckpt_interrupted());
	while (!look(pid, &status)) {
		siginfo_t si;
		int sig = sigwaitinfo(&ours, &si);

		if (sig > 0 && sig != SIGCHLD && sig != SIGTTOU)
			pass_on(pid, sig);
	}
	if (tty >= 0)
		tcsetpgrp(tty, getpgrp());
	return WIFSIGNALED(status) ? die_of(WTERMSIG(status)) : WEXITSTATUS(status);
}
