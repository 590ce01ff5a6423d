// SPDX-License-Identifier: GPL-2.0
#include "cmd/asked.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flow/keeper.h"
#include "lib/cleanup.h"
#include "lib/fail.h"

/* What the process that takes the snapshot leaves behind. */
struct outcome {
	int err;		/* of snapshot_run() */
	bool done;
	uint32_t crid;
	char text[256];
};

static void take(const struct snapshot_opts *o, struct outcome *out, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	out->err = snapshot_run(o);
	out->crid = o->caller->crid;
	if (ckpt_fail_text())
		snprintf(out->text, sizeof(out->text), "%s", ckpt_fail_text());
	out->done = true;
	fflush(NULL);
	_exit(0);
}

static int wait_for(pid_t pid, const struct outcome *out, pid_t target)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return ckpt_fail(-errno, target, "wait");
	if (!out->done)
		return ckpt_fail(-EIO, target, "the snapshot was ended by signal %d", WTERMSIG(status));
	return out->err;
}

static int run(struct snapshot_opts *o, const struct ckpt_reply_to *to, bool keep, struct outcome *out)
{
	cleanup_close int memory = -1;
	pid_t pid, self = getpid();
	int err = 0;

	if (to->pid)
		err = ckpt_reply_await(to);
	if (err)
		return ckpt_fail(err, to->pid, "the caller");
	if (keep) {
		memory = keeper_memory();
		if (memory < 0)
			return memory;
	}
	pid = fork();
	if (pid < 0)
		return ckpt_fail(-errno, 0, "fork");
	if (!pid) {
		if (keep && dup2(memory, STDOUT_FILENO) < 0)
			_exit(1);
		take(o, out, self);
	}
	err = wait_for(pid, out, o->pid);
	if (err >= 0 && keep && keeper_start(memory, out->crid))
		err = ckpt_fail_err();
	return err;
}

int asked_run(struct snapshot_opts *o, const struct ckpt_reply_to *to, bool keep)
{
	struct snapshot_caller none = { 0 };
	struct outcome *out = mmap(NULL, sizeof(*out), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int err;

	if (out == MAP_FAILED)
		return ckpt_fail(-ENOMEM, 0, "out of memory");
	if (!o->caller)
		o->caller = &none;
	if (keep)
		o->out = "-";
	err = run(o, to, keep, out);
	if (to->pid) {
		ckpt_reply_send(to, err < 0 ? err : (int)out->crid,
				out->text[0] ? out->text : ckpt_fail_text());
		ckpt_fail_clear();
	} else if (err >= 0) {
		printf("%u\n", out->crid);
	} else if (out->text[0]) {
		fprintf(stderr, "%s\n", out->text);
	}
	munmap(out, sizeof(*out));
	return err;
}
