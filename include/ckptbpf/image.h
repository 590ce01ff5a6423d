/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The image on disk: one stream of records, little-endian, written and read
 * without seeking. docs/man/ckptbpf-image.5 is the prose; this file is the law.
 *
 *   HEADER HEADER_ARCH CONTAINER  TASK...  { RLIMITS THREAD.. MM VMA.. FS FD.. } LOSS...
 *   PAGES... TAIL
 *
 * Every record is struct ckpt_hdr and a payload whose length is a multiple of
 * eight. Text follows its struct without a NUL, its length in a *_len field;
 * the fill up to the next multiple of eight is zero, as is every pad. A reader
 * refuses anything else.
 */
#ifndef CKPTBPF_IMAGE_H
#define CKPTBPF_IMAGE_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define CKPT_ONDISK(type, size) \
	_Static_assert(sizeof(type) == (size), #type " is on disk: its size is frozen")

#define CKPT_MAGIC		0x0046504254504b43ULL	/* "CKPTBPF\0" */
#define CKPT_TAIL_MAGIC		0x004c494154504b43ULL	/* "CKPTAIL\0" */
/* The newest; user/image/version.c has what came with each. Tests build a reader that knows less. */
#ifndef CKPT_FORMAT
#define CKPT_FORMAT		2
#endif

#define CKPT_PAGE_SIZE		4096u
#define CKPT_CHUNK_PAGES	1024u		/* most pages of one PAGES record */
#define CKPT_MAX_META		(1u << 20)	/* longest payload of any other record */
#define CKPT_MAX_TASKS		65536u
#define CKPT_MAX_THREADS	262144u
#define CKPT_MAX_VMAS		4194304u
#define CKPT_MAX_FDS		4194304u
#define CKPT_MAX_PATH		4096u

enum ckpt_type {
#define CKPT_FRAME(name, id, st)		CKPT_##name = (id),
#define CKPT_KIND(name, id, phase, stem)	CKPT_##name = (id),
#include "kinds.def"
#undef CKPT_FRAME
#undef CKPT_KIND
};

enum ckpt_phase {
	CKPT_PHASE_FOREST = 1, CKPT_PHASE_TASK, CKPT_PHASE_THREAD, CKPT_PHASE_CPU,
	CKPT_PHASE_MM, CKPT_PHASE_FS, CKPT_PHASE_FILES, CKPT_PHASE_SIGNALS, CKPT_PHASE_CREDS,
};

#define CKPT_F_REQUIRED	0x1u	/* a reader that does not know the type refuses the image */

/*
 * owner: the objref of the object this record belongs to (the seeds' "parent"):
 *   TASK: its parent task, or 0; RLIMITS THREAD MM FS FD SIGHAND ITIMERS
 *   POSIXTIMER LOCK FOWNER LEASE CLOCKS TERMINAL: the task;
 *   CPU XSTATE ACCT RESTART PRCTL CREDS: the thread (ACCT also the task: its dead threads);
 *   SIGPENDING: the thread or the task, as the queue is; FILECHECK: the FILE;
 *   MMOPT VMA VMANAME GUARD: the mm; MEMPOLICY: the mm or a thread; PAGES: the mm, SHMEM or GHOST; FILE, what it names (PIPE
 *   EVENTFD ...) and frames: 0.
 * objrefs count from 1 in order of appearance and are never kernel pointers.
 * crc: CRC32C of the header (crc taken as 0) and of the payload; of a PAGES
 *   record only up to the page data, which xxh3 in struct ckpt_pages covers.
 */
struct ckpt_hdr {
	__u16 type;		/* enum ckpt_type */
	__u16 version;		/* of this record's struct, from 1; the image's format says which */
	__u32 flags;		/* CKPT_F_* */
	__u32 owner;		/* objref */
	__u32 crc;		/* CRC32C */
	__u64 len;		/* bytes of payload, a multiple of 8 */
};
CKPT_ONDISK(struct ckpt_hdr, 24);

/* ---- frames ---------------------------------------------------------- */

struct ckpt_header {
	__u64 magic;		/* CKPT_MAGIC */
	__u32 format;		/* 1 to CKPT_FORMAT */
	__u32 crid;		/* checkpoint id, > 0 */
	__u64 required;		/* feature bits; an unknown one refuses the image */
	__u64 optional;		/* feature bits a reader may ignore */
	__s64 realtime_ns;	/* CLOCK_REALTIME at the freeze */
	__s64 monotonic_ns;	/* CLOCK_MONOTONIC at the freeze, as the target sees it */
	__s64 boottime_ns;	/* CLOCK_BOOTTIME at the freeze, as the target sees it */
	__u32 page_size;	/* CKPT_PAGE_SIZE */
	__u16 kernel_major, kernel_minor, kernel_patch;	/* uname -r; informative */
	__u16 pad0;
	__u32 pad1;
	__u8  boot_id[16];	/* /proc/sys/kernel/random/boot_id */
	__u16 release_len, version_len, machine_len, host_len;	/* uname(2), then ... */
	__u16 tool_len;		/* ... the version of ckptbpf: five texts, in this order */
	__u16 pad2[3];
};
CKPT_ONDISK(struct ckpt_header, 104);

/* Informative: where the target lived. Namespace inode numbers as in /proc/PID/ns. */
struct ckpt_container {
	__u32 ns_pid, ns_mnt, ns_net, ns_user, ns_uts, ns_ipc, ns_time, ns_cgroup;
	__u64 cgroup_id;	/* task_struct->cgroups->dfl_cgrp->kn->id */
};
CKPT_ONDISK(struct ckpt_container, 40);

/* What the image does not hold although the target had it, in one sentence. */
struct ckpt_loss {
	__s32 pid;
	__u32 text_len;
};
CKPT_ONDISK(struct ckpt_loss, 8);

/*
 * A chunk of memory: this struct, npages addresses (__u64, page-aligned,
 * ascending), zero fill up to a multiple of 4096 of the stream, then the data.
 * With a codec the data is one LZ4 block or Zstandard frame of all of it, shorter
 * than it, without the fill before it but with zeros behind it up to 8.
 * npages == 0 ends the mm, SHMEM or GHOST named by the header's owner: it comes
 * exactly once for each, after which no chunk may name it. Chunks of different
 * owners may interleave. Of a SHMEM or GHOST an address is the offset in it; what
 * is in no chunk is a hole.
 */
struct ckpt_pages {
	__u32 npages;		/* at most CKPT_CHUNK_PAGES */
	__u32 codec;		/* enum ckpt_codec */
	__u64 data_len;		/* bytes of data as stored; npages * 4096 if codec is NONE */
	__u8  xxh3[16];		/* XXH3-128 (canonical, seed 0) of the data as stored */
};
CKPT_ONDISK(struct ckpt_pages, 32);

enum ckpt_codec { CKPT_CODEC_NONE = 0, CKPT_CODEC_LZ4 = 1, CKPT_CODEC_ZSTD = 2 };

struct ckpt_tail {
	__u64 magic;		/* CKPT_TAIL_MAGIC */
	__u64 records;		/* records before this one */
	__u64 pages;		/* pages in all chunks */
	__u8  digest[32];	/* SHA-256 over every byte before this record but page data and its fill */
};
CKPT_ONDISK(struct ckpt_tail, 56);

/* A snapshot into a pipe that failed ends with this instead of a TAIL. */
struct ckpt_error {
	__s32 pid;
	__s32 err;		/* errno, positive */
	__u32 text_len;		/* the whole line: step, pid, object, cause */
	__u32 pad0;
};
CKPT_ONDISK(struct ckpt_error, 16);

/* ---- task ------------------------------------------------------------ */

/* pids are those of the pid namespace that ckptbpf ran in. */
struct ckpt_task {
	__u32 id;		/* objref of this task */
	__s32 pid;		/* task_struct->tgid */
	__s32 ppid;		/* task_struct->real_parent->tgid */
	__s32 pgid;		/* signal->pids[PIDTYPE_PGID] */
	__s32 sid;		/* signal->pids[PIDTYPE_SID] */
	__u32 nthreads;		/* signal->nr_threads */
	__u32 state;		/* task_struct->__state of the leader at the freeze */
	__u32 exit_state;	/* task_struct->exit_state */
	__s32 exit_code;	/* task_struct->exit_code */
	__s32 exit_signal;	/* task_struct->exit_signal */
	__u32 personality;	/* task_struct->personality */
	__s32 oom_score_adj;	/* signal->oom_score_adj */
	__u32 flags;		/* CKPT_TASK_* */
	__u32 pad0;
};
CKPT_ONDISK(struct ckpt_task, 56);
#define CKPT_TASK_SUBREAPER	0x1u	/* signal->is_child_subreaper */
#define CKPT_TASK_SID_OUTSIDE	0x2u	/* its session's leader is not in the image */
#define CKPT_TASK_PGID_OUTSIDE	0x4u	/* its group's leader is not in the image */
#define CKPT_TASK_HAS_TTY	0x8u	/* signal->tty */
#define CKPT_TASK_STOPPED	0x10u	/* by job control: SIGNAL_STOP_STOPPED, or SIGSTOP was pending */

#define CKPT_RLIM_NLIMITS	16
struct ckpt_rlimits {
	struct { __u64 cur, max; } lim[CKPT_RLIM_NLIMITS];	/* signal->rlim[] */
};
CKPT_ONDISK(struct ckpt_rlimits, 256);

/* ---- thread ---------------------------------------------------------- */

struct ckpt_thread {
	__u32 id;		/* objref of this thread */
	__s32 tid;		/* task_struct->pid; the leader comes first */
	__u8  comm[16];		/* task_struct->comm, NUL-padded */
	__u64 blocked;		/* task_struct->blocked */
	__u64 saved_blocked;	/* task_struct->saved_sigmask, if RESTORE_SIGMASK */
	__u64 altstack_sp, altstack_size;	/* task_struct->sas_ss_* */
	__u32 altstack_flags;	/* task_struct->sas_ss_flags: SS_DISABLE, SS_AUTODISARM */
	__u32 flags;		/* CKPT_THREAD_* */
	__u64 clear_child_tid;	/* task_struct->clear_child_tid */
	__u64 robust_list;	/* task_struct->robust_list (futex.robust_list since 7.2) */
	__u64 rseq;		/* task_struct->rseq (rseq.usrptr since 7.2); 0: none */
	__u32 rseq_len, rseq_sig;
	__u64 rseq_cs;		/* struct rseq.rseq_cs in the target's memory at the freeze */
	__s32 pdeath_signal;	/* task_struct->pdeath_signal */
	__s32 restart_nr;	/* number of the call that the freeze interrupted, else -1 */
};
CKPT_ONDISK(struct ckpt_thread, 112);
#define CKPT_THREAD_RESTORE_SIGMASK	0x1u	/* in sigsuspend and the like: saved_blocked counts */
#define CKPT_THREAD_NO_NEW_PRIVS	0x2u	/* task_struct->atomic_flags */

struct ckpt_creds {
	__u32 uid, gid, suid, sgid, euid, egid, fsuid, fsgid;	/* task_struct->real_cred */
	__u32 securebits;
	__u32 ngroups;		/* __u32 gids follow */
	__u64 cap_inheritable, cap_permitted, cap_effective, cap_bset, cap_ambient;
};
CKPT_ONDISK(struct ckpt_creds, 80);
#define CKPT_MAX_GROUPS 65536u

/* How a thread is scheduled. */
struct ckpt_sched {
	__u32 policy;		/* SCHED_*; sched_getattr(2) for this and all up to period */
	__u32 flags;		/* SCHED_FLAG_RESET_ON_FORK, RECLAIM, DL_OVERRUN */
	__s32 nice;
	__u32 rt_priority;
	__u64 runtime, deadline, period;	/* ns, of SCHED_DEADLINE */
	__u32 ioprio;		/* ioprio_get(2) */
	__u32 pad0;
	struct { __u64 cpus; } affinity[16];	/* sched_getaffinity(2): those it may run on */
};
CKPT_ONDISK(struct ckpt_sched, 176);

/*
 * What a thread has asked of the kernel for itself, by prctl(2) and its like.
 * PR_SPEC_* as PR_GET_SPECULATION_CTRL tells them, without PR_SPEC_PRCTL.
 */
struct ckpt_prctl {
	__u64 timer_slack_ns;	/* task_struct->timer_slack_ns; 0 of a real-time thread */
	__u64 default_timer_slack_ns;	/* ... and what PR_SET_TIMERSLACK of 0 makes of it */
	__u32 flags;		/* CKPT_PRCTL_* */
	__u32 store_bypass;	/* PR_SPEC_*: task_struct->atomic_flags */
	__u32 indirect_branch;	/* the same */
	__u32 l1d_flush;	/* PR_SPEC_ENABLE: flushed at a switch; else PR_SPEC_DISABLE */
	__u64 dispatch_selector;	/* task_struct->syscall_dispatch, if flags has DISPATCH */
	__u64 dispatch_offset, dispatch_len;	/* addresses whose calls are never sent to SIGSYS; may wrap */
	__u64 xcomp_perm;	/* ARCH_GET_XCOMP_PERM of the process; 0 but of the leader */
	__s32 uclamp_min, uclamp_max;	/* sched_getattr(2) sched_util_*; -1: not clamped */
};
CKPT_ONDISK(struct ckpt_prctl, 72);
#define CKPT_PRCTL_TSC_SIGSEGV	0x01u	/* PR_SET_TSC */
#define CKPT_PRCTL_CPUID_FAULT	0x02u	/* ARCH_SET_CPUID */
#define CKPT_PRCTL_IO_FLUSHER	0x04u	/* PR_SET_IO_FLUSHER */
#define CKPT_PRCTL_MCE_KILL	0x08u	/* PR_MCE_KILL_SET */
#define CKPT_PRCTL_MCE_EARLY	0x10u	/* PR_MCE_KILL_EARLY */
#define CKPT_PRCTL_DISPATCH	0x20u	/* PR_SET_SYSCALL_USER_DISPATCH */
#define CKPT_PRCTL_SECCOMP_STRICT	0x40u	/* SECCOMP_MODE_STRICT */
#define CKPT_PRCTL_ALL		0x7fu

/*
 * What is left of a call with a timeout that the freeze interrupted. Its
 * arguments are in the thread's CPU record. Frozen time does not count.
 */
struct ckpt_restart {
	__s32 nr;		/* nanosleep, clock_nanosleep, poll or futex */
	__s32 clock;		/* CLOCK_* that the timeout is measured by */
	__s64 remaining_ns;	/* at the freeze; task_struct->restart_block, less that clock */
};
CKPT_ONDISK(struct ckpt_restart, 16);

/* CPU and XSTATE: arch/ARCH/image_arch.h */

/* ---- filesystem and files -------------------------------------------- */

/* Paths as seen from the target's root. */
struct ckpt_fs {
	__u32 umask;		/* fs_struct->umask */
	__u32 cwd_len;		/* fs_struct->pwd */
	__u32 root_len;		/* fs_struct->root */
	__u32 pad0;
};
CKPT_ONDISK(struct ckpt_fs, 16);

/* One open file description, or the file behind a mapping or an exe. */
struct ckpt_file {
	__u32 id;		/* objref of this description */
	__u32 kind;		/* enum ckpt_file_kind */
	__u32 flags;		/* file->f_flags, O_* of this architecture */
	__u32 mode;		/* inode->i_mode */
	__u64 pos;		/* file->f_pos */
	__u64 ino;		/* inode->i_ino */
	__u64 size;		/* inode->i_size */
	__u32 dev, rdev;	/* kernel dev_t (20 bits of minor): inode->i_sb->s_dev, i_rdev */
	__u32 obj;		/* objref of a PIPE for its ends or a fifo's, of a SHMEM, GHOST, of what an ANON is */
	__u32 path_len;		/* d_path(); of an EXTERNAL its description: "pipe:[1234]" */
};
CKPT_ONDISK(struct ckpt_file, 56);
enum ckpt_file_kind {
	CKPT_FILE_REG = 1,	/* reopened by path */
	CKPT_FILE_DEV = 2,	/* /dev/null, zero, full, random, urandom, tty */
	CKPT_FILE_PIPE = 3,	/* an end of a pipe inside the snapshot */
	CKPT_FILE_EXTERNAL = 4,	/* leads out of the snapshot; the restorer supplies it */
	CKPT_FILE_MAPPED = 5,	/* only mapped or executed, never read through a descriptor */
	CKPT_FILE_ANON = 6,	/* made by a call of its own: EVENTFD TIMERFD SIGNALFD EPOLL INOTIFY PIDFD */
	CKPT_FILE_DIR = 7,	/* a folder opened for reading; pos as its filesystem counts */
	CKPT_FILE_PATH = 8,	/* opened with O_PATH: a place of any type, neither read nor written */
	CKPT_FILE_SHMEM = 9,	/* of a SHMEM: opened, mapped or both */
	CKPT_FILE_PROC = 12,	/* of /proc, of any type; of a process: of one of the image */
	CKPT_FILE_FIFO = 13,	/* an end of a fifo inside the snapshot; pos 1: somebody wrote since it was opened */
	CKPT_FILE_GHOST = 14,	/* of a GHOST: opened, mapped, executed */
};

/*
 * What a REG or MAPPED file was at the freeze beyond its size, for restore
 * --file-validation. Its owner is that FILE, behind which it comes.
 */
struct ckpt_filecheck {
	__s64 mtime_sec;	/* inode->i_mtime */
	__u32 mtime_nsec;
	__u32 build_id_len;	/* bytes of NT_GNU_BUILD_ID that follow; 0: no ELF file, or not known */
};
CKPT_ONDISK(struct ckpt_filecheck, 16);
#define CKPT_MAX_BUILD_ID 64u

struct ckpt_fd {
	__s32 fd;
	__u32 flags;		/* CKPT_FD_CLOEXEC */
	__u32 file;		/* objref of a FILE */
	__u32 pad0;
};
CKPT_ONDISK(struct ckpt_fd, 16);
#define CKPT_FD_CLOEXEC 0x1u

/* A pipe whose ends are all inside the snapshot; its content follows. */
struct ckpt_pipe {
	__u32 id;		/* objref */
	__u32 capacity;		/* bytes: F_GETPIPE_SZ */
	__u32 nbytes;		/* of content that follow */
	__u32 pad0;
};
CKPT_ONDISK(struct ckpt_pipe, 16);

struct ckpt_eventfd {
	__u32 id;		/* objref */
	__u32 flags;		/* CKPT_EVENTFD_SEMAPHORE; eventfd_ctx->flags */
	__u64 count;		/* eventfd_ctx->count */
};
CKPT_ONDISK(struct ckpt_eventfd, 16);
#define CKPT_EVENTFD_SEMAPHORE 0x1u

/* As if it had been asked at the freeze: what a periodic one missed is in ticks. */
struct ckpt_timerfd {
	__u32 id;		/* objref */
	__s32 clockid;		/* timerfd_ctx->clockid: CLOCK_* */
	__u32 settime_flags;	/* timerfd_ctx->settime_flags: TFD_TIMER_* of the last timerfd_settime() */
	__u32 pad0;
	__u64 ticks;		/* timerfd_ctx->ticks: not read yet */
	__s64 interval_ns;	/* timerfd_ctx->tintv; 0: once */
	__s64 remaining_ns;	/* until it goes off, at least 1; 0: disarmed */
	__s64 expires_ns;	/* when, by its clock; only if set with TFD_TIMER_ABSTIME and armed */
};
CKPT_ONDISK(struct ckpt_timerfd, 48);

struct ckpt_signalfd {
	__u32 id;		/* objref */
	__u32 pad0;
	__u64 mask;		/* ~signalfd_ctx->sigmask: the signals that it reads */
};
CKPT_ONDISK(struct ckpt_signalfd, 16);

/*
 * Five lists of nitems follow, each in the same order: data (__u64), fd (__s32,
 * under which it was added, wherever that leads now), events (__u32, EPOLL*),
 * file (__u32, objref of a FILE), flags (__u32, CKPT_EPOLL_*); struct epitem.
 */
struct ckpt_epoll {
	__u32 id;		/* objref */
	__u32 nitems;
};
CKPT_ONDISK(struct ckpt_epoll, 8);
#define CKPT_EPOLL_ITEM		24u	/* bytes of one, in all lists */
#define CKPT_EPOLL_MAX		((CKPT_MAX_META - 8) / CKPT_EPOLL_ITEM)
#define CKPT_EPOLL_READY	0x1u	/* on the list of what may be reported */

/*
 * Three lists of nwatches follow: wd (__s32, ascending), mask (__u32, IN_*) and
 * the length of its path (__u32); then the paths, text_len bytes without NULs.
 */
struct ckpt_inotify {
	__u32 id;		/* objref */
	__u32 nwatches;
	__s32 next_wd;		/* idr.idr_next of its group: the next watch's number; 0: not kept */
	__u32 text_len;
};
CKPT_ONDISK(struct ckpt_inotify, 16);
#define CKPT_INOTIFY_WATCH	12u	/* bytes of one, in all lists, without its path */
#define CKPT_MAX_WD		262144

struct ckpt_pidfd {
	__u32 id;		/* objref */
	__s32 pid;		/* of a TASK of this image */
};
CKPT_ONDISK(struct ckpt_pidfd, 8);

/* ---- signals --------------------------------------------------------- */

#define CKPT_NSIG 64
struct ckpt_sigaction {
	__u64 handler;		/* SIG_DFL 0, SIG_IGN 1, or an address */
	__u64 flags;		/* SA_* */
	__u64 restorer;
	__u64 mask;
};
struct ckpt_sighand {
	struct ckpt_sigaction action[CKPT_NSIG];	/* sighand->action[signo - 1] */
};
CKPT_ONDISK(struct ckpt_sighand, 2048);

/* The kernel's own siginfo, whose 48 bytes are all that it keeps of one. */
struct ckpt_siginfo {
	__s32 signo, err, code;
	__u32 pad0;
	__u64 fields[4];	/* by signo and code: sender, value, address ... */
};
CKPT_ONDISK(struct ckpt_siginfo, 48);

/*
 * Signals sent and not yet taken: of a THREAD its own, of a TASK those that any
 * of its threads may take. n of struct ckpt_siginfo follow, in their order; a
 * signal in the mask without one has lost it, as the kernel does in need.
 */
struct ckpt_sigpending {
	__u64 mask;		/* task_struct->pending.signal, signal->shared_pending.signal */
	__u32 n;		/* entries of the queue's list */
	__u32 pad0;
};
CKPT_ONDISK(struct ckpt_sigpending, 16);
#define CKPT_MAX_SIGNALS 4096u	/* of one queue */

/* In ns; by ITIMER_REAL, VIRTUAL, PROF. Absent if none is armed. */
struct ckpt_itimers {
	struct { __u64 value, interval; } timer[3];	/* value: left at the freeze, 0: not armed */
};
CKPT_ONDISK(struct ckpt_itimers, 48);

/* One timer of timer_create(); ascending by id. */
struct ckpt_posixtimer {
	__s32 id;		/* k_itimer->it_id */
	__s32 clock;		/* it_clock; below 0: CPU time, its low three bits say which */
	__s32 clock_tid;	/* of CPU time: whose; a tid if bit 2 of clock is set, else the pid */
	__u32 notify;		/* it_sigev_notify: SIGEV_* */
	__s32 signo;		/* sigq.info; 0 if SIGEV_NONE */
	__s32 tid;		/* it_pid, if SIGEV_THREAD_ID */
	__u64 sigval;		/* sigq.info.si_value */
	__u64 value;		/* ns left at the freeze, 0: not armed; ABSTIME: when, by its clock */
	__u64 interval;		/* ns */
	__s32 overrun;		/* it_overrun_last: of the signal taken last; not restored */
	__u32 flags;		/* CKPT_TIMER_ABSTIME */
};
CKPT_ONDISK(struct ckpt_posixtimer, 56);
#define CKPT_TIMER_ABSTIME	0x1u	/* a deadline of CLOCK_REALTIME or TAI, which goes on meanwhile */
#define CKPT_MAX_TIMERS		65536u

/* The clocks that count from boot; in ns, at the freeze. */
struct ckpt_clocks {
	__s64 monotonic_ns;	/* CLOCK_MONOTONIC as the task sees it */
	__s64 boottime_ns;	/* CLOCK_BOOTTIME as the task sees it */
	__s64 monotonic_offset_ns;	/* time_ns->offsets: over the machine's own; 0 outside of */
	__s64 boottime_offset_ns;	/* time namespaces */
};
CKPT_ONDISK(struct ckpt_clocks, 32);

#include "image_acct.h"
#include "image_ghost.h"
#include "image_lock.h"
#include "image_mm.h"
#include "image_terminal.h"
#include "image_arch.h"

#endif
