// SPDX-License-Identifier: GPL-2.0
/*
 * Who is told by a signal that something happens to an open file: the owner
 * (F_SETOWN), its signal (F_SETSIG) and, where the file keeps a list of those
 * that asked (O_ASYNC), the descriptor that the signal names. The kernel
 * remembers as whom the owner was named, and signals whom that one may signal.
 *
 * Saved: the owner and what it is, the signal, the user that named it, the
 * descriptor of O_ASYNC.
 * Restored: F_SETSIG, F_SETOWN_EX by that user, F_SETFL with O_ASYNC.
 * Refused: an owner that lives outside the snapshot; folders with an owner, which
 * are watched by F_NOTIFY.
 * Lost: an owner that has ended; the owner of what leads out of the snapshot; a
 * descriptor that signals name although it is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fail.h"
#include "res/dump.h"
#include "res/res.h"
#include "restorer/blob.h"

/* Those that F_SETFL takes; all of them are set anew by it. */
#define SETFL_FLAGS (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

static bool is_inside(const struct ckpt_dump *d, const struct gather_fowner *g)
{
	switch (g->rec.type) {
	case F_OWNER_TID:
		for (size_t i = 0; i < d->threads.n; i++)
			if (d->threads.v[i].g->h.tid == g->rec.pid)
				return true;
		return false;
	case F_OWNER_PID:
		return g->rec.pid == d->pid;
	case F_OWNER_PGRP:
		return g->rec.pid == d->proc->task.pgid;
	}
	return false;
}

static bool is_open_as(const struct ckpt_dump *d, uint64_t cookie, int32_t fd)
{
	for (size_t i = 0; i < d->fds.n; i++)
		if (d->fds.v[i]->cookie == cookie && d->fds.v[i]->rec.fd == fd)
			return true;
	return false;
}

static int check_one(struct ckpt_dump *d, const struct dump_fowner *o, const struct dump_file *f)
{
	static const char *const what[] = { "thread", "process", "group" };
	const struct gather_fowner *g = o->g;
	const char *kind = g->rec.type < sizeof(what) / sizeof(*what) ? what[g->rec.type] : "session";
	int err = 0;

	if (f->rec.kind == CKPT_FILE_EXTERNAL)
		return g->rec.pid || g->outside ?
		       dump_lose(d, "fd %d: its owner (F_SETOWN): it leads out of the snapshot", g->a.fd) : 0;
	if ((f->rec.mode & S_IFMT) == S_IFDIR && (g->rec.pid || g->outside))
		return dump_refuse(d, "fd %d: a folder watched by F_NOTIFY cannot be saved", g->a.fd);
	if (g->dead)
		return dump_lose(d, "fd %d: its owner (F_SETOWN), %s %d, has ended", g->a.fd, kind,
				 g->rec.pid);
	if (g->outside || (g->rec.pid && !is_inside(d, g)))
		return dump_refuse(d, "fd %d: its owner (F_SETOWN) is %s %d, outside the snapshot",
				   g->a.fd, kind, g->rec.pid);
	if (g->rec.async_fd >= 0 && !is_open_as(d, o->cookie, g->rec.async_fd))
		err = dump_lose(d, "fd %d: its signals name descriptor %d, which is closed", g->a.fd,
				g->rec.async_fd);
	return err;
}

int res_fowner_check(struct ckpt_dump *d)
{
	int err = 0;

	for (size_t i = 0; i < d->fowners.n && !err; i++) {
		const struct dump_file *f = dump_file_of(d, d->fowners.v[i].cookie, NULL, NULL);

		if (f)
			err = check_one(d, &d->fowners.v[i], f);
	}
	return err;
}

int res_fowner_write(struct ckpt_dump *d)
{
	int err = 0;

	for (size_t i = 0; i < d->fowners.n && !err; i++) {
		const struct dump_fowner *o = &d->fowners.v[i];
		struct dump_file *f = dump_file_of(d, o->cookie, NULL, NULL);
		struct ckpt_fowner rec = o->g->rec;

		if (f->rec.kind == CKPT_FILE_EXTERNAL)
			continue;
		if (o->g->dead)
			rec.pid = 0;
		if (rec.async_fd >= 0 && !is_open_as(d, o->cookie, rec.async_fd))
			rec.async_fd = f->fd;
		err = res_file_write_one(d, f, &rec.file);
		if (!err)
			err = ckpt_write_record(d->w, CKPT_FOWNER, d->task_id, &rec, sizeof(rec), NULL, 0);
	}
	return err;
}

/* F_SETOWN_EX, by its user; 0 takes away whom a lease has named. */
static void describe_owner(const struct plan_task *t, const struct ckpt_fowner *o, struct blob_fcntl *b)
{
	struct f_owner_ex ex = { .type = (enum __pid_type)o->type, .pid = o->pid };

	/* Of a group of its own, if it had none: see restore_3_spawn.c. */
	if (o->type == F_OWNER_PGRP && o->pid && t->rec.flags & CKPT_TASK_PGID_OUTSIDE)
		ex.pid = t->rec.pid;
	b->step = BLOB_OWNER;
	b->cmd = F_SETOWN_EX;
	b->by_ref = 1;
	b->as_user = o->pid != 0;
	b->uid = o->uid;
	b->euid = o->euid;
	memcpy(b->data, &ex, sizeof(ex));
}

size_t res_fowner_count(const struct plan_task *t)
{
	return 3 * t->fowners.n;
}

void res_fowner_describe(const struct ckpt_plan *p, const struct plan_task *t, struct blob_plan *b)
{
	for (size_t i = 0; i < t->fowners.n; i++) {
		const struct ckpt_fowner *o = &t->fowners.v[i];
		struct blob_fcntl *c = &b->fcntls[b->nfcntls];
		int fd = plan_fd_of(t, o->file);

		c[0] = (struct blob_fcntl){ .step = BLOB_SETSIG, .fd = fd, .cmd = F_SETSIG };
		c[0].data[0] = (__u64)o->signum;
		c[1] = (struct blob_fcntl){ .fd = fd };
		describe_owner(t, o, &c[1]);
		b->nfcntls += 2;
		if (o->async_fd < 0)
			continue;
		c[2] = (struct blob_fcntl){ .step = BLOB_ASYNC, .fd = o->async_fd, .cmd = F_SETFL };
		c[2].data[0] = (plan_file(p, o->file)->rec.flags & SETFL_FLAGS) | O_ASYNC;
		b->nfcntls++;
	}
}
