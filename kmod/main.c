// SPDX-License-Identifier: GPL-2.0
/* Init and exit, nothing else. */
#include "kmod.h"

#include <linux/module.h>
#include <linux/rcupdate.h>

static int __init ckpt_init(void)
{
	int err;

	err = ckpt_resolve_init();
	if (err)
		return err;
	return ckpt_dev_register();
}

static void __exit ckpt_exit(void)
{
	ckpt_dev_deregister();
	/*
	 * Every record has given its module reference back, but its thread may
	 * still be in the last instructions of ckpt_park().
	 */
	synchronize_rcu_tasks();
}

module_init(ckpt_init);
module_exit(ckpt_exit);
MODULE_DESCRIPTION("Parks tasks for checkpoint and restart");
MODULE_LICENSE("GPL");
