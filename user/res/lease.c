// SPDX-License-Identifier: GPL-2.0
/*
 * Leases of fcntl(F_SETLEASE): a description asks to be told before another
 * opens or truncates its file. The one that wants to waits meanwhile; a lease
 * about which somebody waits already cannot be made again.
 *
 * Saved: the lease, for reading or writing, and the descriptor that its signal
 * names; whom it tells is its FOWNER.
 * Restored: fcntl(F_SETLEASE), by the new process.
 * Refused: a lease that is being broken, and other delegations; at the restore, of
 * a file that another has open meanwhile.
 */
#include <errno.h>
#include <fcntl.h>

#include "lib/fail.h"
#include "res/dump.h"
#include "res/res.h"
#include "restorer/blob.h"

#define FL_LEASE		32u	/* include/linux/filelock.h */
#define FL_DOWNGRADE_PENDING	256u
#define FL_UNLOCK_PENDING	512u

bool res_lease_is(const struct gather_lock *l)
{
	return l->flags & FL_LEASE;
}

int res_lease_check(struct ckpt_dump *d, int fd, const struct gather_lock *l)
{
	if (!res_lease_is(l))
		return dump_refuse(d, "fd %d: a delegation cannot be saved", fd);
	if (l->flags & (FL_DOWNGRADE_PENDING | FL_UNLOCK_PENDING))
		return dump_refuse(d, "fd %d: its lease is being broken", fd);
	return 0;
}

int res_lease_write_one(struct ckpt_dump *d, struct dump_file *f, const struct gather_lock *l)
{
	struct ckpt_lease rec = { .type = l->type, .fd = l->fd >= 0 ? l->fd : f->fd };
	int err = res_file_write_one(d, f, &rec.file);

	return err ? err : ckpt_write_record(d->w, CKPT_LEASE, d->task_id, &rec, sizeof(rec), NULL, 0);
}

/* The descriptor that it was taken by, if it still leads there. */
static int fd_for(const struct plan_task *t, const struct ckpt_lease *l)
{
	for (size_t i = 0; i < t->fds.n; i++)
		if (t->fds.v[i].fd == l->fd && t->fds.v[i].file == l->file)
			return l->fd;
	return plan_fd_of(t, l->file);
}

void res_lease_describe(const struct plan_task *t, struct blob_plan *b)
{
	for (size_t i = 0; i < t->leases.n; i++) {
		const struct ckpt_lease *l = &t->leases.v[i];
		struct blob_fcntl *c = &b->fcntls[b->nfcntls++];

		*c = (struct blob_fcntl){ .step = BLOB_LEASE, .fd = fd_for(t, l), .cmd = F_SETLEASE };
		c->data[0] = l->type;
	}
}
