// SPDX-License-Identifier: GPL-2.0
#include "flow/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "flow/report.h"
#include "lib/fail.h"
#include "lib/interrupt.h"
#include "lib/io.h"
#include "lib/log.h"

int snapshot_check(struct snapshot *s)
{
	int err = ckpt_interrupt_check();

	if (!err && s->deadline_ns && ckpt_now_ns() > s->deadline_ns)
		err = ckpt_fail(-ETIMEDOUT, s->o->pid, "it was frozen for longer than %u ms",
				s->o->max_frozen_ms);
	return err;
}

/* Everything goes back; what is not finished disappears. */
static void release(struct snapshot *s, bool done)
{
	if (s->clone.pid)
		s->engine.ops->clone_end(&s->engine, &s->clone);
	ckpt_engine_close(&s->engine);
	if (s->w && done) {
		ckpt_writer_close(s->w);
	} else if (s->w) {
		ckpt_writer_fail(s->w, s->o->pid, -ckpt_fail_err(), ckpt_fail_text());
	}
	if (s->crid && !done)
		crid_give_back(s->crid);
	if (s->bpf)
		ckpt_bpf_close(s->bpf);
	if (s->mem_fd >= 0)
		close(s->mem_fd);
	if (s->pagemap_fd >= 0)
		close(s->pagemap_fd);
	if (s->d.pidfd >= 0)
		close(s->d.pidfd);
	dump_free(&s->d);
	vec_free(&s->ranges);
	free(s->addrs);
	if (s->buf && s->buf != MAP_FAILED)
		munmap(s->buf, s->buf_len);
	free(s->path);
}

int snapshot_run(const struct snapshot_opts *o)
{
	static const struct {
		const char *name;
		int (*run)(struct snapshot *s);
	} steps[] = {
		{ "pre-dump", snapshot_predump },
		{ "freeze", snapshot_freeze },
		{ "dump", snapshot_dump },
		{ "thaw", snapshot_thaw },
		{ "post-dump", snapshot_postdump },
	};
	struct snapshot s = { .o = o, .mem_fd = -1, .pagemap_fd = -1, .t_start = ckpt_now_ns() };
	bool done;
	int err = 0;

	dump_init(&s.d, o->pid);
	s.d.only = o->only;
	s.d.ghost_limit = o->ghost_limit;
	ckpt_interrupt_catch();
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && !err; i++) {
		if (o->dry_run && steps[i].run == snapshot_postdump)
			break;
		ckpt_fail_step(steps[i].name);
		err = steps[i].run(&s);
		pr_debug("%s: %.3f ms", steps[i].name, (double)(ckpt_now_ns() - s.t_start) / 1e6);
	}
	done = !err;
	if (done)
		err = o->dry_run ? report_dry_run(&s) : report_done(&s);
	release(&s, done);
	if (done && o->caller)
		o->caller->crid = s.crid;
	return err;
}
