// SPDX-License-Identifier: GPL-2.0
/*
 * The process comes into being with its old pid. What libc is good for (paths,
 * descriptors) it does as a copy of us; then it enters the restorer.
 */
#include "flow/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fail.h"
#include "lib/log.h"
#include "res/ghost.h"
#include "res/shmem.h"
#include "restorer_arch.h"
#include "restorer_blob.h"

/* ---- in the child ---- */

/* The line that our copy of ckpt_fail() holds, to the original. */
static void __attribute__((noreturn)) child_fail(struct restore *r, int err)
{
	struct blob_report *rep = r->proc.report;
	const char *text = ckpt_fail_text();

	/* Without the name of the command, which the other side adds. */
	if (text && strchr(text, ' '))
		text = strchr(text, ' ') + 1;
	snprintf(rep->text, sizeof(rep->text), "%s", text ? text : "");
	rep->failed.step = BLOB_NSTEPS;
	__atomic_store_n(&rep->err, err, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&rep->event, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &rep->event, FUTEX_WAKE, 1, NULL, NULL, 0);
	_exit(125);
}

/* fd at keep_from or above, where nothing of the image will come; the old number is closed. */
static int lift(const struct restore *r, int fd, int keep_from)
{
	int high;

	if (fd < 0 || fd >= keep_from)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, keep_from);
	if (high < 0)
		return ckpt_fail(-errno, r->proc.pid, "descriptor from %d on", keep_from);
	close(fd);
	return high;
}

/* A group or session that is not its own comes from us: then it gets a group of its own. */
static int join_session(const struct plan_task *t)
{
	if (t->rec.sid == t->rec.pid) {
		if (setsid() < 0)
			return ckpt_fail(-errno, t->rec.pid, "setsid");
		return 0;
	}
	if (setpgid(0, 0))
		return ckpt_fail(-errno, t->rec.pid, "setpgid");
	return 0;
}

/* One descriptor for each file that is mapped, two if some mapping of it is shared and may be written. */
static int open_mapped(struct restore *r, int keep_from)
{
	const struct restore_proc *p = &r->proc;
	int *fds = malloc(2 * (r->plan.files.n + 1) * sizeof(*fds));
	struct blob_vma *b = p->blob->vmas;

	if (!fds)
		return ckpt_fail(-ENOMEM, p->pid, "mapped files");
	memset(fds, 0xff, 2 * (r->plan.files.n + 1) * sizeof(*fds));
	for (size_t i = 0; i < p->task->mm.vmas.n; i++) {
		const struct ckpt_vma *v = &p->task->mm.vmas.v[i];
		const struct plan_file *f = plan_file(&r->plan, v->file);
		/* Whatever it is now: mprotect() may make it what the file's mode allows. */
		bool write = f && (v->flags & CKPT_VMA_SHARED) &&
			     (f->rec.flags & O_ACCMODE) == O_RDWR &&
			     (f->rec.kind != CKPT_FILE_SHMEM ||
			      res_shmem_maps_writable(&r->plan, f, v));
		size_t at;

		if (v->kind != CKPT_VMA_ANON && v->kind != CKPT_VMA_FILE)
			continue;
		if (v->kind == CKPT_VMA_FILE) {
			at = 2 * (size_t)(f - r->plan.files.v) + write;
			if (fds[at] < 0)
				fds[at] = lift(r, res_file_open_mapped(&r->plan, v->file, write),
					       keep_from);
			if (fds[at] < 0)
				return fds[at];
			b->fd = fds[at];
		}
		b++;
	}
	free(fds);
	return 0;
}

static int open_exe(struct restore *r, int keep_from)
{
	const struct restore_proc *p = &r->proc;
	uint32_t exe = p->task->mm.rec.exe;
	int fd = lift(r, res_file_open_mapped(&r->plan, exe, false), keep_from);
	bool late = plan_file(&r->plan, exe)->rec.kind == CKPT_FILE_GHOST;

	p->blob->late_exe = late ? fd : -1;
	p->blob->mm.exe_fd = late ? ~0u : (uint32_t)fd;
	return fd < 0 ? fd : 0;
}

/* As many descriptors as we may have: the image's own limit comes last. */
static void raise_nofile(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim))
		return;
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
}

/*
 * Belongs to the address space, not to what is mapped in it: made here, it
 * serves the mappings to come. That there is none is no failure.
 */
static void make_uffd(struct restore *r, int keep_from)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	if (fd >= 0)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, keep_from);
	if (fd >= 0)
		r->proc.report->uffd = fd;
}

static int prepare(struct restore *r, int park_fd)
{
	struct restore_proc *p = &r->proc;
	int keep_from = res_file_first_free(&r->plan);
	int err = join_session(p->task);

	if (err)
		return err;
	/* READ_IMPLIES_EXEC, if we have it, would change every mapping. */
	personality(0);
	raise_nofile();
	/* Before the root is another, which may have no /proc. */
	err = res_mmopt_restore(p->task, p->blob);
	if (!err)
		err = res_fs_restore(&r->plan, p->task);
	if (!err)
		err = res_shmem_lift(&r->plan, keep_from);
	if (!err)
		err = res_ghost_lift(&r->plan, keep_from);
	if (!err)
		err = open_mapped(r, keep_from);
	if (err)
		return err;
	err = open_exe(r, keep_from);
	if (err < 0)
		return err;
	park_fd = lift(r, park_fd, keep_from);
	if (park_fd < -1)
		return park_fd;
	make_uffd(r, keep_from);
	p->blob->park_fd = park_fd;
	p->blob->keep_from = keep_from;
	err = res_file_restore(&r->plan, p->task, &r->a->res, keep_from);
	/* Open for writing; the descriptions that the program had are others. */
	res_ghost_close(&r->plan);
	return err;
}

static void __attribute__((noreturn)) child(struct restore *r, pid_t parent, int park_fd)
{
	struct restore_proc *p = &r->proc;
	struct blob_report *rep = p->report;
	int err;

	p->pid = getpid();
	/* Until an engine holds us, and beside it: without the orchestrator we are nothing. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(125);
	while (__atomic_load_n(&rep->go, __ATOMIC_SEQ_CST) == BLOB_WAIT)
		syscall(SYS_futex, &rep->go, FUTEX_WAIT, BLOB_WAIT, NULL, NULL, 0);
	err = prepare(r, park_fd);
	if (err)
		child_fail(r, err);
	arch_jump((void *)(p->base + RESTORER_OFF_restorer_entry), p->blob, (void *)p->stack_top);
}

/* ---- in the orchestrator ---- */

static int open_mem(struct restore_proc *p)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)p->pid);
	p->mem = open(path, O_RDWR | O_CLOEXEC);
	return p->mem < 0 ? ckpt_fail(-errno, p->pid, "%s", path) : 0;
}

static int make(struct restore *r, int park_fd)
{
	struct restore_proc *p = &r->proc;
	pid_t want = p->task->rec.pid, me = getpid();
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&want, .set_tid_size = 1,
	};
	int err, own_time;
	sigset_t all, old;
	unsigned long slack;
	long pid;

	err = res_clocks_choose(&p->task->clocks, r->plan.header.boot_id, r->a->res.clock, &r->clocks);
	if (!err)
		err = res_clocks_enter(&r->clocks, want, &own_time);
	if (err)
		return err;
	/* It lives with every signal blocked until it gets its own mask. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	slack = res_prctl_be_maker(p->task);
	pid = syscall(SYS_clone3, &args, sizeof(args));
	/* Seen by nobody any more, a number can be in use for a moment yet. */
	for (int i = 0; pid < 0 && errno == EEXIST && i < 100; i++) {
		usleep(1000);
		pid = syscall(SYS_clone3, &args, sizeof(args));
	}
	if (!pid)
		child(r, me, park_fd);
	pid = pid < 0 ? -errno : pid;
	res_prctl_was_maker(slack);
	sigprocmask(SIG_SETMASK, &old, NULL);
	res_clocks_leave(own_time);
	if (pid == -EPERM)
		return ckpt_fail(-EPERM, want, "clone3: a pid can be chosen only with CAP_CHECKPOINT_RESTORE");
	if (pid == -EEXIST)
		return ckpt_fail(-EEXIST, want, "pid %d is in use", (int)want);
	if (pid < 0)
		return ckpt_fail((int)pid, want, "clone3");
	p->pid = (pid_t)pid;
	return 0;
}

int restore_spawn(struct restore *r)
{
	struct restore_proc *p = &r->proc;
	size_t n;
	int err, park_fd;

	p->task = &r->plan.tasks.v[0];
	n = p->task->threads.n;
	p->tids = calloc(n, sizeof(*p->tids));
	p->calls = calloc(n, sizeof(*p->calls));
	p->circles = calloc(n, sizeof(*p->circles));
	if (!p->tids || !p->calls || !p->circles)
		return ckpt_fail(-ENOMEM, p->task->rec.pid, "threads");
	for (size_t i = 0; i < n; i++) {
		p->tids[i] = p->task->threads.v[i].rec.tid;
		p->circles[i] = res_prctl_is_strict(&p->task->threads.v[i]);
	}
	park_fd = r->engine.ops->park_fd(&r->engine);
	if (park_fd < -1)
		return park_fd;
	err = restore_map_region(r);
	if (!err)
		err = res_shmem_make(&r->plan);
	if (!err)
		err = res_ghost_make(&r->plan);
	if (!err)
		err = make(r, park_fd);
	if (!err)
		err = r->engine.ops->adopt(&r->engine, p->pid);
	if (!err)
		err = open_mem(p);
	if (!err)
		pr_debug("restore: %d: made, rebuilds itself from %#llx on", (int)p->pid,
			 (unsigned long long)p->base);
	if (!err)
		restore_tell(r, BLOB_GO_START);
	return err;
}
