// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * ckpt_restart(): the command makes the process as a child of ours, tells its
 * pid and ends; being the subreaper we inherit it. Until then the caller is
 * whole. Only when the process runs do we become the command, which waits for
 * it: exec leaves nothing of us but the pid, the terminal and that child.
 */
#include "ckptbpf/ckptbpf.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libckpt/tool.h"

/* Those that end a restore are passed on to the command, and then are ours again. */
static const int enders[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
/* For the restored process; kept until someone can pass them on. */
static const int held[] = { SIGUSR1, SIGUSR2, SIGCONT, SIGTSTP, SIGWINCH, SIGCHLD, SIGTTOU };

static struct ckpt_reply reply;

struct before {
	sigset_t mask;
	struct sigaction chld;
	int subreaper;
};

static void prepare(struct before *b, sigset_t *end)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigemptyset(end);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(enders) / sizeof(*enders); i++) {
		sigaddset(end, enders[i]);
		sigaddset(&set, enders[i]);
	}
	for (size_t i = 0; i < sizeof(held) / sizeof(*held); i++)
		sigaddset(&set, held[i]);
	pthread_sigmask(SIG_BLOCK, &set, &b->mask);
	/* Ignored, it would take the exit status away. */
	sigaction(SIGCHLD, &dfl, &b->chld);
	if (prctl(PR_GET_CHILD_SUBREAPER, &b->subreaper))
		b->subreaper = 0;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

static void undo(const struct before *b, int sig)
{
	prctl(PR_SET_CHILD_SUBREAPER, b->subreaper, 0, 0, 0);
	sigaction(SIGCHLD, &b->chld, NULL);
	if (sig)
		raise(sig);
	pthread_sigmask(SIG_SETMASK, &b->mask, NULL);
}

/* Until the command has ended; the signal that it was ended by on its way, 0: none. */
static int await_end(pid_t tool, const sigset_t *end)
{
	const struct timespec look = { 0, 5000000 };
	int seen = 0;

	for (;;) {
		pid_t got = waitpid(tool, NULL, WNOHANG);
		int sig;

		if (got == tool || (got < 0 && errno != EINTR))
			return seen;
		sig = sigtimedwait(end, NULL, &look);
		if (sig > 0) {
			seen = sig;
			kill(tool, sig);
		}
	}
}

static int restart(int crid, int fd)
{
	char to[64], which[32], attend[32];
	char *first[] = { "ckptbpf", "restore", "-q", to, which, NULL };
	char *second[] = { "ckptbpf", "restore", attend, NULL };
	struct tool t = { .argv = first, .out = fd };
	struct before before;
	sigset_t end;
	int err, sig;

	memset(&reply, 0, sizeof(reply));
	snprintf(to, sizeof(to), "--reply=%d:%llx", (int)getpid(),
		 (unsigned long long)(uintptr_t)&reply);
	if (fd < 0)
		snprintf(which, sizeof(which), "--crid=%d", crid);
	else
		snprintf(which, sizeof(which), "--image-fd=%d", fd);
	prepare(&before, &end);
	err = tool_start(&t);
	if (err) {
		undo(&before, 0);
		return tool_fail(err, "the command ckptbpf cannot be started");
	}
	sig = await_end(t.pid, &end);
	if (reply.state != CKPT_REPLY_DONE || reply.result <= 0) {
		undo(&before, sig);
		if (reply.state != CKPT_REPLY_DONE)
			return tool_fail(ECHILD, "the command ckptbpf was killed");
		return tool_fail(reply.result ? reply.result : EIO, reply.text);
	}
	/* Came too late to end the restore: it is for the process. */
	if (sig)
		kill(reply.result, sig);
	snprintf(attend, sizeof(attend), "--attend=%d", (int)reply.result);
	err = tool_exec(second);
	/* A moment ago it could be started; without it nobody waits for the process. */
	kill(reply.result, SIGKILL);
	waitpid(reply.result, NULL, 0);
	undo(&before, 0);
	return tool_fail(err, "the command ckptbpf cannot be started");
}

int ckpt_restart(int crid, int fd, uint64_t flags)
{
	int cancel, mode, ret;

	if (flags)
		return tool_fail(EINVAL, "unknown flags");
	if (fd == -1 && crid <= 0)
		return tool_fail(EINVAL, "neither a descriptor nor an image's number");
	if (fd != -1) {
		mode = fcntl(fd, F_GETFL);
		if (mode < 0 || mode & O_PATH || (mode & O_ACCMODE) == O_WRONLY)
			return tool_fail(EBADF, "not a descriptor to read from");
	}
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	ret = restart(crid, fd);
	pthread_setcancelstate(cancel, NULL);
	return ret;
}
