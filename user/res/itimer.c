// SPDX-License-Identifier: GPL-2.0
/*
 * The three timers of setitimer() and alarm(). Kept is what is left of each:
 * time in which the program is frozen or does not exist does not count. The
 * new task sets them just before it waits to be let go; one that goes off
 * until then finds its signal blocked, so the program takes it first thing.
 *
 * Saved: what is left, and the interval, of each.
 * Restored: setitimer().
 */
#include <time.h>

#include "res/dump.h"
#include "res/res.h"
#include "restorer/blob.h"

int res_itimer_write(struct ckpt_dump *d)
{
	const struct ckpt_itimers *it = &d->proc->itimers;

	if (!it->timer[0].value && !it->timer[1].value && !it->timer[2].value)
		return 0;
	return ckpt_write_record(d->w, CKPT_ITIMERS, d->task_id, it, sizeof(*it), NULL, 0);
}

static void to_timeval(__s64 tv[2], uint64_t ns)
{
	/* Rounded up: 0 would mean never, and nothing may come early. */
	uint64_t us = ns / 1000 + !!(ns % 1000);

	tv[0] = (__s64)(us / 1000000);
	tv[1] = (__s64)(us % 1000000);
}

void res_itimer_describe(const struct plan_task *t, struct blob_plan *b)
{
	struct timespec tick = { 0, 0 };

	/* Its resolution is the kernel's tick. */
	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	for (int i = 0; i < 3; i++) {
		uint64_t value = t->itimers.timer[i].value, more = i ? (uint64_t)tick.tv_nsec : 0;

		/* Who sets a timer of CPU time gets a tick more, which this one has had. */
		if (value)
			value = value > more ? value - more : 1;
		to_timeval(b->itimers[i].interval, t->itimers.timer[i].interval);
		to_timeval(b->itimers[i].value, value);
	}
}
