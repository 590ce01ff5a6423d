// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* iter/task: THREAD, XSTATE and GROUPS of every thread, PROC of a leader. */
#include "compat.bpf.h"
#include "told.bpf.h"
#include "mempolicy.bpf.h"

#define PF_IO_WORKER	0x00000010	/* include/linux/sched.h */
#define PF_USER_WORKER	0x00004000	/* since 6.4 */
#define PF_KTHREAD	0x00200000
#define PF_MCE_PROCESS	0x00000080
#define PF_MCE_EARLY	0x08000000
#define PF_IO_FLUSHER	0x00180000	/* PF_MEMALLOC_NOIO, PF_LOCAL_THROTTLE */
#define PFA_SSB_DISABLE	(1u << 3)	/* task_struct->atomic_flags */
#define PFA_SSB_FORCE	(1u << 4)
#define PFA_IB_DISABLE	(1u << 5)
#define PFA_IB_FORCE	(1u << 6)
#define PFA_SSB_NOEXEC	(1u << 7)
#define PR_SPEC_ENABLE	(1u << 1)	/* include/uapi/linux/prctl.h */
#define PR_SPEC_DISABLE	(1u << 2)
#define PR_SPEC_FORCE	(1u << 3)
#define PR_SPEC_NOEXEC	(1u << 4)
#define SECCOMP_STRICT	1
#define TIF_FORCED_TF	24		/* arch/x86/include/asm/thread_info.h */
#define X86_EFLAGS_TF	0x100ull
#define REGS		21		/* words of struct pt_regs, r15 to ss, on every x86-64 */
#define AT_NULL		0
#define SIGALRM		14
#define SIGNAL_STOP_STOPPED	0x1	/* include/linux/sched/signal.h: all its threads are */
#define NSEC_PER_SEC	1000000000ll

#define TEXT_ROOM	(3 * PATH_ROOM)

SCRATCH(task_scratch, sizeof(struct gather_proc) + TEXT_ROOM + PATH_SLACK);

_Static_assert(sizeof(struct gather_thread) % 8 == 0 && sizeof(struct gather_xstate) % 8 == 0 &&
	       sizeof(struct gather_groups) % 8 == 0 && sizeof(struct gather_proc) % 8 == 0,
	       "records are whole words");
_Static_assert(sizeof(struct gather_thread) +
	       sizeof(struct gather_xstate) + GATHER_XSTATE_MAX +
	       sizeof(struct gather_groups) + 4 * GATHER_GROUPS_MAX +
	       sizeof(struct gather_proc) + TEXT_ROOM < SEQ_LIMIT,
	       "a leader's records must fit into one run's output");
_Static_assert(sizeof(struct gather_xstate) + GATHER_XSTATE_MAX <=
	       sizeof(struct gather_proc) + TEXT_ROOM, "scratch is large enough for every record");

/*
 * What a task points to, each read once: to follow a pointer out of a trusted
 * one costs the verifier a search of all the kernel's types by name (6.2 to
 * 6.18 at least), which made half of the load time.
 */
struct view {
	struct signal_struct *sig;
	struct sighand_struct *sighand;
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *ns;
	struct pid *pid;
	const struct cred *cred;
};

struct walk {
	void *p, *head;
	__u32 n;
};

static long walk_step(__u32 i, struct walk *w)
{
	/* A list_head ends at its head, an hlist at NULL. */
	if (!w->p || w->p == w->head)
		return 1;
	w->n++;
	if (bpf_probe_read_kernel(&w->p, sizeof(w->p), w->p))
		return 1;
	return 0;
}

/* Length of the list at head, whose first word is its first node, up to GATHER_COUNT_MAX. */
static __always_inline __u32 list_len(void *head)
{
	struct walk w = { .head = head };

	if (bpf_probe_read_kernel(&w.p, sizeof(w.p), head))
		return 0;
	bpf_loop(GATHER_COUNT_MAX, walk_step, &w, 0);
	return w.n;
}

static __always_inline void fill_thread(struct ckpt_thread *o, struct task_struct *t)
{
	bpf_core_read(o->comm, sizeof(o->comm), &t->comm);
	o->blocked = t->blocked.sig[0];
	o->altstack_sp = t->sas_ss_sp;
	o->altstack_size = t->sas_ss_size;
	o->altstack_flags = t->sas_ss_flags;
	if (BPF_CORE_READ_BITFIELD(t, restore_sigmask)) {
		o->flags |= CKPT_THREAD_RESTORE_SIGMASK;
		o->saved_blocked = t->saved_sigmask.sig[0];
	}
	if (t->atomic_flags & 1)	/* PFA_NO_NEW_PRIVS is bit 0 */
		o->flags |= CKPT_THREAD_NO_NEW_PRIVS;
	o->clear_child_tid = (__u64)t->clear_child_tid;
	o->robust_list = compat_robust_list(t);
	compat_rseq(t, o);
	o->pdeath_signal = t->pdeath_signal;
	o->restart_nr = -1;
}

static __always_inline void fill_acct(struct ckpt_acct *o, struct task_struct *t)
{
	o->utime = t->utime;
	o->stime = t->stime;
	o->gtime = t->gtime;
	o->prev_utime = t->prev_cputime.utime;
	o->prev_stime = t->prev_cputime.stime;
	o->nvcsw = t->nvcsw;
	o->nivcsw = t->nivcsw;
	o->start_time = t->start_time;
	o->start_boottime = t->start_boottime;
	o->min_flt = t->min_flt;
	o->maj_flt = t->maj_flt;
	compat_thread_io(o, t);
}

static __always_inline void fill_creds(struct ckpt_creds *o, const struct cred *c)
{
	o->uid = c->uid.val;
	o->gid = c->gid.val;
	o->suid = c->suid.val;
	o->sgid = c->sgid.val;
	o->euid = c->euid.val;
	o->egid = c->egid.val;
	o->fsuid = c->fsuid.val;
	o->fsgid = c->fsgid.val;
	o->securebits = c->securebits;
	o->ngroups = c->group_info->ngroups;
	/* kernel_cap_t: two words until 6.2, one of 64 bits since: the same eight bytes. */
	bpf_core_read(&o->cap_inheritable, 8, &c->cap_inheritable);
	bpf_core_read(&o->cap_permitted, 8, &c->cap_permitted);
	bpf_core_read(&o->cap_effective, 8, &c->cap_effective);
	bpf_core_read(&o->cap_bset, 8, &c->cap_bset);
	bpf_core_read(&o->cap_ambient, 8, &c->cap_ambient);
}

static __always_inline void fill_spec(struct ckpt_prctl *o, __u64 pfa)
{
	o->store_bypass = o->indirect_branch = PR_SPEC_ENABLE;
	if (pfa & PFA_SSB_FORCE)
		o->store_bypass = PR_SPEC_FORCE;
	else if (pfa & PFA_SSB_NOEXEC)
		o->store_bypass = PR_SPEC_NOEXEC;
	else if (pfa & PFA_SSB_DISABLE)
		o->store_bypass = PR_SPEC_DISABLE;
	if (pfa & PFA_IB_FORCE)
		o->indirect_branch = PR_SPEC_FORCE;
	else if (pfa & PFA_IB_DISABLE)
		o->indirect_branch = PR_SPEC_DISABLE;
}

static __always_inline void fill_prctl(struct ckpt_prctl *o, struct task_struct *t)
{
	__u64 dispatch = 1ull << bpf_core_enum_value(enum syscall_work_bit,
						     SYSCALL_WORK_BIT_SYSCALL_USER_DISPATCH);
	struct compat_tif tif;
	struct fpu *fpu;

	o->timer_slack_ns = t->timer_slack_ns;
	o->default_timer_slack_ns = t->default_timer_slack_ns;
	fill_spec(o, t->atomic_flags);
	compat_tif(t, &tif);
	o->l1d_flush = tif.l1d_flush ? PR_SPEC_ENABLE : PR_SPEC_DISABLE;
	if (tif.notsc)
		o->flags |= CKPT_PRCTL_TSC_SIGSEGV;
	if (tif.nocpuid)
		o->flags |= CKPT_PRCTL_CPUID_FAULT;
	if ((t->flags & PF_IO_FLUSHER) == PF_IO_FLUSHER)
		o->flags |= CKPT_PRCTL_IO_FLUSHER;
	if (t->flags & PF_MCE_PROCESS)
		o->flags |= CKPT_PRCTL_MCE_KILL;
	if ((t->flags & PF_MCE_PROCESS) && (t->flags & PF_MCE_EARLY))
		o->flags |= CKPT_PRCTL_MCE_EARLY;
	if (t->thread_info.syscall_work & dispatch) {
		o->flags |= CKPT_PRCTL_DISPATCH;
		o->dispatch_selector = (__u64)t->syscall_dispatch.selector;
		o->dispatch_offset = t->syscall_dispatch.offset;
		o->dispatch_len = t->syscall_dispatch.len;
	}
	if (t->seccomp.mode == SECCOMP_STRICT)
		o->flags |= CKPT_PRCTL_SECCOMP_STRICT;
	compat_uclamp(t, &o->uclamp_min, &o->uclamp_max);
	/* Of the whole process, and kept with its leader. */
	fpu = compat_fpu(t);
	if (t->pid == t->tgid)
		o->xcomp_perm = BPF_CORE_READ(fpu, perm.__state_perm);
}

static __always_inline void fill_cpu(struct ckpt_cpu *o, struct task_struct *t)
{
	bpf_probe_read_kernel(o, REGS * 8, (void *)bpf_task_pt_regs(t));
	/* Beside the selectors lie FRED's own bits. */
	o->cs &= 0xffff;
	o->ss &= 0xffff;
	/* The debugger's single step, not the program's: PTRACE_GETREGSET hides it too. */
	if (t->thread_info.flags & (1ul << TIF_FORCED_TF))
		o->flags &= ~X86_EFLAGS_TF;
	o->fs_base = t->thread.fsbase;
	o->gs_base = t->thread.gsbase;
	o->ds = t->thread.ds;
	o->es = t->thread.es;
	o->fs = t->thread.fsindex;
	o->gs = t->thread.gsindex;
}

/* What tells that a thread cannot be saved as it is, and who shares what with whom. */
static __always_inline void fill_around(struct gather_thread *o, struct task_struct *t,
					const struct view *v, const struct reader *r)
{
	__s32 nr = 0;

	o->on_cpu = compat_on_cpu(t);
	o->state = t->__state;
	o->pf_flags = t->flags;
	o->ptrace = t->ptrace;
	o->pending = t->pending.signal.sig[0];
	o->restart_fn = (__u64)t->restart_block.fn;
	bpf_core_read(o->restart_args, sizeof(o->restart_args), &t->restart_block.futex);
	o->seccomp_mode = t->seccomp.mode;
	if (bpf_core_field_exists(t->seccomp.filter_count))
		o->seccomp_filters = t->seccomp.filter_count.counter;
	/* A tracer that is gone leaves its events behind, disabled: DR7 tells which count. */
	o->debug_regs = t->thread.ptrace_dr7 & 0xff;
	bpf_core_read(o->tls, sizeof(o->tls), &t->thread.tls_array);
	if (bpf_core_field_exists(t->io_uring))
		o->io_uring = (__u64)BPF_CORE_READ(t, io_uring);
	o->mm = (__u64)v->mm;
	o->files = (__u64)v->files;
	o->fs = (__u64)v->fs;
	o->sighand = (__u64)v->sighand;
	o->signal = (__u64)v->sig;
	o->nsproxy = (__u64)v->ns;
	o->files_count = v->files->count.counter;
	o->fs_users = v->fs->users;
	o->sighand_count = v->sighand->count.refs.counter;
	o->mm_users = v->mm->mm_users.counter;
	if (v->pid) {
		pid_ns_at(v->pid, v->pid->level, &nr);
		o->ns_nr = nr;
		o->pidns_level = v->pid->level - r->level;
	}
}

static __always_inline void emit_xstate(struct seq_file *seq, void *s, struct task_struct *t,
					const struct view *v, const struct reader *r)
{
	struct fpu *fpu = compat_fpu(t);
	struct fpstate *fp = BPF_CORE_READ(fpu, fpstate);
	struct gather_xstate *x = s;
	__u64 size = BPF_CORE_READ(fp, size);

	fill_hdr(&x->h, r, t, v->pid, v->sig, GATHER_XSTATE);
	x->size = size;
	x->pad0 = 0;
	x->xfeatures = BPF_CORE_READ(fp, xfeatures);
	x->user_xfeatures = BPF_CORE_READ(fp, user_xfeatures);
	if (bpf_core_field_exists(t->thread.pkru))
		x->pkru = t->thread.pkru;
	if (size > GATHER_XSTATE_MAX)
		size = 0;
	CLAMP(size, GATHER_XSTATE_MAX);
	bpf_probe_read_kernel(x->data, size, (void *)fp + bpf_core_field_offset(struct fpstate, regs));
	size = round8(sizeof(*x) + size);
	x->h.len = size;
	emit(seq, x, size);
}

static __always_inline void emit_groups(struct seq_file *seq, void *s, struct task_struct *t,
					const struct view *v, const struct reader *r)
{
	struct group_info *gi = v->cred->group_info;
	struct gather_groups *g = s;
	__u64 n = (__u32)gi->ngroups;

	if (!n)
		return;
	fill_hdr(&g->h, r, t, v->pid, v->sig, GATHER_GROUPS);
	g->n = n;
	if (n > GATHER_GROUPS_MAX)
		n = 0;
	CLAMP(n, GATHER_GROUPS_MAX);
	bpf_probe_read_kernel(g->gid, n * 4, (void *)gi + bpf_core_field_offset(struct group_info, gid));
	n = round8(sizeof(*g) + n * 4);
	g->h.len = n;
	emit(seq, g, n);
}

static __always_inline void fill_task(struct ckpt_task *o, struct task_struct *t,
				      struct signal_struct *sig, const struct reader *r)
{
	o->pid = pid_nr(r, sig->pids[PIDTYPE_TGID]);
	o->ppid = pid_nr(r, BPF_CORE_READ(t, real_parent, signal, pids[PIDTYPE_TGID]));
	o->pgid = pid_nr(r, sig->pids[PIDTYPE_PGID]);
	o->sid = pid_nr(r, sig->pids[PIDTYPE_SID]);
	o->nthreads = sig->nr_threads;
	o->state = t->__state;
	o->exit_state = t->exit_state;
	o->exit_code = t->exit_code;
	o->exit_signal = t->exit_signal;
	o->personality = t->personality;
	o->oom_score_adj = sig->oom_score_adj;
	/* A bit until 6.18, a bool in 7.2. */
	if (BPF_CORE_READ_BITFIELD_PROBED(sig, is_child_subreaper))
		o->flags |= CKPT_TASK_SUBREAPER;
	if (sig->tty)
		o->flags |= CKPT_TASK_HAS_TTY;
	if (sig->flags & SIGNAL_STOP_STOPPED)
		o->flags |= CKPT_TASK_STOPPED;
}

static __always_inline void fill_dead_acct(struct ckpt_acct *o, struct signal_struct *sig,
					   struct task_struct *t)
{
	o->utime = sig->utime;
	o->stime = sig->stime;
	o->gtime = sig->gtime;
	o->prev_utime = sig->prev_cputime.utime;
	o->prev_stime = sig->prev_cputime.stime;
	o->nvcsw = sig->nvcsw;
	o->nivcsw = sig->nivcsw;
	o->start_time = t->start_time;
	o->start_boottime = t->start_boottime;
	o->min_flt = sig->min_flt;
	o->maj_flt = sig->maj_flt;
	compat_dead_io(o, sig);
}

/* auxv as it lies, and its length with the AT_NULL pair: later kernels keep more room. */
static __always_inline void fill_auxv(struct gather_proc *o, struct mm_struct *mm)
{
	__u64 size = bpf_core_field_size(mm->saved_auxv);

	CLAMP(size, CKPT_MAX_AUXV);
	bpf_probe_read_kernel(o->auxv, size, (void *)mm + bpf_core_field_offset(struct mm_struct, saved_auxv));
	o->mm.auxv_len = size;
	for (__u32 i = 0; i < CKPT_MAX_AUXV / 16; i++) {
		if (i * 16 < size && ((__u64 *)o->auxv)[2 * i] == AT_NULL) {
			o->mm.auxv_len = (i + 1) * 16;
			break;
		}
	}
}

#define VM_LOCKED		0x00002000ull
#define VM_LOCKONFAULT		0x00080000ull
#define LAM_BITS		62		/* the highest that a tag takes, down to where addresses end */

static __always_inline void fill_mmopt(struct gather_proc *o, struct mm_struct *mm)
{
	struct mm_struct___lam *lam = (void *)mm;
	__u32 state = mm->membarrier_state.counter;

	o->mmopt.flags = compat_mm_settings(mm);
	o->def_flags = compat_def_flags(mm);
	if (o->def_flags & VM_LOCKED)
		o->mmopt.flags |= CKPT_MMOPT_LOCK_FUTURE;
	if (o->def_flags & VM_LOCKONFAULT)
		o->mmopt.flags |= CKPT_MMOPT_LOCK_ONFAULT;
	/* MEMBARRIER_STATE_*: two bits of each, in the order PRIVATE, GLOBAL, SYNC_CORE, RSEQ. */
	if (state & 0x03)
		o->mmopt.membarrier |= 1 << 4;
	if (state & 0x0c)
		o->mmopt.membarrier |= 1 << 2;
	if (state & 0x30)
		o->mmopt.membarrier |= 1 << 6;
	if (state & 0xc0)
		o->mmopt.membarrier |= 1 << 8;
	o->mmopt.exec_pkey = -1;
	if (bpf_core_field_exists(mm->context.pkey_allocation_map)) {
		o->mmopt.pkeys = mm->context.pkey_allocation_map;
		/* 0: a CPU without keys, where a pkey_alloc() that failed leaves key 0 behind. */
		if (o->mmopt.pkeys && mm->context.execute_only_pkey > 0)
			o->mmopt.exec_pkey = mm->context.execute_only_pkey;
	}
	if (bpf_core_field_exists(lam->context.untag_mask)) {
		__u64 tag = ~BPF_CORE_READ(lam, context.untag_mask);

		for (int i = 0; i < 16; i++)
			o->mmopt.tag_bits += tag >> (LAM_BITS - i) & 1;
	}
	compat_futex_slots(mm, &o->mmopt);
}

static __always_inline void fill_mm(struct gather_proc *o, struct task_struct *t, struct mm_struct *mm)
{
	o->mm.start_code = mm->start_code;
	o->mm.end_code = mm->end_code;
	o->mm.start_data = mm->start_data;
	o->mm.end_data = mm->end_data;
	o->mm.start_brk = mm->start_brk;
	o->mm.brk = mm->brk;
	o->mm.start_stack = mm->start_stack;
	o->mm.arg_start = mm->arg_start;
	o->mm.arg_end = mm->arg_end;
	o->mm.env_start = mm->env_start;
	o->mm.env_end = mm->env_end;
	o->mm.vdso = (__u64)mm->context.vdso;
	o->mm.dumpable = compat_dumpable(t, mm);
	fill_auxv(o, mm);
	o->map_count = mm->map_count;
	if (bpf_core_field_exists(mm->context.ldt))
		o->ctx_ldt = (__u64)mm->context.ldt;
	fill_mmopt(o, mm);
}

static __always_inline void fill_ns(struct ckpt_container *o, struct task_struct *t,
				    const struct view *v)
{
	struct pid_namespace *pidns;
	struct nsproxy *ns = v->ns;
	struct pid *pid = v->pid;
	__s32 nr;

	if (!ns || !pid)
		return;		/* on its way out */
	pidns = pid_ns_at(pid, pid->level, &nr);
	o->ns_pid = BPF_CORE_READ(pidns, ns.inum);
	o->ns_mnt = BPF_CORE_READ(ns, mnt_ns, ns.inum);
	o->ns_net = ns->net_ns->ns.inum;
	o->ns_user = v->cred->user_ns->ns.inum;
	o->ns_uts = ns->uts_ns->ns.inum;
	o->ns_ipc = BPF_CORE_READ(ns, ipc_ns, ns.inum);
	if (bpf_core_field_exists(ns->time_ns))
		o->ns_time = BPF_CORE_READ(ns, time_ns, ns.inum);
	o->ns_cgroup = ns->cgroup_ns->ns.inum;
	o->cgroup_id = BPF_CORE_READ(t, cgroups, dfl_cgrp, kn, id);
}

/* The three texts one behind the other; returns their length. */
static __always_inline __u64 fill_texts(struct gather_proc *o, const struct view *v)
{
	struct file *exe = v->mm ? v->mm->exe_file : (void *)0;
	struct fs_struct *fs = v->fs;
	__u64 len = 0, n;

	if (exe) {
		fill_file(&o->exe, exe, exe->f_inode);
		compat_mtime(exe->f_inode, &o->exe_mtime);
		o->exe.kind = CKPT_FILE_MAPPED;
		o->exe_file = (__u64)exe;
		o->exe_nlink = exe->f_inode->i_nlink;
		len = path_text((struct path *)&exe->f_path, o->text, &o->path_err);
		CLAMP(len, PATH_ROOM);
		o->exe.path_len = len;
	}
	if (fs) {
		o->fs.umask = fs->umask;
		n = path_text(&fs->pwd, o->text + len, &o->path_err);
		o->fs.cwd_len = n;
		len += n;
		CLAMP(len, 2 * PATH_ROOM);
		n = path_text(&fs->root, o->text + len, &o->path_err);
		o->fs.root_len = n;
		len += n;
	}
	return len;
}

/* What is left of a timer that is due at expires: what is overdue comes at once. */
static __always_inline __u64 time_left(__u64 expires, __u64 now)
{
	return expires > now ? expires - now : 1;
}

/* The CPU timers count what the kernel has added up at ticks, as it does. */
static __always_inline void fill_itimers(struct ckpt_itimers *o, struct signal_struct *sig)
{
	__u64 due = compat_hrtimer_expiry(&sig->real_timer), now = bpf_ktime_get_ns();
	__u64 utime = sig->cputimer.cputime_atomic.utime.counter;
	__u64 stime = sig->cputimer.cputime_atomic.stime.counter;

	o->timer[0].interval = sig->it_real_incr;
	if (due)
		o->timer[0].value = time_left(due, now);
	/* It went off; the kernel starts it anew when its signal is taken, for the next multiple. */
	else if (o->timer[0].interval && sig->shared_pending.signal.sig[0] & 1ull << (SIGALRM - 1))
		o->timer[0].value = o->timer[0].interval -
			(now - sig->real_timer.node.expires) % o->timer[0].interval;
	/* it[]: CPUCLOCK_PROF, CPUCLOCK_VIRT */
	o->timer[1].interval = sig->it[1].incr;
	if (sig->it[1].expires)
		o->timer[1].value = time_left(sig->it[1].expires, utime);
	o->timer[2].interval = sig->it[0].incr;
	if (sig->it[0].expires)
		o->timer[2].value = time_left(sig->it[0].expires, utime + stime);
}

/* The clocks as a task in this namespace sees them. */
static __always_inline void fill_clocks(struct gather_proc *o, struct nsproxy *ns)
{
	struct ckpt_clocks *c = &o->clocks;
	struct time_namespace *t;

	c->monotonic_ns = bpf_ktime_get_ns();
	c->boottime_ns = bpf_ktime_get_boot_ns();
	if (!ns || !bpf_core_field_exists(ns->time_ns))
		return;
	t = ns->time_ns;
	o->child_time_ns = t != ns->time_ns_for_children;
	c->monotonic_offset_ns = BPF_CORE_READ(t, offsets.monotonic.tv_sec) * NSEC_PER_SEC +
				 BPF_CORE_READ(t, offsets.monotonic.tv_nsec);
	c->boottime_offset_ns = BPF_CORE_READ(t, offsets.boottime.tv_sec) * NSEC_PER_SEC +
				BPF_CORE_READ(t, offsets.boottime.tv_nsec);
	c->monotonic_ns += c->monotonic_offset_ns;
	c->boottime_ns += c->boottime_offset_ns;
}

static __always_inline void emit_proc(struct seq_file *seq, void *s, struct task_struct *t,
				      const struct view *v, const struct reader *r)
{
	struct sighand_struct *sighand = v->sighand;
	struct signal_struct *sig = v->sig;
	struct gather_proc *o = s;
	__u64 len;

	fill_hdr(&o->h, r, t, v->pid, sig, GATHER_PROC);
	fill_task(&o->task, t, sig, r);
	bpf_core_read(&o->rlimits, sizeof(o->rlimits), &sig->rlim);
	fill_dead_acct(&o->acct, sig, t);
	bpf_core_read(&o->sighand, sizeof(o->sighand), &sighand->action);
	fill_ns(&o->ns, t, v);
	o->shared_pending = sig->shared_pending.signal.sig[0];
	fill_itimers(&o->itimers, sig);
	fill_clocks(o, v->ns);
	o->posix_timers = list_len(&sig->posix_timers);
	o->nchildren = list_len(&t->children);
	o->start_time = t->start_time;
	if (v->mm)
		fill_mm(o, t, v->mm);
	len = fill_texts(o, v);
	CLAMP(len, TEXT_ROOM);
	len = round8(sizeof(*o) + len);
	o->h.len = len;
	emit(seq, o, len);
}

SEC("iter/task")
int ckpt_task(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *t = ctx->task;
	struct gather_thread *o;
	struct reader r;
	struct view v;

	if (!t)
		return 0;
	o = scratch_of(&task_scratch);
	if (!o)
		return 0;
	reader_init(&r);
	v.sig = t->signal;
	v.sighand = t->sighand;
	v.mm = t->mm;
	v.fs = t->fs;
	v.files = t->files;
	v.ns = t->nsproxy;
	v.pid = t->thread_pid;
	v.cred = t->real_cred;

	fill_hdr(&o->h, &r, t, v.pid, v.sig, GATHER_THREAD);
	o->h.len = sizeof(*o);
	o->rec.tid = o->h.tid;
	fill_thread(&o->rec, t);
	fill_acct(&o->acct, t);
	fill_creds(&o->creds, v.cred);
	fill_prctl(&o->prctl, t);
	fill_cpu(&o->cpu, t);
	fill_around(o, t, &v, &r);
	o->told = told_thread(t, v.cred, v.ns, v.pid);
	if (t->pid == t->tgid)
		o->told |= told_process(t, v.sig, v.mm);
	emit(seq, o, sizeof(*o));

	if (t->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER))
		return 0;
	if (v.mm)
		emit_xstate(seq, o, t, &v, &r);
	emit_groups(seq, o, t, &v, &r);
	if (bpf_core_field_exists(t->mempolicy))
		emit_mempolicy(seq, t->mempolicy, 0, &r, t);
	/* A zombie has no memory, files or handlers, but its place in the tree and its exit code. */
	if (t->pid == t->tgid)
		emit_proc(seq, o, t, &v, &r);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
