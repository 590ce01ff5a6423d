// SPDX-License-Identifier: GPL-2.0
/* What processes and open files hold on files, of an image. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>

#include "res/plan_int.h"

int plan_fd_of(const struct plan_task *t, uint32_t file)
{
	for (size_t i = 0; i < t->fds.n; i++)
		if (t->fds.v[i].file == file)
			return t->fds.v[i].fd;
	return -1;
}

/* The file that it names, if the task has it open; refused otherwise. */
static const struct plan_file *held_file(struct ckpt_plan *p, const struct ckpt_rec *rec, uint32_t id)
{
	const struct plan_file *f = plan_file(p, id);

	if (f && plan_fd_of(&p->tasks.v[p->cur], id) >= 0 && f->rec.kind != CKPT_FILE_EXTERNAL &&
	    !(f->rec.flags & O_PATH))
		return f;
	bad(rec, "file %u is none that a descriptor of pid %d leads to", id,
	    p->tasks.v[p->cur].rec.pid);
	return NULL;
}

int plan_take_lock(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_lock *l = rec->payload;
	struct plan_task *t = &p->tasks.v[p->cur];
	struct ckpt_lock *slot;

	if (!held_file(p, rec, l->file))
		return -EINVAL;
	if (l->kind < CKPT_LOCK_POSIX || l->kind > CKPT_LOCK_FLOCK)
		return unknown(rec, "kind %u", l->kind);
	if (l->type != F_RDLCK && l->type != F_WRLCK)
		return bad(rec, "type %u", l->type);
	if (l->start > l->end || l->end > INT64_MAX ||
	    (l->kind == CKPT_LOCK_FLOCK && (l->start || l->end != INT64_MAX)))
		return bad(rec, "range %llu to %llu", (unsigned long long)l->start,
			   (unsigned long long)l->end);
	if (t->locks.n == CKPT_MAX_LOCKS)
		return bad(rec, "more than %u locks", CKPT_MAX_LOCKS);
	slot = vec_push(&t->locks);
	if (!slot)
		return plan_nomem(rec);
	*slot = *l;
	return 0;
}

int plan_take_lease(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_lease *l = rec->payload;
	struct plan_task *t = &p->tasks.v[p->cur];
	const struct plan_file *f = held_file(p, rec, l->file);
	struct ckpt_lease *slot;

	if (!f)
		return -EINVAL;
	if (f->rec.kind != CKPT_FILE_REG && f->rec.kind != CKPT_FILE_SHMEM &&
	    f->rec.kind != CKPT_FILE_GHOST)
		return bad(rec, "file %u is none that can have one", l->file);
	if (l->type != F_RDLCK && l->type != F_WRLCK)
		return bad(rec, "type %u", l->type);
	if (l->fd < 0 || l->fd > PLAN_FD_MAX)
		return bad(rec, "descriptor %d", l->fd);
	if (t->leases.n == CKPT_MAX_FDS)
		return bad(rec, "more than %u leases", CKPT_MAX_FDS);
	slot = vec_push(&t->leases);
	if (!slot)
		return plan_nomem(rec);
	*slot = *l;
	return 0;
}

static bool is_thread(const struct plan_task *t, int32_t tid)
{
	for (size_t i = 0; i < t->threads.n; i++)
		if (t->threads.v[i].rec.tid == tid)
			return true;
	return false;
}

static bool is_inside(const struct plan_task *t, const struct ckpt_fowner *o)
{
	switch (o->type) {
	case F_OWNER_TID:
		return is_thread(t, o->pid);
	case F_OWNER_PID:
		return o->pid == t->rec.pid;
	default:
		return o->pid == t->rec.pgid;
	}
}

int plan_take_fowner(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_fowner *o = rec->payload;
	struct plan_task *t = &p->tasks.v[p->cur];
	struct ckpt_fowner *slot;
	bool open = o->async_fd == -1;

	if (!held_file(p, rec, o->file))
		return -EINVAL;
	if (o->type > F_OWNER_PGRP)
		return bad(rec, "type %u", o->type);
	if (o->pid && !is_inside(t, o))
		return bad(rec, "owner %d is not in the image", o->pid);
	if (o->signum < 0 || o->signum > CKPT_NSIG)
		return bad(rec, "signal %d", o->signum);
	for (size_t i = 0; i < t->fds.n && !open; i++)
		open = t->fds.v[i].fd == o->async_fd && t->fds.v[i].file == o->file;
	if (!open)
		return bad(rec, "descriptor %d does not lead to its file", o->async_fd);
	if (t->fowners.n == CKPT_MAX_FDS)
		return bad(rec, "more than %u owners", CKPT_MAX_FDS);
	slot = vec_push(&t->fowners);
	if (!slot)
		return plan_nomem(rec);
	*slot = *o;
	return 0;
}
