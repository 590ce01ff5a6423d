// SPDX-License-Identifier: GPL-2.0
/*
 * File locks: those of fcntl() that belong to a process (POSIX) or to an open
 * file description (OFD), and flock()'s, which belong to a description. The
 * kernel forgets them when the process, or the last holder of the description,
 * has gone; what is restored takes them anew. A POSIX lock goes as soon as its
 * process closes any descriptor of the file: so they are taken when all that
 * the restore itself had open is closed. Who waits for a lock is in a call that
 * begins anew by itself.
 *
 * Saved: of each lock whose, on which file, for reading or writing, its range.
 * Restored: fcntl(F_SETLK, F_OFD_SETLK), flock(), by the new process.
 * Refused: at the restore, a lock that another process holds by now; locks of
 * what leads out of the snapshot; more than 512 through one description.
 * Lost: a lock of a description that is only mapped, as Java has one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "lib/fail.h"
#include "res/dump.h"
#include "res/res.h"
#include "restorer/blob.h"

#define FL_POSIX	1u	/* include/linux/filelock.h */
#define FL_FLOCK	2u
#define FL_OFDLCK	1024u

/* enum ckpt_lock_kind, 0: it is no lock. */
static uint32_t kind_of(const struct gather_lock *l)
{
	if (l->flags & FL_FLOCK)
		return CKPT_LOCK_FLOCK;
	if (l->flags & FL_POSIX)
		return l->flags & FL_OFDLCK ? CKPT_LOCK_OFD : CKPT_LOCK_POSIX;
	return 0;
}

/* A description that is only mapped keeps its locks, but nobody could take them anew for it. */
static int check_mapped(struct ckpt_dump *d)
{
	int err = 0;

	for (size_t i = 0; i < d->vmas.n && !err; i++) {
		const struct gather_vma *v = d->vmas.v[i];

		if (v->held && !dump_fd_of(d, v->vm_file))
			err = dump_lose(d, "mapping %llx (%.*s): the lock that it holds, its descriptor being closed",
					(unsigned long long)v->rec.start, (int)v->path_len, v->path);
	}
	return err;
}

int res_lock_check(struct ckpt_dump *d)
{
	int err = check_mapped(d);

	for (size_t i = 0; i < d->locks.n && !err; i++) {
		const struct gather_locks *g = d->locks.v[i].g;
		const struct dump_file *f = dump_file_of(d, d->locks.v[i].cookie, NULL, NULL);

		if (!f)
			continue;	/* refused already */
		if (g->more)
			err = dump_refuse(d, "fd %d: it has more than %u locks", g->a.fd, g->a.n);
		else if (f->rec.kind == CKPT_FILE_EXTERNAL)
			err = dump_refuse(d, "fd %d: it leads out of the snapshot and is locked", g->a.fd);
		for (uint32_t j = 0; j < g->a.n && !err; j++)
			if (!kind_of(&g->items[j]))
				err = res_lease_check(d, g->a.fd, &g->items[j]);
	}
	return err;
}

int res_lock_write(struct ckpt_dump *d)
{
	int err = 0;

	for (size_t i = 0; i < d->locks.n; i++) {
		const struct gather_locks *g = d->locks.v[i].g;
		struct dump_file *f = dump_file_of(d, d->locks.v[i].cookie, NULL, NULL);

		for (uint32_t j = 0; j < g->a.n && !err; j++) {
			const struct gather_lock *l = &g->items[j];
			struct ckpt_lock rec = {
				.kind = kind_of(l), .type = l->type, .start = l->start, .end = l->end,
			};

			if (res_lease_is(l)) {
				err = res_lease_write_one(d, f, l);
				continue;
			}
			err = res_file_write_one(d, f, &rec.file);
			if (!err)
				err = ckpt_write_record(d->w, CKPT_LOCK, d->task_id, &rec, sizeof(rec),
							NULL, 0);
		}
	}
	return err;
}

/* struct flock as the kernel has it, in the words of a call's data. */
static void describe_range(const struct ckpt_lock *l, struct blob_fcntl *b)
{
	const struct flock f = {
		.l_type = (short)l->type, .l_whence = SEEK_SET, .l_start = (off_t)l->start,
		/* 0: up to the end, however far that will be */
		.l_len = l->end == INT64_MAX ? 0 : (off_t)(l->end - l->start + 1),
	};

	_Static_assert(sizeof(f) <= sizeof(b->data), "the kernel reads it there");
	b->by_ref = 1;
	memcpy(b->data, &f, sizeof(f));
}

void res_lock_range(const struct ckpt_lock *l, char *buf, size_t len)
{
	if (l->kind == CKPT_LOCK_FLOCK)
		snprintf(buf, len, ": the whole file");
	else if (l->end == INT64_MAX)
		snprintf(buf, len, ": from byte %llu on", (unsigned long long)l->start);
	else
		snprintf(buf, len, ": bytes %llu to %llu", (unsigned long long)l->start,
			 (unsigned long long)l->end);
}

void res_lock_describe(const struct plan_task *t, struct blob_plan *b)
{
	for (size_t i = 0; i < t->locks.n; i++) {
		const struct ckpt_lock *l = &t->locks.v[i];
		struct blob_fcntl *o = &b->fcntls[b->nfcntls++];

		o->fd = plan_fd_of(t, l->file);
		o->step = l->kind == CKPT_LOCK_FLOCK ? BLOB_FLOCK : BLOB_LOCK;
		switch (l->kind) {
		case CKPT_LOCK_FLOCK:
			o->cmd = (l->type == F_WRLCK ? LOCK_EX : LOCK_SH) | LOCK_NB;
			break;
		case CKPT_LOCK_OFD:
			o->cmd = F_OFD_SETLK;
			describe_range(l, o);
			break;
		default:
			o->cmd = F_SETLK;
			describe_range(l, o);
		}
	}
}
