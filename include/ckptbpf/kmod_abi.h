/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause */
/*
 * /dev/ckptbpf: misc device, 0600. Every open is one session; its last close
 * thaws everything that FREEZE parked and kills everything that PARK_SELF
 * parked and nobody let go: a half-made process never runs. So does the last
 * close in the file table of the process that opened it, its death included,
 * whoever else inherited the descriptor; after that all is -ESHUTDOWN.
 *
 * Every struct begins with its size and flags and is copied with
 * copy_struct_from_user(), so it may grow at the end; unknown flags and
 * non-zero unknown bytes are -EINVAL / -E2BIG. Pointers travel as __u64.
 * Dispatch is on _IOC_NR. pids are those of the caller's pid namespace.
 */
#ifndef CKPTBPF_KMOD_ABI_H
#define CKPTBPF_KMOD_ABI_H

#include <linux/types.h>
#include <linux/ioctl.h>

#define CKPTBPF_DEVICE		"/dev/ckptbpf"
#define CKPTBPF_ABI_MAJOR	1	/* a tool refuses another major */
#define CKPTBPF_ABI_MINOR	1

struct ckptbpf_info {
	__u32 size, flags;
	__u32 abi_major, abi_minor;
	__u64 caps;			/* CKPTBPF_CAP_* */
};
#define CKPTBPF_CAP_FREEZE	0x1u	/* FREEZE, THAW, LIST */
#define CKPTBPF_CAP_REGSET	0x2u
#define CKPTBPF_CAP_PARK_SELF	0x4u
#define CKPTBPF_CAP_PAGES	0x8u
#define CKPTBPF_CAP_MEM_CTX	0x10u
#define CKPTBPF_CAP_SIGMASK	0x20u	/* SIGMASK and FREEZE_OWN */
#define CKPTBPF_CAP_SNAPSHOT	0x40u	/* SNAPSHOT, REAP: 1.1, if the kernel's functions were found */
#define CKPTBPF_CAP_DEADLINE	0x80u	/* FREEZE with deadline_ms: 1.1 */
#define CKPTBPF_CAP_BULK	0x100u	/* PAGES with flags: 1.1 */

/*
 * Park every thread of tgid at its return to user mode and wait until all are
 * off their CPUs. -EPERM: not attachable; -EBUSY: another session's, or
 * stuck_tid sits in a ptrace stop; -EOPNOTSUPP: stuck_tid is a kernel worker
 * of it. After an error other than -ETIMEDOUT nothing of it is parked. A
 * thread stopped by job control counts as parked, its record stays QUEUED.
 * CHECK parks nothing: permissions, and from now on tgid is this session's
 * until THAW.
 */
struct ckptbpf_freeze {
	__u32 size, flags;		/* CKPTBPF_FREEZE_* */
	__s32 tgid;
	__u32 timeout_ms;		/* at most 60000; -ETIMEDOUT leaves them queued: THAW or retry */
	__u32 nthreads, nparked, nstuck;/* out */
	__s32 stuck_tid;		/* out: one that did not park, 0: none */
	__u64 ns;			/* out: how long it took */
	/*
	 * From now on, at most 60000; the last FREEZE's that has one holds. When
	 * it is over all that FREEZE parked in the session goes on, poll() has
	 * POLLIN, and FREEZE and the next THAW are -ETIME: what was read after
	 * it is of no one instant. 0: no end but THAW. Not with flags.
	 */
	__u32 deadline_ms, pad0;
};
#define CKPTBPF_FREEZE_CHECK	0x1u
/*
 * As if they had called PARK_SELF: a process being restored, threads of which
 * wait in a call of the program. Nothing of it runs when the session ends: until
 * THAW it is killed then. With CHECK it parks nothing, and that holds all the same.
 */
#define CKPTBPF_FREEZE_OWN	0x2u

/* Let parked threads go; does not wait for them to run. -ETIME: done, but the deadline was before. */
struct ckptbpf_thaw {
	__u32 size, flags;
	__s32 tgid;			/* 0: all of the session */
	__u32 pad0;
};

struct ckptbpf_thread {
	__s32 tid;
	__u32 state;			/* CKPTBPF_ST_* */
	__u32 flags;			/* CKPTBPF_TF_* */
	__s32 tgid;
};
#define CKPTBPF_ST_QUEUED	0u
#define CKPTBPF_ST_PARKED	1u
#define CKPTBPF_ST_DEAD		2u
#define CKPTBPF_TF_IN_SYSCALL	0x1u	/* parked inside a call (io_uring): its state is not at the boundary */
#define CKPTBPF_TF_STOPPED	0x2u	/* job control */
#define CKPTBPF_TF_PTRACED	0x4u
#define CKPTBPF_TF_SELF		0x8u	/* came by PARK_SELF */

/* poll() on the session: POLLIN when a parked thread has died. */
struct ckptbpf_list {
	__u32 size, flags;
	__u64 buf;			/* struct ckptbpf_thread[] */
	__u32 n;			/* in: room; out: threads there are (may be more than fit) */
	__u32 pad0;
};

/*
 * Read or write a register set of a parked thread, any NT_* the kernel has for
 * it. A shorter buf gets the beginning. Reading also serves a QUEUED thread
 * stopped by job control; writing needs PARKED and not IN_SYSCALL (-EBUSY).
 */
struct ckptbpf_regset {
	__u32 size, flags;		/* CKPTBPF_REGSET_SET */
	__s32 tid;
	__u32 note;			/* NT_PRSTATUS ... */
	__u64 buf;
	__u32 len;			/* in: of buf; out: of the set */
	__u32 pad0;
};
#define CKPTBPF_REGSET_SET	0x1u

/* The blocked set that a parked thread gets as it goes; SIGKILL and SIGSTOP stay out. */
struct ckptbpf_sigmask {
	__u32 size, flags;		/* flags: 0 */
	__s32 tid;
	__u32 pad0;
	__u64 mask;
};

/*
 * Clone the memory of parked thread tid, copy-on-write, in its own context.
 * The clone is a process that never runs an instruction and holds no files;
 * read it by PAGES or /proc/CHILD/mem after THAW. Not in it: MAP_SHARED memory
 * is the same memory, MADV_DONTFORK is absent, MADV_WIPEONFORK zero. Only the
 * clones between one FREEZE and its THAW are of one instant.
 *
 * Its parent does not see it but in /proc and by wait4(__WALL), and is charged
 * for it as for any child (pids.max, RLIMIT_NPROC, memory): -EAGAIN, -ENOMEM.
 * -EBUSY: tid waits inside a call. -EOPNOTSUPP: no CKPTBPF_CAP_SNAPSHOT.
 */
struct ckptbpf_snapshot {
	__u32 size, flags;		/* flags: 0 */
	__s32 tid;
	__s32 child;			/* out */
	__u64 ns;			/* out: how long it took */
};

/*
 * The clone ends, and its parent takes it away on its next way to user mode
 * (for which it is fetched out of a waiting call, which goes on). So it goes
 * at the end of the session. -ETIMEDOUT: it will go, once the parent runs.
 */
struct ckptbpf_reap {
	__u32 size, flags;		/* flags: 0 */
	__s32 child;
	__u32 timeout_ms;		/* at most 60000 */
};

/* Copy pages of a frozen target, or of a clone, straight into a regular file. */
struct ckptbpf_pages {
	__u32 size, flags;		/* CKPTBPF_PAGES_* */
	__s32 tgid;			/* or SNAPSHOT's child */
	__s32 fd;			/* open for writing; not O_APPEND */
	__u64 addrs;			/* __u64[n], page-aligned, ascending */
	__u32 n;			/* at most 1024; RANGE: 262144 */
	__u32 pad0;
	__u64 off;			/* in the file, of the first page; the others follow */
	__u32 ncopied;			/* out: pages written; not PACKED: holes as zero pages */
	__u32 nhole;			/* out: of the n not there; not PACKED: written all the same */
	__u32 nzero;			/* out, PACKED: of the n there, but all zero */
	__u32 pad1;
	__u64 bitmap;			/* 0, or __u64[(n + 63) / 64], out: bit i: page i was written */
};
#define CKPTBPF_PAGES_RANGE	0x1u	/* addrs is no pointer: the first of n pages in a row */
#define CKPTBPF_PAGES_PACKED	0x2u	/* absent pages and such of zeros are left out */

/* Work that only the task itself can do, in the context of a parked thread or a clone. */
struct ckptbpf_mem_ctx {
	__u32 size, flags;
	__s32 tid;
	__u32 op;			/* CKPTBPF_MEM_* */
	__u64 addr, len;
	__s64 ret;			/* out: what the kernel answered */
};
#define CKPTBPF_MEM_MUNMAP	1u

/*
 * The caller parks in this session when it returns to user mode, and stays
 * until THAW or death. fd, if >= 0, is closed in its context first: the
 * descriptor of the device itself. sigmask becomes its blocked set as it goes.
 */
struct ckptbpf_park_self {
	__u32 size, flags;
	__s32 fd;
	__u32 pad0;
	__u64 sigmask;
};

#define CKPTBPF_GET_INFO	_IOWR('K', 0, struct ckptbpf_info)
#define CKPTBPF_FREEZE		_IOWR('K', 1, struct ckptbpf_freeze)
#define CKPTBPF_THAW		_IOW('K', 2, struct ckptbpf_thaw)
#define CKPTBPF_LIST		_IOWR('K', 3, struct ckptbpf_list)
#define CKPTBPF_REGSET		_IOWR('K', 4, struct ckptbpf_regset)
#define CKPTBPF_SIGMASK		_IOW('K', 5, struct ckptbpf_sigmask)
#define CKPTBPF_SNAPSHOT	_IOWR('K', 6, struct ckptbpf_snapshot)
#define CKPTBPF_REAP		_IOW('K', 7, struct ckptbpf_reap)
#define CKPTBPF_PAGES		_IOWR('K', 8, struct ckptbpf_pages)
#define CKPTBPF_MEM_CTX		_IOWR('K', 9, struct ckptbpf_mem_ctx)
#define CKPTBPF_PARK_SELF	_IOW('K', 10, struct ckptbpf_park_self)

#endif
