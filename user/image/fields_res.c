// SPDX-License-Identifier: GPL-2.0
/* The resource kinds; the CPU's own records are in fields_frame.c. */
#include "image/fields.h"

static const struct ckpt_word task_flags[] = {
	{ CKPT_TASK_SUBREAPER, "subreaper" }, { CKPT_TASK_SID_OUTSIDE, "sid_outside" },
	{ CKPT_TASK_PGID_OUTSIDE, "pgid_outside" }, { CKPT_TASK_HAS_TTY, "has_tty" },
	{ CKPT_TASK_STOPPED, "stopped" }, { 0, NULL },
};

#define S struct ckpt_task
static const struct ckpt_field task[] = {
	F(S, id, FMT_REF), F(S, pid, FMT_INT), F(S, ppid, FMT_INT), F(S, pgid, FMT_INT),
	F(S, sid, FMT_INT), F(S, nthreads, FMT_DEC), F(S, state, FMT_HEX),
	F(S, exit_state, FMT_HEX), F(S, exit_code, FMT_INT), F(S, exit_signal, FMT_INT),
	F(S, personality, FMT_HEX), F(S, oom_score_adj, FMT_INT),
	F_NAMED(S, flags, FMT_FLAGS, task_flags), F(S, pad0, FMT_PAD),
};
TYPE(TASK, S, task);
#undef S

#define S struct ckpt_rlimits
static const struct ckpt_field rlimits[] = {
	F_ARRAY(S, lim, cur, FMT_LIMIT, NULL), F_ARRAY(S, lim, max, FMT_LIMIT, NULL),
};
TYPE(RLIMITS, S, rlimits);
#undef S

static const struct ckpt_word thread_flags[] = {
	{ CKPT_THREAD_RESTORE_SIGMASK, "restore_sigmask" },
	{ CKPT_THREAD_NO_NEW_PRIVS, "no_new_privs" }, { 0, NULL },
};
static const struct ckpt_word altstack_flags[] = {
	{ 0x2, "disable" }, { 0x80000000u, "autodisarm" }, { 0, NULL },
};

#define S struct ckpt_thread
static const struct ckpt_field thread[] = {
	F(S, id, FMT_REF), F(S, tid, FMT_INT), F(S, comm, FMT_TEXT), F(S, blocked, FMT_HEX),
	F(S, saved_blocked, FMT_HEX), F(S, altstack_sp, FMT_HEX), F(S, altstack_size, FMT_DEC),
	F_NAMED(S, altstack_flags, FMT_FLAGS, altstack_flags),
	F_NAMED(S, flags, FMT_FLAGS, thread_flags), F(S, clear_child_tid, FMT_HEX),
	F(S, robust_list, FMT_HEX), F(S, rseq, FMT_HEX), F(S, rseq_len, FMT_DEC),
	F(S, rseq_sig, FMT_HEX), F(S, rseq_cs, FMT_HEX), F(S, pdeath_signal, FMT_INT),
	F(S, restart_nr, FMT_INT),
};
TYPE(THREAD, S, thread);
#undef S

#define S struct ckpt_sched
static const struct ckpt_field sched[] = {
	F(S, policy, FMT_DEC), F(S, flags, FMT_HEX), F(S, nice, FMT_INT), F(S, rt_priority, FMT_DEC),
	F(S, runtime, FMT_NS), F(S, deadline, FMT_NS), F(S, period, FMT_NS), F(S, ioprio, FMT_HEX),
	F(S, pad0, FMT_PAD), F_ARRAY(S, affinity, cpus, FMT_HEX, NULL),
};
TYPE(SCHED, S, sched);
#undef S

static const struct ckpt_word prctl_flags[] = {
	{ CKPT_PRCTL_TSC_SIGSEGV, "tsc_sigsegv" }, { CKPT_PRCTL_CPUID_FAULT, "cpuid_fault" },
	{ CKPT_PRCTL_IO_FLUSHER, "io_flusher" }, { CKPT_PRCTL_MCE_KILL, "mce_kill" },
	{ CKPT_PRCTL_MCE_EARLY, "mce_early" }, { CKPT_PRCTL_DISPATCH, "dispatch" },
	{ CKPT_PRCTL_SECCOMP_STRICT, "seccomp_strict" }, { 0, NULL },
};
static const struct ckpt_word spec_words[] = {
	{ 0x2, "enable" }, { 0x4, "disable" }, { 0x8, "force_disable" },
	{ 0x10, "disable_noexec" }, { 0, NULL },
};

#define S struct ckpt_prctl
static const struct ckpt_field prctl[] = {
	F(S, timer_slack_ns, FMT_NS), F(S, default_timer_slack_ns, FMT_NS),
	F_NAMED(S, flags, FMT_FLAGS, prctl_flags), F_NAMED(S, store_bypass, FMT_ENUM, spec_words),
	F_NAMED(S, indirect_branch, FMT_ENUM, spec_words), F_NAMED(S, l1d_flush, FMT_ENUM, spec_words),
	F(S, dispatch_selector, FMT_HEX), F(S, dispatch_offset, FMT_HEX), F(S, dispatch_len, FMT_HEX),
	F(S, xcomp_perm, FMT_HEX), F(S, uclamp_min, FMT_INT), F(S, uclamp_max, FMT_INT),
};
TYPE(PRCTL, S, prctl);
#undef S

#define S struct ckpt_restart
static const struct ckpt_field restart[] = {
	F(S, nr, FMT_INT), F(S, clock, FMT_INT), F(S, remaining_ns, FMT_NS),
};
TYPE(RESTART, S, restart);
#undef S

#define ACCT_V1 \
	F(S, utime, FMT_NS), F(S, stime, FMT_NS), F(S, gtime, FMT_NS), F(S, prev_utime, FMT_NS), \
	F(S, prev_stime, FMT_NS), F(S, utimescaled, FMT_NS), F(S, stimescaled, FMT_NS), \
	F(S, nvcsw, FMT_DEC), F(S, nivcsw, FMT_DEC), F(S, start_time, FMT_NS), \
	F(S, start_boottime, FMT_NS), F(S, min_flt, FMT_DEC), F(S, maj_flt, FMT_DEC)

#define S struct ckpt_acct_v1
static const struct ckpt_field acct_v1[] = { ACCT_V1 };
static const struct ckpt_layout acct_v1_layout = { sizeof(S), acct_v1, N_OF(acct_v1), 0, NULL, 1, 1, NULL };
#undef S

static const struct ckpt_word acct_flags[] = { { CKPT_ACCT_IO, "io" }, { 0, NULL } };

#define S struct ckpt_acct
static const struct ckpt_field acct[] = {
	ACCT_V1, F(S, rchar, FMT_DEC), F(S, wchar, FMT_DEC), F(S, syscr, FMT_DEC), F(S, syscw, FMT_DEC),
	F(S, read_bytes, FMT_DEC), F(S, write_bytes, FMT_DEC), F(S, cancelled_write_bytes, FMT_DEC),
	F_NAMED(S, flags, FMT_FLAGS, acct_flags), F(S, pad0, FMT_PAD),
};
TYPE_VERSION(ACCT, S, acct, 2, 2, &acct_v1_layout);
#undef S

#define S struct ckpt_creds
static const struct ckpt_field creds[] = {
	F(S, uid, FMT_DEC), F(S, gid, FMT_DEC), F(S, suid, FMT_DEC), F(S, sgid, FMT_DEC),
	F(S, euid, FMT_DEC), F(S, egid, FMT_DEC), F(S, fsuid, FMT_DEC), F(S, fsgid, FMT_DEC),
	F(S, securebits, FMT_HEX), F(S, ngroups, FMT_LEN), F(S, cap_inheritable, FMT_HEX),
	F(S, cap_permitted, FMT_HEX), F(S, cap_effective, FMT_HEX), F(S, cap_bset, FMT_HEX),
	F(S, cap_ambient, FMT_HEX),
};
static const struct ckpt_trail creds_groups[] = { T("groups", S, ngroups, 4, FMT_DEC) };
TYPE_TRAIL(CREDS, S, creds, creds_groups);
#undef S

#define S struct ckpt_mm
static const struct ckpt_field mm[] = {
	F(S, id, FMT_REF), F(S, exe, FMT_REF), F(S, start_code, FMT_HEX), F(S, end_code, FMT_HEX),
	F(S, start_data, FMT_HEX), F(S, end_data, FMT_HEX), F(S, start_brk, FMT_HEX),
	F(S, brk, FMT_HEX), F(S, start_stack, FMT_HEX), F(S, arg_start, FMT_HEX),
	F(S, arg_end, FMT_HEX), F(S, env_start, FMT_HEX), F(S, env_end, FMT_HEX),
	F(S, vdso, FMT_HEX), F(S, dumpable, FMT_DEC), F(S, nvmas, FMT_DEC),
	F(S, auxv_len, FMT_LEN), F(S, pad0, FMT_PAD),
};
static const struct ckpt_trail mm_auxv[] = { T("auxv", S, auxv_len, 1, FMT_BYTES) };
TYPE_TRAIL(MM, S, mm, mm_auxv);
#undef S

static const struct ckpt_word vma_kinds[] = {
	{ CKPT_VMA_ANON, "anon" }, { CKPT_VMA_FILE, "file" }, { CKPT_VMA_VDSO, "vdso" },
	{ CKPT_VMA_VVAR, "vvar" }, { 0, NULL },
};
static const struct ckpt_word vma_flags[] = {
	{ CKPT_VMA_READ, "read" }, { CKPT_VMA_WRITE, "write" }, { CKPT_VMA_EXEC, "exec" },
	{ CKPT_VMA_SHARED, "shared" }, { CKPT_VMA_GROWSDOWN, "growsdown" },
	{ CKPT_VMA_ACCOUNT, "account" }, { CKPT_VMA_NORESERVE, "noreserve" },
	{ CKPT_VMA_HUGEPAGE, "hugepage" }, { CKPT_VMA_NOHUGEPAGE, "nohugepage" },
	{ CKPT_VMA_DONTFORK, "dontfork" }, { CKPT_VMA_WIPEONFORK, "wipeonfork" },
	{ CKPT_VMA_DONTDUMP, "dontdump" }, { CKPT_VMA_SEQ_READ, "seq_read" },
	{ CKPT_VMA_RAND_READ, "rand_read" }, { CKPT_VMA_LOCKED, "locked" },
	{ CKPT_VMA_LOCKONFAULT, "lockonfault" }, { CKPT_VMA_MERGEABLE, "mergeable" },
	{ CKPT_VMA_HUGETLB, "hugetlb" }, { 0, NULL },
};

#define S struct ckpt_vma
static const struct ckpt_field vma[] = {
	F(S, start, FMT_HEX), F(S, end, FMT_HEX), F(S, offset, FMT_HEX), F(S, file, FMT_REF),
	F_NAMED(S, kind, FMT_ENUM, vma_kinds), F_NAMED(S, flags, FMT_FLAGS, vma_flags),
};
TYPE(VMA, S, vma);
#undef S

static const struct ckpt_word shmem_flags[] = {
	{ CKPT_SHMEM_MEMFD, "memfd" }, { CKPT_SHMEM_NORESERVE, "noreserve" },
	{ CKPT_SHMEM_HUGETLB, "hugetlb" }, { 0, NULL },
};
static const struct ckpt_word seals[] = {
	{ 0x1, "seal" }, { 0x2, "shrink" }, { 0x4, "grow" }, { 0x8, "write" },
	{ 0x10, "future_write" }, { 0x20, "exec" }, { 0, NULL },
};

#define S struct ckpt_shmem
static const struct ckpt_field shmem[] = {
	F(S, id, FMT_REF), F_NAMED(S, flags, FMT_FLAGS, shmem_flags), F(S, size, FMT_DEC),
	F_NAMED(S, seals, FMT_FLAGS, seals), F(S, name_len, FMT_LEN),
};
static const struct ckpt_trail shmem_name[] = { T("name", S, name_len, 1, FMT_TEXT) };
TYPE_TRAIL(SHMEM, S, shmem, shmem_name);
#undef S

static const struct ckpt_word ghost_flags[] = { { CKPT_GHOST_LINKABLE, "linkable" }, { 0, NULL } };

#define S struct ckpt_ghost
static const struct ckpt_field ghost[] = {
	F(S, id, FMT_REF), F_NAMED(S, flags, FMT_FLAGS, ghost_flags), F(S, size, FMT_DEC),
	F(S, mode, FMT_OCT), F(S, uid, FMT_DEC), F(S, gid, FMT_DEC), F(S, nlink, FMT_DEC),
	F(S, atime_sec, FMT_INT), F(S, mtime_sec, FMT_INT), F(S, atime_nsec, FMT_DEC),
	F(S, mtime_nsec, FMT_DEC), F(S, folder_len, FMT_LEN), F(S, xattrs_len, FMT_LEN),
};
static const struct ckpt_trail ghost_trails[] = {
	T("folder", S, folder_len, 1, FMT_TEXT), T("xattrs", S, xattrs_len, 1, FMT_BYTES),
};
TYPE_TRAIL(GHOST, S, ghost, ghost_trails);
#undef S

#define S struct ckpt_fs
static const struct ckpt_field fs[] = {
	F(S, umask, FMT_OCT), F(S, cwd_len, FMT_LEN), F(S, root_len, FMT_LEN), F(S, pad0, FMT_PAD),
};
static const struct ckpt_trail fs_paths[] = {
	T("cwd", S, cwd_len, 1, FMT_TEXT), T("root", S, root_len, 1, FMT_TEXT),
};
TYPE_TRAIL(FS, S, fs, fs_paths);
#undef S

static const struct ckpt_word file_kinds[] = {
	{ CKPT_FILE_REG, "reg" }, { CKPT_FILE_DEV, "dev" }, { CKPT_FILE_PIPE, "pipe" },
	{ CKPT_FILE_EXTERNAL, "external" }, { CKPT_FILE_MAPPED, "mapped" },
	{ CKPT_FILE_ANON, "anon" }, { CKPT_FILE_DIR, "dir" }, { CKPT_FILE_PATH, "path" },
	{ CKPT_FILE_SHMEM, "shmem" }, { CKPT_FILE_PROC, "proc" },
	{ CKPT_FILE_FIFO, "fifo" }, { CKPT_FILE_GHOST, "ghost" },
	{ 0, NULL },
};

#define S struct ckpt_file
static const struct ckpt_field file[] = {
	F(S, id, FMT_REF), F_NAMED(S, kind, FMT_ENUM, file_kinds), F(S, flags, FMT_OCT),
	F(S, mode, FMT_OCT), F(S, pos, FMT_DEC), F(S, ino, FMT_DEC), F(S, size, FMT_DEC),
	F(S, dev, FMT_DEV), F(S, rdev, FMT_DEV), F(S, obj, FMT_REF), F(S, path_len, FMT_LEN),
};
static const struct ckpt_trail file_path[] = { T("path", S, path_len, 1, FMT_TEXT) };
TYPE_TRAIL(FILE, S, file, file_path);
#undef S

#define S struct ckpt_filecheck
static const struct ckpt_field filecheck[] = {
	F(S, mtime_sec, FMT_INT), F(S, mtime_nsec, FMT_DEC), F(S, build_id_len, FMT_LEN),
};
static const struct ckpt_trail filecheck_id[] = { T("build_id", S, build_id_len, 1, FMT_BYTES) };
TYPE_TRAIL(FILECHECK, S, filecheck, filecheck_id);
#undef S

static const struct ckpt_word fd_flags[] = { { CKPT_FD_CLOEXEC, "cloexec" }, { 0, NULL } };

#define S struct ckpt_fd
static const struct ckpt_field fd[] = {
	F(S, fd, FMT_INT), F_NAMED(S, flags, FMT_FLAGS, fd_flags), F(S, file, FMT_REF),
	F(S, pad0, FMT_PAD),
};
TYPE(FD, S, fd);
#undef S

#define S struct ckpt_pipe
static const struct ckpt_field pipe[] = {
	F(S, id, FMT_REF), F(S, capacity, FMT_DEC), F(S, nbytes, FMT_LEN), F(S, pad0, FMT_PAD),
};
static const struct ckpt_trail pipe_content[] = { T("content", S, nbytes, 1, FMT_BYTES) };
TYPE_TRAIL(PIPE, S, pipe, pipe_content);
#undef S

static const struct ckpt_word sa_flags[] = {
	{ 0x1, "nocldstop" }, { 0x2, "nocldwait" }, { 0x4, "siginfo" }, { 0x400, "unsupported" },
	{ 0x800, "expose_tagbits" }, { 0x04000000, "restorer" }, { 0x08000000, "onstack" },
	{ 0x10000000, "restart" }, { 0x40000000, "nodefer" }, { 0x80000000u, "resethand" },
	{ 0, NULL },
};

#define S struct ckpt_sighand
static const struct ckpt_field sighand[] = {
	F_ARRAY(S, action, handler, FMT_HEX, NULL), F_ARRAY(S, action, flags, FMT_FLAGS, sa_flags),
	F_ARRAY(S, action, restorer, FMT_HEX, NULL), F_ARRAY(S, action, mask, FMT_HEX, NULL),
};
TYPE(SIGHAND, S, sighand);
#undef S

#define S struct ckpt_sigpending
static const struct ckpt_field sigpending[] = {
	F(S, mask, FMT_HEX), F(S, n, FMT_LEN), F(S, pad0, FMT_PAD),
};
static const struct ckpt_trail sigpending_info[] = { T("siginfo", S, n, 48, FMT_BYTES) };
TYPE_TRAIL(SIGPENDING, S, sigpending, sigpending_info);
#undef S

#define S struct ckpt_terminal
static const struct ckpt_field terminal[] = {
	F(S, iflag, FMT_OCT), F(S, oflag, FMT_OCT), F(S, lflag, FMT_OCT), F(S, cc, FMT_BYTES),
	F(S, pad0, FMT_PAD),
};
TYPE(TERMINAL, S, terminal);
#undef S

#define S struct ckpt_itimers
static const struct ckpt_field itimers[] = {
	F_ARRAY(S, timer, value, FMT_NS, NULL), F_ARRAY(S, timer, interval, FMT_NS, NULL),
};
TYPE(ITIMERS, S, itimers);
#undef S

static const struct ckpt_word timer_flags[] = { { CKPT_TIMER_ABSTIME, "abstime" }, { 0, NULL } };

#define S struct ckpt_posixtimer
static const struct ckpt_field posixtimer[] = {
	F(S, id, FMT_INT), F(S, clock, FMT_INT), F(S, clock_tid, FMT_INT), F(S, notify, FMT_DEC),
	F(S, signo, FMT_INT), F(S, tid, FMT_INT), F(S, sigval, FMT_HEX), F(S, value, FMT_NS),
	F(S, interval, FMT_NS), F(S, overrun, FMT_INT), F_NAMED(S, flags, FMT_FLAGS, timer_flags),
};
TYPE(POSIXTIMER, S, posixtimer);
#undef S

#define S struct ckpt_clocks
static const struct ckpt_field clocks[] = {
	F(S, monotonic_ns, FMT_NS), F(S, boottime_ns, FMT_NS),
	F(S, monotonic_offset_ns, FMT_NS), F(S, boottime_offset_ns, FMT_NS),
};
TYPE(CLOCKS, S, clocks);
#undef S
