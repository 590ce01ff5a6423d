// SPDX-License-Identifier: GPL-2.0
/*
 *   ELF header, program headers | notes | mappings, each at a page
 *
 * Places are given out before the first page comes, so that an image can be read
 * from a pipe; headers and notes are written last, when it is known which
 * mappings have content. What nobody writes is a hole, and reads as zeros.
 */
#include "core/core_int.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/interrupt.h"
#include "lib/io.h"

static uint64_t page_up(uint64_t n)
{
	return (n + CKPT_PAGE_SIZE - 1) & ~(uint64_t)(CKPT_PAGE_SIZE - 1);
}

int core_put(struct core *c, const void *buf, size_t len, uint64_t at)
{
	const char *p = buf;

	while (len) {
		ssize_t n = pwrite(c->out.fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR) {
			int err = ckpt_interrupt_check();

			if (err)
				return err;
			continue;
		}
		if (n < 0)
			return ckpt_fail(-errno, 0, "%s: write", c->path);
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* From 65535 program headers on their number lies in section header 0; libelf makes a second one. */
static bool needs_sections(size_t nsegs)
{
	return nsegs + 1 >= PN_XNUM;
}

static uint64_t headers_len(size_t nsegs)
{
	return sizeof(Elf64_Ehdr) + (nsegs + 1) * sizeof(Elf64_Phdr) +
	       (needs_sections(nsegs) ? 2 * sizeof(Elf64_Shdr) : 0);
}

static int elf_fail(const char *what)
{
	return ckpt_fail(-ENOMEM, 0, "core file: %s: %s", what, elf_errmsg(-1));
}

static uint32_t seg_flags(const struct ckpt_vma *v)
{
	return (v->flags & CKPT_VMA_READ ? PF_R : 0) | (v->flags & CKPT_VMA_WRITE ? PF_W : 0) |
	       (v->flags & CKPT_VMA_EXEC ? PF_X : 0);
}

static bool has_sections(const struct core *c, Elf *elf, GElf_Ehdr *eh)
{
	/* An empty section at 0 would have libelf fill up from there, over the headers. */
	GElf_Shdr sh = { .sh_offset = headers_len(c->nsegs) };

	if (!needs_sections(c->nsegs))
		return true;
	eh->e_shoff = eh->e_phoff + (c->nsegs + 1) * sizeof(Elf64_Phdr);
	return gelf_update_shdr(elf_getscn(elf, 1), &sh);
}

static int fill_headers(const struct core *c, Elf *elf)
{
	GElf_Phdr note = {
		.p_type = PT_NOTE, .p_offset = c->notes_at, .p_filesz = c->notes_len, .p_align = 4,
	};
	GElf_Ehdr eh;

	if (!gelf_newehdr(elf, ELFCLASS64) || (needs_sections(c->nsegs) && !elf_newscn(elf)) ||
	    !gelf_newphdr(elf, c->nsegs + 1) || !gelf_getehdr(elf, &eh))
		return elf_fail("headers");
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_type = ET_CORE;
	eh.e_machine = EM_X86_64;
	eh.e_version = EV_CURRENT;
	eh.e_phoff = sizeof(Elf64_Ehdr);
	elf_flagelf(elf, ELF_C_SET, ELF_F_LAYOUT);
	if (!has_sections(c, elf, &eh) || !gelf_update_ehdr(elf, &eh) || !gelf_update_phdr(elf, 0, &note))
		return elf_fail("headers");
	for (size_t i = 0; i < c->nsegs; i++) {
		const struct core_seg *s = &c->segs[i];
		GElf_Phdr ph = {
			.p_type = PT_LOAD, .p_flags = seg_flags(s->vma), .p_offset = s->offset,
			.p_vaddr = s->vma->start, .p_filesz = s->filesz,
			.p_memsz = s->vma->end - s->vma->start, .p_align = CKPT_PAGE_SIZE,
		};

		if (!gelf_update_phdr(elf, (int)i + 1, &ph))
			return elf_fail("program header");
	}
	return 0;
}

/* libelf cuts a file to what it knows of it, so the headers take a way round. */
static int write_headers(struct core *c)
{
	cleanup_close int fd = memfd_create("ckptbpf-core", MFD_CLOEXEC);
	cleanup_free void *buf = NULL;
	int64_t len = -1;
	Elf *elf;
	int err;

	if (fd < 0)
		return ckpt_fail(-errno, 0, "core file: memfd_create");
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_WRITE, NULL);
	err = elf ? fill_headers(c, elf) : elf_fail("open");
	if (!err) {
		len = elf_update(elf, ELF_C_WRITE);
		if (len < 0)
			err = elf_fail("headers");
	}
	elf_end(elf);
	if (err)
		return err;
	if ((uint64_t)len > c->notes_at)
		return ckpt_fail(-EOVERFLOW, 0, "core file: headers of %lld bytes", (long long)len);
	buf = malloc((size_t)len);
	err = buf ? ckpt_pread_all(fd, buf, (size_t)len, 0) : -ENOMEM;
	return err ? ckpt_fail(err, 0, "core file: headers") : core_put(c, buf, (size_t)len, 0);
}

static const struct plan_task *choose_task(const struct ckpt_plan *p, int32_t pid)
{
	if (!pid)
		return &p->tasks.v[0];
	for (size_t i = 0; i < p->tasks.n; i++)
		if (p->tasks.v[i].rec.pid == pid)
			return &p->tasks.v[i];
	ckpt_fail(-EINVAL, pid, "the image does not hold it");
	return NULL;
}

static int open_out(struct core *c, const char *path, bool force)
{
	int err;

	if (path ? !(c->path = strdup(path)) : asprintf(&c->path, "core.%d", c->task->rec.pid) < 0) {
		c->path = NULL;
		return ckpt_fail(-ENOMEM, 0, "core file: open");
	}
	err = out_open_path(&c->out, c->path, force);
	if (!err && c->out.kind != OUT_FILE)
		err = ckpt_fail(-EINVAL, 0, "%s: a core file must be a regular file", c->path);
	return err;
}

int core_open(struct core **ret, const struct ckpt_plan *p, int32_t pid, const char *path, bool force)
{
	struct core *c = calloc(1, sizeof(*c));
	int err = 0;

	if (!c)
		return ckpt_fail(-ENOMEM, 0, "core file: open");
	c->out = (struct ckpt_out){ .fd = -1, .own = -1, .dirfd = -1 };
	c->plan = p;
	c->task = choose_task(p, pid);
	if (!c->task)
		err = ckpt_fail_err();
	if (!err)
		err = open_out(c, path, force);
	if (!err)
		err = core_notes_size(c, &c->notes_len);
	if (!err) {
		c->notes_at = headers_len(c->task->mm.vmas.n);
		err = core_segs_place(c, page_up(c->notes_at + c->notes_len));
	}
	if (err) {
		core_close(c);
		return err;
	}
	*ret = c;
	return 0;
}

int core_finish(struct core *c)
{
	int err = core_segs_fill(c);

	if (!err)
		err = core_notes_write(c);
	if (!err)
		err = write_headers(c);
	/* The last pages may be a hole. */
	if (!err && ftruncate(c->out.fd, (off_t)core_segs_end(c)))
		err = ckpt_fail(-errno, 0, "%s: set its size", c->path);
	return err ? err : out_finish(&c->out);
}

const char *core_path(const struct core *c)
{
	return c->path;
}

unsigned int core_losses(const struct core *c)
{
	return c->losses;
}

void core_close(struct core *c)
{
	if (!c)
		return;
	out_close(&c->out);
	vec_free(&c->held);
	cookie_free(&c->own);
	free(c->segs);
	free(c->path);
	free(c);
}
