// SPDX-License-Identifier: GPL-2.0
/*
 * Memory: which pages exist and differ from their file, and their content.
 * Only pages that are there are read: the target's resident set does not grow.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "flow/page_writer.h"
#include "flow/snapshot.h"
#include "lib/fail.h"
#include "lib/io.h"
#include "res/ghost.h"
#include "res/shmem.h"

#define PAGE		((uint64_t)CKPT_PAGE_SIZE)
#define TASK_END	0x7ffffffff000ull
#define CHUNK		SNAPSHOT_CHUNK

/* PAGEMAP_SCAN, since 6.7 (include/uapi/linux/fs.h). */
struct scan_region { uint64_t start, end, categories; };
struct scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN		_IOWR('f', 16, struct scan_arg)
#define IS_GUARD	(1u << 8)	/* since 6.15 */
#define IS_FILE		(1u << 2)
#define IS_PRESENT	(1u << 3)
#define IS_SWAPPED	(1u << 4)
#define IS_PFNZERO	(1u << 5)

static int add_range(struct snapshot *s, uint64_t start, uint64_t end, uint32_t object)
{
	struct page_range *last = s->ranges.n ? &s->ranges.v[s->ranges.n - 1] : NULL;

	s->npages += (end - start) / PAGE;
	if (last && last->end == start && last->object == object) {
		last->end = end;
		return 0;
	}
	last = vec_push(&s->ranges);
	if (!last)
		return ckpt_fail(-ENOMEM, s->o->pid, "list of pages");
	*last = (struct page_range){ start, end, object };
	return 0;
}

/* -ENOTTY: this kernel has no PAGEMAP_SCAN; -EINVAL: it does not know a category. */
static int scan(struct snapshot *s, uint64_t not)
{
	static struct scan_region regions[2048];
	struct scan_arg arg = {
		.size = sizeof(arg), .end = TASK_END,
		.vec = (uintptr_t)regions, .vec_len = 2048,
		.category_inverted = not, .category_mask = not,
		.category_anyof_mask = IS_PRESENT | IS_SWAPPED,
		.return_mask = IS_PRESENT,
	};

	while (arg.start < arg.end) {
		int n = ioctl(s->pagemap_fd, SCAN, &arg), err;

		if (n < 0)
			return -errno;
		for (int i = 0; i < n; i++) {
			err = add_range(s, regions[i].start, regions[i].end, 0);
			if (err)
				return err;
		}
		if ((uint64_t)n < arg.vec_len)
			break;
		/*
		 * walk_end can lag (seen on 6.18): the kernel leaves the place
		 * where its own buffer was full when a later round finished.
		 */
		if (arg.walk_end < regions[n - 1].end)
			arg.walk_end = regions[n - 1].end;
		arg.start = arg.walk_end;
	}
	return 0;
}

#define PM_PFN		((1ull << 55) - 1)
#define PM_GUARD	(1ull << 58)	/* since 6.15; before it is 0 */
#define PM_FILE		(1ull << 61)
#define PM_SWAPPED	(1ull << 62)
#define PM_PRESENT	(1ull << 63)

/* Frame of the shared page of zeros, 0 if it cannot be known (no CAP_SYS_ADMIN). */
static uint64_t zero_frame(void)
{
	volatile char *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t entry = 0;

	if (p == MAP_FAILED)
		return 0;
	if (!*p) {
		FILE *f = fopen("/proc/self/pagemap", "re");

		if (f && (fseeko(f, (off_t)((uintptr_t)p / PAGE * 8), SEEK_SET) ||
			  fread(&entry, 8, 1, f) != 1))
			entry = 0;
		if (f)
			fclose(f);
	}
	munmap((void *)p, PAGE);
	return entry & PM_PFN;
}

static int walk_vma(struct snapshot *s, const struct gather_vma *v, uint64_t zero)
{
	static uint64_t entries[8192];
	uint64_t at = v->rec.start;

	while (at < v->rec.end) {
		uint64_t n = (v->rec.end - at) / PAGE;
		int err;

		if (n > 8192)
			n = 8192;
		err = ckpt_pread_all(s->pagemap_fd, entries, n * 8, (off_t)(at / PAGE * 8));
		if (err)
			return ckpt_fail(err, s->o->pid, "pagemap: read at %llx",
					 (unsigned long long)at);
		for (uint64_t i = 0; i < n; i++, at += PAGE) {
			uint64_t e = entries[i];

			if (!(e & (PM_PRESENT | PM_SWAPPED)) || e & (PM_FILE | PM_GUARD))
				continue;
			if (zero && e & PM_PRESENT && (e & PM_PFN) == zero)
				continue;
			err = add_range(s, at, at + PAGE, 0);
			if (err)
				return err;
		}
	}
	return 0;
}

static int walk(struct snapshot *s)
{
	uint64_t zero = zero_frame();
	int err = 0;

	for (size_t i = 0; i < s->d.vmas.n && !err; i++) {
		const struct gather_vma *v = s->d.vmas.v[i];

		if (!v->special[0] && !(v->rec.flags & CKPT_VMA_SHARED))
			err = walk_vma(s, v, zero);
	}
	return err;
}

/* NULL: the object is none. */
static const struct dump_ghost *ghost_of(const struct snapshot *s, uint32_t object)
{
	return object > s->d.shmems.n ? &s->d.ghosts.v[object - 1 - s->d.shmems.n] : NULL;
}

/* Where an object has pages. */
static int walk_object(struct snapshot *s, uint32_t object)
{
	const struct dump_ghost *g = ghost_of(s, object);
	uint64_t at = 0, start, end;
	int got;

	while ((got = g ? res_ghost_data(g, at, &start, &end) :
		res_shmem_data(&s->d.shmems.v[object - 1], at, &start, &end)) > 0) {
		got = add_range(s, start, end, object);
		if (got)
			return got;
		at = end;
	}
	return got ? ckpt_fail(got, s->o->pid, "%s: search for data",
			       g ? "deleted file" : "shared memory") : 0;
}

static int find_objects(struct snapshot *s)
{
	int err = 0;

	for (uint32_t i = 1; i <= s->d.shmems.n + s->d.ghosts.n && !err; i++)
		err = walk_object(s, i);
	return err;
}

/* Its memory is gone as a whole: it is the first to be killed when there is none left. */
static int clone_gone(const struct snapshot *s)
{
	return ckpt_fail(-ENOMEM, s->o->pid, "its clone was killed for want of memory: try --capture copy");
}

int snapshot_find_private(struct snapshot *s)
{
	int err;

	s->ranges.n = 0;
	s->npages = 0;
	err = scan(s, IS_FILE | IS_PFNZERO | IS_GUARD);
	if (err == -EINVAL)
		err = scan(s, IS_FILE | IS_PFNZERO);
	if (err == -ENOTTY || err == -EINVAL)
		err = walk(s);
	if (err == -ESRCH && s->clone.pid)
		return clone_gone(s);
	return err ? ckpt_fail(err, s->o->pid, "pagemap") : 0;
}

int snapshot_find_pages(struct snapshot *s)
{
	int err = snapshot_find_private(s);

	return err ? err : find_objects(s);
}

int snapshot_find_kept(struct snapshot *s)
{
	uint64_t zero = 0;
	int err = 0;

	s->ranges.n = 0;
	s->npages = 0;
	for (size_t i = 0; i < s->d.vmas.n && !err; i++) {
		const struct gather_vma *v = s->d.vmas.v[i];

		if (v->special[0] || v->rec.flags & CKPT_VMA_SHARED ||
		    !(v->rec.flags & (CKPT_VMA_DONTFORK | CKPT_VMA_WIPEONFORK)))
			continue;
		if (!zero)
			zero = zero_frame();
		err = walk_vma(s, v, zero);
	}
	return err ? err : find_objects(s);
}

int snapshot_forget_page(struct snapshot *s, uint64_t addr)
{
	for (size_t i = 0; i < s->ranges.n; i++) {
		struct page_range *r = &s->ranges.v[i], rest = { addr + PAGE, r->end, 0 };

		if (r->object || addr < r->start || addr >= r->end)
			continue;
		s->npages--;
		r->end = addr;
		if (rest.start == rest.end)
			return 0;
		if (!vec_push(&s->ranges))
			return ckpt_fail(-ENOMEM, s->o->pid, "list of pages");
		/* In order: a chunk's addresses ascend. */
		memmove(&s->ranges.v[i + 2], &s->ranges.v[i + 1],
			(s->ranges.n - i - 2) * sizeof(rest));
		s->ranges.v[i + 1] = rest;
		return 0;
	}
	return 0;
}

/* One page at a time through mem, which sees what has no read permission too. */
static int read_slowly(struct snapshot *s, const uint64_t *addrs, uint32_t n, uint8_t *to)
{
	for (uint32_t i = 0; i < n; i++) {
		int err = ckpt_pread_all(s->mem_fd, to + i * PAGE, PAGE, (off_t)addrs[i]);

		/* Kernels 6.13 and 6.14 show such a page as swapped out. */
		if (err == -EIO || err == -EFAULT)
			return ckpt_fail(-EOPNOTSUPP, s->o->pid,
					 "memory at %llx: a guard page (MADV_GUARD_INSTALL), or one that is broken",
					 (unsigned long long)addrs[i]);
		if (err)
			return ckpt_fail(err, s->o->pid, "memory at %llx: read",
					 (unsigned long long)addrs[i]);
	}
	return 0;
}

/* A clone through mem: process_vm_readv() would unshare each page that it reads. */
static int read_runs(struct snapshot *s, const uint64_t *addrs, uint32_t n, uint8_t *to)
{
	for (uint32_t i = 0, len; i < n; i += len) {
		int err;

		for (len = 1; i + len < n && addrs[i + len] == addrs[i] + len * PAGE;)
			len++;
		err = ckpt_pread_all(s->mem_fd, to + i * PAGE, len * PAGE, (off_t)addrs[i]);
		if (err == -ENODATA)
			return clone_gone(s);
		if (err)
			return ckpt_fail(err, s->o->pid, "its clone's memory at %llx: read",
					 (unsigned long long)addrs[i]);
	}
	return 0;
}

static int read_object(struct snapshot *s, uint32_t object, const uint64_t *addrs, uint32_t n,
		       uint8_t *to)
{
	const struct dump_ghost *g = ghost_of(s, object);
	int err = g ? res_ghost_read(g, addrs, n, to) :
		  res_shmem_read(&s->d.shmems.v[object - 1], addrs, n, to);

	return err ? ckpt_fail(err, s->o->pid, "%s at %llx: read", g ? "deleted file" : "shared memory",
			       (unsigned long long)addrs[0]) : 0;
}

static int read_pages(struct snapshot *s, uint32_t object, const uint64_t *addrs, uint32_t n,
		      uint8_t *to)
{
	struct iovec local, remote[CHUNK];
	uint32_t done = 0;

	if (object)
		return read_object(s, object, addrs, n, to);
	if (s->clone.pid)
		return read_runs(s, addrs, n, to);
	while (done < n) {
		size_t nr = 0, bytes = 0;
		uint32_t got, i = done;
		ssize_t r;

		for (; i < n; i++) {
			struct iovec *last = nr ? &remote[nr - 1] : NULL;

			if (last && (uint64_t)(uintptr_t)last->iov_base + last->iov_len == addrs[i])
				last->iov_len += PAGE;
			else
				remote[nr++] = (struct iovec){ (void *)(uintptr_t)addrs[i], PAGE };
			bytes += PAGE;
		}
		local = (struct iovec){ to + done * PAGE, bytes };
		r = process_vm_readv(s->o->pid, &local, 1, remote, nr, 0);
		if (r < 0 && errno != EFAULT)
			return ckpt_fail(-errno, s->o->pid, "memory at %llx: read",
					 (unsigned long long)addrs[done]);
		got = r > 0 ? (uint32_t)((uint64_t)r / PAGE) : 0;
		done += got;
		if (done < n) {
			int err = read_slowly(s, addrs + done, 1, to + done * PAGE);

			if (err)
				return err;
			done++;
		}
	}
	return 0;
}

/* Where the walk over the ranges stands. */
struct cursor { size_t range; uint64_t at; uint32_t object; };

/* Addresses of the next chunk, all of what c->object says then; how many, 0 at the end. */
static uint32_t next_chunk(const struct snapshot *s, struct cursor *c, uint64_t *addrs)
{
	uint32_t n = 0;

	while (n < CHUNK && c->range < s->ranges.n) {
		const struct page_range *r = &s->ranges.v[c->range];

		if (n && r->object != c->object)
			break;
		c->object = r->object;
		if (c->at < r->start || c->at >= r->end)
			c->at = r->start;
		for (; c->at < r->end && n < CHUNK; c->at += PAGE)
			addrs[n++] = c->at;
		if (c->at == r->end) {
			c->range++;
			c->at = 0;
		}
	}
	return n;
}

static uint32_t owner_of(const struct snapshot *s, uint32_t object)
{
	const struct dump_ghost *g = ghost_of(s, object);

	return g ? g->rec.id : object ? s->d.shmems.v[object - 1].rec.id : s->d.mm_id;
}

static int copy_to_buffer(struct snapshot *s)
{
	struct cursor c = { 0 };
	uint64_t done = 0;
	uint32_t n;
	int err = 0;

	while (!err && (n = next_chunk(s, &c, s->addrs + done))) {
		err = snapshot_check(s);
		if (!err)
			err = read_pages(s, c.object, s->addrs + done, n, s->buf + done * PAGE);
		done += n;
	}
	return err;
}

static int copy_to_writer(struct snapshot *s)
{
	struct cursor c = { 0 };
	struct page_writer pw;
	struct page_slot *slot;
	int err = page_writer_start(&pw, s->w, &s->o->packing, s->buf, s->addrs, CHUNK), late;

	if (err)
		return err;
	while (!err && (slot = page_writer_slot(&pw))) {
		slot->n = next_chunk(s, &c, slot->addrs);
		if (!slot->n)
			break;
		slot->owner = owner_of(s, c.object);
		err = snapshot_check(s);
		if (!err)
			err = read_pages(s, c.object, slot->addrs, slot->n, slot->data);
		if (!err && s->clone.pid)
			s->engine.ops->clone_give_back(&s->engine, &s->clone, slot->addrs[0],
				slot->addrs[slot->n - 1] + PAGE - slot->addrs[0]);
		if (!err)
			page_writer_submit(&pw);
	}
	late = page_writer_finish(&pw);
	return err ? err : late;
}

int snapshot_copy_pages(struct snapshot *s)
{
	return s->buffered ? copy_to_buffer(s) : copy_to_writer(s);
}

int snapshot_write_buffered(struct snapshot *s)
{
	struct cursor c = { 0 };
	uint64_t at = 0;
	uint32_t n;
	int err = 0;

	/* In the chunks in which it was copied. */
	while (!err && (n = next_chunk(s, &c, s->addrs + at))) {
		err = ckpt_write_pages(s->w, owner_of(s, c.object), s->addrs + at, n, s->buf + at * PAGE);
		at += n;
		if (!err)
			err = snapshot_check(s);
	}
	return err;
}
