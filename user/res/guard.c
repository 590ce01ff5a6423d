// SPDX-License-Identifier: GPL-2.0
/*
 * Guard pages within a mapping (MADV_GUARD_INSTALL, since 6.13): marks in the page
 * table, which /proc/PID/maps does not show, and which pagemap tells since 6.15.
 * Where they cannot be told from what is swapped out, they cannot be read either:
 * then the snapshot is refused.
 *
 * Saved: each range of them.
 * Restored: madvise(MADV_GUARD_INSTALL) when all pages are there.
 * Refused: where pagemap does not show them (6.13, 6.14); at the restore, by a kernel
 * that has none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "res/dump.h"
#include "res/res.h"
#include "restorer/blob.h"

/* include/uapi/linux/fs.h: PAGEMAP_SCAN, since 6.7 */
struct region { uint64_t start, end, categories; };
struct scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN		_IOWR('f', 16, struct scan_arg)
#define IS_GUARD	(1u << 8)
#define REGIONS		1024

static int add(struct ckpt_dump *d, const struct region *r)
{
	struct ckpt_guard *last = d->guards.n ? &d->guards.v[d->guards.n - 1] : NULL;

	if (last && last->end == r->start) {
		last->end = r->end;
		return 0;
	}
	last = vec_push(&d->guards);
	if (!last)
		return -ENOMEM;
	*last = (struct ckpt_guard){ r->start, r->end };
	return 0;
}

int res_guard_check(struct ckpt_dump *d)
{
	static struct region regions[REGIONS];
	struct scan_arg arg = {
		.size = sizeof(arg), .vec = (uintptr_t)regions, .vec_len = REGIONS,
		.category_mask = IS_GUARD, .return_mask = IS_GUARD,
	};
	cleanup_close int fd = -1;
	char path[40];
	int n = REGIONS;

	if (!d->vmas.n)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)d->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return dump_refuse(d, "pagemap: %s", strerror(errno));
	arg.start = d->vmas.v[0]->rec.start;
	arg.end = d->vmas.v[d->vmas.n - 1]->rec.end;
	/* Not the kernel's own page above all, if it was listed. */
	if (arg.end > 0x7ffffffff000ull)
		arg.end = 0x7ffffffff000ull;
	while (n == REGIONS && arg.start < arg.end) {
		n = ioctl(fd, SCAN, &arg);
		/* An older kernel, which has none or shows none. */
		if (n < 0)
			return errno == EINVAL || errno == ENOTTY ? 0 :
			       dump_refuse(d, "pagemap: %s", strerror(errno));
		for (int i = 0; i < n; i++)
			if (add(d, &regions[i]))
				return -ENOMEM;
		if (n)
			arg.start = regions[n - 1].end;
	}
	return 0;
}

/* One range can go over several mappings. */
int res_guard_write(struct ckpt_dump *d, const struct gather_vma *v, size_t *at)
{
	int err = 0;

	while (*at < d->guards.n && d->guards.v[*at].end <= v->rec.start)
		++*at;
	for (size_t i = *at; i < d->guards.n && d->guards.v[i].start < v->rec.end && !err; i++) {
		struct ckpt_guard rec = d->guards.v[i];

		if (rec.start < v->rec.start)
			rec.start = v->rec.start;
		if (rec.end > v->rec.end)
			rec.end = v->rec.end;
		err = ckpt_write_record(d->w, CKPT_GUARD, d->mm_id, &rec, sizeof(rec), NULL, 0);
	}
	return err;
}

void res_guard_describe(const struct plan_task *t, struct blob_plan *b)
{
	const struct plan_mm *m = &t->mm;
	uint32_t n = 0;

	for (uint32_t v = 0; v < b->nvmas; v++) {
		struct blob_vma *at = &b->vmas[v];

		while (n < m->guards.n && m->guards.v[n].start < at->start)
			n++;
		at->first_guard = n;
		for (; n < m->guards.n && m->guards.v[n].start < at->start + at->len; n++) {
			b->guards[n].start = m->guards.v[n].start;
			b->guards[n].len = m->guards.v[n].end - m->guards.v[n].start;
			at->nguards++;
		}
	}
}
