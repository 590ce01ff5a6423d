// SPDX-License-Identifier: GPL-2.0
#include "res/dump.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fail.h"
#include "res/ghost.h"
#include "res/shmem.h"

#define BLOCK (256u << 10)

void dump_init(struct ckpt_dump *d, pid_t pid)
{
	memset(d, 0, sizeof(*d));
	d->pid = pid;
	d->pidfd = -1;
	d->ghost_limit = GHOST_LIMIT;
	d->next_id = 1;
	d->block_used = BLOCK;
}

static void free_texts(char **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i]);
}

void dump_reset(struct ckpt_dump *d)
{
	for (size_t i = 0; i < d->pipes.n; i++)
		free(d->pipes.v[i].content);
	dump_shmem_free(d);
	dump_ghost_free(d);
	free_texts(d->blocks.v, d->blocks.n);
	free_texts(d->refusals.v, d->refusals.n);
	free_texts(d->losses.v, d->losses.n);
	free_texts(d->notes.v, d->notes.n);
	free_texts(d->externals.v, d->externals.n);
	d->policies.n = d->names.n = d->locks.n = d->fowners.n = d->guards.n = 0;
	d->blocks.n = d->threads.n = d->vmas.n = d->fds.n = d->anons.n = d->files.n = d->pipes.n = 0;
	d->refusals.n = d->losses.n = d->notes.n = d->externals.n = 0;
	cookie_free(&d->fd_of);
	cookie_free(&d->anon_of);
	cookie_free(&d->file_of);
	cookie_free(&d->pipe_of);
	cookie_free(&d->shmem_of);
	d->block_used = BLOCK;
	d->proc = NULL;
	d->pending = NULL;
	d->have_terminal = false;
	d->timers = NULL;
	d->private_huge = false;
}

void dump_free(struct ckpt_dump *d)
{
	dump_reset(d);
	vec_free(&d->blocks);
	vec_free(&d->threads);
	vec_free(&d->vmas);
	vec_free(&d->policies);
	vec_free(&d->names);
	vec_free(&d->guards);
	vec_free(&d->fds);
	vec_free(&d->anons);
	vec_free(&d->locks);
	vec_free(&d->fowners);
	vec_free(&d->files);
	vec_free(&d->pipes);
	vec_free(&d->shmems);
	vec_free(&d->build_ids);
	cookie_free(&d->build_id_of);
	vec_free(&d->ghosts);
	vec_free(&d->refusals);
	vec_free(&d->losses);
	vec_free(&d->notes);
	free(d->label);
	vec_free(&d->externals);
}

void *dump_alloc(struct ckpt_dump *d, size_t len)
{
	char *b = malloc(len);
	char **slot = b ? vec_push(&d->blocks) : NULL;

	if (!slot) {
		free(b);
		return NULL;
	}
	*slot = b;
	/* keep() fills the last block, and this one is full. */
	d->block_used = BLOCK;
	return b;
}

static void *keep(struct ckpt_dump *d, const void *rec, size_t len)
{
	size_t room = (len + 15) & ~(size_t)15;
	char *at;

	if (room > BLOCK) {
		at = dump_alloc(d, len);
		return at ? memcpy(at, rec, len) : NULL;
	}
	if (d->block_used + room > BLOCK) {
		char *b = malloc(BLOCK);
		char **slot = b ? vec_push(&d->blocks) : NULL;

		if (!slot) {
			free(b);
			return NULL;
		}
		*slot = b;
		d->block_used = 0;
	}
	at = d->blocks.v[d->blocks.n - 1] + d->block_used;
	d->block_used += room;
	memcpy(at, rec, len);
	return at;
}

static struct dump_thread *thread_of(struct ckpt_dump *d, int tid)
{
	/* What belongs to a thread follows it directly. */
	struct dump_thread *t = d->threads.n ? &d->threads.v[d->threads.n - 1] : NULL;

	return t && t->g->h.tid == tid ? t : NULL;
}

static int take_pending(struct ckpt_dump *d, const struct gather_sigpending *p)
{
	if (p->shared) {
		d->pending = p;
		return 0;
	}
	for (size_t i = 0; i < d->threads.n; i++) {
		if (d->threads.v[i].g->h.tid == p->h.tid) {
			d->threads.v[i].pending = p;
			return 0;
		}
	}
	/* Born after the other walk: whoever compares the threads will tell. */
	return -EAGAIN;
}

static int take_policy(struct ckpt_dump *d, const struct gather_mempolicy *p)
{
	struct dump_thread *t = p->rec.start ? NULL : thread_of(d, p->h.tid);
	const struct gather_mempolicy **slot;

	if (t) {
		t->policy = p;
		return 0;
	}
	slot = p->rec.start ? vec_push(&d->policies) : NULL;
	if (slot)
		*slot = p;
	return slot ? 0 : ckpt_fail(p->rec.start ? -ENOMEM : -EPROTO, d->pid, "collecting");
}

/* It comes again for each descriptor on the description. */
static int take_locks(struct ckpt_dump *d, const struct gather_locks *g)
{
	const struct gather_fd *fd = d->fds.n ? d->fds.v[d->fds.n - 1] : NULL;
	struct dump_locks *slot;

	if (!fd || dump_fd_of(d, fd->cookie) != fd)
		return 0;
	slot = vec_push(&d->locks);
	if (!slot)
		return ckpt_fail(-ENOMEM, d->pid, "collecting");
	*slot = (struct dump_locks){ fd->cookie, g };
	return 0;
}

static int take_fowner(struct ckpt_dump *d, const struct gather_fowner *g)
{
	const struct gather_fd *fd = d->fds.n ? d->fds.v[d->fds.n - 1] : NULL;
	struct dump_fowner *slot;

	if (!fd || dump_fd_of(d, fd->cookie) != fd)
		return 0;
	slot = vec_push(&d->fowners);
	if (!slot)
		return ckpt_fail(-ENOMEM, d->pid, "collecting");
	*slot = (struct dump_fowner){ fd->cookie, g };
	return 0;
}

/* The same behind each descriptor on an end. */
static int take_packets(struct ckpt_dump *d, const struct gather_packets *g)
{
	struct dump_pipe *p = d->fds.n ? dump_pipe_of(d, d->fds.v[d->fds.n - 1]->priv) : NULL;

	if (!p)
		return ckpt_fail(-ENOMEM, d->pid, "collecting");
	p->packets = g;
	return 0;
}

int dump_take(const struct gather_hdr *h, void *arg)
{
	struct ckpt_dump *d = arg;
	const void *copy = keep(d, h, h->len);
	struct dump_thread *t;

	if (!copy)
		return ckpt_fail(-ENOMEM, d->pid, "collecting");
	switch (h->type) {
	case GATHER_THREAD:
		t = vec_push(&d->threads);
		if (!t)
			return ckpt_fail(-ENOMEM, d->pid, "collecting");
		t->g = copy;
		return 0;
	case GATHER_XSTATE:
	case GATHER_GROUPS:
		t = thread_of(d, h->tid);
		if (!t)
			return ckpt_fail(-EPROTO, d->pid, "record of unknown thread %d", h->tid);
		if (h->type == GATHER_XSTATE)
			t->xstate = copy;
		else
			t->groups = copy;
		return 0;
	case GATHER_MEMPOLICY:
		return take_policy(d, copy);
	case GATHER_VMANAME: {
		const struct gather_vmaname **slot = vec_push(&d->names);

		if (slot)
			*slot = copy;
		return slot ? 0 : ckpt_fail(-ENOMEM, d->pid, "collecting");
	}
	case GATHER_PROC:
		d->proc = copy;
		return 0;
	case GATHER_VMA: {
		const struct gather_vma **slot = vec_push(&d->vmas);

		if (slot)
			*slot = copy;
		return slot ? 0 : ckpt_fail(-ENOMEM, d->pid, "collecting");
	}
	case GATHER_FD: {
		const struct gather_fd **slot = vec_push(&d->fds);

		if (slot)
			*slot = copy;
		if (slot && cookie_put(&d->fd_of, (*slot)->cookie, (uint32_t)d->fds.n))
			slot = NULL;
		return slot ? 0 : ckpt_fail(-ENOMEM, d->pid, "collecting");
	}
	case GATHER_EVENTFD:
	case GATHER_TIMERFD:
	case GATHER_SIGNALFD:
	case GATHER_EPOLL:
	case GATHER_INOTIFY:
	case GATHER_PIDFD: {
		struct dump_anon *slot = d->fds.n ? vec_push(&d->anons) : NULL;

		if (!slot)
			return ckpt_fail(-ENOMEM, d->pid, "collecting");
		slot->cookie = d->fds.v[d->fds.n - 1]->cookie;
		slot->g = copy;
		return cookie_put(&d->anon_of, slot->cookie, (uint32_t)d->anons.n);
	}
	case GATHER_LOCKS:
		return take_locks(d, copy);
	case GATHER_PACKETS:
		return take_packets(d, copy);
	case GATHER_FOWNER:
		return take_fowner(d, copy);
	case GATHER_SIGPENDING:
		return take_pending(d, copy);
	case GATHER_POSIXTIMERS:
		d->timers = copy;
		return 0;
	}
	return ckpt_fail(-EPROTO, d->pid, "unknown record %u", h->type);
}

int dump_collected(struct ckpt_dump *d)
{
	struct dump_thread leader;
	size_t at = d->threads.n;

	if (!d->proc || !d->threads.n)
		return ckpt_fail(-ESRCH, d->pid, "it is gone, or has no memory of its own");
	for (size_t i = 0; i < d->threads.n; i++) {
		const struct gather_thread *g = d->threads.v[i].g;

		if (g->h.tid == d->pid)
			at = i;
		if (g->on_cpu)
			return -EAGAIN;
		if (!d->threads.v[i].xstate)
			return ckpt_fail(-EPROTO, d->pid, "thread %d: no FPU state", g->h.tid);
	}
	if (at == d->threads.n)
		return ckpt_fail(-EPROTO, d->pid, "its leader was not found");
	leader = d->threads.v[at];
	memmove(&d->threads.v[1], &d->threads.v[0], at * sizeof(leader));
	d->threads.v[0] = leader;
	return 0;
}

const struct gather_anon *dump_anon_of(const struct ckpt_dump *d, uint64_t cookie)
{
	uint32_t at = cookie_get(&d->anon_of, cookie);

	return at ? d->anons.v[at - 1].g : NULL;
}

const struct gather_fd *dump_fd_of(const struct ckpt_dump *d, uint64_t cookie)
{
	uint32_t at = cookie_get(&d->fd_of, cookie);

	return at ? d->fds.v[at - 1] : NULL;
}

bool dump_has_signals(const struct ckpt_dump *d)
{
	bool has = d->proc->shared_pending || d->proc->posix_timers;

	for (size_t i = 0; i < d->threads.n && !has; i++)
		has = d->threads.v[i].g->pending;
	return has;
}

static int add_text(void *list, const char *fmt, va_list ap)
{
	VEC(char *) *v = list;
	char **slot, *s;

	if (vasprintf(&s, fmt, ap) < 0)
		return -ENOMEM;
	slot = vec_push(v);
	if (!slot) {
		free(s);
		return -ENOMEM;
	}
	*slot = s;
	return 0;
}

int dump_refuse(struct ckpt_dump *d, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = add_text(&d->refusals, fmt, ap);
	va_end(ap);
	return err;
}

int dump_lose(struct ckpt_dump *d, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = add_text(&d->losses, fmt, ap);
	va_end(ap);
	return err;
}

int dump_note(struct ckpt_dump *d, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = add_text(&d->notes, fmt, ap);
	va_end(ap);
	return err;
}

bool dump_path_deleted(const char *path, uint32_t len)
{
	static const char mark[] = " (deleted)";
	size_t n = sizeof(mark) - 1;

	return len > n && !memcmp(path + len - n, mark, n);
}
