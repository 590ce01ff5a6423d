// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of a frozen target straight into the caller's file: one copy instead
 * of two. References, not pins: pinning would unshare pages a COW clone still
 * shares.
 */
#include "kmod.h"

#include <linux/bvec.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "compat/gup.h"

#define MAX_PAGES	1024u
#define MAX_RANGE	262144u
#define BATCH		256u

/*
 * DUMP: -EFAULT for what was never there instead of making it. FORCE: also
 * what the program itself may not read now. With faulting: swapped pages and
 * clean file pages must come in.
 */
#define GUP_FLAGS	(FOLL_FORCE | FOLL_DUMP)

struct batch {
	struct page *pages[BATCH];	/* the zero page has no reference */
	struct bio_vec bv[BATCH];
};

/* n pages from addr on, absent ones replaced by the zero page. The number of absent ones, or -errno. */
static int get_run(struct mm_struct *mm, u64 addr, unsigned int n, struct page **pages)
{
	unsigned int i = 0, nhole = 0;
	int locked = 1;
	long got;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	while (i < n) {
		if (!locked) {
			if (mmap_read_lock_killable(mm)) {
				got = -EINTR;
				goto fail;
			}
			locked = 1;
		}
		got = ckpt_gup_remote(mm, addr + (u64)i * PAGE_SIZE, n - i, GUP_FLAGS, pages + i,
				      &locked);
		if (got > 0) {
			i += got;
		} else if (!got || got == -EFAULT) {
			pages[i++] = ZERO_PAGE(0);
			nhole++;
		} else {
			goto fail;
		}
		if (fatal_signal_pending(current)) {
			got = -EINTR;
			goto fail;
		}
		cond_resched();
	}
	if (locked)
		mmap_read_unlock(mm);
	return nhole;

fail:
	if (locked)
		mmap_read_unlock(mm);
	while (i--)
		if (pages[i] != ZERO_PAGE(0))
			put_page(pages[i]);
	return got;
}

static int write_batch(struct file *file, struct batch *b, unsigned int n, loff_t *pos)
{
	struct iov_iter iter;
	unsigned int i;

	for (i = 0; i < n; i++) {
		b->bv[i].bv_page = b->pages[i];
		b->bv[i].bv_len = PAGE_SIZE;
		b->bv[i].bv_offset = 0;
	}
	iov_iter_bvec(&iter, ITER_SOURCE, b->bv, n, (size_t)n * PAGE_SIZE);
	while (iov_iter_count(&iter)) {
		ssize_t w = ckpt_iter_write(file, &iter, pos);

		if (w < 0)
			return w;
		if (!w)
			return -EIO;
	}
	return 0;
}

static void put_run(struct page **pages, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (pages[i] != ZERO_PAGE(0))
			put_page(pages[i]);
}

/* Leave out absent and zero pages; at: number of the first one. How many stay. */
static unsigned int pack(struct page **pages, unsigned int n, u64 *bitmap, unsigned int at,
			 unsigned int *nzero)
{
	unsigned int i, kept = 0;

	for (i = 0; i < n; i++) {
		void *data;
		bool zero;

		if (pages[i] == ZERO_PAGE(0))
			continue;
		data = kmap_local_page(pages[i]);
		zero = !memchr_inv(data, 0, PAGE_SIZE);
		kunmap_local(data);
		if (zero) {
			put_page(pages[i]);
			++*nzero;
			continue;
		}
		if (bitmap)
			bitmap[(at + i) / 64] |= 1ull << (at + i) % 64;
		pages[kept++] = pages[i];
	}
	return kept;
}

static u64 addr_of(const struct ckptbpf_pages *a, const u64 *addrs, unsigned int i)
{
	return addrs ? addrs[i] : a->addrs + (u64)i * PAGE_SIZE;
}

/* addrs: NULL for a range; bitmap: NULL if not wanted. */
static long copy_pages(struct mm_struct *mm, const u64 *addrs, u64 *bitmap, struct file *file,
		       struct ckptbpf_pages *a)
{
	struct batch *b = kvmalloc(sizeof(*b), GFP_KERNEL_ACCOUNT);
	loff_t pos = a->off;
	unsigned int i = 0;
	int err = 0;

	if (!b)
		return -ENOMEM;
	while (i < a->n) {
		u64 first = addr_of(a, addrs, i);
		unsigned int n = 1, kept, nzero = 0;
		int nhole;

		while (n < BATCH && i + n < a->n &&
		       addr_of(a, addrs, i + n) == first + (u64)n * PAGE_SIZE)
			n++;
		nhole = get_run(mm, first, n, b->pages);
		if (nhole < 0) {
			err = nhole;
			break;
		}
		kept = n;
		if (a->flags & CKPTBPF_PAGES_PACKED)
			kept = pack(b->pages, n, bitmap, i, &nzero);
		else if (bitmap)
			bitmap_set((unsigned long *)bitmap, i, n);
		if (kept)
			err = write_batch(file, b, kept, &pos);
		put_run(b->pages, kept);
		if (err)
			break;
		a->ncopied += kept;
		a->nhole += nhole;
		a->nzero += nzero;
		i += n;
	}
	kvfree(b);
	return err;
}

static bool is_user_range(u64 addr, u64 n)
{
	return !(addr % PAGE_SIZE) && addr <= TASK_SIZE_MAX - PAGE_SIZE &&
	       n <= (TASK_SIZE_MAX - addr) / PAGE_SIZE;
}

static int check_addrs(const u64 *addrs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (!is_user_range(addrs[i], 1))
			return -EINVAL;
		if (i && addrs[i] <= addrs[i - 1])
			return -EINVAL;
	}
	return 0;
}

/* A regular file, so that no write waits for somebody; at a place we name. */
static int check_file(struct file *file, struct ckptbpf_pages *a)
{
	loff_t end;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (!S_ISREG(file_inode(file)->i_mode) || (file->f_flags & O_APPEND))
		return -EINVAL;
	if (a->off > LLONG_MAX ||
	    check_add_overflow((loff_t)a->off, (loff_t)a->n * (loff_t)PAGE_SIZE, &end))
		return -EINVAL;
	return 0;
}

/* The memory of a process of which a thread is parked (or stopped) here. */
static struct mm_struct *get_mm(struct file *file, pid_t tgid)
{
	struct ckpt_session *s = file->private_data;
	struct ckpt_thread *t, *found = NULL;
	struct mm_struct *mm = NULL;
	struct pid *pid = find_get_pid(tgid);
	unsigned int i;
	pid_t tid = 0;

	if (!pid)
		return ERR_PTR(-ESRCH);
	mm = ckpt_clone_mm(file, tgid);
	if (mm) {
		put_pid(pid);
		return mm;
	}
	spin_lock(&s->lock);
	hash_for_each(s->threads, i, t, node)
		if (t->target->pid == pid && !t->released &&
		    (t->state == CKPTBPF_ST_PARKED || task_is_stopped(t->task)))
			tid = task_pid_vnr(t->task);
	spin_unlock(&s->lock);
	put_pid(pid);
	if (!tid)
		return ERR_PTR(-ESRCH);

	found = ckpt_get_parked(file, tid);
	if (IS_ERR(found))
		return ERR_CAST(found);
	mm = get_task_mm(found->task);
	ckpt_thread_put(found);
	return mm ?: ERR_PTR(-ESRCH);
}

/* The addresses, checked; NULL: a range, checked. */
static u64 *get_addrs(struct ckptbpf_pages *a)
{
	u64 *addrs;
	int err;

	if (a->flags & CKPTBPF_PAGES_RANGE) {
		if (a->n > MAX_RANGE || !is_user_range(a->addrs, a->n))
			return ERR_PTR(-EINVAL);
		return NULL;
	}
	if (a->n > MAX_PAGES)
		return ERR_PTR(-EINVAL);
	addrs = memdup_user(u64_to_user_ptr(a->addrs), a->n * sizeof(*addrs));
	if (IS_ERR(addrs))
		return addrs;
	err = check_addrs(addrs, a->n);
	if (!err)
		return addrs;
	kfree(addrs);
	return ERR_PTR(err);
}

long ckpt_do_pages(struct file *file, void *arg)
{
	struct ckptbpf_pages *a = arg;
	size_t words = DIV_ROUND_UP((size_t)a->n, 64);
	struct mm_struct *mm;
	u64 *addrs, *bitmap = NULL;
	struct file *out;
	long err;

	if ((a->flags & ~(CKPTBPF_PAGES_RANGE | CKPTBPF_PAGES_PACKED)) || a->pad0 || a->pad1 || !a->n)
		return -EINVAL;
	a->ncopied = a->nhole = a->nzero = 0;
	addrs = get_addrs(a);
	if (IS_ERR(addrs))
		return PTR_ERR(addrs);
	if (a->bitmap) {
		bitmap = kvcalloc(words, sizeof(*bitmap), GFP_KERNEL_ACCOUNT);
		if (!bitmap) {
			kfree(addrs);
			return -ENOMEM;
		}
	}

	out = fget(a->fd);
	err = out ? check_file(out, a) : -EBADF;
	if (err)
		goto put_file;
	mm = get_mm(file, a->tgid);
	if (IS_ERR(mm)) {
		err = PTR_ERR(mm);
		goto put_file;
	}
	err = copy_pages(mm, addrs, bitmap, out, a);
	mmput(mm);
	if (bitmap && copy_to_user(u64_to_user_ptr(a->bitmap), bitmap, words * sizeof(*bitmap)))
		err = -EFAULT;
put_file:
	if (out)
		fput(out);
	kvfree(bitmap);
	kfree(addrs);
	return err;
}
