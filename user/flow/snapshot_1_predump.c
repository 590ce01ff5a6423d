// SPDX-License-Identifier: GPL-2.0
/* Everything that can be done while the target still runs. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "flow/page_writer.h"
#include "engine/feature.h"
#include "flow/snapshot.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"
#include "res/told.h"

/* A target below this is copied as a whole before it is let go, and written afterwards. */
#define BUFFER_MAX (16u << 20)

/* Parent of pid, and its state's letter; 0 if it is gone. */
static pid_t parent_of(pid_t pid, char *state)
{
	char path[40], *s = NULL, *at;
	pid_t ppid = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (ckpt_slurp(path, &s, NULL))
		return 0;
	at = strrchr(s, ')');
	if (at)
		sscanf(at + 1, " %c %d", state, &ppid);
	free(s);
	return ppid;
}

/* Ourselves, or a process whose stop would stop us: our shell waits for us. */
static int check_relation(pid_t pid)
{
	char state = 0;

	if (pid == 1)
		return ckpt_fail(-EINVAL, pid, "it is the first process of its pid namespace");
	if (pid == getpid())
		return ckpt_fail(-EINVAL, pid, "that is this command itself");
	for (pid_t p = getppid(); p > 1; p = parent_of(p, &state))
		if (p == pid)
			return ckpt_fail(-EINVAL, pid, "this command runs below it");
	return 0;
}

/* kB of a line of /proc/PID/status, in bytes. */
static uint64_t status_bytes(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at ? strtoull(at + strlen(key), NULL, 10) * 1024 : 0;
}

static int check_target(struct snapshot *s)
{
	pid_t pid = s->o->pid;
	char path[40], exe[8], state = 0;
	cleanup_free char *status = NULL;
	const char *tgid, *threads;
	int err;

	if (pid <= 0)
		return ckpt_fail(-EINVAL, 0, "%d is not a process id", (int)pid);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	err = ckpt_slurp(path, &status, NULL);
	if (err)
		return ckpt_fail(err == -ENOENT ? -ESRCH : err, pid, "no such process");
	s->expected = status_bytes(status, "\nRssAnon:") + status_bytes(status, "\nVmSwap:");
	tgid = strstr(status, "\nTgid:");
	if (tgid && atoi(tgid + 6) != pid)
		return ckpt_fail(-EINVAL, pid, "it is a thread of process %d", atoi(tgid + 6));
	err = check_relation(pid);
	if (err)
		return err;
	parent_of(pid, &state);
	threads = strstr(status, "\nThreads:");
	if (state == 'Z' && threads && atoi(threads + 9) > 1)
		return ckpt_fail(-EOPNOTSUPP, pid, "its leader has exited, other threads go on");
	if (state == 'Z' || state == 'X')
		return ckpt_fail(-EINVAL, pid, "it is a zombie: it has ended already");
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (readlink(path, exe, sizeof(exe)) < 0) {
		if (errno == ENOENT)
			return ckpt_fail(-EINVAL, pid, "it is a kernel thread");
		return ckpt_fail(-errno, pid, "may not be looked into (%s)",
				 ckpt_feature_no_access());
	}
	return 0;
}

/* Someone else's freezer would keep it, and us, waiting for ever. */
static int check_frozen(pid_t pid)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	cleanup_free char *cg = NULL;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if (ckpt_slurp(path, &cg, NULL))
		return 0;
	for (char *save = NULL, *l = strtok_r(cg, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		const char *v1 = strstr(l, ":freezer:"), *at = strchr(l, '/');
		char file[4200];

		for (size_t i = 0; at && i < 2; i++) {
			cleanup_free char *text = NULL;

			if (v1)
				snprintf(file, sizeof(file), "/sys/fs/cgroup/freezer%s/freezer.state", at);
			else if (!strncmp(l, "0::", 3))
				snprintf(file, sizeof(file), "%s%s/cgroup.events", roots[i], at);
			else
				break;
			if (!ckpt_slurp(file, &text, NULL) &&
			    (strstr(text, "FROZEN") || strstr(text, "frozen 1")))
				return ckpt_fail(-EBUSY, pid, "its cgroup is frozen by someone else");
		}
	}
	return 0;
}

static bool to_stdout(const struct snapshot *s)
{
	return s->o->out && !strcmp(s->o->out, "-");
}

/* If the target holds the other end of our output, it could never read while it is stopped. */
static int check_output_pipe(const struct snapshot *s)
{
	char path[40];
	struct stat out, st;

	if (!to_stdout(s))
		return 0;
	if (fstat(STDOUT_FILENO, &out) || isatty(STDOUT_FILENO))
		return ckpt_fail(-EINVAL, 0, "an image does not go to a terminal");
	if (!S_ISFIFO(out.st_mode))
		return 0;
	for (int fd = 0; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)s->o->pid, fd);
		if (!stat(path, &st) && S_ISFIFO(st.st_mode) && st.st_ino == out.st_ino)
			return ckpt_fail(-EINVAL, s->o->pid, "it is at the other end of the output (fd %d)",
					 fd);
	}
	return 0;
}

static int open_memory(struct snapshot *s)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)s->o->pid);
	s->mem_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->mem_fd < 0)
		return ckpt_fail(-errno, s->o->pid, "its memory may not be read (%s)",
				 ckpt_feature_no_access());
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)s->o->pid);
	s->pagemap_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->pagemap_fd < 0)
		return ckpt_fail(-errno, s->o->pid, "pagemap: open");
	return 0;
}

static int open_output(struct snapshot *s)
{
	const char *out = s->o->out;
	int err;

	if (out && !strcmp(out, "-"))
		return ckpt_writer_open_fd(&s->w, STDOUT_FILENO);
	if (out)
		s->path = strdup(out);
	else if (asprintf(&s->path, "ckpt.%d.%u.img", (int)s->o->pid, s->crid) < 0)
		s->path = NULL;
	if (!s->path)
		return ckpt_fail(-ENOMEM, 0, "name of the image");
	err = ckpt_writer_open_path(&s->w, s->path, s->o->force);
	return err;
}

/*
 * A page fault costs some 2 us: what the copy is going to need is faulted in
 * now, so that the stop does not wait for it.
 */
static int make_buffer(struct snapshot *s)
{
	uint64_t need = s->expected + s->expected / 8 + (256u << 10);

	if (need > BUFFER_MAX)
		need = (s->o->packing.codec ? PAGE_SLOTS_MAX : PAGE_SLOTS) * SNAPSHOT_CHUNK * CKPT_PAGE_SIZE;
	s->buf_len = BUFFER_MAX;
	s->buf = mmap(NULL, s->buf_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	s->addrs = malloc(s->buf_len / CKPT_PAGE_SIZE * sizeof(*s->addrs));
	if (s->buf == MAP_FAILED || !s->addrs)
		return ckpt_fail(-ENOMEM, s->o->pid, "buffer");
	/* Since 5.14; before, the faults come later. */
	madvise(s->buf, need, MADV_POPULATE_WRITE);
	return 0;
}

/* Programs, buffers, the way to its memory: all that the stop shall not wait for. */
static int prepare(struct snapshot *s)
{
	int err;

	s->d.pidfd = (int)syscall(SYS_pidfd_open, s->o->pid, 0);
	if (s->d.pidfd < 0)
		return ckpt_fail(-errno, s->o->pid, "pidfd_open");
	res_told_look(&s->d);
	err = open_memory(s);
	if (!err)
		err = ckpt_bpf_open(&s->bpf);
	if (!err && res_filecheck_predump(&s->d))
		err = ckpt_fail(-ENOMEM, s->o->pid, "build-ids");
	if (!err && !s->o->dry_run) {
		err = crid_take(&s->crid);
		if (!err && !s->w)
			err = open_output(s);
		if (!err)
			err = ckpt_writer_packing(s->w, &s->o->packing);
		s->d.w = s->w;
	}
	if (!err)
		err = make_buffer(s);
	if (!err)
		err = ckpt_engine_open(&s->engine, s->o->engine);
	return err ? err : snapshot_clone_prepare(s);
}

int snapshot_predump(struct snapshot *s)
{
	int err = check_output_pipe(s);

	/* The reader of a stream learns why there is no image, whatever fails. */
	if (!err && to_stdout(s) && !s->o->dry_run)
		err = open_output(s);
	if (!err)
		err = check_target(s);
	if (!err)
		err = check_frozen(s->o->pid);
	if (!err)
		err = prepare(s);
	/* Last: from here on a signal to the target goes through us. */
	return err ? err : s->engine.ops->attach(&s->engine, s->o->pid);
}
