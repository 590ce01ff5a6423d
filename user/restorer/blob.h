/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the orchestrator and the restorer share. The restorer is freestanding
 * code in one region R of the new task, at the same address in both processes:
 *
 *   R: code | struct blob_plan, its vmas, its threads | report | stacks
 *
 * The plan is private memory, filled before the task is cloned; the report is
 * shared. Addresses in it are those of R, so both may follow them. When all
 * threads are parked the orchestrator takes R away.
 */
#ifndef CKPT_RESTORER_BLOB_H
#define CKPT_RESTORER_BLOB_H

#include <linux/types.h>
#include <linux/prctl.h>
#include "ckptbpf/image.h"

#define BLOB_MAGIC		0x626f6c62u
#define BLOB_PAGE		4096ul
#define BLOB_STACK		4096ul	/* of a thread; the first task's is BLOB_ROOT_STACK */
#define BLOB_ROOT_STACK		65536ul	/* it opens files through libc before it enters the restorer */
#define BLOB_REPORT		8192ul
#define BLOB_CODE_MAX		65536ul

/*
 * Steps, with the kind of object that blob_at.index counts and the name that
 * an error message gives the operation.
 */
#define BLOB_STEPS(X) \
	X(START,	NONE,	"start") \
	X(RSEQ_OFF,	NONE,	"rseq: unregister") \
	X(UNMAP,	NONE,	"munmap") \
	X(VDSO,		NONE,	"arch_prctl: map the vdso") \
	X(MM_MAP,	NONE,	"prctl: PR_SET_MM_MAP") \
	X(MMAP,		VMA,	"mmap") \
	X(VMA_NAME,	VMA,	"prctl: PR_SET_VMA_ANON_NAME") \
	X(MBIND,	VMA,	"mbind") \
	X(HOME_NODE,	VMA,	"set_mempolicy_home_node") \
	X(MPROTECT,	VMA,	"mprotect") \
	X(MADVISE,	VMA,	"madvise") \
	X(CLOSE,	NONE,	"close_range") \
	X(FILL,		NONE,	"memory") \
	X(GUARD,	VMA,	"madvise: MADV_GUARD_INSTALL") \
	X(MLOCK,	VMA,	"mlock") \
	X(PKEY,		VMA,	"pkey_mprotect") \
	X(MLOCKALL,	NONE,	"mlockall: MCL_FUTURE") \
	X(MDWE,		NONE,	"prctl: PR_SET_MDWE") \
	X(PERSONALITY,	NONE,	"personality") \
	X(SIGACTION,	SIGNAL,	"rt_sigaction") \
	X(XCOMP_PERM,	XFEATURE, "arch_prctl: ARCH_REQ_XCOMP_PERM") \
	X(SUBREAPER,	NONE,	"prctl: PR_SET_CHILD_SUBREAPER") \
	X(DUP,		THREAD,	"fcntl: F_DUPFD") \
	X(CLONE,	THREAD,	"clone3") \
	X(RSEQ,		THREAD,	"rseq: register") \
	X(ROBUST,	THREAD,	"set_robust_list") \
	X(TID_ADDRESS,	THREAD,	"set_tid_address") \
	X(ALTSTACK,	THREAD,	"sigaltstack") \
	X(NAME,		THREAD,	"prctl: PR_SET_NAME") \
	X(MEMPOLICY,	THREAD,	"set_mempolicy") \
	X(SIGQUEUE,	SIGNAL,	"rt_sigqueueinfo") \
	X(TGSIGQUEUE,	THREAD,	"rt_tgsigqueueinfo") \
	X(SETGROUPS,	THREAD,	"setgroups") \
	X(SETGID,	THREAD,	"setresgid") \
	X(SETUID,	THREAD,	"setresuid") \
	X(SECUREBITS,	THREAD,	"prctl: PR_SET_SECUREBITS") \
	X(CAPSET,	THREAD,	"capset") \
	X(CAPBSET,	THREAD,	"prctl: PR_CAPBSET_DROP") \
	X(AMBIENT,	THREAD,	"prctl: PR_CAP_AMBIENT") \
	X(TILES,	THREAD,	"AMX: tilezero") \
	X(TIMERSLACK,	THREAD,	"prctl: PR_SET_TIMERSLACK") \
	X(STORE_BYPASS,	THREAD,	"prctl: PR_SPEC_STORE_BYPASS") \
	X(INDIRECT_BRANCH, THREAD, "prctl: PR_SPEC_INDIRECT_BRANCH") \
	X(L1D_FLUSH,	THREAD,	"prctl: PR_SPEC_L1D_FLUSH") \
	X(IO_FLUSHER,	THREAD,	"prctl: PR_SET_IO_FLUSHER") \
	X(MCE_KILL,	THREAD,	"prctl: PR_MCE_KILL") \
	X(TSC,		THREAD,	"prctl: PR_SET_TSC") \
	X(CPUID,	THREAD,	"arch_prctl: ARCH_SET_CPUID") \
	X(DISPATCH,	THREAD,	"prctl: PR_SET_SYSCALL_USER_DISPATCH") \
	X(SECCOMP,	THREAD,	"prctl: PR_SET_SECCOMP") \
	X(RLIMIT,	LIMIT,	"setrlimit") \
	X(NNP,		THREAD,	"prctl: PR_SET_NO_NEW_PRIVS") \
	X(DUMPABLE,	NONE,	"prctl: PR_SET_DUMPABLE") \
	X(PDEATHSIG,	THREAD,	"prctl: PR_SET_PDEATHSIG") \
	X(LOCK,		FD,	"fcntl: F_SETLK") \
	X(FLOCK,	FD,	"flock") \
	X(LEASE,	FD,	"fcntl: F_SETLEASE") \
	X(SETSIG,	FD,	"fcntl: F_SETSIG") \
	X(OWNER,	FD,	"fcntl: F_SETOWN_EX") \
	X(ASYNC,	FD,	"fcntl: F_SETFL O_ASYNC") \
	X(ITIMER,	NONE,	"setitimer") \
	X(TIMER_CREATE,	TIMER,	"timer_create") \
	X(TIMER_SET,	TIMER,	"timer_settime") \
	X(PARK,		THREAD,	"park")

enum blob_step {
#define X(name, object, text) BLOB_##name,
	BLOB_STEPS(X)
#undef X
	BLOB_NSTEPS,
};

enum blob_object { BLOB_OBJ_NONE, BLOB_OBJ_VMA, BLOB_OBJ_SIGNAL, BLOB_OBJ_THREAD, BLOB_OBJ_TIMER, BLOB_OBJ_LIMIT,
		   BLOB_OBJ_FD, BLOB_OBJ_XFEATURE };

struct blob_at {
	__u32 step;		/* enum blob_step */
	__u32 index;		/* of the vma, signal or thread */
	__u64 addr;
};

/* Done without, as restore --force allows. */
struct blob_lost {
	struct blob_at at;
	__s32 err;		/* -errno */
	__u32 pad0;
};
#define BLOB_LOST_MAX	64u	/* those that are named; all are counted */

enum blob_state {
	BLOB_RUNS = 0,
	BLOB_MAPPED,		/* its mappings are there and may be filled */
};

enum blob_go {
	BLOB_WAIT = 0,
	BLOB_GO_START,		/* adopted: may run */
	BLOB_GO_FILLED,		/* all memory is there and the whole image verified */
};

/* Shared; every word has one writer but failed_by and the counts. */
struct blob_report {
	__u32 go;		/* futex, the orchestrator's: enum blob_go */
	__u32 event;		/* futex, the task's: counts news in the fields below */
	__u32 state;		/* enum blob_state */
	__u32 parked;		/* threads at their last wait */
	__u32 park;		/* futex that nobody wakes */
	__u32 failed_by;	/* 0, or the first to fail: its tid */
	__s32 err;		/* -errno; written after failed */
	__s32 uffd;		/* number of the task's userfaultfd, 0: none */
	struct blob_at at;	/* what is being done, before it is done */
	struct blob_at failed;	/* what failed; step BLOB_NSTEPS: before the restorer, see text */
	__u32 strict;		/* threads that run in a circle: under SECCOMP_MODE_STRICT */
	__u32 nlost;
	struct blob_lost lost[BLOB_LOST_MAX];
	char text[2048];	/* the line of such a failure */
};

struct blob_vma {
	__u64 start, len, offset;
	__u32 map_prot;		/* at mmap */
	__u32 prot;		/* at last */
	__u32 flags;		/* MAP_* */
	__s32 fd;
	__u32 advise;		/* bit n: madvise(n) */
	__u32 locked;		/* 1: mlock, 2: with MLOCK_ONFAULT */
	__u32 policy;		/* 1 + place in blob_plan.policies, 0: none */
	__s32 pkey;		/* of late_prot; -1: the kernel's choice */
	__u32 late;		/* when all pages are there: ... */
	__u32 late_prot;	/* ... what may be done with them */
	__u32 first_guard, nguards;	/* in blob_plan.guards */
	const char *name;	/* NULL: none */
};

struct blob_guard {
	__u64 start, len;
};

struct blob_policy {
	__u32 mode;
	__s32 home_node;	/* -1: none */
	__u64 nodes[CKPT_MAX_NODES / 64];
};

/* A signal to be queued again, as rt_sigqueueinfo() takes it. */
struct blob_signal {
	__u32 info[32];		/* the first word is its number */
};

struct blob_timer {
	__s32 id, clock;	/* as timer_create() takes it */
	__u64 sigval;		/* this and the next three: struct sigevent */
	__s32 signo;
	__u32 notify;
	__s32 tid;
	__u32 room[11];
	__u32 abstime, pad0;
	__s64 interval[2], value[2];	/* struct itimerspec */
};

/* A call on a descriptor, when all that the restore had open is closed; blob_at.index: its place. */
struct blob_fcntl {
	__u32 step;		/* FLOCK: flock(fd, cmd), else fcntl(fd, cmd, ...) */
	__s32 fd;
	__u32 cmd;
	__u32 by_ref;		/* its argument is the address of data, else data[0] */
	__u32 as_user;		/* by this one, as the kernel remembers it */
	__u32 uid, euid;
	__u32 pad0;
	__u64 data[4];
};

/* Who a thread is, and that it has to be changed at all. */
struct blob_creds {
	__u32 change;
	__u32 uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
	__u32 securebits, own_securebits;
	__u32 ngroups, first_group;	/* in blob_plan.groups */
	__u32 pad0;
	__u64 drop;			/* from the bounding set */
	__u64 permitted, own_permitted;	/* at last, until then */
	__u64 effective, own_effective, inheritable, ambient;
};

struct blob_thread {
	__s32 tid;
	__u32 index;
	__u64 rseq;
	__u32 rseq_len, rseq_sig;
	__u64 robust_list;
	__u64 clear_child_tid;
	__u64 altstack_sp, altstack_size;
	__u32 altstack_flags;
	__u32 no_new_privs;
	__u32 pdeath_signal;
	__u32 policy;		/* as of a blob_vma */
	__u32 pad0;
	__s32 park_fd;		/* the restorer's: where it was duplicated to */
	__u64 sigmask;
	struct blob_creds creds;
	__u32 first_signal, nsignals;	/* its own pending ones, in blob_plan.signals */
	char comm[16];
	/* The call to wait in; read by the orchestrator when the thread is parked. */
	__s32 call_nr;		/* -1: none */
	__u32 call_done;	/* it returned, with call_ret */
	__s64 call_ret;
	__u64 call_args[6];
	__s64 call_ts[2];
	struct ckpt_prctl prctl;
	__u32 have_prctl;
	__u32 use_tiles;	/* its FPU state needs the room for AMX tiles */
};

struct blob_plan {
	__u32 magic;
	__u32 nvmas, nthreads;
	__u32 page_size;
	__u64 base, len;	/* R */
	__u64 limit;		/* end of the address space that mmap without a hint uses */
	__u64 stacks;		/* of threads 1 to nthreads - 1, BLOB_STACK each */
	struct blob_report *report;
	struct blob_vma *vmas;
	struct blob_policy *policies;
	struct blob_guard *guards;
	char *names;		/* CKPT_MAX_VMANAME + 1 each */
	struct blob_thread *threads;	/* leader first */
	struct blob_signal *signals;	/* first those of the process */
	struct { __s64 interval[2], value[2]; } itimers[3];	/* as setitimer() takes them */
	struct blob_fcntl *fcntls;	/* in their order */
	__u32 *groups;
	struct ckpt_rlimits rlimits;
	struct blob_timer *timers;	/* ascending by id */
	__u32 ntimers, nfcntls;
	/* The registration that the task inherited from the orchestrator; 0: none. */
	__u64 own_rseq;
	__u32 own_rseq_sig;
	__u32 pad1;
	__u64 vdso_at;		/* where [vvar] begins */
	__s32 keep_from;	/* descriptors from here up are ours */
	__s32 park_fd;		/* -1: park in a futex wait */
	__u32 personality;
	__u32 dumpable;
	__u32 subreaper;
	__u32 nsignals;		/* of the process */
	__u32 lock_future;	/* MCL_*, 0: none */
	__u32 mdwe;		/* PR_MDWE_*, 0: none */
	__u32 force;		/* go on without what may be lost */
	__u32 own_io_flusher;
	__u64 xcomp_perm;
	__u32 drop_pkeys;	/* bit n: key n is no one's, whoever has it */
	__s32 late_exe;		/* the executable's, set when nobody writes to it any more; -1: at once */
	struct prctl_mm_map mm;	/* auxv points to the field below */
	__u8 auxv[CKPT_MAX_AUXV];
	struct ckpt_sighand sighand;
#ifdef CKPT_FAULT
	/* Last: not every object of that build is made anew. */
	struct blob_at fault;	/* fail this with -fault_errno; index ~0u: whichever comes first */
	__u32 fault_errno, pad2;
#endif
};

#endif
