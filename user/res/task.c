// SPDX-License-Identifier: GPL-2.0
/*
 * A process as its parent, its group and its session see it: pids, exit signal,
 * limits, personality, oom_score_adj. One that is stopped by job control is
 * saved as it is; its threads go on with what they did when SIGCONT comes.
 *
 * Saved: pids, group and session, exit signal, personality, oom_score_adj,
 * whether it is a subreaper, and stopped, limits, times of threads that are gone.
 * Restored: clone3() gives the pid, setsid() or setpgid() the session or a
 * group of its own; the rest by the restorer's calls, prlimit() and /proc;
 * SIGSTOP before it is let go, by whatever signal it was stopped; times are told by `show` alone.
 * Refused: at the restore, what the restorer may not set.
 * Lost: cgroup: the restorer's; rusage of children; a session or group outside, and its
 * terminal: the restorer's session.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fail.h"
#include "res/dump.h"
#include "res/res.h"

/*
 * A restored process lives in the restorer's namespaces: so must the target in
 * ours. Of time it may have one of its own (res/clocks.c).
 */
static int check_namespaces(struct ckpt_dump *d)
{
	const struct ckpt_container *ns = &d->proc->ns;
	const struct { const char *name; uint32_t inum; } all[] = {
		{ "pid", ns->ns_pid }, { "mnt", ns->ns_mnt }, { "net", ns->ns_net },
		{ "user", ns->ns_user }, { "uts", ns->ns_uts }, { "ipc", ns->ns_ipc },
		{ "cgroup", ns->ns_cgroup },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all) && !err; i++) {
		char path[40];
		struct stat st;

		snprintf(path, sizeof(path), "/proc/self/ns/%s", all[i].name);
		if (stat(path, &st))
			continue;	/* a kernel without this namespace */
		if ((uint32_t)st.st_ino != all[i].inum)
			err = dump_refuse(d, "it lives in another %s namespace", all[i].name);
	}
	return err;
}

int res_task_check(struct ckpt_dump *d)
{
	const struct gather_proc *p = d->proc;
	uint32_t nthreads = (uint32_t)d->threads.n;
	const struct gather_thread *lead = d->threads.v[0].g;
	int err = 0;

	if (p->task.exit_state)
		return dump_refuse(d, "its leader has exited");
	if (p->nchildren && !d->only)
		err = dump_refuse(d, "it has %u child processes", p->nchildren);
	else if (p->nchildren)
		err = dump_lose(d, "its %u child processes are not in the image", p->nchildren);
	if (!err && p->task.nthreads != nthreads)
		err = dump_refuse(d, "it has %u threads, but %u were found", p->task.nthreads, nthreads);
	if (!err && (p->task.flags & CKPT_TASK_HAS_TTY) && p->task.sid == d->pid)
		err = dump_refuse(d, "it leads a session that has a terminal");
	if (!err && p->task.personality & ~0x0040000u)	/* ADDR_NO_RANDOMIZE does no more once it runs */
		err = dump_refuse(d, "personality %#x", p->task.personality);
	if (!err && lead->mm_users > nthreads)
		err = dump_refuse(d, "its memory is shared with another process");
	if (!err && lead->files_count > nthreads)
		err = dump_refuse(d, "its descriptors are shared with another process");
	if (!err && lead->fs_users > nthreads)
		err = dump_refuse(d, "its current folder is shared with another process");
	if (!err && lead->sighand_count > nthreads)
		err = dump_refuse(d, "its signal handlers are shared with another process");
	if (!err)
		err = check_namespaces(d);
	return err;
}

bool res_task_stops(const struct ckpt_dump *d)
{
	return d->proc->task.flags & CKPT_TASK_STOPPED || res_sigpending_stops(d);
}

int res_task_write(struct ckpt_dump *d)
{
	struct ckpt_task rec = d->proc->task;
	int err;

	d->task_id = rec.id = d->next_id++;
	if (rec.sid != rec.pid)
		rec.flags |= CKPT_TASK_SID_OUTSIDE;
	if (rec.pgid != rec.pid)
		rec.flags |= CKPT_TASK_PGID_OUTSIDE;
	if (res_task_stops(d))
		rec.flags |= CKPT_TASK_STOPPED;
	err = ckpt_write_record(d->w, CKPT_TASK, 0, &rec, sizeof(rec), NULL, 0);
	if (!err)
		err = ckpt_write_record(d->w, CKPT_RLIMITS, rec.id, &d->proc->rlimits,
					sizeof(d->proc->rlimits), NULL, 0);
	if (!err)
		err = ckpt_write_record(d->w, CKPT_ACCT, rec.id, &d->proc->acct,
					sizeof(d->proc->acct), NULL, 0);
	return err;
}

const char *res_rlimit_name(unsigned int limit)
{
	static const char *const names[CKPT_RLIM_NLIMITS] = {
		"RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE",
		"RLIMIT_RSS", "RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS",
		"RLIMIT_LOCKS", "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE", "RLIMIT_NICE",
		"RLIMIT_RTPRIO", "RLIMIT_RTTIME",
	};

	return limit < CKPT_RLIM_NLIMITS ? names[limit] : "limit";
}
