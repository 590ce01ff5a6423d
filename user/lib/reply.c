// SPDX-License-Identifier: GPL-2.0
#include "lib/reply.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#define AWAIT_TRIES	5000	/* of 2 ms */

int ckpt_reply_parse(const char *arg, struct ckpt_reply_to *to)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(arg, &end, 10);
	if (errno || pid <= 0 || pid > INT_MAX || *end != ':')
		return 0;
	to->pid = (pid_t)pid;
	to->addr = strtoull(end + 1, &end, 16);
	return !errno && !*end && to->addr;
}

static int copy(const struct ckpt_reply_to *to, size_t off, void *buf, size_t len, int out)
{
	struct iovec local = { buf, len }, remote = { (void *)(uintptr_t)(to->addr + off), len };
	ssize_t n = out ? process_vm_writev(to->pid, &local, 1, &remote, 1, 0) :
			  process_vm_readv(to->pid, &local, 1, &remote, 1, 0);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EFAULT;
}

int ckpt_reply_await(const struct ckpt_reply_to *to)
{
	struct timespec nap = { 0, 2000000 };

	for (int i = 0; i < AWAIT_TRIES; i++) {
		uint32_t state;
		int err = copy(to, offsetof(struct ckpt_reply, state), &state, sizeof(state), 0);

		if (err)
			return err;
		if (state == CKPT_REPLY_WAITING)
			return 0;
		nanosleep(&nap, NULL);
	}
	return -ETIMEDOUT;
}

void ckpt_reply_send(const struct ckpt_reply_to *to, int result, const char *text)
{
	struct ckpt_reply r = { .state = CKPT_REPLY_DONE, .result = result };
	size_t rest = offsetof(struct ckpt_reply, result);

	snprintf(r.text, sizeof(r.text), "%s", text ? text : "");
	/* The state last: who sees it may read the rest. */
	if (!copy(to, rest, &r.result, sizeof(r) - rest, 1))
		copy(to, 0, &r.state, sizeof(r.state), 1);
}
