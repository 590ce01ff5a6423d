// SPDX-License-Identifier: GPL-2.0
/*
 * Registers through the kernel's own register sets: every value is checked by
 * the code that also serves ptrace. Found by note type, never by index, which
 * differs between kernels and between 32- and 64-bit tasks.
 */
#include "kmod.h"

#include <linux/elf.h>
#include <linux/mm.h>
#include <linux/regset.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static const struct user_regset *find_regset(struct task_struct *task, u32 note)
{
	const struct user_regset_view *view = task_user_regset_view(task);
	unsigned int i;

	for (i = 0; i < view->n; i++)
		if (view->regsets[i].core_note_type == note && view->regsets[i].regset_get)
			return &view->regsets[i];
	return NULL;
}

static long get_regset(struct ckpt_thread *t, struct ckptbpf_regset *a)
{
	const struct user_regset *rs;
	void *data = NULL;
	long ret = 0;
	int n;

	mutex_lock(&t->regs_lock);
	if (!ckpt_wait_off_cpu(t)) {
		n = -ESRCH;
	} else {
		rs = find_regset(t->task, a->note);
		n = rs ? regset_get_alloc(t->task, rs, rs->n * rs->size, &data) : -ENODEV;
	}
	mutex_unlock(&t->regs_lock);
	if (n < 0)
		return n;

	if (copy_to_user(u64_to_user_ptr(a->buf), data, min_t(u32, n, a->len)))
		ret = -EFAULT;
	a->len = n;
	kfree(data);
	return ret;
}

/*
 * All of it or nothing. The kernel takes general registers one after another
 * up to the first bad one; of the other sets it checks everything before.
 */
static int set_whole(struct task_struct *task, const struct user_regset *rs, unsigned int len,
		     const void *data)
{
	void *was = NULL;
	int n = 0, ret;

	if (rs->core_note_type == NT_PRSTATUS) {
		n = regset_get_alloc(task, rs, rs->n * rs->size, &was);
		if (n < 0)
			return n;
	}
	ret = rs->set(task, rs, 0, len, data, NULL);
	if (ret && was)
		rs->set(task, rs, 0, n, was, NULL);
	kvfree(was);
	return ret;
}

/* The buffer is copied first: a fault on it may sleep for long. */
static long set_regset(struct ckpt_thread *t, struct ckptbpf_regset *a)
{
	const struct user_regset *rs;
	void *data;
	long ret;

	if (!a->len || a->len > SZ_64K)
		return -EINVAL;
	data = memdup_user(u64_to_user_ptr(a->buf), a->len);
	if (IS_ERR(data))
		return PTR_ERR(data);

	mutex_lock(&t->regs_lock);
	if (!ckpt_wait_off_cpu(t) || READ_ONCE(t->state) != CKPTBPF_ST_PARKED) {
		ret = -ESRCH;
	} else if (t->flags & CKPTBPF_TF_IN_SYSCALL) {
		ret = -EBUSY;
	} else {
		rs = find_regset(t->task, a->note);
		if (!rs || !rs->set)
			ret = -ENODEV;
		else if (a->len > rs->n * rs->size || a->len % rs->size)
			ret = -EINVAL;
		else
			ret = set_whole(t->task, rs, a->len, data);
	}
	mutex_unlock(&t->regs_lock);
	kfree(data);
	return ret;
}

long ckpt_do_regset(struct file *file, void *arg)
{
	struct ckptbpf_regset *a = arg;
	struct ckpt_thread *t;
	long ret;

	if ((a->flags & ~CKPTBPF_REGSET_SET) || a->pad0)
		return -EINVAL;
	t = ckpt_get_parked(file, a->tid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	if (a->flags & CKPTBPF_REGSET_SET)
		ret = set_regset(t, a);
	else
		ret = get_regset(t, a);
	ckpt_thread_put(t);
	return ret;
}
