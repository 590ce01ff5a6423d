// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel functions that mainline does not export. Their address comes from a
 * kprobe that is never armed for long; they are called through static calls,
 * which are direct calls: an address behind an ENDBR (IBT) or a kCFI preamble
 * is as good as any.
 */
#include "kmod.h"

#include <linux/kprobes.h>
#include <linux/ptrace.h>
#include <linux/sched/task.h>
#include <linux/static_call.h>

DEFINE_STATIC_CALL_NULL(ckpt_sc_task_work_add, task_work_add);
DEFINE_STATIC_CALL_NULL(ckpt_sc_ptrace_may_access, ptrace_may_access);
DEFINE_STATIC_CALL_NULL(ckpt_sc_kernel_clone, kernel_clone);
DEFINE_STATIC_CALL_NULL(ckpt_sc_kernel_wait4, kernel_wait4);
DEFINE_STATIC_CALL_NULL(ckpt_sc_exit_files, exit_files);
DEFINE_STATIC_CALL_NULL(ckpt_sc_task_work_run, task_work_run);

static bool have_ptrace_may_access, have_clone;

static void *resolve(const char *name)
{
	struct kprobe kp = { .symbol_name = name };
	void *addr;

	if (register_kprobe(&kp) < 0)
		return NULL;
	addr = kp.addr;
	unregister_kprobe(&kp);
	return addr;
}

int ckpt_resolve_init(void)
{
	void *addr;

	addr = resolve("task_work_add");
	if (!addr) {
		pr_err("task_work_add() cannot be found (CONFIG_KPROBES, CONFIG_KALLSYMS?)\n");
		return -ENOENT;
	}
	static_call_update(ckpt_sc_task_work_add, (typeof(&task_work_add))addr);

	addr = resolve("ptrace_may_access");
	if (addr) {
		static_call_update(ckpt_sc_ptrace_may_access, (typeof(&ptrace_may_access))addr);
		have_ptrace_may_access = true;
	} else {
		pr_warn("ptrace_may_access() cannot be found: FREEZE needs CAP_SYS_PTRACE\n");
	}

	/* All of these, or there is no SNAPSHOT. */
	addr = resolve("kernel_clone");
	if (!addr)
		return 0;
	static_call_update(ckpt_sc_kernel_clone, (typeof(&kernel_clone))addr);
	addr = resolve("kernel_wait4");
	if (!addr)
		return 0;
	static_call_update(ckpt_sc_kernel_wait4, (typeof(&kernel_wait4))addr);
	addr = resolve("exit_files");
	if (!addr)
		return 0;
	static_call_update(ckpt_sc_exit_files, (typeof(&exit_files))addr);
	addr = resolve("task_work_run");
	if (!addr)
		return 0;
	static_call_update(ckpt_sc_task_work_run, (typeof(&task_work_run))addr);
	have_clone = true;
	return 0;
}

int ckpt_task_work_add(struct task_struct *task, struct callback_head *work,
		       enum task_work_notify_mode mode)
{
	return static_call(ckpt_sc_task_work_add)(task, work, mode);
}

/* Without the kernel's own check only he may who may trace everybody. */
bool ckpt_ptrace_may_access(struct task_struct *task, unsigned int mode)
{
	if (have_ptrace_may_access)
		return static_call(ckpt_sc_ptrace_may_access)(task, mode);
	return capable(CAP_SYS_PTRACE);
}

bool ckpt_can_clone(void)
{
	return have_clone;
}

pid_t ckpt_kernel_clone(struct kernel_clone_args *args)
{
	return static_call(ckpt_sc_kernel_clone)(args);
}

long ckpt_kernel_wait4(pid_t pid, int __user *status, int options, struct rusage *usage)
{
	return static_call(ckpt_sc_kernel_wait4)(pid, status, options, usage);
}

/* If they were nobody else's any more, their end is left to task works. */
void ckpt_drop_files(void)
{
	static_call(ckpt_sc_exit_files)(current);
	static_call(ckpt_sc_task_work_run)();
}
