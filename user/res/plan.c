// SPDX-License-Identifier: GPL-2.0
/* The order of the stream and the numbers of its objects; plan_*.c check what the records say. */
#include "res/plan.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/fields.h"
#include "image/version.h"
#include "lib/fail.h"
#include "res/plan_int.h"

/* Behind the last task: losses only. */
#define PHASE_LOSSES	100u

void plan_init(struct ckpt_plan *p)
{
	memset(p, 0, sizeof(*p));
}

static void free_task(struct plan_task *t)
{
	for (size_t i = 0; i < t->threads.n; i++) {
		free(t->threads.v[i].xstate);
		free(t->threads.v[i].groups);
		free(t->threads.v[i].pending.v);
	}
	free(t->pending.v);
	vec_free(&t->timers);
	vec_free(&t->threads);
	vec_free(&t->fds);
	vec_free(&t->locks);
	vec_free(&t->leases);
	vec_free(&t->fowners);
	vec_free(&t->mm.vmas);
	for (size_t i = 0; i < t->mm.names.n; i++)
		free(t->mm.names.v[i].name);
	vec_free(&t->mm.names);
	vec_free(&t->mm.policies);
	vec_free(&t->mm.guards);
	free(t->cwd);
	free(t->root);
}

void plan_free(struct ckpt_plan *p)
{
	for (size_t i = 0; i < p->tasks.n; i++)
		free_task(&p->tasks.v[i]);
	for (size_t i = 0; i < p->files.n; i++)
		free(p->files.v[i].path);
	for (size_t i = 0; i < p->pipes.n; i++) {
		free(p->pipes.v[i].content);
		free(p->pipes.v[i].parts);
	}
	for (size_t i = 0; i < p->shmems.n; i++) {
		free(p->shmems.v[i].name);
		if (p->shmems.v[i].fd >= 0)
			close(p->shmems.v[i].fd);
	}
	for (size_t i = 0; i < p->ghosts.n; i++) {
		free(p->ghosts.v[i].folder);
		free(p->ghosts.v[i].xattrs);
		if (p->ghosts.v[i].fd >= 0)
			close(p->ghosts.v[i].fd);
	}
	for (size_t i = 0; i < p->anons.n; i++)
		free(p->anons.v[i].items);
	for (size_t i = 0; i < p->losses.n; i++)
		free(p->losses.v[i]);
	vec_free(&p->tasks);
	vec_free(&p->files);
	vec_free(&p->pipes);
	vec_free(&p->shmems);
	vec_free(&p->ghosts);
	vec_free(&p->anons);
	vec_free(&p->losses);
	free(p->index);
	plan_init(p);
}

int plan_nomem(const struct ckpt_rec *rec)
{
	return ckpt_rec_refuse(rec, -ENOMEM, "reading");
}

const struct plan_index *plan_object(const struct ckpt_plan *p, uint32_t id, uint16_t type)
{
	if (!id || id > p->nindex || p->index[id - 1].type != type)
		return NULL;
	return &p->index[id - 1];
}

const struct plan_index *plan_owner(struct ckpt_plan *p, const struct ckpt_rec *rec, uint16_t type)
{
	const struct plan_index *ix = plan_object(p, rec->h.owner, type);

	if (!ix)
		bad(rec, "its owner %u is no %s that came before", rec->h.owner, ckpt_type_name(type));
	return ix;
}

int plan_new_object(struct ckpt_plan *p, const struct ckpt_rec *rec, uint32_t id, uint32_t at,
		    uint32_t task)
{
	if (id != p->nindex + 1)
		return bad(rec, "object %u comes where %zu is next", id, p->nindex + 1);
	if (vec_grow((void **)&p->index, &p->index_cap, p->nindex + 1, sizeof(*p->index)))
		return plan_nomem(rec);
	p->index[p->nindex++] = (struct plan_index){ rec->h.type, at, task };
	return 0;
}

int plan_text(const struct ckpt_rec *rec, const char *at, uint32_t len, bool absolute,
	      const char *what, char **ret)
{
	if (len >= CKPT_MAX_PATH)
		return bad(rec, "%s of %u bytes is too long", what, len);
	if (memchr(at, 0, len))
		return bad(rec, "%s holds a NUL", what);
	if (absolute && (!len || at[0] != '/'))
		return bad(rec, "%s is not an absolute path", what);
	*ret = strndup(at, len);
	return *ret ? 0 : plan_nomem(rec);
}

struct plan_file *plan_file(const struct ckpt_plan *p, uint32_t id)
{
	const struct plan_index *ix = plan_object(p, id, CKPT_FILE);

	return ix ? &p->files.v[ix->at] : NULL;
}

struct plan_pipe *plan_pipe(const struct ckpt_plan *p, uint32_t id)
{
	const struct plan_index *ix = plan_object(p, id, CKPT_PIPE);

	return ix ? &p->pipes.v[ix->at] : NULL;
}

struct plan_shmem *plan_shmem(const struct ckpt_plan *p, uint32_t id)
{
	const struct plan_index *ix = plan_object(p, id, CKPT_SHMEM);

	return ix ? &p->shmems.v[ix->at] : NULL;
}

struct plan_ghost *plan_ghost(const struct ckpt_plan *p, uint32_t id)
{
	const struct plan_index *ix = plan_object(p, id, CKPT_GHOST);

	return ix ? &p->ghosts.v[ix->at] : NULL;
}

struct plan_task *plan_task(const struct ckpt_plan *p, uint32_t id)
{
	const struct plan_index *ix = plan_object(p, id, CKPT_TASK);

	return ix ? &p->tasks.v[ix->at] : NULL;
}

struct plan_task *plan_task_of_mm(const struct ckpt_plan *p, uint32_t mm)
{
	const struct plan_index *ix = plan_object(p, mm, CKPT_MM);

	return ix ? &p->tasks.v[ix->task] : NULL;
}

static int take_header(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	memcpy(&p->header, rec->payload, sizeof(p->header));
	if (!p->header.crid || p->header.crid > INT_MAX)
		return bad(rec, "checkpoint id %u", p->header.crid);
	if (p->header.monotonic_ns < 0 || p->header.boottime_ns < 0)
		return bad(rec, "a clock that counts from boot shows less than nothing");
	p->have_header = true;
	return 0;
}

static int take_loss(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_loss *l = rec->payload;
	char *text = NULL, **slot;
	int err = plan_text(rec, (const char *)(l + 1), l->text_len, false, "its text", &text);

	if (err)
		return err;
	slot = vec_push(&p->losses);
	if (!slot) {
		free(text);
		return plan_nomem(rec);
	}
	*slot = text;
	return 0;
}

static const struct taker {
	uint16_t type;
	uint16_t owner;		/* type of the object that owns it, 0: none */
	int (*take)(struct ckpt_plan *p, const struct ckpt_rec *rec);
} takers[] = {
	{ CKPT_HEADER, 0, take_header },
	{ CKPT_HEADER_ARCH, 0, plan_take_arch },
	{ CKPT_CONTAINER, 0, NULL },
	{ CKPT_LOSS, 0, take_loss },
	{ CKPT_TASK, 0, plan_take_task },
	{ CKPT_RLIMITS, CKPT_TASK, plan_take_rlimits },
	{ CKPT_THREAD, CKPT_TASK, plan_take_thread },
	{ CKPT_CPU, CKPT_THREAD, plan_take_cpu },
	{ CKPT_XSTATE, CKPT_THREAD, plan_take_xstate },
	{ CKPT_ACCT, CKPT_THREAD, plan_take_acct },
	{ CKPT_SCHED, CKPT_THREAD, plan_take_sched },
	{ CKPT_PRCTL, CKPT_THREAD, plan_take_prctl },
	{ CKPT_RESTART, CKPT_THREAD, plan_take_restart },
	{ CKPT_MM, CKPT_TASK, plan_take_mm },
	{ CKPT_MMOPT, CKPT_MM, plan_take_mmopt },
	{ CKPT_VMA, CKPT_MM, plan_take_vma },
	{ CKPT_VMANAME, CKPT_MM, plan_take_vmaname },
	{ CKPT_MEMPOLICY, CKPT_MM, plan_take_mempolicy },
	{ CKPT_GUARD, CKPT_MM, plan_take_guard },
	{ CKPT_FS, CKPT_TASK, plan_take_fs },
	{ CKPT_FILE, 0, plan_take_file },
	{ CKPT_FILECHECK, CKPT_FILE, plan_take_filecheck },
	{ CKPT_FD, CKPT_TASK, plan_take_fd },
	{ CKPT_PIPE, 0, plan_take_pipe },
	{ CKPT_PIPE_PACKETS, 0, plan_take_packets },
	{ CKPT_SHMEM, 0, plan_take_shmem },
	{ CKPT_GHOST, 0, plan_take_ghost },
	{ CKPT_EVENTFD, 0, plan_take_eventfd },
	{ CKPT_TIMERFD, 0, plan_take_timerfd },
	{ CKPT_SIGNALFD, 0, plan_take_signalfd },
	{ CKPT_EPOLL, 0, plan_take_epoll },
	{ CKPT_INOTIFY, 0, plan_take_inotify },
	{ CKPT_PIDFD, 0, plan_take_pidfd },
	{ CKPT_LOCK, CKPT_TASK, plan_take_lock },
	{ CKPT_FOWNER, CKPT_TASK, plan_take_fowner },
	{ CKPT_LEASE, CKPT_TASK, plan_take_lease },
	{ CKPT_TERMINAL, CKPT_TASK, plan_take_terminal },
	{ CKPT_SIGHAND, CKPT_TASK, plan_take_sighand },
	{ CKPT_SIGPENDING, CKPT_THREAD, plan_take_sigpending },
	{ CKPT_ITIMERS, CKPT_TASK, plan_take_itimers },
	{ CKPT_POSIXTIMER, CKPT_TASK, plan_take_posixtimer },
	{ CKPT_CLOCKS, CKPT_TASK, plan_take_clocks },
	{ CKPT_CREDS, CKPT_THREAD, plan_take_creds },
};

static const struct taker *taker_of(uint16_t type)
{
	for (size_t i = 0; i < N_OF(takers); i++)
		if (takers[i].type == type)
			return &takers[i];
	return NULL;
}

/* The frames before the first task, in their fixed order. */
static int order_frame(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	bool fits = false;

	switch (rec->h.type) {
	case CKPT_HEADER:
		fits = !p->have_header;
		break;
	case CKPT_HEADER_ARCH:
		fits = p->have_header && !p->have_arch;
		break;
	case CKPT_CONTAINER:
		fits = p->have_arch && !p->phase && !p->have_container;
		p->have_container = true;
		break;
	case CKPT_LOSS:
		fits = p->phase >= CKPT_PHASE_TASK;
		p->phase = PHASE_LOSSES;
		break;
	}
	return fits ? 0 : bad(rec, "out of order");
}

/* A thread's registers may follow it or all threads. */
static unsigned int rank(unsigned int phase)
{
	return phase == CKPT_PHASE_CPU ? CKPT_PHASE_THREAD : phase;
}

/* Tasks one after the other as the forest named them, in each the phases in their order. */
static int order_of_task(struct ckpt_plan *p, const struct ckpt_rec *rec, size_t task)
{
	unsigned int phase = ckpt_type_phase(rec->h.type);

	if (p->phase == CKPT_PHASE_FOREST ? task == 0 : task == p->cur + 1 && p->phase < PHASE_LOSSES) {
		p->cur = task;
		p->phase = phase;
		return 0;
	}
	if (p->phase == CKPT_PHASE_FOREST || task != p->cur)
		return bad(rec, "out of order: it belongs to pid %d", p->tasks.v[task].rec.pid);
	if (rank(phase) < rank(p->phase))
		return bad(rec, "out of order within pid %d", p->tasks.v[task].rec.pid);
	p->phase = phase;
	return 0;
}

static int check_place(struct ckpt_plan *p, const struct ckpt_rec *rec, uint16_t owner)
{
	const struct plan_index *ix;

	if (rec->h.type != CKPT_HEADER && !p->have_header)
		return bad(rec, "out of order: before the header");
	if (!owner && rec->h.type != CKPT_TASK && rec->h.owner)
		return bad(rec, "nobody can own it, but %u does", rec->h.owner);
	switch (rec->h.type) {
	case CKPT_TASK:
		if (!p->have_arch || p->phase > CKPT_PHASE_FOREST)
			return bad(rec, "out of order");
		p->phase = CKPT_PHASE_FOREST;
		return 0;
	case CKPT_FILE:
	case CKPT_FILECHECK:
	case CKPT_PIPE:
	case CKPT_PIPE_PACKETS:
	case CKPT_SHMEM:
	case CKPT_GHOST:
	case CKPT_EVENTFD:
	case CKPT_TIMERFD:
	case CKPT_SIGNALFD:
	case CKPT_EPOLL:
	case CKPT_INOTIFY:
	case CKPT_PIDFD:
		if (p->phase < CKPT_PHASE_THREAD || p->phase > CKPT_PHASE_CREDS)
			return bad(rec, "out of order");
		if (p->phase < CKPT_PHASE_MM)
			p->phase = CKPT_PHASE_MM;
		return 0;
	case CKPT_MEMPOLICY:
		/* Of a mapping, or of a thread. */
		ix = plan_object(p, rec->h.owner, CKPT_THREAD);
		if (ix)
			return order_of_task(p, rec, ix->task);
		break;
	case CKPT_ACCT:
	case CKPT_SIGPENDING:
		/* Of a thread, or of its process. */
		ix = plan_object(p, rec->h.owner, CKPT_TASK);
		if (ix)
			return order_of_task(p, rec, ix->task);
	}
	if (!owner)
		return order_frame(p, rec);
	ix = plan_owner(p, rec, owner);
	return ix ? order_of_task(p, rec, ix->task) : -EINVAL;
}

int plan_add(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct taker *t = taker_of(rec->h.type);
	struct ckpt_converted c;
	int err;

	if (!t || p->complete)
		return bad(rec, "out of order");
	err = check_place(p, rec, t->owner);
	if (err || !t->take)
		return err;
	/* Whatever its format, from here on it is the newest. */
	ckpt_convert(&c, rec, CKPT_FORMAT);
	return t->take(p, &c.rec);
}
