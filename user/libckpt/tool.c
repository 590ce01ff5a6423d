// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "libckpt/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ckptbpf/ckptbpf.h"

#define STACK_SIZE (256u << 10)		/* of each of the two below; touched as far as needed */

static __thread char reason[sizeof(((struct ckpt_reply *)0)->text)];

const char *ckpt_reason(void)
{
	return reason;
}

int tool_fail(int err, const char *text)
{
	snprintf(reason, sizeof(reason), "%s", text);
	errno = err < 0 ? -err : err;
	return -1;
}

int tool_exec(char **argv)
{
	const char *named = secure_getenv("CKPTBPF_TOOL");

	if (named && *named) {
		execv(named, argv);
		return -errno;
	}
	execv(CKPT_TOOL_PATH, argv);
	/* A program with more rights than its user does not search the user's path. */
	if (errno == ENOENT && !getauxval(AT_SECURE))
		execvp("ckptbpf", argv);
	return -errno;
}

static void reset_signals(bool keep_ignored)
{
	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction sa;

		if (sigaction(sig, NULL, &sa))
			continue;
		/* An ignored SIGCHLD would take its own children's status from it. */
		if (sa.sa_handler == SIG_IGN && keep_ignored && sig != SIGCHLD)
			continue;
		sa = (struct sigaction){ .sa_handler = SIG_DFL };
		sigaction(sig, &sa, NULL);
	}
}

/* Only the image: another pipe that it kept open would not end for its reader. */
static void only_output(int out)
{
	int null;

	if (out == STDOUT_FILENO)
		fcntl(out, F_SETFD, 0);
	else if (out >= 0)
		dup2(out, STDOUT_FILENO);
	null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	dup2(null, STDERR_FILENO);
	if (out < 0)
		dup2(null, STDOUT_FILENO);
	syscall(SYS_close_range, 3u, ~0u, 0u);
}

/* In the new process, in our memory until exec: nothing here may change what is not its own. */
static int command(void *arg)
{
	struct tool *t = arg;
	sigset_t none;

	reset_signals(!t->detached);
	if (t->detached) {
		setsid();
		only_output(t->out);
	} else {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (t->out >= 0)
			fcntl(t->out, F_SETFD, 0);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	t->err = tool_exec(t->argv);
	_exit(127);
}

static void *stack_top(void *stacks, int i)
{
	return (char *)stacks + (size_t)(i + 1) * STACK_SIZE;
}

static void *stacks;	/* as long as the start lasts; under start_lock */

static int between(void *arg)
{
	struct tool *t = arg;

	t->pid = clone(command, stack_top(stacks, 1), CLONE_VM | CLONE_VFORK | SIGCHLD, t);
	if (t->pid < 0)
		t->err = -errno;
	_exit(0);
}

/*
 * The process between ends at once: the command is then a child of init (or of
 * a subreaper), and the program that is saved has none. It ends without a
 * signal and is not seen by wait(): only by __WCLONE, for whoever knows it.
 */
static int start_detached(struct tool *t)
{
	pid_t pid = clone(between, stack_top(stacks, 0), CLONE_VM | CLONE_VFORK, t);

	if (pid < 0)
		return -errno;
	while (waitpid(pid, NULL, __WCLONE) < 0 && errno == EINTR)
		;
	return t->err;
}

static int start_child(struct tool *t)
{
	t->pid = clone(command, stack_top(stacks, 0), CLONE_VM | CLONE_VFORK | SIGCHLD, t);
	if (t->pid < 0)
		return -errno;
	if (t->err)
		waitpid(t->pid, NULL, 0);
	return t->err;
}

int tool_start(struct tool *t)
{
	static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;
	sigset_t all, old;
	int err;

	reason[0] = 0;
	t->err = 0;
	/* A handler that ran in the new process would run in our memory. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_mutex_lock(&start_lock);
	stacks = mmap(NULL, 2 * STACK_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stacks == MAP_FAILED) {
		err = -errno;
	} else {
		err = t->detached ? start_detached(t) : start_child(t);
		munmap(stacks, 2 * STACK_SIZE);
	}
	pthread_mutex_unlock(&start_lock);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}
