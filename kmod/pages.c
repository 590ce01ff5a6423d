// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of a frozen target straight into the caller's file: one copy instead
 * of two. References, not pins: pinning would unshare pages a COW clone still
 * shares.
 */
#include "kmod.h"

#include <linux/bvec.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "compat/gup.h"

#define MAX_PAGES	1024u
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

static long copy_pages(struct mm_struct *mm, const u64 *addrs, struct file *file,
		       struct ckptbpf_pages *a)
{
	struct batch *b = kvmalloc(sizeof(*b), GFP_KERNEL_ACCOUNT);
	loff_t pos = a->off;
	unsigned int i = 0;
	int err = 0;

	if (!b)
		return -ENOMEM;
	while (i < a->n && !err) {
		unsigned int k, n = 1;
		int nhole;

		while (n < BATCH && i + n < a->n && addrs[i + n] == addrs[i] + (u64)n * PAGE_SIZE)
			n++;
		nhole = get_run(mm, addrs[i], n, b->pages);
		if (nhole < 0) {
			err = nhole;
			break;
		}
		err = write_batch(file, b, n, &pos);
		for (k = 0; k < n; k++)
			if (b->pages[k] != ZERO_PAGE(0))
				put_page(b->pages[k]);
		if (!err) {
			a->ncopied += n;
			a->nhole += nhole;
			i += n;
		}
	}
	kvfree(b);
	return err;
}

static int check_addrs(const u64 *addrs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (addrs[i] % PAGE_SIZE || addrs[i] > TASK_SIZE_MAX - PAGE_SIZE)
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

long ckpt_do_pages(struct file *file, void *arg)
{
	struct ckptbpf_pages *a = arg;
	struct mm_struct *mm;
	struct file *out;
	u64 *addrs;
	long err;

	if (a->flags || a->pad0 || !a->n || a->n > MAX_PAGES)
		return -EINVAL;
	a->ncopied = a->nhole = 0;
	addrs = memdup_user(u64_to_user_ptr(a->addrs), a->n * sizeof(*addrs));
	if (IS_ERR(addrs))
		return PTR_ERR(addrs);
	err = check_addrs(addrs, a->n);
	if (err)
		goto free_addrs;

	out = fget(a->fd);
	err = out ? check_file(out, a) : -EBADF;
	if (err)
		goto put_file;
	mm = get_mm(file, a->tgid);
	if (IS_ERR(mm)) {
		err = PTR_ERR(mm);
		goto put_file;
	}
	err = copy_pages(mm, addrs, out, a);
	mmput(mm);
put_file:
	if (out)
		fput(out);
free_addrs:
	kfree(addrs);
	return err;
}
