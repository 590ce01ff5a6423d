// SPDX-License-Identifier: GPL-2.0
/*
 * What no record holds, and is told instead: refused where the program would come
 * to harm or get more than it had; a loss where it may miss it; a note, in the image
 * and in --dry-run alone, of what hardly any program looks at. One line for each,
 * however many threads or descriptors have it.
 */
#include "res/told.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io.h"

enum how { REFUSE, LOSE, NOTE };

struct told {
	uint32_t bit;
	enum how how;
	const char *text;
};

static const struct told of_threads[] = {
	{ GATHER_TOLD_IO_PORTS, REFUSE, "ports of ioperm() or iopl()" },
	{ GATHER_TOLD_SEM_UNDO, REFUSE, "SEM_UNDO of System V semaphores, which its end would undo" },
	{ GATHER_TOLD_IO_URING, REFUSE, "restrictions of io_uring" },
	{ GATHER_TOLD_KEYRING, LOSE, "keyrings of its own (keyctl)" },
	{ GATHER_TOLD_SHSTK_LOCK, LOSE, "locks of shadow stacks (ARCH_SHSTK_LOCK)" },
	{ GATHER_TOLD_CORE_COOKIE, LOSE, "core scheduling cookie (PR_SCHED_CORE)" },
	{ GATHER_TOLD_RESCTRL, LOSE, "group of resctrl" },
	{ GATHER_TOLD_NS_CHILDREN, LOSE, "namespaces for children that are yet to come (unshare)" },
	{ GATHER_TOLD_SESSION_KEYRING, NOTE, "session keyring: the restorer's" },
	{ GATHER_TOLD_LOGIN, NOTE, "who logged in, for the audit log: as of the restorer" },
	{ GATHER_TOLD_COUNTERS, NOTE, "counters that others opened on it (perf_event_open)" },
};

static const struct told of_processes[] = {
	{ GATHER_TOLD_RESTORE_IDS, LOSE, "PR_TIMER_CREATE_RESTORE_IDS is off again" },
	{ GATHER_TOLD_AUTOREAP, LOSE, "CLONE_AUTOREAP: it has to be waited for" },
	{ GATHER_TOLD_AUTOGROUP, LOSE, "nice value of its session's autogroup" },
	{ GATHER_TOLD_TAGGED_SVA, LOSE, "ARCH_FORCE_TAGGED_SVA" },
	{ GATHER_TOLD_AUDIT_TTY, NOTE, "audit of what is typed at its terminal: as of the restorer" },
	{ GATHER_TOLD_OOM_MIN, NOTE, "how low oom_score_adj may be set without rights: as of the restorer" },
};

static const struct told of_files[] = {
	{ GATHER_TOLD_WB_ERROR, LOSE, "an error of writing back that fsync() has not told yet" },
	{ GATHER_TOLD_FADVISE, NOTE, "advice of posix_fadvise()" },
	{ GATHER_TOLD_OPENER, NOTE, "who opened it: the restorer" },
};

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static int tell(struct ckpt_dump *d, const struct told *t, const char *what, int first, size_t others)
{
	int (*const say[])(struct ckpt_dump *d, const char *fmt, ...) = {
		[REFUSE] = dump_refuse, [LOSE] = dump_lose, [NOTE] = dump_note,
	};

	if (!what)
		return say[t->how](d, "%s", t->text);
	if (others)
		return say[t->how](d, "%s %d and %zu more: %s", what, first, others, t->text);
	return say[t->how](d, "%s %d: %s", what, first, t->text);
}

static int check_threads(struct ckpt_dump *d)
{
	int err = 0;

	for (size_t k = 0; k < N_OF(of_threads) && !err; k++) {
		size_t n = 0;
		int first = 0;

		for (size_t i = 0; i < d->threads.n; i++) {
			const struct gather_thread *g = d->threads.v[i].g;

			if (g->told & of_threads[k].bit && !n++)
				first = g->h.tid;
		}
		if (n)
			err = tell(d, &of_threads[k], "thread", first, n - 1);
	}
	return err;
}

static int check_files(struct ckpt_dump *d)
{
	int err = 0;

	for (size_t k = 0; k < N_OF(of_files) && !err; k++) {
		size_t n = 0;
		int first = 0;

		for (size_t i = 0; i < d->fds.n; i++) {
			const struct gather_fd *f = d->fds.v[i];

			if (f->told & of_files[k].bit && !n++)
				first = f->rec.fd;
		}
		if (n)
			err = tell(d, &of_files[k], "fd", first, n - 1);
	}
	return err;
}

/* Of the security module that has one. */
static char *label_of(const char *who)
{
	char path[64], *label = NULL;

	snprintf(path, sizeof(path), "/proc/%s/attr/current", who);
	if (ckpt_slurp(path, &label, NULL))
		return NULL;
	label[strcspn(label, "\n")] = '\0';
	return label;
}

void res_told_look(struct ckpt_dump *d)
{
	char who[16], *own = label_of("self");

	snprintf(who, sizeof(who), "%d", (int)d->pid);
	d->label = label_of(who);
	if (!own || !d->label || !strcmp(own, d->label)) {
		free(d->label);
		d->label = NULL;
	}
	free(own);
}

int res_told_check(struct ckpt_dump *d)
{
	int err = check_threads(d);

	for (size_t k = 0; k < N_OF(of_processes) && !err; k++)
		if (d->threads.v[0].g->told & of_processes[k].bit)
			err = tell(d, &of_processes[k], NULL, 0, 0);
	if (!err)
		err = check_files(d);
	if (!err && d->label)
		err = dump_lose(d, "its security label '%s', for the restorer's", d->label);
	if (!err && d->proc->mm.dumpable > 1)
		err = dump_lose(d, "only root could dump or trace it (suid_dumpable 2), now nobody can");
	if (!err && res_task_stops(d))
		err = dump_note(d, "by which signal it was stopped: SIGSTOP, for whoever waits for it anew");
	return err ? err : dump_note(d, "figures of getrusage(), taskstats, acct(), /proc/PID/io, VmHWM and KSM start anew");
}
