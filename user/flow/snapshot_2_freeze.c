// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <time.h>

#include "flow/snapshot.h"
#include "lib/fail.h"
#include "lib/io.h"

/* A thread that waits for us is elsewhere for microseconds, or for as long as its signal handler runs. */
#define PLACE_TRIES	100
#define PLACE_NAP_NS	10000000

static int freeze_once(struct snapshot *s)
{
	int err;

	s->t_frozen = ckpt_now_ns();
	if (s->o->max_frozen_ms)
		s->deadline_ns = s->t_frozen + (uint64_t)s->o->max_frozen_ms * 1000000u;
	s->frozen = true;
	err = s->engine.ops->freeze(&s->engine, s->deadline_ns);
	s->t_stopped = ckpt_now_ns();
	return err ? err : snapshot_self_placed(s);
}

/* Let go whole, so that it comes to where it has to be. */
static int attach_again(struct snapshot *s)
{
	struct timespec nap = { 0, PLACE_NAP_NS };
	int err;

	ckpt_engine_close(&s->engine);
	s->frozen = false;
	s->deadline_ns = 0;
	nanosleep(&nap, NULL);
	err = snapshot_check(s);
	if (!err)
		err = ckpt_engine_open(&s->engine, s->o->engine);
	return err ? err : s->engine.ops->attach(&s->engine, s->o->pid);
}

int snapshot_freeze(struct snapshot *s)
{
	int err = freeze_once(s);

	for (int i = 1; err == -EAGAIN && s->o->caller && !ckpt_fail_text(); i++) {
		if (i == PLACE_TRIES)
			return ckpt_fail(-EAGAIN, s->o->pid, "thread %d runs a signal handler",
					 (int)s->o->caller->tid);
		err = attach_again(s);
		if (!err)
			err = freeze_once(s);
	}
	return err;
}
