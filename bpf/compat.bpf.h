/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Every place where kernels from 6.1 to 7.2 differ, as getters. A flavour
 * (struct name___tag) is matched by libbpf against the running kernel's struct
 * of the name before the underscores; a branch whose field is not there is cut
 * out at load. The tag says which kernels it is for.
 *
 * What only moved or only changed its width needs nothing here: CO-RE finds
 * the one, BPF_CORE_READ_BITFIELD_PROBED() reads the other.
 */
#ifndef CKPTBPF_COMPAT_BPF_H
#define CKPTBPF_COMPAT_BPF_H

#include "emit.bpf.h"

#define CO_RE __attribute__((preserve_access_index))

/* Until 6.15 struct fpu is in thread_struct; since 6.16 right behind task_struct. */
struct thread_struct___to615 {
	struct fpu fpu;
} CO_RE;

/* Until 6.18 as plain fields; rseq_len since 6.3. */
struct task_struct___to618 {
	struct thread_struct___to615 thread;
	struct rseq *rseq;
	u32 rseq_sig;
	u32 rseq_len;
	struct robust_list_head *robust_list;
} CO_RE;

/* Seen in 7.2. */
struct rseq_data___72 {
	struct rseq *usrptr;
	u32 len;
	u32 sig;
} CO_RE;

struct futex_sched_data___72 {
	struct robust_list_head *robust_list;
} CO_RE;

enum task_dumpable___72 { TASK_DUMPABLE_ANY___72 };

struct task_exec_state___72 {
	enum task_dumpable___72 dumpable;
} CO_RE;

struct task_struct___72 {
	struct rseq_data___72 rseq;
	struct futex_sched_data___72 futex;
	struct task_exec_state___72 *exec_state;
} CO_RE;

/* A plain word until 6.17, a bitmap in a struct since 6.18. */
struct mm_struct___to617 {
	unsigned long flags;
} CO_RE;

/*
 * LAM since 6.4, where CONFIG_ADDRESS_MASKING is set. The table of futexes since
 * 6.16, where CONFIG_FUTEX_PRIVATE_HASH is; in a struct of its own in 7.2.
 */
struct mm_context___lam {
	unsigned long untag_mask;
} CO_RE;

struct futex_mm_data___72 {
	struct futex_private_hash *phash;
} CO_RE;

struct mm_struct___lam {
	struct mm_context___lam context;
} CO_RE;

struct mm_struct___72 {
	struct futex_mm_data___72 futex;
	unsigned long def_vma_flags;
} CO_RE;

/*
 * Where CONFIG_ANON_VMA_NAME is set; until 6.1 in one place with what links the
 * mappings of a file, since 6.2 also of shared anonymous memory.
 */
struct anon_vma_name___517 {
	char name[0];
} CO_RE;

struct vm_area_struct___517 {
	struct {
		struct rb_node rb;
	} shared;
	struct anon_vma_name___517 *anon_name;
} CO_RE;

/* The flag instead of a state word: 7.2. */
struct hrtimer___72 {
	bool is_queued;
} CO_RE;

struct hrtimer___to71 {
	u8 state;	/* HRTIMER_STATE_ENQUEUED 1 */
} CO_RE;

/* f_count until 6.12, f_ref since 6.13; f_owner a member until 6.11, a pointer since 6.12. */
struct fown_struct___to611 {
	struct pid *pid;
	enum pid_type pid_type;
	kuid_t uid, euid;
	int signum;
} CO_RE;

struct file___to611 {
	struct {
		s64 counter;
	} f_count;
	struct fown_struct___to611 f_owner;
	u64 f_version;
} CO_RE;

/* struct file_lock until 6.8, its core in a struct of its own since 6.9. */
struct file_lock___to68 {
	struct list_head fl_list;
	void *fl_owner;
	unsigned int fl_flags;
	unsigned char fl_type;
	struct file *fl_file;
	s64 fl_start;
	s64 fl_end;
	struct fasync_struct *fl_fasync;
} CO_RE;

/*
 * A word until 6.17, an enumeration in 6.18, that in a struct of its own since
 * 6.19. The bit's number has changed with each of them.
 */
enum inode_state_flags_t___618 { I_LINKABLE___618 = 1 };
enum inode_state_flags_enum___619 { I_LINKABLE___619 = 1 };

struct inode___to617 {
	unsigned long i_state;
} CO_RE;

struct inode___618 {
	enum inode_state_flags_t___618 i_state;
} CO_RE;

struct inode_state_flags___619 {
	enum inode_state_flags_enum___619 __state;
} CO_RE;

struct inode___619 {
	struct inode_state_flags___619 i_state;
} CO_RE;

/* The kernel's own, in fl_flags and flc_flags alike. */
#define FL_POSIX	1
#define FL_FLOCK	2
#define FL_LEASE	32
/* Whether it is kept, and which half, is a kernel's own choice (CONFIG_TASK_XACCT, TASK_IO_ACCOUNTING). */
struct task_io_accounting___any {
	u64 rchar, wchar, syscr, syscw;
	u64 read_bytes, write_bytes, cancelled_write_bytes;
} CO_RE;

struct task_struct___io {
	struct task_io_accounting___any ioac;
} CO_RE;

struct signal_struct___io {
	struct task_io_accounting___any ioac;
} CO_RE;

#define COMPAT_IO(o, from) do {								\
	if (!bpf_core_field_exists((from)->ioac.rchar) ||				\
	    !bpf_core_field_exists((from)->ioac.read_bytes))				\
		break;									\
	(o)->rchar = BPF_CORE_READ(from, ioac.rchar);					\
	(o)->wchar = BPF_CORE_READ(from, ioac.wchar);					\
	(o)->syscr = BPF_CORE_READ(from, ioac.syscr);					\
	(o)->syscw = BPF_CORE_READ(from, ioac.syscw);					\
	(o)->read_bytes = BPF_CORE_READ(from, ioac.read_bytes);				\
	(o)->write_bytes = BPF_CORE_READ(from, ioac.write_bytes);			\
	(o)->cancelled_write_bytes = BPF_CORE_READ(from, ioac.cancelled_write_bytes);	\
	(o)->flags |= CKPT_ACCT_IO;							\
} while (0)

static __always_inline void compat_thread_io(struct ckpt_acct *o, struct task_struct *t)
{
	struct task_struct___io *io = (void *)t;

	COMPAT_IO(o, io);
}

/* Of its threads that have ended. */
static __always_inline void compat_dead_io(struct ckpt_acct *o, struct signal_struct *sig)
{
	struct signal_struct___io *io = (void *)sig;

	COMPAT_IO(o, io);
}

/* A struct until 6.6, the same under another name until 6.10, plain numbers since 6.11. */
struct inode___to66 {
	struct {
		s64 tv_sec;
		long tv_nsec;
	} i_mtime;
} CO_RE;

struct inode___to610 {
	struct {
		s64 tv_sec;
		long tv_nsec;
	} __i_mtime;
} CO_RE;

struct inode___611 {
	s64 i_mtime_sec;
	u32 i_mtime_nsec;
} CO_RE;

static __always_inline void compat_mtime(struct inode *inode, struct gather_mtime *o)
{
	struct inode___to66 *to66 = (void *)inode;
	struct inode___to610 *to610 = (void *)inode;
	struct inode___611 *now = (void *)inode;

	if (bpf_core_field_exists(now->i_mtime_sec)) {
		o->sec = BPF_CORE_READ(now, i_mtime_sec);
		o->nsec = BPF_CORE_READ(now, i_mtime_nsec);
	} else if (bpf_core_field_exists(to610->__i_mtime)) {
		o->sec = BPF_CORE_READ(to610, __i_mtime.tv_sec);
		o->nsec = BPF_CORE_READ(to610, __i_mtime.tv_nsec);
	} else {
		o->sec = BPF_CORE_READ(to66, i_mtime.tv_sec);
		o->nsec = BPF_CORE_READ(to66, i_mtime.tv_nsec);
	}
}

/* Seen in 7.2 only where utilisation can be clamped (CONFIG_UCLAMP_TASK). */
struct uclamp_se___any {
	unsigned int value : 11;
	unsigned int user_defined : 1;
} CO_RE;

struct task_struct___uclamp {
	struct uclamp_se___any uclamp_req[2];
} CO_RE;

static __always_inline struct fpu *compat_fpu(struct task_struct *t)
{
	struct task_struct___to618 *old = (void *)t;

	if (bpf_core_field_exists(old->thread.fpu))
		return (void *)__builtin_preserve_access_index(&old->thread.fpu);
	return (void *)t + bpf_core_type_size(struct task_struct);
}

/*
 * Bits of thread_info->flags, which no BTF tells. On x86 they were numbered anew
 * when the generic ones got the low numbers (between 6.12 and 7.2). Bit 19 tells:
 * it was free until then, and is TIF_NEED_FPU_LOAD since, which every thread has
 * that is off its CPU.
 */
struct compat_tif {
	__u64 l1d_flush, nocpuid, notsc, io_bitmap;
};

static __always_inline void compat_tif(struct task_struct *t, struct compat_tif *o)
{
	__u64 flags = t->thread_info.flags;
	bool renumbered = flags & 1ul << 19;

	o->l1d_flush = flags & 1ul << (renumbered ? 18 : 10);
	o->nocpuid = flags & 1ul << (renumbered ? 20 : 15);
	o->notsc = flags & 1ul << (renumbered ? 21 : 16);
	o->io_bitmap = flags & 1ul << 22;
}

/* What a thread asked for itself, -1: nothing. */
static __always_inline void compat_uclamp(struct task_struct *t, __s32 *min, __s32 *max)
{
	struct task_struct___uclamp *u = (void *)t;

	*min = *max = -1;
	if (!bpf_core_field_exists(u->uclamp_req))
		return;
	if (BPF_CORE_READ_BITFIELD_PROBED(u, uclamp_req[0].user_defined))
		*min = BPF_CORE_READ_BITFIELD_PROBED(u, uclamp_req[0].value);
	if (BPF_CORE_READ_BITFIELD_PROBED(u, uclamp_req[1].user_defined))
		*max = BPF_CORE_READ_BITFIELD_PROBED(u, uclamp_req[1].value);
}

static __always_inline void compat_rseq(struct task_struct *t, struct ckpt_thread *o)
{
	struct task_struct___to618 *old = (void *)t;
	struct task_struct___72 *t72 = (void *)t;

	if (bpf_core_field_exists(t72->rseq.usrptr)) {
		o->rseq = (__u64)BPF_CORE_READ(t72, rseq.usrptr);
		o->rseq_len = BPF_CORE_READ(t72, rseq.len);
		o->rseq_sig = BPF_CORE_READ(t72, rseq.sig);
		return;
	}
	o->rseq = (__u64)BPF_CORE_READ(old, rseq);
	o->rseq_sig = BPF_CORE_READ(old, rseq_sig);
	if (bpf_core_field_exists(old->rseq_len))
		o->rseq_len = BPF_CORE_READ(old, rseq_len);
	else if (o->rseq)
		o->rseq_len = 32;	/* the only length there was */
}

static __always_inline __u64 compat_robust_list(struct task_struct *t)
{
	struct task_struct___to618 *old = (void *)t;
	struct task_struct___72 *t72 = (void *)t;

	if (bpf_core_field_exists(old->robust_list))
		return (__u64)BPF_CORE_READ(old, robust_list);
	if (bpf_core_field_exists(t72->futex.robust_list))
		return (__u64)BPF_CORE_READ(t72, futex.robust_list);
	return 0;
}

static __always_inline __u64 compat_mm_flags(struct mm_struct *mm)
{
	struct mm_struct___to617 *old = (void *)mm;
	__u64 flags = 0;

	if (bpf_core_field_exists(old->flags))
		return BPF_CORE_READ(old, flags);
	bpf_probe_read_kernel(&flags, sizeof(flags), (void *)mm +
			      bpf_core_field_offset(struct mm_struct, flags));
	return flags;
}

static __always_inline __u32 compat_dumpable(struct task_struct *t, struct mm_struct *mm)
{
	struct task_struct___72 *t72 = (void *)t;

	if (bpf_core_field_exists(t72->exec_state))
		return BPF_CORE_READ(t72, exec_state, dumpable);
	return compat_mm_flags(mm) & 3;	/* MMF_DUMPABLE_MASK */
}

/* Length with its NUL, at most 1: it has none. */
static __always_inline long compat_anon_name(struct vm_area_struct *v, char *to, __u32 room)
{
	struct vm_area_struct___517 *v517 = (void *)v;
	struct anon_vma_name___517 *name;

	if (!bpf_core_field_exists(v517->anon_name))
		return 0;
	if (v->vm_file && bpf_core_field_offset(v517->anon_name) == bpf_core_field_offset(v517->shared))
		return 0;
	name = BPF_CORE_READ(v517, anon_name);
	if (!name)
		return 0;
	return bpf_probe_read_kernel_str(to, room, (void *)name + bpf_core_field_offset(name->name));
}

static __always_inline __u64 compat_def_flags(struct mm_struct *mm)
{
	struct mm_struct___72 *m72 = (void *)mm;

	if (bpf_core_field_exists(mm->def_flags))
		return mm->def_flags;
	if (bpf_core_field_exists(m72->def_vma_flags))
		return BPF_CORE_READ(m72, def_vma_flags);
	return 0;
}

/* include/linux/mm_types.h: MMF_*; the numbers are not in the kernel's type information. */
#define MMF_THP_EXCEPT_ADVISED	(1ull << 23)	/* since 6.18; before: it used a page of zeros */
#define MMF_DISABLE_THP		(1ull << 24)
#define MMF_HAS_MDWE		(1ull << 28)	/* since 6.3 */
#define MMF_BIT_29		(1ull << 29)	/* see below */
#define MMF_VM_MERGE_ANY	(1ull << 30)	/* since 6.7 */

/*
 * Bit 29: from 6.4 to 6.6 MERGE_ANY, since 6.7 MDWE_NO_INHERIT, which never is
 * without HAS_MDWE.
 */
static __always_inline __u32 compat_mm_settings(struct mm_struct *mm)
{
	struct mm_struct___to617 *old = (void *)mm;
	__u64 f = compat_mm_flags(mm);
	__u32 set = 0;

	if (f & MMF_DISABLE_THP)
		set |= CKPT_MMOPT_NO_THP;
	if (!bpf_core_field_exists(old->flags) && f & MMF_THP_EXCEPT_ADVISED)
		set |= CKPT_MMOPT_NO_THP | CKPT_MMOPT_THP_ADVISED;
	if (f & MMF_HAS_MDWE)
		set |= CKPT_MMOPT_MDWE | (f & MMF_BIT_29 ? CKPT_MMOPT_MDWE_OWN : 0);
	else if (f & MMF_BIT_29)
		set |= CKPT_MMOPT_KSM;
	if (f & MMF_VM_MERGE_ANY)
		set |= CKPT_MMOPT_KSM;
	return set;
}

/* Only what the program asked for itself: another size follows from its threads. */
static __always_inline void compat_futex_slots(struct mm_struct *mm, struct ckpt_mmopt *o)
{
	struct mm_struct___72 *m72 = (void *)mm;
	struct futex_private_hash *h = (void *)0;

	if (bpf_core_field_exists(mm->futex_phash))
		h = BPF_CORE_READ(mm, futex_phash);
	else if (bpf_core_field_exists(m72->futex.phash))
		h = BPF_CORE_READ(m72, futex.phash);
	if (!h || !BPF_CORE_READ(h, custom))
		return;
	o->flags |= CKPT_MMOPT_FUTEX_SLOTS;
	o->futex_slots = BPF_CORE_READ(h, hash_mask);
	if (o->futex_slots)
		o->futex_slots++;
}

/* An int until 7.1, a byte in 7.2; not there without SMP, where only current runs. */
static __always_inline __u32 compat_on_cpu(struct task_struct *t)
{
	if (bpf_core_field_exists(t->on_cpu))
		return BPF_CORE_READ_BITFIELD_PROBED(t, on_cpu);
	return t == bpf_get_current_task_btf();
}

static __always_inline bool compat_hrtimer_armed(struct hrtimer *tm)
{
	struct hrtimer___72 *t72 = (void *)tm;
	struct hrtimer___to71 *old = (void *)tm;

	if (bpf_core_field_exists(t72->is_queued))
		return BPF_CORE_READ(t72, is_queued);
	return BPF_CORE_READ(old, state) & 1;
}

/* When tm goes off, 0: not armed. */
static __always_inline __u64 compat_hrtimer_expiry(struct hrtimer *tm)
{
	return compat_hrtimer_armed(tm) ? BPF_CORE_READ(tm, node.expires) : 0;
}

/* A pointer until 6.12, embedded since 6.13, when it_active became a state. */
struct k_itimer___to612 {
	int it_active;
	struct sigqueue *sigq;
} CO_RE;

static __always_inline struct sigqueue *compat_timer_sigqueue(struct k_itimer *tm)
{
	struct k_itimer___to612 *old = (void *)tm;

	if (bpf_core_field_exists(old->it_active))
		return BPF_CORE_READ(old, sigq);
	return (void *)tm + bpf_core_field_offset(struct k_itimer, sigq);
}

/* References to f but the one that the iterator itself holds. */
static __always_inline __u32 compat_file_refs(struct file *f)
{
	struct file___to611 *old = (void *)f;

	if (bpf_core_field_exists(old->f_count))
		return BPF_CORE_READ(old, f_count.counter) - 1;
	/* One holder is 0 there. */
	return BPF_CORE_READ(f, f_ref.refcnt.counter);
}

/* Since 6.12 what a fifo saw when it was opened has a name of its own. */
struct file___612 {
	u64 f_pipe;
} CO_RE;

static __always_inline u64 compat_file_seen(struct file *f)
{
	struct file___612 *f612 = (void *)f;
	struct file___to611 *old = (void *)f;

	if (bpf_core_field_exists(f612->f_pipe))
		return BPF_CORE_READ(f612, f_pipe);
	if (bpf_core_field_exists(old->f_version))
		return BPF_CORE_READ(old, f_version);
	return 0;
}

/* Who is told of what happens to f, NULL: nobody; all but pid and async_fd of o. */
static __always_inline struct pid *compat_file_owner(struct file *f, struct ckpt_fowner *o)
{
	struct file___to611 *old = (void *)f;
	struct fown_struct *own;

	/* Only a member has members: the pointer fails this test. */
	if (bpf_core_field_exists(old->f_owner.pid)) {
		o->type = BPF_CORE_READ(old, f_owner.pid_type);
		o->uid = BPF_CORE_READ(old, f_owner.uid.val);
		o->euid = BPF_CORE_READ(old, f_owner.euid.val);
		o->signum = BPF_CORE_READ(old, f_owner.signum);
		return BPF_CORE_READ(old, f_owner.pid);
	}
	own = BPF_CORE_READ(f, f_owner);
	if (!own)
		return (void *)0;
	o->type = BPF_CORE_READ(own, pid_type);
	o->uid = BPF_CORE_READ(own, uid.val);
	o->euid = BPF_CORE_READ(own, euid.val);
	o->signum = BPF_CORE_READ(own, signum);
	return BPF_CORE_READ(own, pid);
}

struct lock_view {
	void *owner;		/* the file, of a process's POSIX lock its files_struct */
	struct file *file;
	struct gather_lock item;
};

/* Of a node in a lock list of an inode. */
static __always_inline void compat_lock(struct lock_view *v, void *node)
{
	struct file_lock___to68 *old = (void *)0;
	struct fasync_struct *async = (void *)0;

	if (bpf_core_field_exists(old->fl_file)) {
		old = node - bpf_core_field_offset(struct file_lock___to68, fl_list);
		v->owner = BPF_CORE_READ(old, fl_owner);
		v->file = BPF_CORE_READ(old, fl_file);
		v->item.start = BPF_CORE_READ(old, fl_start);
		v->item.end = BPF_CORE_READ(old, fl_end);
		v->item.flags = BPF_CORE_READ(old, fl_flags);
		v->item.type = BPF_CORE_READ(old, fl_type);
		async = BPF_CORE_READ(old, fl_fasync);
	} else {
		struct file_lock_core *c = node - bpf_core_field_offset(struct file_lock_core, flc_list);
		/* Of struct file_lease, too, the core comes first. */
		struct file_lock *fl = (void *)c - bpf_core_field_offset(struct file_lock, c);

		v->owner = BPF_CORE_READ(c, flc_owner);
		v->file = BPF_CORE_READ(c, flc_file);
		v->item.flags = BPF_CORE_READ(c, flc_flags);
		v->item.type = BPF_CORE_READ(c, flc_type);
		v->item.start = v->item.end = 0;
		/* A lease is only as long as its own struct, and is of the whole file. */
		if (v->item.flags & (FL_POSIX | FL_FLOCK)) {
			v->item.start = BPF_CORE_READ(fl, fl_start);
			v->item.end = BPF_CORE_READ(fl, fl_end);
		} else if (v->item.flags & FL_LEASE) {
			async = BPF_CORE_READ((struct file_lease *)fl, fl_fasync);
		}
	}
	v->item.pad0 = 0;
	v->item.fd = v->item.flags & FL_LEASE && async ? BPF_CORE_READ(async, fa_fd) : -1;
}

/* Never had a name, and linkat() may give it one: O_TMPFILE without O_EXCL. */
static __always_inline bool compat_linkable(struct inode *inode)
{
	struct inode___to617 *i617 = (void *)inode;
	struct inode___618 *i618 = (void *)inode;
	struct inode___619 *i619 = (void *)inode;

	if (bpf_core_field_exists(i619->i_state.__state))
		return BPF_CORE_READ(i619, i_state.__state) &
		       bpf_core_enum_value(enum inode_state_flags_enum___619, I_LINKABLE___619);
	if (bpf_core_field_exists(i618->i_state))
		return BPF_CORE_READ(i618, i_state) &
		       bpf_core_enum_value(enum inode_state_flags_t___618, I_LINKABLE___618);
	return BPF_CORE_READ_BITFIELD_PROBED(i617, i_state) >> 10 & 1;
}

#endif
