// SPDX-License-Identifier: GPL-2.0
/*
 * Let go. What is to be killed or left stopped stays frozen until the image is
 * complete: the program lives on one side, never on none and never on both.
 */
#include "flow/snapshot.h"
#include "lib/io.h"

int snapshot_thaw(struct snapshot *s)
{
	int err;

	if (s->o->end != SNAPSHOT_THAW)
		return 0;
	err = s->engine.ops->thaw(&s->engine);
	s->t_thawed = ckpt_now_ns();
	s->frozen = false;
	s->deadline_ns = 0;
	return err;
}
