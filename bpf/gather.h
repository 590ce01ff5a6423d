/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the iterators hand to user space: image records already in their
 * on-disk form, each beside what must not reach the disk: kernel-identity
 * cookies by which user/res finds sharing, and what tells a state that cannot
 * be saved. Objrefs inside the embedded records are 0 here.
 *
 * Nothing is ever cut short. A path is whole (at most 4095 bytes) or absent
 * with path_err set; XSTATE bytes and group lists are whole or absent. The
 * reader in user space (user/engine/bpf_walk.c) completes lists of groups and of
 * items of an epoll that did not fit and ends a walk with -errno at anything else that is absent, so its
 * callers see whole records only. Paths are as the reader's root shows them.
 */
#ifndef CKPTBPF_GATHER_H
#define CKPTBPF_GATHER_H

#include "ckptbpf/image.h"

enum gather_type {
	GATHER_THREAD = 1, GATHER_XSTATE, GATHER_PROC, GATHER_GROUPS, GATHER_VMA, GATHER_FD,
	GATHER_EVENTFD, GATHER_TIMERFD, GATHER_SIGNALFD, GATHER_EPOLL,
	GATHER_INOTIFY, GATHER_PIDFD, GATHER_LOCKS, GATHER_FOWNER,
	GATHER_PACKETS,
	GATHER_SIGPENDING, GATHER_POSIXTIMERS, GATHER_MEMPOLICY, GATHER_VMANAME,
};

#define GATHER_XSTATE_MAX	12288u	/* AMX needs some 11 KiB */
#define GATHER_GROUPS_MAX	256u
#define GATHER_SIGNALS_MAX	256u	/* entries of one queue */
#define GATHER_TIMERS_MAX	128u
#define GATHER_COUNT_MAX	64u	/* lists that are counted only */
/*
 * path_err: what is mapped is a file below another (overlayfs), whose name and
 * inode would not tell; the reader takes both from /proc/PID/map_files, as
 * stat() and readlink() show them.
 */
#define GATHER_PATH_LINK	1

/* What no record holds: bpf/told.bpf.h looks for it, user/res/told.c says it. */
enum gather_told_thread {
	GATHER_TOLD_IO_PORTS = 0x1, GATHER_TOLD_SEM_UNDO = 0x2, GATHER_TOLD_IO_URING = 0x4,
	GATHER_TOLD_KEYRING = 0x8, GATHER_TOLD_SHSTK_LOCK = 0x10, GATHER_TOLD_CORE_COOKIE = 0x20,
	GATHER_TOLD_RESCTRL = 0x40, GATHER_TOLD_NS_CHILDREN = 0x80,
	GATHER_TOLD_SESSION_KEYRING = 0x100, GATHER_TOLD_LOGIN = 0x200,
	GATHER_TOLD_COUNTERS = 0x400,
	/* Of the process, with its leader. */
	GATHER_TOLD_RESTORE_IDS = 0x10000, GATHER_TOLD_AUTOREAP = 0x20000,
	GATHER_TOLD_AUTOGROUP = 0x40000, GATHER_TOLD_TAGGED_SVA = 0x80000,
	GATHER_TOLD_AUDIT_TTY = 0x100000, GATHER_TOLD_OOM_MIN = 0x200000,
};
enum gather_told_fd {
	GATHER_TOLD_WB_ERROR = 0x1, GATHER_TOLD_FADVISE = 0x2, GATHER_TOLD_OPENER = 0x4,
};

/* tid and tgid as the reader's pid namespace numbers them. */
struct gather_hdr {
	__u32 type;
	__u32 len;		/* whole record, a multiple of 8 */
	__s32 tid, tgid;
};

/* One thread (iter/task). */
struct gather_thread {
	struct gather_hdr h;
	struct ckpt_thread rec;	/* rseq_cs and restart_nr are not filled in */
	struct ckpt_acct acct;
	struct ckpt_creds creds;	/* ngroups true; GATHER_GROUPS follows if not 0 */
	struct ckpt_prctl prctl;
	struct ckpt_cpu cpu;	/* valid only if on_cpu == 0 */
	__u32 on_cpu;		/* still running: read again */
	__u32 state;		/* task_struct->__state */
	__u32 pf_flags;		/* task_struct->flags: PF_KTHREAD 0x200000, PF_EXITING 0x4, PF_IO_WORKER */
	__u32 ptrace;		/* task_struct->ptrace != 0: PT_*; the stock engine's own shows too */
	__u64 pending;		/* task_struct->pending.signal */
	__u64 restart_fn;	/* restart_block.fn: cookie, 0 or not do_no_restart_syscall unknown */
	__u64 restart_args[5];	/* restart_block's union as it lies */
	__u32 seccomp_mode, seccomp_filters;
	__u64 debug_regs;	/* thread.ptrace_dr7: enable bits of the breakpoints */
	__u64 tls[3];		/* thread.tls_array, raw */
	__u64 io_uring;		/* cookie, 0: none */
	__u64 mm, files, fs, sighand, signal, nsproxy;	/* cookies */
	__u32 files_count, fs_users, sighand_count, mm_users;	/* who else shares them */
	__u32 ns_nr;		/* number in its own pid namespace */
	__u32 pidns_level;	/* of the thread, minus the reader's: 0 if the same */
	__u32 told;		/* GATHER_TOLD_* */
	__u32 pad0;
};

/* XSTATE as the kernel keeps it, compacted or not; user/engine turns it into NT_X86_XSTATE. */
struct gather_xstate {
	struct gather_hdr h;
	__u32 size;		/* bytes of data; over GATHER_XSTATE_MAX there is none */
	__u32 pad0;
	__u64 xfeatures, user_xfeatures;	/* fpstate */
	__u64 pkru;		/* thread.pkru */
	__u8 data[];
};

struct gather_groups {
	struct gather_hdr h;
	__u32 n, pad0;		/* over GATHER_GROUPS_MAX no gids follow */
	__u32 gid[];
};

/* When the content of a file was last changed: inode->i_mtime. */
struct gather_mtime {
	__s64 sec;
	__u32 nsec, pad0;
};

/*
 * One process, from its leader (iter/task). Texts follow: exe, cwd, root. Of a
 * zombie (task.exit_state) what it has given up is 0.
 */
struct gather_proc {
	struct gather_hdr h;
	struct ckpt_task task;	/* ids 0; flags: SUBREAPER, HAS_TTY and STOPPED only */
	struct ckpt_rlimits rlimits;
	struct ckpt_acct acct;	/* its dead threads */
	struct ckpt_sighand sighand;
	struct ckpt_mm mm;	/* ids, nvmas 0 */
	struct ckpt_fs fs;	/* *_len true */
	struct ckpt_container ns;
	__u8 auxv[CKPT_MAX_AUXV];
	struct ckpt_file exe;	/* kind MAPPED, path_len true */
	struct gather_mtime exe_mtime;
	__u64 exe_file;		/* cookie */
	__u64 shared_pending;	/* signal->shared_pending.signal */
	struct ckpt_itimers itimers;
	struct ckpt_clocks clocks;
	__u32 posix_timers;	/* how many, at most 64 counted */
	__u32 map_count;
	__u32 exe_nlink;
	__u32 nchildren;	/* length of task_struct->children of the leader, at most 64 counted; others see their own threads */
	__u64 start_time;	/* leader->start_time: with pid it names a process for ever */
	__u64 ctx_ldt;		/* mm->context.ldt: cookie, 0: none */
	struct ckpt_mmopt mmopt;	/* coredump_filter 0 */
	__u64 def_flags;	/* mm->def_flags, raw */
	__s32 path_err;		/* of the first of exe, cwd, root that has no text: -errno */
	__u32 child_time_ns;	/* its children will live in another time namespace than it does */
	char text[];		/* exe_len cwd_len root_len bytes, no NUL */
};

/*
 * A queue of signals (iter/task, a walk of its own): a thread's, or, shared, from
 * the leader, its process's. Only of one that is not empty.
 */
struct gather_sigpending {
	struct gather_hdr h;
	__u32 shared, pad0;
	struct ckpt_sigpending rec;	/* n over GATHER_SIGNALS_MAX: there are more, none follows */
	struct ckpt_siginfo info[];
};

/* Timers of a process, behind its leader's queues, newest first. */
struct gather_posixtimers {
	struct gather_hdr h;
	__u32 n, pad0;		/* over GATHER_TIMERS_MAX: there are more, none follows */
	struct ckpt_posixtimer rec[];
};

/* One mapping (iter/task_vma). The path follows. */
struct gather_vma {
	struct gather_hdr h;
	struct ckpt_vma rec;	/* kind, file 0; flags translated */
	__u64 vm_flags;		/* raw */
	__u64 vm_file;		/* cookie, 0: none */
	__u64 vm_ops;		/* cookie, 0: plain anonymous */
	__u64 uffd;		/* cookie, 0: none */
	__u64 anon_vma;		/* cookie, 0: no private page yet */
	char special[16];	/* vm_special_mapping->name: "[vdso]", "[vvar]", "[vvar_vclock]" */
	struct ckpt_file file;	/* of vm_file: flags, mode, ino, size, dev, path_len; kind MAPPED */
	struct gather_mtime mtime;
	__u32 nlink, s_magic;
	__u32 refs, dentry_refs;	/* of vm_file and of its dentry; 0: not known */
	__s32 writers;		/* inode->i_writecount; below 0: it must not be written */
	__u32 linkable;		/* linkat() may give it its first name */
	__u32 held, pad0;	/* vm_file itself holds locks or a lease */
	__u32 path_len;
	__s32 path_err;		/* -errno: there is a file but no text for it; GATHER_PATH_LINK */
	char path[];
};

/* Behind a mapping, or behind its thread (start 0), that has one. */
struct gather_mempolicy {
	struct gather_hdr h;
	struct ckpt_mempolicy rec;
};

struct gather_vmaname {
	struct gather_hdr h;
	struct ckpt_vmaname rec;
	char name[80];
};

/* One descriptor (iter/task_file). The path follows. */
struct gather_fd {
	struct gather_hdr h;
	struct ckpt_fd rec;	/* file 0 */
	struct ckpt_file file;	/* kind, obj 0 */
	struct gather_mtime mtime;
	__u64 cookie;		/* struct file */
	__u64 priv;		/* file->private_data: cookie of the pipe, eventfd ... */
	__u64 f_mode;		/* file->f_mode */
	__u32 nlink, s_magic;
	__u32 refs;		/* file_count(), where it can be read, else 0 */
	__u32 dentry_refs;	/* descriptions on its name, wherever they are */
	__s32 writers;		/* inode->i_writecount */
	__u32 linkable;		/* linkat() may give it its first name */
	__u32 told;		/* GATHER_TOLD_* */
	__u32 pad0;
	char name[24];		/* d_name: "[eventfd]" of an anonymous inode */
	struct {
		__u32 readers, writers, ring_size, nbufs;
		__u32 had_writer, packets;
		__u64 bytes;
	} pipe;
	__u32 path_len;
	__s32 path_err;		/* -errno: no text */
	char path[];
};

/* What an anonymous inode's descriptor is; follows its GATHER_FD. */
struct gather_anon {
	struct gather_hdr h;
	__s32 fd;
	__u32 n;		/* items that follow the record, of the kinds that have any */
};

struct gather_eventfd {
	struct gather_anon a;
	struct ckpt_eventfd rec;	/* id 0 */
};

struct gather_timerfd {
	struct gather_anon a;
	struct ckpt_timerfd rec;	/* id, remaining_ns 0; the rest as the kernel has it */
	__s64 now_ns;			/* by the clock that expires_ns is of */
	__u32 armed;			/* else it went off last, or would have, at expires_ns */
	__u16 expired, canceled;	/* timerfd_ctx->expired; clock was set (TFD_TIMER_CANCEL_ON_SET) */
};

struct gather_signalfd {
	struct gather_anon a;
	struct ckpt_signalfd rec;	/* id 0 */
};

struct gather_inotify {
	struct gather_anon a;
	__u32 events;		/* that were not read */
	__s32 next_wd;
};

struct gather_pidfd {
	struct gather_anon a;
	struct ckpt_pidfd rec;	/* id 0; pid 0: not visible for the reader */
	__u64 own;		/* it is the process's own */
};

#define GATHER_LOCKS_MAX	512u

/* A lock or lease, as the kernel has it. */
struct gather_lock {
	__u64 start, end;	/* fl_start, fl_end */
	__u32 flags;		/* flc_flags: FL_* */
	__u32 type;		/* flc_type: F_RDLCK, F_WRLCK, F_UNLCK */
	__s32 fd;		/* of a lease: the descriptor that its signal names, else -1 */
	__u32 pad0;
};

/* Those taken by this description or, through it, by this process; behind its GATHER_FD. */
struct gather_locks {
	struct gather_anon a;	/* n items */
	__u32 more;		/* there are more */
	__u32 pad0;
	struct gather_lock items[];
};

#define GATHER_PACKETS_MAX	1024u

/* What a pipe holds, of which some are packets; behind the GATHER_FD of each end. */
struct gather_packets {
	struct gather_anon a;	/* n parts */
	__u32 more;		/* there are more */
	__u32 pad0;
	__u32 part[];		/* bytes, CKPT_PIPE_PACKET */
};

/* Who is told of what happens to this description; behind its GATHER_FD. */
struct gather_fowner {
	struct gather_anon a;
	struct ckpt_fowner rec;	/* file 0; pid 0 also if it is not visible: outside */
	__u32 dead, outside;	/* nobody has that number; it is not of the reader's namespace */
};

#define GATHER_EPOLL_MAX	896u	/* items of one record: the reader asks for the rest */

struct gather_epitem {
	__u64 file;		/* cookie */
	__u64 data;
	__u32 events;
	__s32 fd;
	__u32 ready;		/* on the list of what may be reported */
	__u32 pad0;
};

struct gather_epoll {
	struct gather_anon a;	/* n items */
	__u64 next;		/* cookie of the first item that did not fit, 0: none */
	__u32 busy_poll;	/* EPIOCSPARAMS was used */
	__u32 pad0;
	struct gather_epitem items[];
};

#define GATHER_EPOLL_LOST	~0ull	/* next: no way through its tree */

/* Set by the reader: not all descriptors, but the epoll fd alone, from that item on. */
struct gather_epoll_from {
	__u64 next;		/* 0: all descriptors */
	__s32 fd;
	__u32 pad0;
};

#endif
