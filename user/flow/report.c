// SPDX-License-Identifier: GPL-2.0
#include "flow/report.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>

#include "lib/fail.h"
#include "lib/log.h"

#define MIB (1024.0 * 1024.0)

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

int report_dry_run(struct snapshot *s)
{
	struct ckpt_dump *d = &s->d;
	double mib = (double)s->npages * CKPT_PAGE_SIZE / MIB;
	bool fits = s->npages * CKPT_PAGE_SIZE <= s->buf_len;
	/* A clone's page tables, a copy into a buffer at about 4 GiB/s, into a file at 1.5. */
	double copy = mib * (s->cow ? 0.012 : fits ? 1 / 4.1 : 1 / 1.5);

	for (size_t i = 0; i < d->refusals.n; i++)
		printf("blocker: pid %d: %s\n", (int)s->o->pid, d->refusals.v[i]);
	for (size_t i = 0; i < d->losses.n; i++)
		printf("loss: pid %d: %s\n", (int)s->o->pid, d->losses.v[i]);
	for (size_t i = 0; i < d->notes.n; i++)
		printf("note: pid %d: %s\n", (int)s->o->pid, d->notes.v[i]);
	for (size_t i = 0; i < d->externals.n; i++)
		printf("external: fd %s\n", d->externals.v[i]);
	printf("dry run: %d (%s, %zu threads): %.1f MiB of memory, frozen for about %.1f ms\n",
	       (int)s->o->pid, s->comm, d->threads.n, mib,
	       ms(s->t_thawed - s->t_frozen) + copy);
	if (d->refusals.n)
		return ckpt_fail(-EOPNOTSUPP, s->o->pid, "%zu blockers", d->refusals.n);
	return 0;
}

static int write_stats(const struct snapshot *s)
{
	struct json_object *j = json_object_new_object();
	int err = 0;

	json_object_object_add(j, "pid", json_object_new_int(s->o->pid));
	json_object_object_add(j, "crid", json_object_new_int64(s->crid));
	json_object_object_add(j, "engine", json_object_new_string(s->engine.ops->name));
	json_object_object_add(j, "capture", json_object_new_string(s->cow ? "cow" : "copy"));
	if (s->copy_why)
		json_object_object_add(j, "capture_why", json_object_new_string(s->copy_why));
	json_object_object_add(j, "bpf", json_object_new_string(
		ckpt_bpf_source(s->bpf) == CKPT_BPF_PINNED ? "pinned" : "loaded"));
	json_object_object_add(j, "threads", json_object_new_int64((int64_t)s->d.threads.n));
	json_object_object_add(j, "mappings", json_object_new_int64((int64_t)s->d.vmas.n));
	json_object_object_add(j, "descriptors", json_object_new_int64((int64_t)s->d.fds.n));
	json_object_object_add(j, "pages", json_object_new_int64((int64_t)s->npages));
	json_object_object_add(j, "image_bytes",
			       json_object_new_int64((int64_t)ckpt_writer_bytes(s->w)));
	json_object_object_add(j, "frozen_us",
			       json_object_new_double((double)(s->t_thawed - s->t_frozen) / 1e3));
	json_object_object_add(j, "predump_us",
			       json_object_new_double((double)(s->t_frozen - s->t_start) / 1e3));
	json_object_object_add(j, "freeze_us",
			       json_object_new_double((double)(s->t_stopped - s->t_frozen) / 1e3));
	json_object_object_add(j, "total_us",
			       json_object_new_double((double)(s->t_done - s->t_start) / 1e3));
	json_object_object_add(j, "losses", json_object_new_int64((int64_t)s->d.losses.n));
	if (json_object_to_file_ext(s->o->stats, j, JSON_C_TO_STRING_PRETTY))
		err = ckpt_fail(-EIO, 0, "statistics %s: write", s->o->stats);
	json_object_put(j);
	return err;
}

int report_done(struct snapshot *s)
{
	size_t losses = s->d.losses.n;
	char tail[64] = "";

	if (losses)
		snprintf(tail, sizeof(tail), ", %zu %s (show --losses)", losses,
			 losses == 1 ? "loss" : "losses");
	for (size_t i = 0; i < s->d.externals.n; i++)
		pr_info("snapshot: %d: external: fd %s", (int)s->o->pid, s->d.externals.v[i]);
	pr_info("snapshot: %d (%s, %zu thread%s, %.1f MiB): frozen %.2f ms, %.3f s%s", (int)s->o->pid,
		s->comm, s->d.threads.n, s->d.threads.n == 1 ? "" : "s",
		(double)s->npages * CKPT_PAGE_SIZE / MIB, ms(s->t_thawed - s->t_frozen),
		(double)(s->t_done - s->t_start) / 1e9, tail);
	if (s->path && !s->o->out)
		printf("%s\n", s->path);
	if (s->o->stats) {
		int err = write_stats(s);

		if (err)
			return err;
	}
	return losses ? 1 : 0;
}
