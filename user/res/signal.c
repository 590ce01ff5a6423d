// SPDX-License-Identifier: GPL-2.0
/*
 * Dispositions of the 64 signals, shared by all threads. The restorer
 * sets them in the new task.
 *
 * Saved: handler, flags, restorer and mask of all 64.
 * Restored: rt_sigaction() for each.
 */
#include "res/dump.h"

int res_signal_write(struct ckpt_dump *d)
{
	return ckpt_write_record(d->w, CKPT_SIGHAND, d->task_id, &d->proc->sighand,
				 sizeof(d->proc->sighand), NULL, 0);
}
