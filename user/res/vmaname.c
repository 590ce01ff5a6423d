// SPDX-License-Identifier: GPL-2.0
/*
 * Names of anonymous memory, private and (since 6.2) shared: text in /proc/PID/maps,
 * by which the kernel also keeps two neighbours apart.
 *
 * Saved: the name of each mapping that has one.
 * Restored: prctl(PR_SET_VMA_ANON_NAME), when it is mapped.
 * Lost: at the restore, with a warning, where the kernel has no such names.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "lib/log.h"
#include "res/dump.h"
#include "res/res.h"
#include "restorer/blob.h"

#ifndef PR_SET_VMA		/* since 5.17 */
#define PR_SET_VMA		0x53564d41
#define PR_SET_VMA_ANON_NAME	0
#endif
#define ROOM			(CKPT_MAX_VMANAME + 1)

int res_vmaname_write(struct ckpt_dump *d, uint64_t start, size_t *at)
{
	const struct gather_vmaname *n = *at < d->names.n ? d->names.v[*at] : NULL;

	if (!n || n->rec.start != start)
		return 0;
	++*at;
	return ckpt_write_record(d->w, CKPT_VMANAME, d->mm_id, &n->rec, sizeof(n->rec), n->name,
				 n->rec.name_len);
}

static bool have_names(void)
{
	void *p = mmap(NULL, CKPT_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool have;

	if (p == MAP_FAILED)
		return false;
	have = !prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, p, CKPT_PAGE_SIZE, "ckptbpf");
	munmap(p, CKPT_PAGE_SIZE);
	return have;
}

void res_vmaname_describe(const struct plan_task *t, struct blob_plan *b)
{
	size_t n = 0;

	if (t->mm.names.n && !have_names()) {
		pr_warn("restore: pid %d: %zu mappings lose their names ('%s' ...): this kernel has none",
			t->rec.pid, t->mm.names.n, t->mm.names.v[0].name);
		return;
	}
	for (uint32_t v = 0; v < b->nvmas && n < t->mm.names.n; v++) {
		if (b->vmas[v].start != t->mm.names.v[n].start)
			continue;
		b->vmas[v].name = strcpy(b->names + n * ROOM, t->mm.names.v[n].name);
		n++;
	}
}
