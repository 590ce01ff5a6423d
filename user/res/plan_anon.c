// SPDX-License-Identifier: GPL-2.0
/* What descriptors on anonymous inodes are, of an image. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>

#include "res/plan_int.h"

struct plan_anon *plan_anon(const struct ckpt_plan *p, uint32_t id)
{
	static const uint16_t types[] = { CKPT_EVENTFD, CKPT_TIMERFD, CKPT_SIGNALFD, CKPT_EPOLL,
					  CKPT_INOTIFY, CKPT_PIDFD };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		const struct plan_index *ix = plan_object(p, id, types[i]);

		if (ix)
			return &p->anons.v[ix->at];
	}
	return NULL;
}

/* What F_SETFL can have changed, beside the access mode that the kind has. */
#define ANON_FLAGS	(O_APPEND | O_NONBLOCK | O_NOATIME)

int plan_check_anon(struct ckpt_plan *p, const struct ckpt_rec *rec, const struct ckpt_file *f)
{
	struct plan_anon *a = plan_anon(p, f->obj);
	uint32_t flags = f->flags & ~(uint32_t)ANON_FLAGS;

	if (!a)
		return bad(rec, "obj %u is no EVENTFD or the like that came before", f->obj);
	if (f->mode & S_IFMT && !S_ISREG(f->mode))
		return bad(rec, "mode 0%o is not an anonymous inode's", f->mode);
	/* Only this one can be told to signal its owner. */
	if (a->type == CKPT_INOTIFY)
		flags &= ~(uint32_t)O_ASYNC;
	if (flags != (a->type == CKPT_INOTIFY ? O_RDONLY : O_RDWR))
		return bad(rec, "flags 0%o", f->flags);
	if (a->taken)
		return bad(rec, "obj %u is another FILE's", f->obj);
	a->taken = true;
	return 0;
}

static int add(struct ckpt_plan *p, const struct ckpt_rec *rec, const struct plan_anon *a)
{
	struct plan_anon *slot = vec_push(&p->anons);

	if (!slot) {
		free(a->items);
		return plan_nomem(rec);
	}
	*slot = *a;
	slot->type = rec->h.type;
	return plan_new_object(p, rec, a->id, (uint32_t)p->anons.n - 1, 0);
}

int plan_take_eventfd(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_eventfd *e = rec->payload;

	if (e->flags & ~CKPT_EVENTFD_SEMAPHORE)
		return bad(rec, "flags 0x%x", e->flags);
	if (e->count == UINT64_MAX)
		return bad(rec, "no counter can hold %llu", (unsigned long long)e->count);
	return add(p, rec, &(struct plan_anon){ .eventfd = *e });
}

int plan_take_timerfd(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_timerfd *t = rec->payload;

	switch (t->clockid) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		break;
	default:
		return unknown(rec, "clock %d", t->clockid);
	}
	if (t->settime_flags & ~(uint32_t)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		return bad(rec, "settime_flags 0x%x", t->settime_flags);
	if (t->interval_ns < 0 || t->remaining_ns < 0 || t->expires_ns < 0)
		return bad(rec, "interval, remaining time or expiry is negative");
	if (!t->expires_ns != !(t->remaining_ns && t->settime_flags & TFD_TIMER_ABSTIME))
		return bad(rec, "expires_ns %lld does not go with the rest", (long long)t->expires_ns);
	return add(p, rec, &(struct plan_anon){ .timerfd = *t });
}

int plan_take_signalfd(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_signalfd *s = rec->payload;

	if (s->mask & PLAN_UNBLOCKABLE)
		return bad(rec, "mask 0x%llx holds SIGKILL or SIGSTOP", (unsigned long long)s->mask);
	return add(p, rec, &(struct plan_anon){ .signalfd = *s });
}

static int check_items(struct ckpt_plan *p, const struct ckpt_rec *rec, const struct epoll_items *it,
		       uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct plan_file *f = plan_file(p, it->file[i]);

		if (it->fd[i] < 0 || it->fd[i] > PLAN_FD_MAX)
			return bad(rec, "descriptor %d", it->fd[i]);
		/* What it watches came before, so that none can watch itself. */
		if (!f)
			return bad(rec, "file %u is no FILE that came before", it->file[i]);
		if (f->rec.kind == CKPT_FILE_MAPPED)
			return bad(rec, "file %u is only mapped", it->file[i]);
		if (it->events[i] & EPOLLWAKEUP)
			return unknown(rec, "events 0x%x", it->events[i]);
		if (it->flags[i] & ~CKPT_EPOLL_READY)
			return bad(rec, "flags 0x%x", it->flags[i]);
	}
	return 0;
}

int plan_take_epoll(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_epoll *e = rec->payload;
	struct plan_anon a = { .epoll = *e };
	struct epoll_items it;
	int err;

	if (e->nitems > CKPT_EPOLL_MAX)
		return bad(rec, "%u items", e->nitems);
	a.items = malloc((size_t)e->nitems * CKPT_EPOLL_ITEM + 1);
	if (!a.items)
		return plan_nomem(rec);
	memcpy(a.items, e + 1, (size_t)e->nitems * CKPT_EPOLL_ITEM);
	epoll_items(&it, a.items, e->nitems);
	err = check_items(p, rec, &it, e->nitems);
	if (err)
		free(a.items);
	return err ? err : add(p, rec, &a);
}

#define WATCH_MASK	(IN_ALL_EVENTS | IN_UNMOUNT | IN_EXCL_UNLINK | IN_ONESHOT)

static int check_watches(const struct ckpt_rec *rec, const struct ckpt_inotify *n,
			 const struct inotify_lists *it)
{
	const char *at = it->text;
	uint64_t left = n->text_len;

	for (uint32_t i = 0; i < n->nwatches; i++) {
		uint32_t len = it->len[i];

		if (it->wd[i] <= (i ? it->wd[i - 1] : 0) || it->wd[i] > CKPT_MAX_WD)
			return bad(rec, "watch %d", it->wd[i]);
		if (!(it->mask[i] & IN_ALL_EVENTS) || it->mask[i] & ~(uint32_t)WATCH_MASK)
			return bad(rec, "mask 0x%x", it->mask[i]);
		if (!len || len >= CKPT_MAX_PATH || len > left || *at != '/' || memchr(at, 0, len))
			return bad(rec, "path of watch %d", it->wd[i]);
		at += len;
		left -= len;
	}
	return left ? bad(rec, "%llu bytes of text are no path", (unsigned long long)left) : 0;
}

int plan_take_inotify(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_inotify *n = rec->payload;
	size_t len = (size_t)n->nwatches * CKPT_INOTIFY_WATCH + n->text_len;
	struct plan_anon a = { .inotify = *n };
	struct inotify_lists it;
	int err;

	if (n->next_wd < 0 || n->next_wd > CKPT_MAX_WD)
		return bad(rec, "next_wd %d", n->next_wd);
	a.items = malloc(len + 1);
	if (!a.items)
		return plan_nomem(rec);
	memcpy(a.items, n + 1, len);
	inotify_lists(&it, a.items, n->nwatches);
	err = check_watches(rec, n, &it);
	if (err)
		free(a.items);
	return err ? err : add(p, rec, &a);
}

int plan_take_pidfd(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_pidfd *f = rec->payload;

	for (size_t i = 0; i < p->tasks.n; i++)
		if (p->tasks.v[i].rec.pid == f->pid)
			return add(p, rec, &(struct plan_anon){ .pidfd = *f });
	return bad(rec, "pid %d is not in the image", f->pid);
}
