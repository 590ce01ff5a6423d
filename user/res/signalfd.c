// SPDX-License-Identifier: GPL-2.0
/*
 * A signalfd: a set of signals; it reads what is pending for whoever calls
 * read().
 *
 * Saved: the signals that it reads.
 * Restored: signalfd4().
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fail.h"
#include "res/anon.h"
#include "res/file_restore.h"

int res_signalfd_write(struct ckpt_dump *d, const struct gather_anon *a, uint32_t *id)
{
	struct ckpt_signalfd rec = ((const struct gather_signalfd *)a)->rec;

	rec.id = *id = d->next_id++;
	return ckpt_write_record(d->w, CKPT_SIGNALFD, 0, &rec, sizeof(rec), NULL, 0);
}

int res_signalfd_restore(const struct ckpt_signalfd *s)
{
	/* The C library's sigset_t cannot hold its own signals 32 and 33. */
	long fd = syscall(SYS_signalfd4, -1, &s->mask, sizeof(s->mask), O_CLOEXEC);

	return fd < 0 ? ckpt_fail(-errno, 0, "signalfd %u: signalfd", s->id) : (int)fd;
}
