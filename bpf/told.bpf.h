/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Is there anything that no record holds? One bit for each, of user/res/told.c. What
 * everybody inherits counts if it is not the reader's own, which a restored program
 * would have.
 */
#ifndef CKPTBPF_TOLD_BPF_H
#define CKPTBPF_TOLD_BPF_H

#include "compat.bpf.h"

#define FMODE_RANDOM		0x1000	/* include/linux/fs.h */
#define ERRSEQ_ERRNO		0xfffu	/* lib/errseq.c */
#define FORCE_TAGGED_SVA	(1ul << 3)	/* MM_CONTEXT_FORCE_TAGGED_SVA, since 6.4 */

/* Each of these only where the kernel was built with it. */
struct task_struct___may {
	void *io_uring_restrict;	/* seen in 7.2 */
	unsigned long core_cookie;
	u32 closid, rmid;
	kuid_t loginuid;
	unsigned int sessionid;
} CO_RE;

struct perf_event_context___may {
	int nr_events;
} CO_RE;

/* One for hardware and one for software until 6.1, one for both since 6.2. */
struct task_struct___to61 {
	struct perf_event_context___may *perf_event_ctxp[2];
} CO_RE;

struct task_struct___since62 {
	struct perf_event_context___may *perf_event_ctxp;
} CO_RE;

struct thread_struct___may {
	unsigned long features_locked;	/* of shadow stacks: since 6.6 */
	void *io_bitmap;
	unsigned long iopl_emul;
} CO_RE;

struct cred___may {
	unsigned char jit_keyring;
	void *session_keyring, *process_keyring, *thread_keyring;
} CO_RE;

struct autogroup___may {
	int nice;
} CO_RE;

struct signal_struct___may {
	unsigned int timer_create_restore_ids : 1;	/* since 6.15 */
	unsigned int autoreap : 1;	/* seen in 7.2 */
	unsigned int audit_tty;
	struct autogroup___may *autogroup;
} CO_RE;

struct sem_undo_list___may {
	struct list_head list_proc;
} CO_RE;

struct sysv_sem___may {
	struct sem_undo_list___may *undo_list;
} CO_RE;

struct task_struct___sysv {
	struct sysv_sem___may sysvsem;
} CO_RE;

static __always_inline bool has_sem_undo(struct task_struct *t)
{
	struct task_struct___sysv *s = (void *)t;
	struct sem_undo_list___may *list;
	struct list_head *first;

	if (!bpf_core_field_exists(s->sysvsem.undo_list))
		return 0;
	list = BPF_CORE_READ(s, sysvsem.undo_list);
	if (!list)
		return 0;
	first = BPF_CORE_READ(list, list_proc.next);
	return (void *)first != (void *)list + bpf_core_field_offset(struct sem_undo_list___may, list_proc);
}

static __always_inline bool has_counters(struct task_struct *t)
{
	struct task_struct___since62 *now = (void *)t;
	struct perf_event_context___may *ctx = (void *)0;
	struct task_struct___to61 *old = (void *)t;

	if (bpf_core_field_exists(now->perf_event_ctxp))
		ctx = BPF_CORE_READ(now, perf_event_ctxp);
	else if (bpf_core_field_exists(old->perf_event_ctxp))
		ctx = BPF_CORE_READ(old, perf_event_ctxp[1]);
	return ctx && BPF_CORE_READ(ctx, nr_events);
}

static __always_inline __u32 told_creds(const struct cred *c)
{
	struct cred___may *his = (void *)c, *own = (void *)bpf_get_current_task_btf()->cred;
	__u32 uses = 0;

	if (!bpf_core_field_exists(his->thread_keyring))
		return 0;
	if (BPF_CORE_READ(his, thread_keyring) || BPF_CORE_READ(his, process_keyring) ||
	    BPF_CORE_READ(his, jit_keyring))
		uses |= GATHER_TOLD_KEYRING;
	if (BPF_CORE_READ(his, session_keyring) != BPF_CORE_READ(own, session_keyring))
		uses |= GATHER_TOLD_SESSION_KEYRING;
	return uses;
}

static __always_inline __u32 told_process(struct task_struct *t, struct signal_struct *sig,
					  struct mm_struct *mm)
{
	struct signal_struct *own = bpf_get_current_task_btf()->signal;
	struct signal_struct___may *s = (void *)sig, *o = (void *)own;
	struct autogroup___may *group;
	__u32 uses = 0;

	if (bpf_core_field_exists(s->timer_create_restore_ids) &&
	    BPF_CORE_READ_BITFIELD_PROBED(s, timer_create_restore_ids))
		uses |= GATHER_TOLD_RESTORE_IDS;
	if (bpf_core_field_exists(s->autoreap) && BPF_CORE_READ_BITFIELD_PROBED(s, autoreap))
		uses |= GATHER_TOLD_AUTOREAP;
	if (bpf_core_field_exists(s->audit_tty) && BPF_CORE_READ(s, audit_tty) != BPF_CORE_READ(o, audit_tty))
		uses |= GATHER_TOLD_AUDIT_TTY;
	if (bpf_core_field_exists(s->autogroup)) {
		group = BPF_CORE_READ(s, autogroup);
		if (group && BPF_CORE_READ(group, nice))
			uses |= GATHER_TOLD_AUTOGROUP;
	}
	if (sig->oom_score_adj_min != BPF_CORE_READ(own, oom_score_adj_min))
		uses |= GATHER_TOLD_OOM_MIN;
	if (mm && BPF_CORE_READ_BITFIELD_PROBED(mm, context.flags) & FORCE_TAGGED_SVA)
		uses |= GATHER_TOLD_TAGGED_SVA;
	return uses;
}

static __always_inline __u32 told_thread(struct task_struct *t, const struct cred *cred,
					 struct nsproxy *ns, struct pid *pid)
{
	struct task_struct___may *m = (void *)t, *own = (void *)bpf_get_current_task_btf();
	struct thread_struct___may *th = (void *)__builtin_preserve_access_index(&t->thread);
	__u32 uses = told_creds(cred);
	struct compat_tif tif;
	__s32 nr;

	compat_tif(t, &tif);
	if (tif.io_bitmap || (bpf_core_field_exists(th->iopl_emul) && BPF_CORE_READ(th, iopl_emul)))
		uses |= GATHER_TOLD_IO_PORTS;
	if (bpf_core_field_exists(th->features_locked) && BPF_CORE_READ(th, features_locked))
		uses |= GATHER_TOLD_SHSTK_LOCK;
	if (bpf_core_field_exists(m->io_uring_restrict) && BPF_CORE_READ(m, io_uring_restrict))
		uses |= GATHER_TOLD_IO_URING;
	if (bpf_core_field_exists(m->core_cookie) && BPF_CORE_READ(m, core_cookie))
		uses |= GATHER_TOLD_CORE_COOKIE;
	if (bpf_core_field_exists(m->closid) && (BPF_CORE_READ(m, closid) || BPF_CORE_READ(m, rmid)))
		uses |= GATHER_TOLD_RESCTRL;
	if (bpf_core_field_exists(m->loginuid) &&
	    (BPF_CORE_READ(m, loginuid.val) != BPF_CORE_READ(own, loginuid.val) ||
	     BPF_CORE_READ(m, sessionid) != BPF_CORE_READ(own, sessionid)))
		uses |= GATHER_TOLD_LOGIN;
	if (has_sem_undo(t))
		uses |= GATHER_TOLD_SEM_UNDO;
	if (has_counters(t))
		uses |= GATHER_TOLD_COUNTERS;
	if (ns && pid && BPF_CORE_READ(ns, pid_ns_for_children) != pid_ns_at(pid, pid->level, &nr))
		uses |= GATHER_TOLD_NS_CHILDREN;
	if (ns && bpf_core_field_exists(ns->time_ns) &&
	    BPF_CORE_READ(ns, time_ns_for_children) != BPF_CORE_READ(ns, time_ns))
		uses |= GATHER_TOLD_NS_CHILDREN;
	return uses;
}

/* Has f not yet told an error that its filesystem remembers? */
static __always_inline bool has_error(__u32 now, __u32 seen)
{
	return now != seen && now & ERRSEQ_ERRNO;
}

static __always_inline __u32 told_file(struct file *f)
{
	const struct cred *own = bpf_get_current_task_btf()->cred, *opener = f->f_cred;
	__u32 ra, normal, uses = 0;

	if (has_error(BPF_CORE_READ(f, f_mapping, wb_err), f->f_wb_err) ||
	    has_error(BPF_CORE_READ(f, f_inode, i_sb, s_wb_err), f->f_sb_err))
		uses |= GATHER_TOLD_WB_ERROR;
	ra = f->f_ra.ra_pages;
	normal = BPF_CORE_READ(f, f_inode, i_sb, s_bdi, ra_pages);
	if ((__u64)f->f_mode & FMODE_RANDOM || (normal && ra == 2 * normal))
		uses |= GATHER_TOLD_FADVISE;
	if (BPF_CORE_READ(opener, fsuid.val) != BPF_CORE_READ(own, fsuid.val))
		uses |= GATHER_TOLD_OPENER;
	return uses;
}

#endif
