// SPDX-License-Identifier: GPL-2.0
/* Core files of images that no ordinary process gives, read by libelf. */
#include <elf.h>
#include <gelf.h>
#include <stdlib.h>

#include "core/core_int.h"
#include "tests/unit/image_sample.h"

#define MANY 70000u		/* more than e_phnum can say */
#define FIRST 0x10000000ull

static void write_many(struct golden *g)
{
	uint32_t task, thread, exe, mm;

	put_frames(g);
	task = put_task(g, 0, 4000, 1, 1);
	put_rlimits(g, task);
	thread = put_thread(g, task, 4000, "many");
	put_cpu(g, thread);
	exe = put_file(g, CKPT_FILE_MAPPED, 0100755, 0, 0, "/nowhere/many");
	mm = put_mm(g, task, exe, MANY);
	for (uint32_t i = 0; i < MANY; i++)
		put_vma(g, mm, FIRST + i * 0x2000ull, 1, CKPT_VMA_ANON, 0, i & 1 ? CKPT_VMA_READ : 0);
	put_fs(g, task, "/");
	put_sighand(g, task);
	put_creds(g, thread, 0);
	put_pages(g, mm, FIRST + (MANY - 1) * 0x2000ull, 1);
	put_pages(g, mm, 0, 0);
}

/* What is in fd as a core file at path. */
static int make_core(int fd, const char *path)
{
	static uint8_t data[CKPT_CHUNK_PAGES * CKPT_PAGE_SIZE];
	struct ckpt_reader *r;
	struct ckpt_plan plan;
	struct ckpt_rec rec;
	struct core *c = NULL;
	int err = 0;

	plan_init(&plan);
	need(!ckpt_reader_open(&r, fd));
	while (!err && ckpt_read_record(r, &rec) > 0) {
		const struct ckpt_pages *pg = rec.payload;

		if (rec.h.type != CKPT_PAGES) {
			err = plan_add(&plan, &rec);
			continue;
		}
		if (!c)
			err = plan_complete(&plan);
		if (!err && !c)
			err = core_open(&c, &plan, 0, path, false);
		if (!err)
			err = ckpt_read_data(r, data);
		if (!err)
			err = core_pages(c, rec.h.owner, (const uint64_t *)(pg + 1), pg->npages, data);
	}
	if (!err && c)
		err = core_finish(c);
	core_close(c);
	ckpt_reader_close(r);
	plan_free(&plan);
	return err;
}

static void check_many(const char *path)
{
	uint64_t last = FIRST + (MANY - 1) * 0x2000ull, word = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf *elf;
	GElf_Ehdr eh;
	GElf_Phdr ph;
	size_t n = 0;

	need(fd >= 0);
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	need(elf && gelf_getehdr(elf, &eh));
	ok(eh.e_phnum == PN_XNUM, "e_phnum says that there are more");
	need(!elf_getphdrnum(elf, &n));
	ok(n == MANY + 1, "%zu program headers", n);
	need(gelf_getphdr(elf, (int)MANY, &ph));
	ok(ph.p_vaddr == last && ph.p_filesz == CKPT_PAGE_SIZE, "the last mapping is the last header");
	ok(!ckpt_pread_all(fd, &word, sizeof(word), (off_t)ph.p_offset) && word == last,
	   "and has its page");
	need(gelf_getphdr(elf, 1, &ph));
	ok(ph.p_vaddr == FIRST && !ph.p_filesz && ph.p_memsz == CKPT_PAGE_SIZE && !ph.p_flags,
	   "one without rights and pages has no content");
	need(gelf_getphdr(elf, 2, &ph));
	ok(ph.p_filesz == CKPT_PAGE_SIZE && ph.p_flags == PF_R, "one that was never written is zeros");
	elf_end(elf);
	close(fd);
}

static void test_many(void)
{
	char dir[] = "/tmp/ckptbpf-core-XXXXXX", *path = NULL;
	int fd = memfd_create("image", MFD_CLOEXEC), err;
	struct golden g = { .format = CKPT_FORMAT };

	need(mkdtemp(dir) && asprintf(&path, "%s/core", dir) > 0);
	need(fd >= 0 && !ckpt_writer_open_fd(&g.w, fd));
	write_many(&g);
	need(!g.err && !ckpt_writer_tail(g.w) && !ckpt_writer_finish(g.w));
	ckpt_writer_close(g.w);
	need(!lseek(fd, 0, SEEK_SET));
	err = make_core(fd, path);
	if (ok(!err, "a core file of %u mappings", MANY))
		check_many(path);
	unlink(path);
	rmdir(dir);
	free(path);
}

static void fill(uint8_t *x, uint32_t from, uint32_t to, uint8_t v)
{
	memset(x + from, v, to - from);
}

static bool is(const uint8_t *x, uint32_t from, uint32_t to, uint8_t v)
{
	for (; from < to; from++)
		if (x[from] != v)
			return false;
	return true;
}

static void test_xstate(void)
{
	static uint8_t x[CKPT_MAX_XSTATE];
	const uint64_t avx512 = 0xe7, pkru = 1 << 9;

	fill(x, 0, 832, 1);
	fill(x, 832, 896, 2);
	fill(x, 896, 1408, 3);
	fill(x, 1408, 2432, 4);
	fill(x, 2432, 2440, 5);
	ok(core_xstate_spread(x, 2440, avx512 | pkru) == 2696, "AMD's layout becomes Intel's");
	ok(is(x, 0, 832, 1) && is(x, 832, 1088, 0), "up to AVX nothing moves, MPX is empty");
	ok(is(x, 1088, 1152, 2) && is(x, 1152, 1664, 3) && is(x, 1664, 2688, 4), "AVX-512 moves");
	ok(is(x, 2688, 2696, 5), "PKRU moves");
	fill(x, 2432, 2688, 7);
	ok(core_xstate_spread(x, 2696, avx512 | pkru) == 2696 && is(x, 2432, 2688, 7), "Intel's stays");
	fill(x, 896, 1408, 8);
	ok(core_xstate_spread(x, 2432, avx512) == 2688 && is(x, 1152, 1664, 8), "without PKRU");
	memset(x + 512, 0, 8);
	ok(core_xstate_spread(x, 11008, 0x600e7) == 2688, "AMX that was not used is left out");
	x[514] = 6;
	ok(core_xstate_spread(x, 11008, 0x600e7) == 11008, "used, it stays");
	ok(core_xstate_spread(x, 832, 7) == 832, "AVX alone lies the same everywhere");
}

int main(void)
{
	test_many();
	test_xstate();
	return tap_done();
}
