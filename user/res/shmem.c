// SPDX-License-Identifier: GPL-2.0
/*
 * Memory objects without a name in any filesystem: memfd's, and what lies behind
 * shared anonymous mappings. One record for each, however many descriptors and
 * mappings lead to it; its pages are in the image like those of an mm, by their
 * offset in the object.
 *
 * Saved: name, size, seals and every page that exists.
 * Restored: memfd_create() or mmap(), filled through a descriptor; the seals
 * last; mappings and descriptors lead to the one object again.
 * Refused: at the restore, a memfd that the kernel will not make; locks by the
 * file, SysV memory by the mapping, huge pages that are not there.
 * Lost: owner, times and extended attributes of its inode, pages that were only
 * reserved by fallocate(), the memory policy of a range that is not mapped.
 */
#include "res/shmem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE	0x10
#endif
#define VM_MAYWRITE	0x20u		/* include/linux/mm.h */
#define MEMFD_PREFIX	"/memfd:"
#define DELETED		" (deleted)"
#define ANON_PATH	"/dev/zero" DELETED
#define ANON_HUGE_PATH	"/anon_hugepage" DELETED
#define PAGE		((uint64_t)CKPT_PAGE_SIZE)

/* ---- snapshot ---- */

/*
 * The kernel's own mount, on which all of them lie and nothing else that has these
 * names; one more for each size of huge pages. shift: log2 of that, or 0.
 */
static uint32_t shm_dev(unsigned int shift)
{
	static uint32_t devs[64];
	unsigned int huge = shift ? MFD_HUGETLB | shift << CKPT_SHMEM_HUGE_SHIFT : 0;
	struct stat st;
	cleanup_close int fd = -1;

	if (devs[shift])
		return devs[shift];
	fd = memfd_create("ckptbpf", MFD_CLOEXEC | huge);
	if (fd >= 0 && !fstat(fd, &st))
		devs[shift] = (uint32_t)((st.st_dev >> 8 & 0xfff) << 20 | (st.st_dev & 0xff) |
					 (st.st_dev >> 12 & 0xfff00));
	return devs[shift];
}

/* Of the mount of huge pages with this number; 0: none. */
static unsigned int huge_shift_of(uint32_t dev)
{
	return !dev ? 0 : dev == shm_dev(SHMEM_HUGE_2M) ? SHMEM_HUGE_2M :
	       dev == shm_dev(SHMEM_HUGE_1G) ? SHMEM_HUGE_1G : 0;
}

static bool is_memfd(const char *path, uint32_t len)
{
	return len >= strlen(MEMFD_PREFIX DELETED) && !memcmp(path, MEMFD_PREFIX, strlen(MEMFD_PREFIX)) &&
	       dump_path_deleted(path, len);
}

static bool is_path(const struct ckpt_file *f, const char *path, const char *want)
{
	return f->path_len == strlen(want) && !memcmp(path, want, f->path_len);
}

bool dump_is_shmem(const struct ckpt_file *f, const char *path)
{
	if (!S_ISREG(f->mode) || f->flags & O_PATH)
		return false;
	if (f->dev == shm_dev(0))
		return is_memfd(path, f->path_len) || is_path(f, path, ANON_PATH);
	return huge_shift_of(f->dev) && (is_memfd(path, f->path_len) || is_path(f, path, ANON_HUGE_PATH));
}

bool dump_is_anon_huge(const struct gather_vma *v)
{
	return v->rec.flags & CKPT_VMA_HUGETLB && !(v->rec.flags & CKPT_VMA_SHARED) &&
	       huge_shift_of(v->file.dev) && is_path(&v->file, v->path, ANON_HUGE_PATH);
}

/* A description of our own, which leaves the target's alone. */
static int open_object(struct ckpt_dump *d, struct dump_shmem *s, const char *what)
{
	char path[80];
	struct stat st;
	int seals;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)d->pid, what);
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st))
		return -errno;
	if (st.st_ino != s->ino)
		return -ESTALE;
	s->rec.size = (uint64_t)st.st_size;
	seals = fcntl(s->fd, F_GET_SEALS);
	if (seals < 0)
		return -errno;
	if (s->rec.flags & CKPT_SHMEM_MEMFD)
		s->rec.seals = (uint32_t)seals;
	return 0;
}

int res_shmem_take(struct ckpt_dump *d, struct dump_file *f, const char *what)
{
	unsigned int shift = huge_shift_of(f->rec.dev);
	/* A cookie's lowest bits say nothing, those of an inode's number do. */
	uint64_t key = f->rec.ino << 12 | (uint64_t)shift << 6;
	uint32_t at = cookie_get(&d->shmem_of, key);
	struct dump_shmem *s = at ? &d->shmems.v[at - 1] : NULL;
	int err;

	if (!s) {
		s = vec_push(&d->shmems);
		if (!s || cookie_put(&d->shmem_of, key, (uint32_t)d->shmems.n))
			return -ENOMEM;
		s->ino = f->rec.ino;
		s->fd = -1;
		if (is_memfd(f->path, f->rec.path_len)) {
			s->rec.flags = CKPT_SHMEM_MEMFD;
			s->name = f->path + strlen(MEMFD_PREFIX);
			s->rec.name_len = f->rec.path_len - (uint32_t)strlen(MEMFD_PREFIX DELETED);
		}
		if (shift)
			s->rec.flags |= CKPT_SHMEM_HUGETLB | shift << CKPT_SHMEM_HUGE_SHIFT;
		err = open_object(d, s, what);
		if (err && dump_refuse(d, "%s (%.*s): its memory cannot be read: %s", what,
				       (int)f->rec.path_len, f->path, strerror(-err)))
			return -ENOMEM;
	}
	f->rec.kind = CKPT_FILE_SHMEM;
	f->shmem = (uint32_t)(s - d->shmems.v) + 1;
	return 0;
}

int res_shmem_take_vma(struct ckpt_dump *d, const struct gather_vma *v)
{
	struct dump_file *f = dump_file_of(d, v->vm_file, &v->file, v->path);
	struct dump_shmem *s;
	char what[64];
	int err;

	if (!f)
		return -ENOMEM;
	snprintf(what, sizeof(what), "map_files/%llx-%llx", (unsigned long long)v->rec.start,
		 (unsigned long long)v->rec.end);
	err = res_shmem_take(d, f, what);
	if (err)
		return err;
	s = &d->shmems.v[f->shmem - 1];
	if (v->rec.flags & CKPT_VMA_NORESERVE)
		s->rec.flags |= CKPT_SHMEM_NORESERVE;
	/* From before the seal: ours would be made read-only for good, or not be sealed. */
	if (v->vm_flags & VM_MAYWRITE && !(v->rec.flags & CKPT_VMA_WRITE) &&
	    v->rec.flags & CKPT_VMA_SHARED && s->rec.seals & F_SEAL_FUTURE_WRITE)
		return dump_refuse(d, "mapping %llx (%.*s): it may become writable in spite of the seal",
				   (unsigned long long)v->rec.start, (int)v->path_len, v->path);
	return 0;
}

/* A reference of ours to a description: refs are all that the kernel counts, 0 if it does not tell. */
static void count(struct ckpt_dump *d, uint64_t cookie, uint32_t refs, uint32_t dentry_refs,
		  int32_t writers)
{
	struct dump_file *f = dump_file_of(d, cookie, NULL, NULL);

	if (!f || (!f->shmem && !f->ghost))
		return;
	f->known++;
	f->refs = refs;
	f->dentry_refs = dentry_refs;
	f->writers = writers;
}

void dump_count_refs(struct ckpt_dump *d)
{
	for (size_t i = 0; i < d->files.n; i++)
		d->files.v[i].known = d->files.v[i].cookie == d->proc->exe_file;
	for (size_t i = 0; i < d->fds.n; i++)
		count(d, d->fds.v[i]->cookie, d->fds.v[i]->refs, d->fds.v[i]->dentry_refs,
		      d->fds.v[i]->writers);
	for (size_t i = 0; i < d->vmas.n; i++)
		count(d, d->vmas.v[i]->vm_file, d->vmas.v[i]->refs, d->vmas.v[i]->dentry_refs,
		      d->vmas.v[i]->writers);
}

int res_shmem_check(struct ckpt_dump *d)
{
	int err = 0;

	dump_count_refs(d);
	for (size_t i = 0; i < d->files.n; i++) {
		const struct dump_file *f = &d->files.v[i];
		struct dump_shmem *s = f->shmem ? &d->shmems.v[f->shmem - 1] : NULL;

		if (!s)
			continue;
		s->one = f;
		s->descriptions++;
		if (f->dentry_refs)
			s->dentry_refs = f->dentry_refs;
		s->others |= f->refs && f->refs != f->known;
	}
	for (size_t i = 0; i < d->shmems.n && !err; i++) {
		const struct dump_shmem *s = &d->shmems.v[i];

		if (s->one && (s->others || s->dentry_refs != s->descriptions))
			err = dump_lose(d, "shared memory (%.*s): another process has it too, and keeps its own",
					(int)s->one->rec.path_len, s->one->path);
	}
	return err;
}

void dump_shmem_free(struct ckpt_dump *d)
{
	for (size_t i = 0; i < d->shmems.n; i++)
		if (d->shmems.v[i].fd >= 0)
			close(d->shmems.v[i].fd);
	d->shmems.n = 0;
}

int res_shmem_write_one(struct ckpt_dump *d, uint32_t shmem, uint32_t *id)
{
	struct dump_shmem *s = &d->shmems.v[shmem - 1];

	*id = s->rec.id;
	if (s->rec.id)
		return 0;
	*id = s->rec.id = d->next_id++;
	return ckpt_write_record(d->w, CKPT_SHMEM, 0, &s->rec, sizeof(s->rec), s->name, s->rec.name_len);
}

int res_shmem_data(const struct dump_shmem *s, uint64_t at, uint64_t *start, uint64_t *end)
{
	if (s->rec.flags & CKPT_SHMEM_HUGETLB)
		return shmem_huge_data(s->fd, s->rec.size, at, start, end);
	return ckpt_next_data(s->fd, at, start, end);
}

/* Of a page that the end lies in, what is behind it can be seen only in a mapping. */
static int last_page(int fd, uint64_t at, void *to, const void *from)
{
	void *p = mmap(NULL, PAGE, from ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, (off_t)at);

	if (p == MAP_FAILED)
		return -errno;
	memcpy(from ? p : to, from ? from : p, PAGE);
	munmap(p, PAGE);
	return 0;
}

int res_shmem_read(const struct dump_shmem *s, const uint64_t *addrs, uint32_t n, uint8_t *to)
{
	int err = 0;

	for (uint32_t i = 0, run; i < n && !err; i += run) {
		uint64_t at = addrs[i];

		for (run = 1; i + run < n && addrs[i + run] == at + run * PAGE &&
		     at + (run + 1) * PAGE <= s->rec.size; run++)
			;
		err = at + PAGE > s->rec.size ? last_page(s->fd, at, to + i * PAGE, NULL) :
		      ckpt_pread_all(s->fd, to + i * PAGE, run * PAGE, (off_t)at);
	}
	return err;
}

/* ---- restore ---- */

/* MFD_HUGETLB with the size, or MAP_HUGETLB: both have it where our record does. */
static unsigned int huge_flags(const struct plan_shmem *s, unsigned int flag)
{
	return s->rec.flags & CKPT_SHMEM_HUGETLB ? flag | (s->rec.flags & CKPT_SHMEM_HUGE) : 0;
}

static int make_memfd(const struct plan_shmem *s)
{
	return memfd_create(s->name, MFD_CLOEXEC | MFD_ALLOW_SEALING | huge_flags(s, MFD_HUGETLB));
}

/* What a mapping leads to can be opened by the name of the mapping alone. */
static int make_anon(const struct plan_shmem *s)
{
	int flags = MAP_SHARED | MAP_ANONYMOUS | (s->rec.flags & CKPT_SHMEM_NORESERVE ? MAP_NORESERVE : 0) |
		    (int)huge_flags(s, MAP_HUGETLB);
	void *p = mmap(NULL, s->rec.size, PROT_READ, flags, -1, 0);
	char path[80];
	int fd, err;

	if (p == MAP_FAILED)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)p,
		 (unsigned long)p + (size_t)s->rec.size);
	fd = open(path, O_RDWR | O_CLOEXEC);
	err = errno;
	munmap(p, s->rec.size);
	errno = err;
	return fd;
}

int res_shmem_make(struct ckpt_plan *p)
{
	for (size_t i = 0; i < p->files.n; i++)
		if (p->files.v[i].rec.kind == CKPT_FILE_SHMEM)
			plan_shmem(p, p->files.v[i].rec.obj)->mode = p->files.v[i].rec.mode & 07777;
	for (size_t i = 0; i < p->shmems.n; i++) {
		struct plan_shmem *s = &p->shmems.v[i];
		bool memfd = s->rec.flags & CKPT_SHMEM_MEMFD;

		s->fd = memfd ? make_memfd(s) : make_anon(s);
		if (s->fd < 0 || (memfd && (ftruncate(s->fd, (off_t)s->rec.size) ||
					    fchmod(s->fd, s->mode))))
			return ckpt_fail(-errno, 0, "shared memory %u (%s): make%s", s->rec.id,
					 memfd ? s->name : ANON_PATH,
					 s->rec.flags & CKPT_SHMEM_HUGETLB ? " of huge pages" : "");
	}
	return 0;
}

int res_shmem_fill(const struct plan_shmem *s, const uint64_t *addrs, uint32_t n, const uint8_t *data)
{
	int err = 0;

	if (s->rec.flags & CKPT_SHMEM_HUGETLB)
		return shmem_huge_fill(s, addrs, n, data);
	for (uint32_t i = 0, run; i < n && !err; i += run) {
		uint64_t at = addrs[i];
		const uint8_t *from = data + i * PAGE;

		for (run = 1; i + run < n && addrs[i + run] == at + run * PAGE &&
		     at + (run + 1) * PAGE <= s->rec.size; run++)
			;
		if (at + PAGE > s->rec.size) {
			err = last_page(s->fd, at, NULL, from);
			continue;
		}
		for (size_t done = 0, len = run * PAGE; done < len && !err;) {
			ssize_t w = pwrite(s->fd, from + done, len - done, (off_t)(at + done));

			if (w > 0)
				done += (size_t)w;
			else if (w == 0 || errno != EINTR)
				err = w ? -errno : -EIO;
		}
	}
	return err ? ckpt_fail(err, 0, "shared memory %u: write", s->rec.id) : 0;
}

int res_shmem_seal(struct ckpt_plan *p)
{
	for (size_t i = 0; i < p->shmems.n; i++) {
		struct plan_shmem *s = &p->shmems.v[i];

		if (s->rec.flags & CKPT_SHMEM_MEMFD && s->rec.seals &&
		    fcntl(s->fd, F_ADD_SEALS, s->rec.seals))
			return ckpt_fail(-errno, 0, "shared memory %u (memfd:%s): seals %#x", s->rec.id,
					 s->name, s->rec.seals);
		close(s->fd);
		s->fd = -1;
	}
	return 0;
}

int res_shmem_lift(struct ckpt_plan *p, int keep_from)
{
	for (size_t i = 0; i < p->shmems.n; i++) {
		int fd = fcntl(p->shmems.v[i].fd, F_DUPFD_CLOEXEC, keep_from);

		if (fd < 0)
			return ckpt_fail(-errno, 0, "descriptor from %d on", keep_from);
		p->shmems.v[i].fd = fd;
	}
	return 0;
}

int res_shmem_open(const struct ckpt_plan *p, const struct plan_file *f, uint64_t flags)
{
	const struct plan_shmem *s = plan_shmem(p, f->rec.obj);
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->fd);
	fd = open(path, (int)flags | O_CLOEXEC);
	return fd < 0 ? ckpt_fail(-errno, 0, "shared memory %u: open", s->rec.id) : fd;
}

/*
 * A mapping that may be written forbids the seal against writing; one that is
 * made for reading only is what the kernel makes of any other once it is sealed.
 */
bool res_shmem_maps_writable(const struct ckpt_plan *p, const struct plan_file *f,
			     const struct ckpt_vma *v)
{
	const struct plan_shmem *s = plan_shmem(p, f->rec.obj);

	return v->flags & CKPT_VMA_WRITE || !(s->rec.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
}
