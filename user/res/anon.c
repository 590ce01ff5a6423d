// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptions on anonymous inodes: which kind is asked, and what they have in
 * common. Each description has an object of its own; none is shared by two.
 */
#include "res/anon.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/fail.h"
#include "res/file_restore.h"

/* f_flags that F_SETFL gives back; the others came with the call. */
#define SETFL_FLAGS (O_APPEND | O_NONBLOCK | O_NOATIME)

int res_anon_check(struct ckpt_dump *d, const struct gather_fd *fd, const struct gather_anon **a)
{
	int err;

	switch ((*a)->h.type) {
	case GATHER_EVENTFD:
		return res_eventfd_check(d, fd, *a);
	case GATHER_TIMERFD:
		return res_timerfd_check(d, fd, *a);
	case GATHER_SIGNALFD:
		return 0;
	case GATHER_EPOLL:
		return res_epoll_check(d, fd, *a);
	case GATHER_INOTIFY:
		err = res_inotify_complete(d, a);
		return err ? err : res_inotify_check(d, fd, *a);
	case GATHER_PIDFD:
		return res_pidfd_check(d, fd, *a);
	}
	return dump_refuse(d, "fd %d (%s): it cannot be saved yet", fd->rec.fd, fd->name);
}

int res_anon_write_one(struct ckpt_dump *d, const struct gather_anon *a, uint32_t *id)
{
	switch (a->h.type) {
	case GATHER_EVENTFD:
		return res_eventfd_write(d, a, id);
	case GATHER_TIMERFD:
		return res_timerfd_write(d, a, id);
	case GATHER_SIGNALFD:
		return res_signalfd_write(d, a, id);
	case GATHER_EPOLL:
		return res_epoll_write(d, a, id);
	case GATHER_INOTIFY:
		return res_inotify_write(d, a, id);
	case GATHER_PIDFD:
		return res_pidfd_write(d, a, id);
	}
	return ckpt_fail(-EPROTO, d->pid, "fd %d: record %u", a->fd, a->h.type);
}

static int make(const struct plan_anon *a)
{
	switch (a->type) {
	case CKPT_EVENTFD:
		return res_eventfd_restore(&a->eventfd);
	case CKPT_TIMERFD:
		return res_timerfd_restore(&a->timerfd);
	case CKPT_SIGNALFD:
		return res_signalfd_restore(&a->signalfd);
	case CKPT_EPOLL:
		return res_epoll_restore(&a->epoll);
	case CKPT_INOTIFY:
		return res_inotify_restore(&a->inotify);
	case CKPT_PIDFD:
		return res_pidfd_restore(&a->pidfd);
	}
	return ckpt_fail(-EINVAL, 0, "object %u of type %u is no file", a->id, a->type);
}

int res_anon_restore(const struct ckpt_plan *p, const struct plan_file *f)
{
	int fd = make(plan_anon(p, f->rec.obj)), now;

	if (fd < 0)
		return fd;
	now = fcntl(fd, F_SETFL, f->rec.flags & SETFL_FLAGS) < 0 ? -1 : fcntl(fd, F_GETFL);
	/* It signals nobody before its owner is named: res/fowner.c. */
	if (now == (int)(f->rec.flags & ~(uint32_t)O_ASYNC))
		return fd;
	close(fd);
	return ckpt_fail(now < 0 ? -errno : -EINVAL, 0, "%s: its flags are 0%o, not 0%o", f->path,
			 (unsigned int)now, f->rec.flags);
}

int res_anon_first_free(const struct ckpt_plan *p)
{
	int top = -1;

	for (size_t i = 0; i < p->anons.n; i++) {
		const struct plan_anon *a = &p->anons.v[i];
		struct epoll_items it;

		if (a->type != CKPT_EPOLL)
			continue;
		epoll_items(&it, a->items, a->epoll.nitems);
		for (uint32_t k = 0; k < a->epoll.nitems; k++)
			if (it.fd[k] > top)
				top = it.fd[k];
	}
	return top + 1;
}

int res_anon_fill(const struct ckpt_plan *p, const int *fds)
{
	int err = 0;

	for (size_t i = 0; i < p->files.n && !err; i++) {
		const struct plan_file *f = &p->files.v[i];
		const struct plan_anon *a = f->rec.kind == CKPT_FILE_ANON ? plan_anon(p, f->rec.obj) : NULL;

		if (a && a->type == CKPT_EPOLL)
			err = res_epoll_fill(p, a, fds[i], fds);
		if (a && a->type == CKPT_INOTIFY)
			err = res_inotify_fill(a, fds[i]);
	}
	return err;
}
