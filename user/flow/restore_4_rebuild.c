// SPDX-License-Identifier: GPL-2.0
/*
 * The process maps its memory; we fill it, chunk by chunk as the image comes.
 * It goes on, to make its threads, only when the last byte has been verified.
 */
#include "flow/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"
#include "lib/log.h"
#include "res/ghost.h"
#include "res/shmem.h"

/* Its address was only a hint: is our code where the program expects it? */
static int check_vdso(const struct restore *r)
{
	const struct restore_proc *p = &r->proc;
	uint64_t at = p->task->mm.rec.vdso;
	cleanup_free uint8_t *there = malloc(r->vdso.len);

	if (!there)
		return ckpt_fail(-ENOMEM, p->pid, "vdso");
	if (pread(p->mem, there, r->vdso.len, (off_t)at) != (ssize_t)r->vdso.len ||
	    memcmp(there, (const void *)r->vdso.code, r->vdso.len))
		return ckpt_fail(-EADDRNOTAVAIL, p->pid, "vdso: the kernel did not put it at %" PRIx64, at);
	return 0;
}

int restore_rebuild(struct restore *r)
{
	int err = restore_wait_report(r, BLOB_MAPPED, 0);

	if (!err)
		err = check_vdso(r);
	r->t_mapped = ckpt_now_ns();
	if (!err)
		err = restore_fill_open(r);
	if (!err)
		err = restore_each_chunk(r, restore_fill);
	if (!err)
		err = restore_fill_close(r);
	if (!err)
		err = res_shmem_seal(&r->plan);
	if (!err)
		err = res_ghost_finish(&r->plan);
	if (!err)
		err = res_prctl_hold(r->proc.task, r->proc.mem);
	if (err)
		return err;
	r->t_filled = ckpt_now_ns();
	pr_debug("restore: %d: %llu pages in place, the image is whole", (int)r->proc.pid,
		 (unsigned long long)r->npages);
	restore_tell(r, BLOB_GO_FILLED);
	err = restore_wait_report(r, BLOB_MAPPED, (uint32_t)r->proc.task->threads.n);
	if (!err)
		err = restore_wait_circles(r);
	return err ? err : restore_take_lost(r);
}
