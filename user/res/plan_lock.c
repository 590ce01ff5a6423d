// SPDX-License-Identifier: GPL-2.0
/* What processes and open files hold on files, of an image. */
#include <errno.h>
#include <fcntl.h>

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
