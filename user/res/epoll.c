// SPDX-License-Identifier: GPL-2.0
/*
 * An epoll: what it watches. An item is a file and the number it was added by,
 * which may be closed or lead elsewhere by now; so each is added through that
 * number before any descriptor of the program has its own.
 *
 * Saved: each item: number, file, events, data, whether it may be reported.
 * Restored: epoll_create1(), EPOLL_CTL_ADD through the number that it was added
 * by; edges that were seen are heard out.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "res/anon.h"
#include "res/file_restore.h"

/* How an item is watched; without any other bit EPOLLONESHOT has switched it off. */
#define HOW_BITS	(EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)
#define ANY_EVENT	(EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP)

static bool is_off(uint32_t events)
{
	return events & EPOLLONESHOT && !(events & ~(uint32_t)HOW_BITS);
}

/* ---- snapshot ---- */

/*
 * Can a switched off item be switched off again? It must report something for
 * that; else it will report an error or a hangup, which epoll_ctl() always adds.
 */
static bool reports(const struct gather_fd *fd)
{
	bool reader = (fd->file.flags & O_ACCMODE) == O_RDONLY;

	if (!strcmp(fd->name, "[eventfd]"))
		return true;
	if (!S_ISFIFO(fd->file.mode))
		return false;
	return reader ? fd->pipe.bytes || !fd->pipe.writers :
			fd->pipe.nbufs < fd->pipe.ring_size || !fd->pipe.readers;
}

static int check_item(struct ckpt_dump *d, int epfd, const struct gather_epitem *item)
{
	const struct gather_fd *fd = dump_fd_of(d, item->file);

	if (!fd)
		return dump_refuse(d, "fd %d (epoll): it watches what was fd %d and is open elsewhere only",
				   epfd, item->fd);
	if (item->events & EPOLLWAKEUP)
		return dump_refuse(d, "fd %d (epoll): EPOLLWAKEUP of fd %d cannot be saved", epfd, item->fd);
	if (is_off(item->events) && !reports(fd))
		return dump_lose(d, "fd %d (epoll): fd %d, switched off by EPOLLONESHOT, will report an error or a hangup",
				 epfd, item->fd);
	return 0;
}

int res_epoll_check(struct ckpt_dump *d, const struct gather_fd *fd, const struct gather_anon *a)
{
	const struct gather_epoll *g = (const void *)a;
	int err = 0;

	if (g->a.n > CKPT_EPOLL_MAX)
		return dump_refuse(d, "fd %d (epoll): it watches more than %u files", fd->rec.fd,
				   CKPT_EPOLL_MAX);
	if (g->busy_poll)
		err = dump_lose(d, "fd %d (epoll): how it polls busily", fd->rec.fd);
	for (uint32_t i = 0; i < g->a.n && !err; i++)
		err = check_item(d, fd->rec.fd, &g->items[i]);
	return err;
}

int res_epoll_write(struct ckpt_dump *d, const struct gather_anon *a, uint32_t *id)
{
	const struct gather_epoll *g = (const void *)a;
	struct ckpt_epoll rec = { .nitems = g->a.n };
	struct epoll_items it;
	cleanup_free void *extra = calloc(g->a.n + 1, CKPT_EPOLL_ITEM);
	int err;

	if (!extra)
		return ckpt_fail(-ENOMEM, d->pid, "fd %d (epoll)", g->a.fd);
	epoll_items(&it, extra, g->a.n);
	for (uint32_t i = 0; i < g->a.n; i++) {
		const struct gather_epitem *item = &g->items[i];
		struct dump_file *f = dump_file_of(d, item->file, NULL, NULL);

		/* The kernel lets no epoll watch itself, however far around. */
		err = f ? res_file_write_one(d, f, &it.file[i]) :
			  ckpt_fail(-EPROTO, d->pid, "fd %d (epoll): fd %d", g->a.fd, item->fd);
		if (err)
			return err;
		it.data[i] = item->data;
		it.fd[i] = item->fd;
		it.events[i] = item->events;
		it.flags[i] = item->ready ? CKPT_EPOLL_READY : 0;
	}
	rec.id = *id = d->next_id++;
	return ckpt_write_record(d->w, CKPT_EPOLL, 0, &rec, sizeof(rec), extra,
				 (size_t)g->a.n * CKPT_EPOLL_ITEM);
}

/* ---- restore ---- */

int res_epoll_restore(const struct ckpt_epoll *e)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	return fd < 0 ? ckpt_fail(-errno, 0, "epoll %u: epoll_create1", e->id) : fd;
}

/*
 * Adding an item asks its file, and reports an edge that the program has seen.
 * Therefore first those that may not report (they are heard out and forgotten),
 * then those that may.
 */
enum round { SWITCHED_OFF, SEEN_EDGES, OTHERS, NROUNDS };

static enum round round_of(uint32_t events, uint32_t flags)
{
	if (is_off(events))
		return SWITCHED_OFF;
	if (events & EPOLLET && !(events & EPOLLONESHOT) && !(flags & CKPT_EPOLL_READY))
		return SEEN_EDGES;
	return OTHERS;
}

/* How many events there were, or -errno. */
static int hear_out(int epfd)
{
	struct epoll_event ev[64];
	int n, all = 0;

	do {
		n = epoll_wait(epfd, ev, 64, 0);
		all += n > 0 ? n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : all;
}

static int add_item(int epfd, int file, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = { .events = events, .data.u64 = data };
	int err = 0;

	if (is_off(events))
		ev.events |= ANY_EVENT;
	if (dup3(file, fd, O_CLOEXEC) < 0)
		return -errno;
	if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev))
		err = -errno;
	if (!err && is_off(events)) {
		err = hear_out(epfd);
		/* Nothing was reported, so it is still on: let it wait for as little as can be. */
		ev.events = events;
		if (!err && epoll_ctl(epfd, EPOLL_CTL_MOD, fd, &ev))
			err = -errno;
	}
	close(fd);
	return err < 0 ? err : 0;
}

int res_epoll_fill(const struct ckpt_plan *p, const struct plan_anon *a, int epfd, const int *fds)
{
	struct epoll_items it;
	int err = 0;

	epoll_items(&it, a->items, a->epoll.nitems);
	for (enum round r = SWITCHED_OFF; r < NROUNDS && !err; r++) {
		for (uint32_t i = 0; i < a->epoll.nitems && !err; i++) {
			int file = fds[plan_file(p, it.file[i]) - p->files.v];

			if (round_of(it.events[i], it.flags[i]) != r)
				continue;
			err = add_item(epfd, file, it.fd[i], it.events[i], it.data[i]);
			if (err)
				return ckpt_fail(err, 0, "epoll %u: fd %d (%s): epoll_ctl", a->id, it.fd[i],
						 plan_file(p, it.file[i])->path);
		}
		if (r == SEEN_EDGES && hear_out(epfd) < 0)
			err = ckpt_fail(-errno, 0, "epoll %u: epoll_wait", a->id);
	}
	return err;
}
