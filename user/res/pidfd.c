// SPDX-License-Identifier: GPL-2.0
/*
 * A pidfd: of the process itself. Of another it would be another one's after the
 * restore.
 *
 * Saved: pid of the task in the image that it stands for.
 * Restored: pidfd_open().
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fail.h"
#include "res/anon.h"
#include "res/file_restore.h"

int res_pidfd_check(struct ckpt_dump *d, const struct gather_fd *fd, const struct gather_anon *a)
{
	const struct gather_pidfd *g = (const void *)a;

	if (!g->own)
		return dump_refuse(d, "fd %d (pidfd): it stands for another process (%d)", fd->rec.fd,
				   g->rec.pid);
	/* PIDFD_THREAD, since 6.9. */
	if (fd->file.flags & O_EXCL)
		return dump_refuse(d, "fd %d (pidfd): pidfds of threads cannot be saved yet", fd->rec.fd);
	return 0;
}

int res_pidfd_write(struct ckpt_dump *d, const struct gather_anon *a, uint32_t *id)
{
	struct ckpt_pidfd rec = ((const struct gather_pidfd *)a)->rec;

	rec.id = *id = d->next_id++;
	return ckpt_write_record(d->w, CKPT_PIDFD, 0, &rec, sizeof(rec), NULL, 0);
}

int res_pidfd_restore(const struct ckpt_pidfd *p)
{
	long fd = syscall(SYS_pidfd_open, p->pid, 0);

	return fd < 0 ? ckpt_fail(-errno, 0, "pidfd %u: pidfd_open %d", p->id, p->pid) : (int)fd;
}
