// SPDX-License-Identifier: GPL-2.0
/*
 * What a thread asked of the kernel for itself. A new thread has the settings of
 * who made it, in the end those of the restorer's caller: each is compared first,
 * and set only if it differs, for setting some of them takes a right.
 */
#include "restorer/restorer.h"

#include <linux/prctl.h>
#include <linux/seccomp.h>

#ifndef PR_SYS_DISPATCH_INCLUSIVE_ON	/* since 6.17 */
#define PR_SYS_DISPATCH_INCLUSIVE_ON 2
#endif
#define ENXIO 6

/* Before there are threads: the permission is the process's, and counts for alternate stacks. */
void process_prctl(struct blob_plan *p)
{
	__u64 have = 0;
	__u32 tiles = 0;

	if (!p->xcomp_perm || call(arch_prctl, ARCH_GET_XCOMP_PERM, &have, 0, 0, 0, 0))
		have = 0;
	for (unsigned int i = 0; i < p->nthreads; i++)
		tiles |= p->threads[i].use_tiles;
	for (unsigned int bit = 0; bit < 63; bit++) {
		if (!(p->xcomp_perm & ~have & 1ull << bit))
			continue;
		if (tiles)
			must(p, BLOB_XCOMP_PERM, bit, 0,
			     call(arch_prctl, ARCH_REQ_XCOMP_PERM, bit, 0, 0, 0, 0));
		else
			may(p, BLOB_XCOMP_PERM, bit,
			    call(arch_prctl, ARCH_REQ_XCOMP_PERM, bit, 0, 0, 0, 0));
	}
}

/* A thread's default is what its maker had then; 0, of a real-time maker, cannot be asked for. */
void clone_prctl(struct blob_plan *p, struct blob_thread *t)
{
	if (t->have_prctl && t->prctl.default_timer_slack_ns)
		must(p, BLOB_TIMERSLACK, t->index, 0,
		     call(prctl, PR_SET_TIMERSLACK, t->prctl.default_timer_slack_ns, 0, 0, 0, 0));
}

/* One of PR_SPEC_*. Where it is not for programs to choose, it must be as it was. */
static void speculation(struct blob_plan *p, unsigned int index, unsigned int which, __u32 want)
{
	static const unsigned char step[] = {
		[PR_SPEC_STORE_BYPASS] = BLOB_STORE_BYPASS,
		[PR_SPEC_INDIRECT_BRANCH] = BLOB_INDIRECT_BRANCH,
		[PR_SPEC_L1D_FLUSH] = BLOB_L1D_FLUSH,
	};
	long now = call(prctl, PR_GET_SPECULATION_CTRL, which, 0, 0, 0, 0);

	if (now >= 0 && now & PR_SPEC_PRCTL && (now & ~PR_SPEC_PRCTL) == want)
		return;
	/* Never asked for. */
	if ((now < 0 || !(now & PR_SPEC_PRCTL)) &&
	    want == (which == PR_SPEC_L1D_FLUSH ? PR_SPEC_DISABLE : PR_SPEC_ENABLE))
		return;
	may(p, step[which], index, call(prctl, PR_SET_SPECULATION_CTRL, which, want, 0, 0, 0));
}

static void machine_checks(struct blob_plan *p, struct blob_thread *t)
{
	__u32 f = t->prctl.flags;
	long want = !(f & CKPT_PRCTL_MCE_KILL) ? PR_MCE_KILL_DEFAULT :
		    f & CKPT_PRCTL_MCE_EARLY ? PR_MCE_KILL_EARLY : PR_MCE_KILL_LATE;

	if (call(prctl, PR_MCE_KILL_GET, 0, 0, 0, 0, 0) == want)
		return;
	if (want == PR_MCE_KILL_DEFAULT)
		must(p, BLOB_MCE_KILL, t->index, 0,
		     call(prctl, PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0, 0));
	else
		must(p, BLOB_MCE_KILL, t->index, 0,
		     call(prctl, PR_MCE_KILL, PR_MCE_KILL_SET, want, 0, 0, 0));
}

void thread_prctl(struct blob_plan *p, struct blob_thread *t)
{
	long tsc = t->prctl.flags & CKPT_PRCTL_TSC_SIGSEGV ? PR_TSC_SIGSEGV : PR_TSC_ENABLE;
	long cpuid = !(t->prctl.flags & CKPT_PRCTL_CPUID_FAULT);
	long flusher = !!(t->prctl.flags & CKPT_PRCTL_IO_FLUSHER);
	unsigned int i = t->index;
	__s32 now = 0;

	if (t->use_tiles) {
		at(p, BLOB_TILES, i, 0);
		arch_use_tiles();
	}
	if (!t->have_prctl)
		return;
	if (t->prctl.timer_slack_ns)
		must(p, BLOB_TIMERSLACK, i, 0,
		     call(prctl, PR_SET_TIMERSLACK, t->prctl.timer_slack_ns, 0, 0, 0, 0));
	speculation(p, i, PR_SPEC_STORE_BYPASS, t->prctl.store_bypass);
	speculation(p, i, PR_SPEC_INDIRECT_BRANCH, t->prctl.indirect_branch);
	speculation(p, i, PR_SPEC_L1D_FLUSH, t->prctl.l1d_flush);
	/* To ask for it takes the same right as to set it. */
	if (flusher != p->own_io_flusher)
		may(p, BLOB_IO_FLUSHER, i, call(prctl, PR_SET_IO_FLUSHER, flusher, 0, 0, 0, 0));
	machine_checks(p, t);
	call(prctl, PR_GET_TSC, &now, 0, 0, 0, 0);
	if (now != tsc)
		must(p, BLOB_TSC, i, 0, call(prctl, PR_SET_TSC, tsc, 0, 0, 0, 0));
	if (call(arch_prctl, ARCH_GET_CPUID, 0, 0, 0, 0, 0) != cpuid)
		may(p, BLOB_CPUID, i, call(arch_prctl, ARCH_SET_CPUID, cpuid, 0, 0, 0, 0));
}

/*
 * The orchestrator has put "allow" at the selector, and takes it away when the
 * restorer is gone. A range that wraps is how the kernel keeps one that is sent.
 */
void dispatch_prctl(struct blob_plan *p, struct blob_thread *t)
{
	__u64 from = t->prctl.dispatch_offset, len = t->prctl.dispatch_len;
	long mode = PR_SYS_DISPATCH_ON;

	if (!t->have_prctl || !(t->prctl.flags & CKPT_PRCTL_DISPATCH))
		return;
	if (from && from + len <= from) {
		mode = PR_SYS_DISPATCH_INCLUSIVE_ON;
		from += len;
		len = -len;
	}
	must(p, BLOB_DISPATCH, t->index, from,
	     call(prctl, PR_SET_SYSCALL_USER_DISPATCH, mode, from, len, t->prctl.dispatch_selector, 0));
}

/*
 * From here on the thread may only read, write, exit and return from a signal:
 * it cannot even wait, and runs in a circle for the moment until it is fetched.
 */
void strict_prctl(struct blob_plan *p, struct blob_thread *t)
{
	if (!t->have_prctl || !(t->prctl.flags & CKPT_PRCTL_SECCOMP_STRICT))
		return;
	if (t->park_fd >= 0)
		call(close, t->park_fd, 0, 0, 0, 0, 0);
	must(p, BLOB_SECCOMP, t->index, 0, call(prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0, 0));
	__atomic_add_fetch(&p->report->strict, 1, __ATOMIC_SEQ_CST);
	for (;;)
		arch_relax();
}
