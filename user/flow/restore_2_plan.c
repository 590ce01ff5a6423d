// SPDX-License-Identifier: GPL-2.0
/* Can this image become a process here? Everything that is refused is refused before anything is made. */
#include "flow/restore.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/interrupt.h"
#include "lib/io.h"
#include "lib/log.h"
#include "res/ghost.h"
#include "xfeatures.h"

#define WAIT_STREAM_S	10	/* the writer of a pipe ends its target after we have read the tail */
#define WAIT_ZOMBIE_S	2	/* whoever has to reap it does so soon, or never */

static int check_machine(const struct restore *r)
{
	const struct ckpt_plan *p = &r->plan;

	if (p->tasks.n != 1)
		return ckpt_fail(-EOPNOTSUPP, 0, "the image has %zu processes: one can be restored",
				 p->tasks.n);
	if (p->arch.arch != CKPT_ARCH_X86_64)
		return ckpt_fail(-EOPNOTSUPP, 0, "the image is of another architecture (%u)",
				 p->arch.arch);
	if (p->header.page_size != (uint32_t)sysconf(_SC_PAGESIZE))
		return ckpt_fail(-EOPNOTSUPP, 0, "the image has pages of %u bytes, this kernel of %ld",
				 p->header.page_size, sysconf(_SC_PAGESIZE));
	return 0;
}

/* The components that are in use must exist here; those that are not need no place. */
static int check_xstate(struct restore *r)
{
	uint64_t ours = arch_xfeatures(), other = r->plan.arch.xfeatures & ~ours;

	for (size_t i = 0; i < r->plan.tasks.v[0].threads.n; i++) {
		const struct plan_thread *t = &r->plan.tasks.v[0].threads.v[i];
		uint64_t lost = t->xfeatures & ~ours;
		pid_t pid = r->plan.tasks.v[0].rec.pid;

		if (!t->xstate || !t->have_cpu)
			return ckpt_fail(-EINVAL, pid, "thread %d: no registers in the image",
					 t->rec.tid);
		if (lost)
			return ckpt_fail(-EOPNOTSUPP, pid, "thread %d: it uses %s, which this CPU or kernel lacks",
					 t->rec.tid,
					 arch_xfeature_name((unsigned int)__builtin_ctzll(lost)));
	}
	if (other)
		pr_warn("restore: the image is from a CPU with %s; the program may use it later and fail",
			arch_xfeature_name((unsigned int)__builtin_ctzll(other)));
	return 0;
}

/*
 * The program has addresses of the vdso's functions, and may have been stopped
 * within one: the same code must lie at the same place behind the same vvar.
 */
static int check_vdso(struct restore *r)
{
	const struct plan_task *t = &r->plan.tasks.v[0];
	const struct ckpt_header *h = &r->plan.header;
	const struct ckpt_header_arch *arch = &r->plan.arch;
	uint64_t first = 0;
	struct utsname uts;
	int err;

	if (!t->mm.rec.vdso || !arch->vdso_len)
		return ckpt_fail(-EOPNOTSUPP, t->rec.pid, "it has no vdso");
	err = ckpt_vdso_self(&r->vdso);
	if (err)
		return err;
	uname(&uts);
	if (r->vdso.len != arch->vdso_len || memcmp(r->vdso.xxh3, arch->vdso_xxh3, sizeof(r->vdso.xxh3)))
		return ckpt_fail(-EOPNOTSUPP, t->rec.pid,
				 "its vdso is that of another kernel (%u.%u.%u, here %s)",
				 h->kernel_major, h->kernel_minor, h->kernel_patch, uts.release);
	for (size_t i = 0; i < t->mm.vmas.n && !first; i++)
		if (t->mm.vmas.v[i].kind == CKPT_VMA_VVAR || t->mm.vmas.v[i].kind == CKPT_VMA_VDSO)
			first = t->mm.vmas.v[i].start;
	if (t->mm.rec.vdso - first != r->vdso.code - r->vdso.start)
		return ckpt_fail(-EOPNOTSUPP, t->rec.pid,
				 "its vvar lies %#llx before its vdso, this kernel's %#llx",
				 (unsigned long long)(t->mm.rec.vdso - first),
				 (unsigned long long)(r->vdso.code - r->vdso.start));
	return 0;
}

/* no_new_privs cannot be taken off again: the program would have more of it than before. */
static int check_privs(struct restore *r)
{
	const struct plan_task *t = &r->plan.tasks.v[0];
	int err = 0;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 0;
	for (size_t i = 0; i < t->threads.n && !err; i++)
		if (!(t->threads.v[i].rec.flags & CKPT_THREAD_NO_NEW_PRIVS))
			err = res_lose(&r->losses, -EPERM, t->rec.pid,
				       "thread %d: it would get the restorer's no_new_privs",
				       t->threads.v[i].rec.tid);
	return err;
}

static bool is_inherited(const struct restore_opts *o, int fd)
{
	for (size_t i = 0; i < o->inherit.n; i++)
		if (o->inherit.v[i].fd == fd)
			return true;
	return false;
}

/* Is some descriptor of this description given to us, or one of the three that everybody has? */
static bool is_supplied(const struct restore *r, const struct plan_task *t, uint32_t file)
{
	for (size_t i = 0; i < t->fds.n; i++)
		if (t->fds.v[i].file == file &&
		    (t->fds.v[i].fd <= 2 || is_inherited(&r->a->res, t->fds.v[i].fd)))
			return true;
	return false;
}

/* What led out of the snapshot must be supplied, and only that can be. */
static int check_external(const struct restore *r)
{
	const struct plan_task *t = &r->plan.tasks.v[0];
	const struct restore_opts *o = &r->a->res;

	for (size_t i = 0; i < o->inherit.n; i++) {
		bool external = false;

		for (size_t k = 0; k < t->fds.n; k++)
			external |= t->fds.v[k].fd == o->inherit.v[i].fd &&
				    plan_file(&r->plan, t->fds.v[k].file)->rec.kind == CKPT_FILE_EXTERNAL;
		if (!external)
			return ckpt_fail(-EINVAL, t->rec.pid,
					 "--inherit-fd %d=%d: its descriptor %d did not lead out of the snapshot",
					 o->inherit.v[i].fd, o->inherit.v[i].from, o->inherit.v[i].fd);
	}
	for (size_t i = 0; i < t->fds.n; i++) {
		const struct plan_file *f = plan_file(&r->plan, t->fds.v[i].file);

		if (f->rec.kind == CKPT_FILE_EXTERNAL && !is_supplied(r, t, f->rec.id))
			return ckpt_fail(-EOPNOTSUPP, t->rec.pid,
					 "fd %d (%s) led out of the snapshot: give it one by --inherit-fd %d=M",
					 t->fds.v[i].fd, f->path, t->fds.v[i].fd);
	}
	return 0;
}

/* A thread, a process, or a group that still has members: its number is taken. 0: none. */
static pid_t taken(const struct restore *r)
{
	const struct plan_task *t = &r->plan.tasks.v[0];

	for (size_t i = 0; i < t->threads.n; i++) {
		pid_t tid = t->threads.v[i].rec.tid;

		if (!kill(tid, 0) || errno != ESRCH || !kill(-tid, 0) || errno != ESRCH)
			return tid;
	}
	return 0;
}

/* Its name and the letter of its state, '?' if it is gone. */
static char who_is(pid_t tid, char comm[32])
{
	cleanup_free char *stat = NULL;
	char path[40], *open, *close;

	snprintf(comm, 32, "a group's or session's");
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)tid);
	if (ckpt_slurp(path, &stat, NULL))
		return '?';
	open = strchr(stat, '(');
	close = strrchr(stat, ')');
	if (!open || !close || close < open || close[1] != ' ')
		return '?';
	snprintf(comm, 32, "%.*s", (int)(close - open - 1), open + 1);
	return close[2];
}

static int tell_taken(const struct restore *r, pid_t tid)
{
	pid_t pid = r->plan.tasks.v[0].rec.pid;
	char comm[32];
	bool zombie = who_is(tid, comm) == 'Z';

	return ckpt_fail(-EEXIST, pid, "%s %d is in use (%s%s)", tid == pid ? "pid" : "thread id",
			 (int)tid, comm, zombie ? ", a zombie that its parent does not reap" : "");
}

static int wait_pids(struct restore *r)
{
	uint64_t seconds, until;
	pid_t tid = taken(r);
	char comm[32];
	int err;

	if (!tid)
		return 0;
	/*
	 * A snapshot into our pipe ends its target only when we have taken all
	 * of it; so take it, wherever it may rest.
	 */
	if (r->stream) {
		err = restore_spool(r);
		if (err)
			return err;
	}
	seconds = r->a->wait_s >= 0 ? (uint64_t)r->a->wait_s : r->stream ? WAIT_STREAM_S :
		  who_is(tid, comm) == 'Z' ? WAIT_ZOMBIE_S : 0;
	until = ckpt_now_ns() + seconds * 1000000000u;
	while ((tid = taken(r))) {
		struct timespec pause = { 0, 2000000 };

		if (ckpt_now_ns() >= until)
			return tell_taken(r, tid);
		nanosleep(&pause, NULL);
		err = ckpt_interrupt_check();
		if (err)
			return err;
	}
	return 0;
}

int restore_check(struct restore *r)
{
	int err = check_machine(r);

	if (!err)
		err = check_xstate(r);
	if (!err)
		err = check_vdso(r);
	if (!err)
		err = check_privs(r);
	if (!err)
		err = check_external(r);
	if (!err)
		err = res_mmopt_check_plan(&r->plan);
	if (!err)
		err = res_mempolicy_check(&r->plan);
	if (!err)
		err = res_creds_check(&r->plan);
	if (!err)
		err = res_filecheck(&r->plan, r->a->res.validation);
	if (!err)
		err = res_ghost_check_plan(&r->plan);
	if (!err)
		err = wait_pids(r);
	if (!err)
		err = ckpt_engine_open(&r->engine, r->a->engine);
	r->t_checked = ckpt_now_ns();
	if (!err)
		pr_debug("restore: %d: %zu threads, %zu mappings, %zu descriptors: checked",
			 r->plan.tasks.v[0].rec.pid, r->plan.nthreads, r->plan.nvmas, r->plan.nfds);
	return err;
}
