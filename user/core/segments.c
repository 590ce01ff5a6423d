// SPDX-License-Identifier: GPL-2.0
/*
 * What a core file holds of memory, as the kernel's coredump_filter has it by
 * default: anonymous memory, shared or not, file mappings the program has written
 * to, of other ELF files the page that names them, and the vdso. Of a memfd and a
 * deleted file also what is mapped and not written to: nothing else could give it.
 */
#include "core/core_int.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/show.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/interrupt.h"
#include "lib/io.h"
#include "lib/log.h"
#include "vdso.h"

#define COPY_LEN (256u << 10)

static uint64_t seg_len(const struct core_seg *s)
{
	return s->vma->end - s->vma->start;
}

static bool accessible(const struct ckpt_vma *v)
{
	return v->flags & (CKPT_VMA_READ | CKPT_VMA_WRITE | CKPT_VMA_EXEC);
}

/* MADV_DONTDUMP: often for what must not be seen, so not here either. */
static bool excluded(const struct ckpt_vma *v)
{
	return v->flags & CKPT_VMA_DONTDUMP && (v->kind == CKPT_VMA_ANON || v->kind == CKPT_VMA_FILE);
}

/*
 * The file of a mapping, if it is still what was mapped as far as can be told.
 * Nothing but a regular file is ever opened: the image could name any.
 */
static int open_backing(const struct core *c, const struct plan_file *f)
{
	cleanup_free char *path = NULL;
	cleanup_close int at = -1;
	char self[32];
	struct stat st;

	if (asprintf(&path, "%s%s", strcmp(c->task->root, "/") ? c->task->root : "", f->path) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	at = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (at < 0 || fstat(at, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != f->rec.size)
		return -ESTALE;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", at);
	at = open(self, O_RDONLY | O_CLOEXEC);
	return at < 0 ? -errno : take_fd(at);
}

/* The first page of an ELF file: debuggers find it by the build id in there. */
static int place_elf_head(struct core *c, struct core_seg *s)
{
	const struct plan_file *f = plan_file(c->plan, s->vma->file);
	cleanup_close int fd = -1;
	uint8_t page[CKPT_PAGE_SIZE];
	ssize_t n;

	if (s->vma->offset || s->vma->flags & CKPT_VMA_SHARED || !(s->vma->flags & CKPT_VMA_READ))
		return 0;
	fd = open_backing(c, f);
	n = fd < 0 ? -1 : pread(fd, page, sizeof(page), 0);
	if (n < SELFMAG || memcmp(page, ELFMAG, SELFMAG))
		return 0;
	s->filesz = CKPT_PAGE_SIZE;
	return core_put(c, page, (size_t)n, s->offset);
}

/* The image holds a sum of the vdso alone; ours is the same on the same kernel. */
static int place_vdso(struct core *c, struct core_seg *s)
{
	const struct ckpt_header_arch *arch = &c->plan->arch;
	struct ckpt_vdso v;

	if (ckpt_vdso_self(&v)) {
		ckpt_fail_clear();
		return 0;
	}
	if (v.len != arch->vdso_len || v.len > seg_len(s) ||
	    memcmp(v.xxh3, arch->vdso_xxh3, sizeof(v.xxh3)))
		return 0;
	s->filesz = v.len;
	return core_put(c, (const void *)(uintptr_t)v.code, v.len, s->offset);
}

static int place_content(struct core *c, struct core_seg *s)
{
	const struct plan_file *f = plan_file(c->plan, s->vma->file);

	if (f && (f->rec.kind == CKPT_FILE_SHMEM || f->rec.kind == CKPT_FILE_GHOST))
		s->object = f->rec.obj;
	if (excluded(s->vma))
		return 0;
	if (s->object) {
		s->filesz = accessible(s->vma) ? seg_len(s) : 0;
		return 0;
	}
	switch (s->vma->kind) {
	case CKPT_VMA_ANON:
		s->filesz = accessible(s->vma) ? seg_len(s) : 0;
		return 0;
	case CKPT_VMA_FILE:
		return place_elf_head(c, s);
	case CKPT_VMA_VDSO:
		return place_vdso(c, s);
	}
	return 0;
}

int core_segs_place(struct core *c, uint64_t at)
{
	size_t n = c->task->mm.vmas.n;
	int err = 0;

	c->segs = calloc(n + 1, sizeof(*c->segs));
	if (!c->segs)
		return ckpt_fail(-ENOMEM, 0, "core file: mappings");
	c->nsegs = n;
	/* Address space only reserved, often a lot of it, goes to the end: mostly it needs no place. */
	for (int reserved = 0; reserved < 2; reserved++) {
		for (size_t i = 0; i < n; i++) {
			struct core_seg *s = &c->segs[i];

			s->vma = &c->task->mm.vmas.v[i];
			if ((accessible(s->vma) && !excluded(s->vma)) == reserved)
				continue;
			s->offset = at;
			at += seg_len(s);
		}
	}
	for (size_t i = 0; i < n && !err; i++)
		err = place_content(c, &c->segs[i]);
	return err;
}

uint64_t core_segs_end(const struct core *c)
{
	uint64_t end = c->notes_at + c->notes_len;

	for (size_t i = 0; i < c->nsegs; i++)
		if (c->segs[i].filesz && c->segs[i].offset + c->segs[i].filesz > end)
			end = c->segs[i].offset + c->segs[i].filesz;
	return end;
}

/* The mapping that addr lies in: plan_pages() has seen that there is one. */
static struct core_seg *seg_of(struct core *c, uint64_t addr)
{
	size_t lo = 0, hi = c->nsegs;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->segs[mid].vma->start <= addr)
			lo = mid;
		else
			hi = mid;
	}
	return &c->segs[lo];
}

static bool is_zero(const uint8_t *page)
{
	return !page[0] && !memcmp(page, page + 1, CKPT_PAGE_SIZE - 1);
}

/* The command line, of which the kernel's own record keeps the first 79 bytes. */
static void take_args(struct core *c, uint64_t addr, const uint8_t *page)
{
	const struct ckpt_mm *m = &c->task->mm.rec;
	uint64_t len = m->arg_end - m->arg_start;

	if (len > CORE_PSARGS - 1)
		len = CORE_PSARGS - 1;
	if (addr >= m->arg_start + len || addr + CKPT_PAGE_SIZE <= m->arg_start)
		return;
	for (uint64_t i = 0; i < len; i++) {
		uint64_t at = m->arg_start + i;

		if (at >= addr && at - addr < CKPT_PAGE_SIZE)
			c->psargs[i] = page[at - addr] ? (char)page[at - addr] : ' ';
	}
}

static int hold(struct core *c, uint64_t addr)
{
	uint64_t *slot = vec_push(&c->held);

	if (!slot)
		return ckpt_fail(-ENOMEM, 0, "core file: pages");
	*slot = addr;
	return 0;
}

/* What s maps of these pages of its object, but where it has pages of its own. */
static int put_object(struct core *c, struct core_seg *s, const uint64_t *offsets, uint32_t n,
		      const uint8_t *page)
{
	int err = 0;

	if (excluded(s->vma) || !s->filesz)
		return 0;
	for (uint32_t i = 0; i < n && !err; i++) {
		uint64_t at = offsets[i] - s->vma->offset;
		const uint8_t *from = page + (size_t)i * CKPT_PAGE_SIZE;

		if (offsets[i] < s->vma->offset || at >= seg_len(s) || is_zero(from) ||
		    cookie_get(&c->own, s->vma->start + at))
			continue;
		err = core_put(c, from, CKPT_PAGE_SIZE, s->offset + at);
	}
	return err;
}

static int object_pages(struct core *c, uint32_t object, const uint64_t *offsets, uint32_t n, const void *data)
{
	int err = 0;

	for (size_t i = 0; i < c->nsegs && !err; i++)
		if (c->segs[i].object == object)
			err = put_object(c, &c->segs[i], offsets, n, data);
	return err ? err : ckpt_interrupt_check();
}

/* A page that the image holds of a mapping of a file: remember that. */
static int note_page(struct core *c, const struct core_seg *s, uint64_t addr)
{
	if (!s->object)
		return hold(c, addr);
	return cookie_put(&c->own, addr, 1) ? ckpt_fail(-ENOMEM, 0, "core file: pages") : 0;
}

int core_pages(struct core *c, uint32_t owner, const uint64_t *addrs, uint32_t n, const void *data)
{
	const uint8_t *page = data;
	uint32_t i = 0;
	int err = 0;

	if (plan_shmem(c->plan, owner) || plan_ghost(c->plan, owner))
		return object_pages(c, owner, addrs, n, data);
	if (owner != c->task->mm.rec.id)
		return 0;
	while (i < n && !err) {
		struct core_seg *s = seg_of(c, addrs[i]);
		bool file = s->vma->kind == CKPT_VMA_FILE;
		uint32_t first = i;

		if (excluded(s->vma)) {
			i++;
			continue;
		}
		s->filesz = seg_len(s);
		/* As far as both the addresses and the mapping go on; zeros stay a hole. */
		do {
			if (!file && is_zero(page + (size_t)i * CKPT_PAGE_SIZE))
				break;
			take_args(c, addrs[i], page + (size_t)i * CKPT_PAGE_SIZE);
			err = file ? note_page(c, s, addrs[i]) : 0;
			i++;
		} while (!err && i < n && addrs[i] == addrs[i - 1] + CKPT_PAGE_SIZE &&
			 addrs[i] < s->vma->end);
		if (!err)
			err = core_put(c, page + (size_t)first * CKPT_PAGE_SIZE,
				       (size_t)(i - first) * CKPT_PAGE_SIZE,
				       s->offset + (addrs[first] - s->vma->start));
		if (i == first)
			i++;
	}
	return err ? err : ckpt_interrupt_check();
}

/* len bytes of the file from pos on into the core at `at`; behind its end there are none. */
static int copy_part(struct core *c, int fd, uint64_t pos, uint64_t at, uint64_t len, uint8_t *buf)
{
	while (len) {
		ssize_t n = pread(fd, buf, len < COPY_LEN ? (size_t)len : COPY_LEN, (off_t)pos);
		int err = ckpt_interrupt_check();

		if (n < 0 && errno == EINTR && !err)
			continue;
		if (n < 0)
			return ckpt_fail(-errno, 0, "file of a mapping: read");
		if (!n)
			return err;
		if (!err)
			err = core_put(c, buf, (size_t)n, at);
		if (err)
			return err;
		pos += (uint64_t)n;
		at += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static int lose_backing(struct core *c, const struct core_seg *s, const struct plan_file *f, int err)
{
	cleanup_free char *name = ckpt_show_escape(f->path, f->rec.path_len);

	c->losses++;
	pr_warn("convert: %s: %s: what 0x%llx-0x%llx maps of it unchanged is zeros in the core file",
		name ? name : "?", err == -ESTALE ? "it is not what it was" : ckpt_errname(err),
		(unsigned long long)s->vma->start, (unsigned long long)s->vma->end);
	return 0;
}

/* Around the pages of s that the image holds, which are held[from] up to held[to - 1]. */
static int fill_seg(struct core *c, const struct core_seg *s, size_t from, size_t to, uint8_t *buf)
{
	const struct plan_file *f = plan_file(c->plan, s->vma->file);
	cleanup_close int fd = -1;
	uint64_t pos = s->vma->start;
	int err = 0;

	if (to - from == seg_len(s) / CKPT_PAGE_SIZE)
		return 0;
	fd = open_backing(c, f);
	if (fd < 0)
		return lose_backing(c, s, f, fd);
	for (size_t i = from; i <= to && !err; i++) {
		uint64_t end = i < to ? c->held.v[i] : s->vma->end;
		uint64_t off = pos - s->vma->start;

		if (end > pos)
			err = copy_part(c, fd, s->vma->offset + off, s->offset + off, end - pos, buf);
		pos = end + CKPT_PAGE_SIZE;
	}
	return err;
}

static int by_addr(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int core_segs_fill(struct core *c)
{
	cleanup_free uint8_t *buf = malloc(COPY_LEN);
	size_t from = 0, to, n = 0;
	int err = 0;

	if (!buf)
		return ckpt_fail(-ENOMEM, 0, "core file: mappings");
	if (c->held.n)
		qsort(c->held.v, c->held.n, sizeof(*c->held.v), by_addr);
	/* A page may have come twice: nothing forbids it. */
	for (size_t i = 0; i < c->held.n; i++)
		if (!n || c->held.v[n - 1] != c->held.v[i])
			c->held.v[n++] = c->held.v[i];
	for (; from < n && !err; from = to) {
		const struct core_seg *s = seg_of(c, c->held.v[from]);

		for (to = from; to < n && c->held.v[to] < s->vma->end; to++)
			;
		err = fill_seg(c, s, from, to, buf);
	}
	return err;
}
