// SPDX-License-Identifier: GPL-2.0
/*
 * An eventfd: a counter of 64 bits, and whether read() takes all of it or one.
 *
 * Saved: counter, semaphore or not.
 * Restored: eventfd() with that counter.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/fail.h"
#include "res/anon.h"
#include "res/file_restore.h"

int res_eventfd_check(struct ckpt_dump *d, const struct gather_fd *fd, const struct gather_anon *a)
{
	const struct gather_eventfd *g = (const void *)a;

	/* Only the kernel itself can get there, as by an io_context; no write() brings it back. */
	if (g->rec.count == UINT64_MAX)
		return dump_refuse(d, "fd %d (eventfd): its counter has overflowed", fd->rec.fd);
	return 0;
}

int res_eventfd_write(struct ckpt_dump *d, const struct gather_anon *a, uint32_t *id)
{
	struct ckpt_eventfd rec = ((const struct gather_eventfd *)a)->rec;

	rec.id = *id = d->next_id++;
	return ckpt_write_record(d->w, CKPT_EVENTFD, 0, &rec, sizeof(rec), NULL, 0);
}

int res_eventfd_restore(const struct ckpt_eventfd *e)
{
	int flags = e->flags & CKPT_EVENTFD_SEMAPHORE ? EFD_SEMAPHORE : 0;
	int fd = eventfd(0, flags | EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return ckpt_fail(-errno, 0, "eventfd %u: eventfd", e->id);
	/* The call itself takes 32 bits only. */
	if (write(fd, &e->count, sizeof(e->count)) != sizeof(e->count)) {
		int err = -errno;

		close(fd);
		return ckpt_fail(err, 0, "eventfd %u: write", e->id);
	}
	return fd;
}
