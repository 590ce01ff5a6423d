// SPDX-License-Identifier: GPL-2.0
/* After the stop: what was copied is written, the image becomes visible, the target is killed if that was asked. */
#include <stddef.h>

#include "flow/snapshot.h"
#include "lib/fail.h"
#include "lib/io.h"

int snapshot_postdump(struct snapshot *s)
{
	int err = s->cow ? snapshot_clone_settle(s) : 0;

	ckpt_writer_deadline(s->w, s->deadline_ns);
	if (!err && s->buffered) {
		err = snapshot_write_metadata(s);
		if (!err)
			err = snapshot_write_buffered(s);
	}
	if (!err && s->cow)
		err = snapshot_clone_write(s);
	if (!err)
		err = ckpt_write_pages(s->w, s->d.mm_id, NULL, 0, NULL);
	for (size_t i = 0; i < s->d.shmems.n && !err; i++)
		err = ckpt_write_pages(s->w, s->d.shmems.v[i].rec.id, NULL, 0, NULL);
	for (size_t i = 0; i < s->d.ghosts.n && !err; i++)
		err = ckpt_write_pages(s->w, s->d.ghosts.v[i].rec.id, NULL, 0, NULL);
	if (!err)
		err = snapshot_check(s);
	if (!err)
		err = ckpt_writer_tail(s->w);
	if (!err)
		err = ckpt_writer_finish(s->w);
	if (err)
		return err;
	/* Complete: from here on there is no way back, and none is needed. */
	if (s->o->end == SNAPSHOT_KILL)
		err = s->engine.ops->kill(&s->engine);
	else if (s->o->end == SNAPSHOT_STOP)
		err = s->engine.ops->stop(&s->engine);
	s->t_done = ckpt_now_ns();
	if (s->o->end != SNAPSHOT_THAW)
		s->t_thawed = s->t_done;
	return err;
}
