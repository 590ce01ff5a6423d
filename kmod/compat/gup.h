/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel interfaces that drifted since 6.1; the only place with version tests. */
#ifndef CKPTBPF_COMPAT_GUP_H
#define CKPTBPF_COMPAT_GUP_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/uio.h>
#include <linux/version.h>

/* commit ca5e863233e8 ("mm/gup: remove vmas parameter from get_user_pages_remote()") (in v6.5) */
static inline long ckpt_gup_remote(struct mm_struct *mm, unsigned long addr, unsigned long n,
				   unsigned int flags, struct page **pages, int *locked)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
	return get_user_pages_remote(mm, addr, n, flags, pages, NULL, locked);
#else
	return get_user_pages_remote(mm, addr, n, flags, pages, locked);
#endif
}

/* vfs_iter_write() takes the freeze protection of the filesystem itself since v6.8. */
static inline ssize_t ckpt_iter_write(struct file *file, struct iov_iter *iter, loff_t *pos)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	ssize_t ret;

	file_start_write(file);
	ret = vfs_iter_write(file, iter, pos, 0);
	file_end_write(file);
	return ret;
#else
	return vfs_iter_write(file, iter, pos, 0);
#endif
}

/* Kernel threads of user processes: they never return to user mode. */
static inline bool ckpt_task_is_worker(const struct task_struct *task)
{
#ifdef PF_USER_WORKER	/* vhost, since v6.4 */
	if (task->flags & PF_USER_WORKER)
		return true;
#endif
	return task->flags & PF_IO_WORKER;
}

#endif
