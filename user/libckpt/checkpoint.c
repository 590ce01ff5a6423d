// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * ckpt_checkpoint(): the command saves the caller while this thread waits.
 *
 * The command is no child of the program and nothing of it is in the image. It
 * answers by writing into `asked` below, with process_vm_writev(); the waiting
 * thread looks there every few ms, and so needs no descriptor, no signal and no
 * shared mapping, all of which would be saved. In the image the wait has the
 * result 0, which it never has otherwise (arch/x86/selfwait.S): the restored
 * thread knows by that alone who it is, whatever the memory around it says. A
 * snapshot that catches the thread elsewhere, in a signal handler or between
 * two waits, lets it go and stops it again.
 */
#include "ckptbpf/ckptbpf.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libckpt/tool.h"

#define WAIT_NS 10000000

long ckpt_self_wait(const void *set, void *info, const void *timeout, size_t len);
extern const char ckpt_self_waiting[];

/*
 * Not on the stack: an answer that comes after a handler has left the call by
 * longjmp() must not overwrite what is there then. One call at a time; owner is
 * the process, so that a fork() of another thread does not inherit the claim.
 */
static struct {
	pid_t owner;
	struct ckpt_reply reply;
} asked;

static bool claim(void)
{
	pid_t now = __atomic_load_n(&asked.owner, __ATOMIC_ACQUIRE), self = getpid();

	return now != self && __atomic_compare_exchange_n(&asked.owner, &now, self, false,
							  __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static void unclaim(void)
{
	__atomic_store_n(&asked.owner, 0, __ATOMIC_RELEASE);
}

/* Positive: the answer is there; 0: this is the restored process; -ECHILD: there will be none. */
static int await_reply(pid_t tool)
{
	static const uint64_t nothing;
	/* The kernel's own struct timespec, which is not libc's in all 32-bit builds. */
	const struct { long sec, nsec; } timeout = { 0, WAIT_NS };

	__atomic_store_n(&asked.reply.state, CKPT_REPLY_WAITING, __ATOMIC_RELEASE);
	for (;;) {
		bool gone = kill(tool, 0) && errno == ESRCH;

		if (__atomic_load_n(&asked.reply.state, __ATOMIC_ACQUIRE) == CKPT_REPLY_DONE)
			return 1;
		if (gone)
			return -ECHILD;
		if (!ckpt_self_wait(&nothing, NULL, &timeout, sizeof(nothing)))
			return 0;
	}
}

static int checkpoint(pid_t pid, int fd)
{
	char self[64], reply[64], target[16];
	char *argv[12] = { "ckptbpf", "snapshot", "-q" };
	struct tool t = { .argv = argv, .out = fd, .detached = true };
	int n = 3, err;

	memset(&asked.reply, 0, sizeof(asked.reply));
	snprintf(reply, sizeof(reply), "--reply=%d:%llx", (int)getpid(),
		 (unsigned long long)(uintptr_t)&asked.reply);
	argv[n++] = reply;
	if (pid == getpid()) {
		snprintf(self, sizeof(self), "--self=%ld:%llx", syscall(SYS_gettid),
			 (unsigned long long)(uintptr_t)ckpt_self_waiting);
		argv[n++] = self;
	}
	argv[n++] = fd < 0 ? "--keep" : "--output=-";
	snprintf(target, sizeof(target), "%d", (int)pid);
	argv[n] = target;
	err = tool_start(&t);
	if (err)
		return tool_fail(err, "the command ckptbpf cannot be started");
	err = await_reply(t.pid);
	if (err < 0)
		return tool_fail(err, "the command ckptbpf was killed");
	if (!err)
		return 0;
	if (asked.reply.result < 0)
		return tool_fail(asked.reply.result, asked.reply.text);
	return asked.reply.result;
}

int ckpt_checkpoint(pid_t pid, int fd, uint64_t flags)
{
	int cancel, crid, saved, mode;

	if (flags)
		return tool_fail(EINVAL, "unknown flags");
	if (pid <= 0)
		return tool_fail(EINVAL, "not a process id");
	if (fd != -1) {
		mode = fcntl(fd, F_GETFL);
		if (mode < 0 || mode & O_PATH || (mode & O_ACCMODE) == O_RDONLY)
			return tool_fail(EBADF, "not a descriptor to write to");
	}
	if (!claim())
		return tool_fail(EBUSY, "another thread is in ckpt_checkpoint()");
	saved = errno;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	crid = checkpoint(pid, fd);
	unclaim();
	pthread_setcancelstate(cancel, NULL);
	if (crid >= 0)
		errno = saved;
	return crid;
}
