// SPDX-License-Identifier: GPL-2.0
/*
 * Memory from a clone: the stop lasts as long as copying page tables does, some
 * 10 us for each MiB, and the pages are read when the target runs again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "flow/snapshot.h"
#include "lib/fail.h"

/* Below, copying everything takes no longer than the clone and what it costs afterwards. */
#define COW_MIN (8u << 20)

int snapshot_clone_without(struct snapshot *s, int err, const char *why)
{
	s->cow = false;
	s->copy_why = why;
	if (s->o->capture != CAPTURE_COW)
		return 0;
	return ckpt_fail(err, s->o->pid, "--capture cow: %s", why);
}

int snapshot_clone_prepare(struct snapshot *s)
{
	const struct ckpt_engine_ops *ops = s->engine.ops;
	const char *why = NULL;
	int err;

	/* What does not go on afterwards may as well be read in the stop. */
	if (s->o->capture == CAPTURE_COPY)
		return 0;
	if (s->o->capture == CAPTURE_AUTO && (s->o->end != SNAPSHOT_THAW || s->expected < COW_MIN))
		return 0;
	if (!ops->clone_prepare)
		return snapshot_clone_without(s, -EOPNOTSUPP, "the engine has no clones");
	err = ops->clone_prepare(&s->engine, s->o->pid, &why);
	if (err == -EOPNOTSUPP)
		return snapshot_clone_without(s, err, why);
	s->cow = !err;
	return err;
}

int snapshot_clone_take(struct snapshot *s)
{
	const char *why = res_prctl_may_call(&s->d);
	int err = -EOPNOTSUPP;

	/* No thread of it can be lent: each would stop on its way. */
	if (!why && res_task_stops(&s->d))
		why = "it is stopped by job control";
	if (!why)
		err = s->engine.ops->clone(&s->engine, s->o->pid, &s->clone, &why);
	if (!err)
		return 0;
	err = snapshot_clone_without(s, err, why);
	return err ? err : snapshot_find_pages(s);
}

/* From now on memory is the clone's; the target's would be later's. */
static int open_memory(struct snapshot *s)
{
	char path[40];

	close(s->mem_fd);
	close(s->pagemap_fd);
	s->pagemap_fd = -1;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)s->clone.pid);
	s->mem_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->mem_fd < 0)
		return ckpt_fail(-errno, s->o->pid, "its clone's memory: open");
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)s->clone.pid);
	s->pagemap_fd = open(path, O_RDONLY | O_CLOEXEC);
	return s->pagemap_fd < 0 ? ckpt_fail(-errno, s->o->pid, "its clone's pagemap: open") : 0;
}

int snapshot_clone_settle(struct snapshot *s)
{
	int err = s->engine.ops->clone_settle(&s->engine, &s->clone);

	return err ? ckpt_fail(err, s->o->pid, "its clone has ended") : open_memory(s);
}

int snapshot_clone_write(struct snapshot *s)
{
	uint64_t kept = s->npages;
	int err = snapshot_find_private(s);

	for (int i = 0; i < 32 && !err; i++)
		if (s->clone.lent_absent >> i & 1)
			err = snapshot_forget_page(s, s->clone.lent + (uint64_t)i * CKPT_PAGE_SIZE);
	s->buffered = false;
	if (!err)
		err = snapshot_copy_pages(s);
	s->npages += kept;
	s->engine.ops->clone_end(&s->engine, &s->clone);
	return err;
}
