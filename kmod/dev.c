// SPDX-License-Identifier: GPL-2.0
/* The device: who may, and which command is which. */
#include "kmod.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fdtable.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/ptrace.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

static long do_get_info(struct file *file, void *arg)
{
	struct ckptbpf_info *a = arg;

	if (a->flags)
		return -EINVAL;
	a->abi_major = CKPTBPF_ABI_MAJOR;
	a->abi_minor = CKPTBPF_ABI_MINOR;
	a->caps = CKPTBPF_CAP_FREEZE | CKPTBPF_CAP_REGSET | CKPTBPF_CAP_PARK_SELF |
		  CKPTBPF_CAP_PAGES | CKPTBPF_CAP_MEM_CTX | CKPTBPF_CAP_SIGMASK |
		  CKPTBPF_CAP_DEADLINE | CKPTBPF_CAP_BULK;
	if (ckpt_can_clone())
		a->caps |= CKPTBPF_CAP_SNAPSHOT;
	return 0;
}

/*
 * size0: of the struct's first version: less is a caller's mistake. alone:
 * one at a time in a session; what a restored task calls for itself must not
 * wait for what the orchestrator does.
 */
struct command {
	long (*fn)(struct file *file, void *arg);
	size_t size, size0;
	bool out, alone;
};

static const struct command commands[] = {
	[_IOC_NR(CKPTBPF_GET_INFO)]  = { do_get_info, sizeof(struct ckptbpf_info), 24, true, false },
	[_IOC_NR(CKPTBPF_FREEZE)]    = { ckpt_do_freeze, sizeof(struct ckptbpf_freeze), 40, true, true },
	[_IOC_NR(CKPTBPF_THAW)]      = { ckpt_do_thaw, sizeof(struct ckptbpf_thaw), 16, false, true },
	[_IOC_NR(CKPTBPF_LIST)]      = { ckpt_do_list, sizeof(struct ckptbpf_list), 24, true, false },
	[_IOC_NR(CKPTBPF_REGSET)]    = { ckpt_do_regset, sizeof(struct ckptbpf_regset), 32, true, true },
	[_IOC_NR(CKPTBPF_SIGMASK)]   = { ckpt_do_sigmask, sizeof(struct ckptbpf_sigmask), 24, false, true },
	[_IOC_NR(CKPTBPF_SNAPSHOT)]  = { ckpt_do_snapshot, sizeof(struct ckptbpf_snapshot), 24, true, true },
	[_IOC_NR(CKPTBPF_REAP)]      = { ckpt_do_reap, sizeof(struct ckptbpf_reap), 16, false, true },
	[_IOC_NR(CKPTBPF_PAGES)]     = { ckpt_do_pages, sizeof(struct ckptbpf_pages), 48, true, true },
	[_IOC_NR(CKPTBPF_MEM_CTX)]   = { ckpt_do_mem_ctx, sizeof(struct ckptbpf_mem_ctx), 40, true, true },
	[_IOC_NR(CKPTBPF_PARK_SELF)] = { ckpt_do_park_self, sizeof(struct ckptbpf_park_self), 24, false, false },
};

union any_arg {
	struct { __u32 size, flags; } head;
	struct ckptbpf_info info;
	struct ckptbpf_freeze freeze;
	struct ckptbpf_thaw thaw;
	struct ckptbpf_list list;
	struct ckptbpf_regset regset;
	struct ckptbpf_sigmask sigmask;
	struct ckptbpf_snapshot snapshot;
	struct ckptbpf_reap reap;
	struct ckptbpf_pages pages;
	struct ckptbpf_mem_ctx mem_ctx;
	struct ckptbpf_park_self park_self;
};

static long ckpt_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ckpt_session *s = file->private_data;
	void __user *uarg = (void __user *)arg;
	unsigned int nr = _IOC_NR(cmd);
	const struct command *c;
	union any_arg k;
	u32 size;
	long ret;

	if (_IOC_TYPE(cmd) != 'K' || nr >= ARRAY_SIZE(commands) || !commands[nr].fn)
		return -ENOTTY;
	c = &commands[nr];
	if (get_user(size, (u32 __user *)uarg))
		return -EFAULT;
	if (size < c->size0)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	memset(&k, 0, sizeof(k));
	ret = copy_struct_from_user(&k, c->size, uarg, size);
	if (ret)
		return ret;
	k.head.size = size;	/* it may have changed since it was read */

	if (READ_ONCE(s->closed))
		return -ESHUTDOWN;
	if (c->alone && mutex_lock_killable(&s->cmd_lock))
		return -EINTR;
	ret = c->fn(file, &k);
	if (c->alone)
		mutex_unlock(&s->cmd_lock);

	if (c->out && copy_to_user(uarg, &k, min_t(size_t, size, c->size)))
		return -EFAULT;
	return ret;
}

/*
 * Both the caller and he who opened the device: a privileged process that was
 * handed the descriptor lends it nothing, and neither does the descriptor to
 * an unprivileged one.
 */
bool ckpt_may_attach(struct file *file, struct task_struct *task)
{
	const struct cred *old;
	bool ok;

	if (!ckpt_ptrace_may_access(task, PTRACE_MODE_ATTACH_REALCREDS))
		return false;
	if (file->f_cred == current_cred())
		return true;
	old = override_creds(file->f_cred);
	ok = ckpt_ptrace_may_access(task, PTRACE_MODE_ATTACH_REALCREDS);
	revert_creds(old);
	return ok;
}

static int ckpt_open(struct inode *inode, struct file *file)
{
	struct ckpt_session *s;

	if (!capable(CAP_CHECKPOINT_RESTORE) && !capable(CAP_SYS_PTRACE) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	s = ckpt_session_create();
	if (!s)
		return -ENOMEM;
	file->private_data = s;
	return stream_open(inode, file);
}

static int is_same_file(const void *same, struct file *file, unsigned int fd)
{
	return file == same;
}

/*
 * A descriptor of the file was closed in the table id. When the opener has
 * none left the session ends, though a child or the target itself may have
 * inherited one: or a parked holder of it would keep itself parked. A closed
 * descriptor is already gone from its table; a table that goes as a whole is
 * nobody's any more, but newer kernels (7.2) leave them all in it.
 */
static int ckpt_flush(struct file *file, fl_owner_t id)
{
	struct ckpt_session *s = file->private_data;

	if (id != s->owner || READ_ONCE(s->closed))
		return 0;
	if (id != current->files || !iterate_fd(id, 0, is_same_file, file))
		ckpt_session_end(s);
	return 0;
}

static int ckpt_file_release(struct inode *inode, struct file *file)
{
	struct ckpt_session *s = file->private_data;

	ckpt_session_end(s);
	ckpt_session_put(s);
	return 0;
}

static __poll_t ckpt_poll(struct file *file, poll_table *wait)
{
	struct ckpt_session *s = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &s->waitq, wait);
	if (READ_ONCE(s->ndead) || READ_ONCE(s->expired))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(s->closed))
		mask |= EPOLLHUP;
	return mask;
}

static const struct file_operations ckpt_fops = {
	.owner		= THIS_MODULE,
	.open		= ckpt_open,
	.flush		= ckpt_flush,
	.release	= ckpt_file_release,
	.poll		= ckpt_poll,
	.unlocked_ioctl	= ckpt_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.llseek		= noop_llseek,
};

static struct miscdevice ckpt_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "ckptbpf",
	.fops	= &ckpt_fops,
	.mode	= 0600,
};

int ckpt_dev_register(void)
{
	return misc_register(&ckpt_misc);
}

void ckpt_dev_deregister(void)
{
	misc_deregister(&ckpt_misc);
}
