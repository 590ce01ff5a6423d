// SPDX-License-Identifier: GPL-2.0
/* PAGES and MEM_CTX. */
#include "kmod_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASE	0x20000000ul
#define PAGE	4096ul
#define NPAGES	64u		/* 16 written, 16 holes, 16 written and PROT_NONE, 16 of a file */
#define SPREAD	0x30000000ul	/* 2048 pages, every other one written */
#define MANY	1024u

static uint8_t byte_of(unsigned long page, unsigned long at)
{
	return (uint8_t)(page * 7 + at * 13 + 1);
}

static void fill(void *p, unsigned long page)
{
	for (unsigned long i = 0; i < PAGE; i++)
		((uint8_t *)p)[i] = byte_of(page, i);
}

static int new_file(int flags)
{
	char path[] = "/tmp/kmod-pages-XXXXXX";
	int fd = mkostemp(path, flags);

	CHECK(fd >= 0);
	unlink(path);
	return fd;
}

static void pages_target(struct shared *sh, int n)
{
	uint8_t *p = mmap((void *)BASE, NPAGES * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	uint8_t *s = mmap((void *)SPREAD, 2 * MANY * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	int fd = new_file(0);
	uint8_t buf[PAGE];

	for (unsigned int i = 0; i < 16; i++)
		fill(p + i * PAGE, i);
	for (unsigned int i = 32; i < 48; i++)
		fill(p + i * PAGE, i);
	mprotect(p + 32 * PAGE, 16 * PAGE, PROT_NONE);
	for (unsigned int i = 48; i < 64; i++) {
		fill(buf, i);
		if (write(fd, buf, PAGE) != (ssize_t)PAGE)
			_exit(97);
	}
	/* Mapped and never touched: the page is only in the cache. */
	if (mmap(p + 48 * PAGE, 16 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
		_exit(96);
	for (unsigned int i = 0; i < MANY; i++)
		*(uint64_t *)(s + 2 * i * PAGE) = i + 1;
	sh->ready = n;
	while (!sh->stop)
		sleep_ms(1);
	/* What the test unmapped is gone, the rest is as it was. */
	_exit(p[0] == byte_of(0, 0) ? 0 : 1);
}

static struct ckptbpf_pages args(pid_t pid, int fd, const uint64_t *addrs, uint32_t n)
{
	return (struct ckptbpf_pages){
		.size = sizeof(struct ckptbpf_pages), .tgid = pid, .fd = fd,
		.addrs = (uintptr_t)addrs, .n = n,
	};
}

static void check_file(int fd, off_t off, bool with_hole)
{
	uint8_t buf[PAGE], want[PAGE];

	for (unsigned int i = 0; i < NPAGES; i++) {
		CHECK_EQ(pread(fd, buf, PAGE, off + (off_t)(i * PAGE)), PAGE);
		if (with_hole && i >= 16 && i < 32)
			memset(want, 0, PAGE);
		else
			fill(want, i);
		if (memcmp(buf, want, PAGE))
			fail_at("page", (int)i, "content", buf[0], want[0]);
	}
}

static void test_pages(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(pages_target, sh, 1);
	int fd = open_session(), out = new_file(0);
	static uint64_t addrs[MANY];
	struct ckptbpf_pages a;
	struct ckptbpf_freeze f;
	struct stat st;
	uint64_t word;

	for (unsigned int i = 0; i < NPAGES; i++)
		addrs[i] = BASE + i * PAGE;
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	a = args(pid, out, addrs, NPAGES);
	a.off = 8192;
	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), 0);
	CHECK_EQ(a.ncopied, NPAGES);
	CHECK_EQ(a.nhole, 16);
	CHECK(!fstat(out, &st));
	CHECK_EQ(st.st_size, 8192 + (long)(NPAGES * PAGE));
	CHECK_EQ(lseek(out, 0, SEEK_CUR), 0);
	check_file(out, 8192, true);

	/* As many pages as one call takes, none beside another. */
	for (unsigned int i = 0; i < MANY; i++)
		addrs[i] = SPREAD + 2 * i * PAGE;
	CHECK(!ftruncate(out, 0));
	a = args(pid, out, addrs, MANY);
	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), 0);
	CHECK_EQ(a.ncopied, MANY);
	CHECK_EQ(a.nhole, 0);
	for (unsigned int i = 0; i < MANY; i++) {
		CHECK_EQ(pread(out, &word, 8, (off_t)(i * PAGE)), 8);
		CHECK_EQ(word, i + 1);
	}

	/* Where nothing is mapped. */
	addrs[0] = 0x1000;
	addrs[1] = 0x7ffffffff000 - PAGE;
	a = args(pid, out, addrs, 2);
	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), 0);
	CHECK_EQ(a.nhole, 2);
}

/* A whole range at once; absent pages and zeros left out, and where they were. */
static void test_pages_packed(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(pages_target, sh, 1);
	static uint64_t bitmap[2 * MANY / 64 + 1];
	int fd = open_session(), out = new_file(0);
	struct ckptbpf_pages a = {
		.size = sizeof(a), .flags = CKPTBPF_PAGES_RANGE | CKPTBPF_PAGES_PACKED,
		.tgid = pid, .fd = out, .addrs = BASE, .n = NPAGES, .bitmap = (uintptr_t)bitmap,
	};
	uint8_t buf[PAGE], want[PAGE];
	struct ckptbpf_freeze f;
	uint64_t zero = 0;
	char path[64];
	off_t at = 0;
	int mem;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	mem = open(path, O_RDWR);
	CHECK(mem >= 0);
	bitmap[1] = 0x123;
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), 0);
	CHECK_EQ(a.ncopied, 48);
	CHECK_EQ(a.nhole, 16);
	CHECK_EQ(a.nzero, 0);
	CHECK_EQ(bitmap[0], (long)0xffffffff0000ffff);
	CHECK_EQ(bitmap[1], 0x123);
	for (unsigned int i = 0; i < NPAGES; i++) {
		if (!(bitmap[0] >> i & 1))
			continue;
		CHECK_EQ(pread(out, buf, PAGE, at), PAGE);
		fill(want, i);
		CHECK(!memcmp(buf, want, PAGE));
		at += PAGE;
	}
	CHECK_EQ(lseek(out, 0, SEEK_END), at);

	/* Of what is spread, every other page becomes zero. */
	for (unsigned int i = 1; i < MANY; i += 2)
		CHECK_EQ(pwrite(mem, &zero, 8, (off_t)(SPREAD + 2 * i * PAGE)), 8);
	CHECK(!ftruncate(out, 0));
	a.addrs = SPREAD;
	a.n = 2 * MANY;
	a.off = 4096;
	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), 0);
	CHECK_EQ(a.ncopied, MANY / 2);
	CHECK_EQ(a.nzero, MANY / 2);
	CHECK_EQ(a.nhole, MANY);
	for (unsigned int i = 0; i < 2 * MANY; i++)
		CHECK_EQ(bitmap[i / 64] >> i % 64 & 1, i % 4 == 0);
	for (unsigned int i = 0; i < MANY / 2; i++) {
		uint64_t word;

		CHECK_EQ(pread(out, &word, 8, (off_t)((i + 1) * PAGE)), 8);
		CHECK_EQ(word, 2 * i + 1);
	}

	/* Not packed: as with a list, and the bitmap says all. */
	a.flags = CKPTBPF_PAGES_RANGE;
	a.addrs = BASE;
	a.n = NPAGES;
	a.off = 0;
	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), 0);
	CHECK_EQ(a.ncopied, NPAGES);
	CHECK_EQ((long)bitmap[0], -1);
	check_file(out, 0, true);

	a.bitmap = 8;
	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), -EFAULT);
	a.bitmap = 0;
	a.n = 262145;
	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), -EINVAL);
	a.n = 2;
	a.addrs = (1ul << 56) - 2 * PAGE;	/* where 5-level paging ends, too */
	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), -EINVAL);
	a.addrs = -PAGE;
	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), -EINVAL);
	a.addrs = BASE + 1;
	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), -EINVAL);
	a.addrs = BASE;
	a.pad1 = 1;
	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), -EINVAL);
}

static void test_pages_bad(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(pages_target, sh, 1);
	int fd = open_session(), out = new_file(0), append = new_file(O_APPEND), p[2], ro;
	uint64_t good[2] = { BASE, BASE + PAGE }, odd[1] = { BASE + 8 }, twice[2] = { BASE, BASE };
	uint64_t down[2] = { BASE + PAGE, BASE }, high[1] = { 1ul << 56 };
	uint64_t top[1] = { -PAGE };
	static uint64_t many[MANY + 1];
	struct ckptbpf_pages a;
	struct ckptbpf_freeze f;

	CHECK(!pipe(p));
	ro = open("/proc/self/exe", O_RDONLY);
	CHECK(ro >= 0);
	for (unsigned int i = 0; i <= MANY; i++)
		many[i] = BASE + i * PAGE;
	/* It runs. */
	a = args(pid, out, good, 2);
	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), -ESRCH);
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);

#define REFUSED(want, ...) do {							\
	a = args(__VA_ARGS__);							\
	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), want);				\
	CHECK_EQ(a.ncopied, 0);							\
} while (0)
	REFUSED(-EINVAL, pid, out, odd, 1);
	REFUSED(-EINVAL, pid, out, twice, 2);
	REFUSED(-EINVAL, pid, out, down, 2);
	REFUSED(-EINVAL, pid, out, high, 1);
	REFUSED(-EINVAL, pid, out, top, 1);
	REFUSED(-EINVAL, pid, out, good, 0);
	REFUSED(-EINVAL, pid, out, many, MANY + 1);
	REFUSED(-EFAULT, pid, out, (uint64_t *)8, 2);
	REFUSED(-EBADF, pid, -1, good, 2);
	REFUSED(-EBADF, pid, ro, good, 2);
	REFUSED(-EINVAL, pid, p[1], good, 2);
	REFUSED(-EINVAL, pid, append, good, 2);
	REFUSED(-ESRCH, getpid(), out, good, 2);
	REFUSED(-ESRCH, 0, out, good, 2);
#undef REFUSED
	a = args(pid, out, good, 2);
	a.off = 0x7fffffffffffefff;
	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), -EINVAL);
	a.off = -1;
	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), -EINVAL);
	CHECK_EQ(lseek(out, 0, SEEK_END), 0);
}

/* The file system is full: the error, and how far it came. */
static void test_pages_full(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(pages_target, sh, 1);
	int fd = open_session(), out;
	uint64_t addrs[NPAGES];
	struct ckptbpf_pages a;
	struct ckptbpf_freeze f;

	for (unsigned int i = 0; i < NPAGES; i++)
		addrs[i] = BASE + i * PAGE;
	mkdir("/tmp/kmod-full", 0700);
	CHECK(!mount("full", "/tmp/kmod-full", "tmpfs", 0, "size=32k"));
	out = open("/tmp/kmod-full/f", O_RDWR | O_CREAT | O_EXCL, 0600);
	CHECK(out >= 0);
	CHECK(!umount2("/tmp/kmod-full", MNT_DETACH));
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	a = args(pid, out, addrs, NPAGES);
	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), -ENOSPC);
	CHECK(a.ncopied < NPAGES);
}

static bool is_mapped(pid_t pid, unsigned long addr)
{
	char path[64], line[512];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "r");
	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned long lo, hi;

		if (sscanf(line, "%lx-%lx", &lo, &hi) == 2 && addr >= lo && addr < hi)
			found = true;
	}
	fclose(f);
	return found;
}

static int unmap(int fd, pid_t tid, uint64_t addr, uint64_t len, long *ret)
{
	struct ckptbpf_mem_ctx m = {
		.size = sizeof(m), .tid = tid, .op = CKPTBPF_MEM_MUNMAP, .addr = addr, .len = len,
		.ret = 12345,
	};
	int err = call(fd, CKPTBPF_MEM_CTX, &m);

	*ret = m.ret;
	return err;
}

static void test_munmap(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(pages_target, sh, 1);
	struct ckptbpf_mem_ctx m = { .size = sizeof(m), .tid = pid, .op = 2 };
	int fd = open_session(), status;
	struct ckptbpf_freeze f;
	long ret;

	CHECK_EQ(unmap(fd, pid, BASE + PAGE, PAGE, &ret), -ESRCH);
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(call(fd, CKPTBPF_MEM_CTX, &m), -EINVAL);
	m.op = 0;
	CHECK_EQ(call(fd, CKPTBPF_MEM_CTX, &m), -EINVAL);
	CHECK_EQ(unmap(fd, pid, BASE + 1, PAGE, &ret), 0);
	CHECK_EQ(ret, -EINVAL);
	CHECK_EQ(unmap(fd, pid, 0xffff800000000000, PAGE, &ret), 0);
	CHECK_EQ(ret, -EINVAL);
	CHECK_EQ(unmap(fd, pid, BASE, -PAGE, &ret), 0);
	CHECK_EQ(ret, -EINVAL);
	CHECK_EQ(unmap(fd, pid, BASE + PAGE, 15 * PAGE, &ret), 0);
	CHECK_EQ(ret, 0);
	CHECK(is_mapped(pid, BASE));
	CHECK(!is_mapped(pid, BASE + PAGE));
	CHECK(!is_mapped(pid, BASE + 15 * PAGE));
	CHECK(is_mapped(pid, BASE + 16 * PAGE));
	for (int i = 0; i < 200; i++) {
		CHECK_EQ(unmap(fd, pid, SPREAD + 2 * (unsigned long)i * PAGE, PAGE, &ret), 0);
		CHECK_EQ(ret, 0);
	}
	CHECK_EQ(thaw(fd, pid), 0);
	sh->stop = 1;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

const struct kmod_test pages_tests[] = {
	{ "pages into a file: holes, PROT_NONE, of a file, 1024", test_pages },
	{ "pages of a range, packed", test_pages_packed },
	{ "pages that must be refused", test_pages_bad },
	{ "pages into a full file system", test_pages_full },
	{ "munmap in the target's context", test_munmap },
	{ NULL, NULL }
};
