// SPDX-License-Identifier: GPL-2.0
/*
 * Values that no kernel could have had, each in an image whose sums are right:
 * the plan refuses it and names record and value.
 */
#include "tests/unit/image_sample.h"

struct change {
	uint16_t type;
	uint8_t nth;		/* record of this type */
	uint16_t off, size;	/* in the record, the header's 24 bytes included */
	uint64_t value;
	const char *why;
};

#define AT(st, m)	(uint16_t)(sizeof(struct ckpt_hdr) + offsetof(struct st, m))
#define SZ(st, m)	(uint16_t)sizeof(((struct st *)0)->m)
#define C(T, n, st, m, v, why) { CKPT_##T, n, AT(ckpt_##st, m), SZ(ckpt_##st, m), v, why }
#define OWNER(T, n, v, why) { CKPT_##T, n, offsetof(struct ckpt_hdr, owner), 4, v, why }
/* Byte b behind the struct. */
#define X(T, n, st, b, sz, v, why) \
	{ CKPT_##T, n, (uint16_t)(sizeof(struct ckpt_hdr) + sizeof(struct ckpt_##st) + (b)), sz, v, why }
#define NEG(v) ((uint64_t)(int64_t)(v))

#define HIGH 0x7ffffffff000ull

static const struct change changes[] = {
	C(HEADER, 0, header, crid, 0, "checkpoint id 0"),
	C(HEADER, 0, header, crid, 0x80000000, "checkpoint id 2147483648"),
	C(HEADER, 0, header, monotonic_ns, NEG(-1), "shows less than nothing"),
	C(HEADER, 0, header, boottime_ns, NEG(-1), "shows less than nothing"),
	C(HEADER_ARCH, 0, header_arch, arch, 1, "another architecture (1)"),
	C(HEADER_ARCH, 0, header_arch, xstate_size, 100, "xstate_size 100"),
	C(HEADER_ARCH, 0, header_arch, xstate_size, 1 << 20, "xstate_size 1048576"),
	C(HEADER_ARCH, 0, header_arch, xfeatures, 4, "without x87"),
	C(HEADER_ARCH, 0, header_arch, vdso_len, 1ull << 40, "vdso_len"),

	/* Owners: the right object, of the right type, before its members. */
	OWNER(HEADER, 0, 1, "nobody can own it"),
	OWNER(FILE, 0, 1, "nobody can own it"),
	OWNER(LOSS, 1, 1, "nobody can own it"),
	OWNER(TASK, 0, 1, "its parent 1 is no task"),
	OWNER(TASK, 1, 0, "its parent 0 is no task"),
	OWNER(TASK, 1, 2, "its parent 2 is no task"),
	OWNER(RLIMITS, 0, 3, "its owner 3 is no TASK"),
	OWNER(THREAD, 0, 0, "its owner 0 is no TASK"),
	OWNER(THREAD, 1, 2, "tid 4001 comes before the leader 4005"),
	OWNER(CPU, 0, 1, "its owner 1 is no THREAD"),
	OWNER(CPU, 0, 11, "its owner 11 is no THREAD"),
	OWNER(CPU, 1, 3, "a second one of tid 4000"),
	OWNER(XSTATE, 0, 5, "its owner 5 is no THREAD"),
	OWNER(ACCT, 0, 5, "its owner 5 is no THREAD"),
	OWNER(ACCT, 1, 1, "a second one of 1"),
	OWNER(MM, 0, 3, "its owner 3 is no TASK"),
	OWNER(VMA, 0, 1, "its owner 1 is no MM"),
	OWNER(VMA, 8, 6, "out of order: it belongs to pid 4000"),
	OWNER(FS, 0, 2, "out of order: it belongs to pid 4000"),
	OWNER(FD, 0, 0xffffffff, "its owner 4294967295 is no TASK"),
	OWNER(SIGHAND, 0, 6, "its owner 6 is no TASK"),
	OWNER(CREDS, 0, 1, "its owner 1 is no THREAD"),
	OWNER(CREDS, 1, 3, "a second one of tid 4000"),
	OWNER(PAGES, 0, 1, "its owner 1 is no MM"),
	OWNER(PAGES, 4, 12, "have ended already"),

	/* objrefs in order of appearance. */
	C(TASK, 0, task, id, 2, "object 2 comes where 1 is next"),
	C(THREAD, 0, thread, id, 0, "object 0 comes where 3"),
	C(FILE, 0, file, id, 3, "object 3 comes where 5"),
	C(MM, 0, mm, id, 99, "object 99 comes where 6"),
	C(PIPE, 0, pipe, id, 1, "object 1 comes where 9"),

	C(TASK, 0, task, pid, 0, "pid 0"),
	C(TASK, 0, task, pid, 0xffffffff, "pid -1"),
	C(TASK, 0, task, sid, 0x7fffffff, "is no pid"),
	C(TASK, 1, task, ppid, 1, "its ppid 1 is not its parent's pid 4000"),
	C(TASK, 1, task, pid, 4000, "comes before the leader"),
	C(TASK, 0, task, nthreads, 0, "0 threads"),
	C(TASK, 0, task, nthreads, 0xffffffff, "4294967295 threads"),
	C(TASK, 0, task, nthreads, 1, "has only 1 threads"),
	C(TASK, 0, task, nthreads, 3, "holds 2 of its 3 threads"),
	C(TASK, 0, task, exit_state, 32, "had ended"),
	C(TASK, 0, task, exit_signal, 65, "exit_signal 65"),
	C(TASK, 0, task, personality, 0x10000, "personality"),
	C(TASK, 0, task, oom_score_adj, 1001, "oom_score_adj 1001"),
	C(TASK, 0, task, flags, 32, "flags 0x20"),
	C(TASK, 1, task, flags, CKPT_TASK_SID_OUTSIDE, "sid_outside do not agree"),
	C(TASK, 1, task, pgid, 1, "pgid_outside do not agree"),
	C(RLIMITS, 0, rlimits, lim[2].cur, 8193, "limit 2"),

	C(THREAD, 1, thread, tid, 4000, "two threads of the image have this tid"),
	C(THREAD, 2, thread, tid, 4001, "comes before the leader 4005"),
	C(THREAD, 0, thread, comm[14], 'x', "not NUL-padded"),
	C(THREAD, 1, thread, comm[15], 'x', "comm has no end"),
	C(THREAD, 0, thread, blocked, 1 << 8, "SIGKILL"),
	C(THREAD, 0, thread, saved_blocked, 1 << 18, "SIGSTOP"),
	C(THREAD, 0, thread, flags, 4, "flags 0x4"),
	C(THREAD, 0, thread, altstack_flags, 1, "altstack_flags 0x1"),
	C(THREAD, 0, thread, altstack_sp, HIGH, "alternate stack"),
	C(THREAD, 0, thread, altstack_size, ~0ull, "alternate stack"),
	C(THREAD, 0, thread, clear_child_tid, 1ull << 63, "not a user address"),
	C(THREAD, 0, thread, robust_list, HIGH, "not a user address"),
	C(THREAD, 0, thread, rseq, 0x7ffff7d8b0e8, "rseq at"),
	C(THREAD, 0, thread, rseq, 0, "without rseq"),
	C(THREAD, 0, thread, rseq, HIGH - 32, "rseq at"),
	C(THREAD, 0, thread, rseq_len, 8, "rseq at"),
	C(THREAD, 0, thread, rseq_cs, HIGH, "rseq_cs"),
	C(THREAD, 0, thread, pdeath_signal, 0xffffffff, "pdeath_signal -1"),
	C(THREAD, 0, thread, restart_nr, 4096, "restart_nr 4096"),

	C(CPU, 0, cpu, cs, 0x10, "cs is 0x10"),
	C(CPU, 0, cpu, cs, 0x23, "runs 32-bit code"),
	C(CPU, 0, cpu, cs, 0x1000000000033, "cs is 0x1000000000033"),
	C(CPU, 0, cpu, ss, 0x18, "ss is 0x18"),
	C(CPU, 0, cpu, ss, 0, "ss is 0x0"),
	C(CPU, 0, cpu, ds, 0x33, "ds is 0x33"),
	C(CPU, 0, cpu, es, 0x10, "es is 0x10"),
	C(CPU, 0, cpu, fs, 0x63, "fs 0x63 selects a TLS segment"),
	C(CPU, 0, cpu, gs, 0x7f, "gs is 0x7f"),
	C(CPU, 0, cpu, flags, 0x3246, "flags are 0x3246"),
	C(CPU, 0, cpu, flags, 0x46, "flags are 0x46"),
	C(CPU, 0, cpu, flags, 0x20246, "flags are 0x20246"),
	C(CPU, 0, cpu, ip, 0xffffffff81000000, "ip or sp"),
	C(CPU, 0, cpu, sp, HIGH, "ip or sp"),
	C(CPU, 0, cpu, fs_base, 0x800000000000, "fs_base or gs_base"),
	C(CPU, 0, cpu, gs_base, ~0ull, "fs_base or gs_base"),
	C(XSTATE, 0, xstate, features, 3, "differ from its own XSAVE header"),
	X(XSTATE, 0, xstate, 512, 1, 15, "features 0x8 that its machine did not have"),
	X(XSTATE, 0, xstate, 527, 1, 0x80, "xcomp_bv"),
	X(XSTATE, 0, xstate, 528, 8, 1, "a reserved word"),
	X(XSTATE, 0, xstate, 568, 8, 1, "a reserved word"),
	X(XSTATE, 0, xstate, 26, 2, 1, "mxcsr is 0x11f80"),
	C(HEADER_ARCH, 0, header_arch, xstate_size, 824, "size 832"),

	C(MM, 0, mm, exe, 3, "exe 3 is no FILE"),
	C(MM, 0, mm, end_code, 0x1000, "code: its end"),
	C(MM, 0, mm, end_data, HIGH, "data: its end"),
	C(MM, 0, mm, brk, 0x10000, "brk: its end"),
	C(MM, 0, mm, arg_start, ~0ull, "arg: its end"),
	C(MM, 0, mm, env_end, 1, "env: its end"),
	C(MM, 0, mm, start_stack, HIGH, "start_stack or vdso"),
	C(MM, 0, mm, vdso, 0x1001, "start_stack or vdso"),
	C(MM, 0, mm, vdso, 0x7ffff7fc2000, "the vdso is not where the mm says"),
	C(MM, 0, mm, dumpable, 3, "dumpable 3"),
	C(MM, 0, mm, nvmas, 0xffffffff, "4294967295 mappings"),
	C(MM, 0, mm, nvmas, 5, "the mm has only 5 mappings"),
	C(MM, 0, mm, nvmas, 7, "holds 6 of its 7 mappings"),
	C(VMA, 0, vma, start, 0x400001, "start is not page-aligned"),
	C(VMA, 0, vma, end, 0x401001, "end is not page-aligned"),
	C(VMA, 0, vma, end, 0x400000, "is not in user space"),
	C(VMA, 1, vma, start, 0x400000, "starts before the end"),
	C(VMA, 5, vma, end, 0x800000000000, "is not in user space"),
	C(VMA, 0, vma, kind, 0, "kind 0"),
	C(VMA, 0, vma, kind, 5, "kind 5"),
	C(VMA, 0, vma, file, 4, "file 4 is no FILE"),
	C(VMA, 0, vma, file, 7, "file 7 is no FILE"),
	C(VMA, 7, vma, file, 7, "file 7 cannot be mapped"),
	C(VMA, 0, vma, offset, 0x1001, "offset 0x1001"),
	C(VMA, 0, vma, offset, 1ull << 63, "offset 0x8000"),
	C(VMA, 2, vma, file, 5, "but it maps no file"),
	C(VMA, 2, vma, offset, 4096, "but it maps no file"),
	C(VMA, 0, vma, flags, 1ull << 63, "flags 0x8000000000000000"),
	C(VMA, 0, vma, flags, CKPT_VMA_LOCKONFAULT, "contradict"),
	C(VMA, 2, vma, flags, CKPT_VMA_SHARED, "shared anonymous memory"),
	C(VMA, 3, vma, flags, CKPT_VMA_SHARED, "only a file can be mapped shared"),
	C(VMA, 0, vma, flags, CKPT_VMA_GROWSDOWN, "only anonymous memory can grow"),
	C(VMA, 0, vma, flags, CKPT_VMA_HUGEPAGE | CKPT_VMA_NOHUGEPAGE, "contradict"),
	C(VMA, 0, vma, flags, CKPT_VMA_SEQ_READ | CKPT_VMA_RAND_READ, "contradict"),

	C(FS, 0, fs, umask, 01000, "umask 01000"),
	X(FS, 0, fs, 0, 1, 'v', "cwd is not an absolute path"),
	X(FS, 0, fs, 3, 1, 0, "cwd holds a NUL"),
	X(FS, 0, fs, 8, 1, 'x', "root is not an absolute path"),
	C(FILE, 0, file, kind, 0, "kind 0"),
	C(FILE, 0, file, kind, 99, "kind 99"),
	C(FILE, 0, file, kind, 6, "obj 0 is no EVENTFD"),
	C(FILE, 0, file, kind, 7, "is not a folder's"),
	C(FILE, 0, file, kind, 8, "are not those of a place"),
	C(FILE, 0, file, mode, 020600, "not a regular file's"),
	C(FILE, 0, file, kind, CKPT_FILE_PROC, "is not below /proc"),
	C(FILE, 0, file, flags, 0101100, "flags 0101100"),
	C(FILE, 0, file, flags, 3, "flags 03"),
	C(FILE, 1, file, mode, 0220620, "mode 0220620"),
	C(FILE, 0, file, pos, 1ull << 63, "beyond any file"),
	C(FILE, 0, file, size, ~0ull, "beyond any file"),
	C(FILE, 0, file, obj, 1, "but it is no pipe"),
	C(FILE, 3, file, obj, 5, "obj 5 is no PIPE"),
	C(FILE, 3, file, mode, 0100600, "not a pipe's"),
	C(FILE, 4, file, rdev, 8 << 20, "none that can be reopened"),
	X(FILE, 0, file, 0, 1, 'u', "path is not an absolute path"),
	X(FILE, 0, file, 5, 1, 0, "path holds a NUL"),
	C(FD, 0, fd, fd, 0xffffffff, "descriptor -1"),
	C(FD, 1, fd, fd, 0, "descriptor 0 does not ascend"),
	C(FD, 0, fd, flags, 2, "flags 0x2"),
	C(FD, 0, fd, file, 6, "file 6 is no FILE"),
	C(FD, 0, fd, file, 5, "file 5 is only mapped"),
	C(PIPE, 0, pipe, capacity, 0, "capacity 0"),
	C(PIPE, 0, pipe, capacity, 12288, "capacity 12288"),

	C(SIGHAND, 0, sighand, action[8].handler, 1, "signal 9 cannot be caught"),
	C(SIGHAND, 0, sighand, action[18].handler, 0x400000, "signal 19 cannot be caught"),
	C(SIGHAND, 0, sighand, action[1].handler, HIGH, "signal 2: not a user address"),
	C(SIGHAND, 0, sighand, action[1].restorer, HIGH, "signal 2: not a user address"),
	C(SIGHAND, 0, sighand, action[1].flags, 0x100000000, "signal 2: flags 0x100000000"),
	C(SIGHAND, 0, sighand, action[63].mask, 1 << 8, "signal 64: its mask"),
	C(CREDS, 0, creds, fsgid, 0xffffffff, "an id of -1"),
	C(CREDS, 0, creds, securebits, 0x1000, "securebits 0x1000"),
	C(CREDS, 0, creds, cap_effective, 1, "effective capabilities"),
	C(CREDS, 0, creds, cap_ambient, 1, "ambient capabilities"),
	X(CREDS, 0, creds, 0, 4, 28, "groups that do not ascend"),
	X(CREDS, 0, creds, 8, 4, 0xffffffff, "groups that do not ascend"),
	X(LOSS, 0, loss, 3, 1, 0, "its text holds a NUL"),

	X(PAGES, 0, pages, 0, 8, 0x7ffffffdf001, "address 0 is not page-aligned"),
	X(PAGES, 0, pages, 8, 8, 0x7ffffffdf000, "address 1 does not ascend"),
	X(PAGES, 0, pages, 8, 8, 0x7ffffffff000, "is in no mapping"),
	X(PAGES, 0, pages, 0, 8, 0x1000, "page 0x1000 is in no mapping"),
	X(PAGES, 1, pages, 0, 8, 0x7ffff7fbd000, "is not of private memory"),
	X(PAGES, 1, pages, 0, 8, 0x7ffff7fc1000, "is not of private memory"),
};

/* In the image "signals". */
static const struct change signal_changes[] = {
	OWNER(SIGPENDING, 0, 3, "its owner 3 is no THREAD"),
	OWNER(SIGPENDING, 1, 1, "a second one of 1"),
	C(SIGPENDING, 0, sigpending, mask, 0, "no signal in it"),
	C(SIGPENDING, 0, sigpending, mask, 1ull << 8, "SIGKILL or SIGSTOP is pending"),
	C(SIGPENDING, 0, sigpending, mask, 1ull << 14, "entry 1: signal 35 is not in the mask"),
	X(SIGPENDING, 0, sigpending, 48, 4, 65, "entry 1: signal 65"),
	X(SIGPENDING, 1, sigpending, 48, 4, 0, "entry 1: signal 0"),
	X(SIGPENDING, 1, sigpending, 12, 4, 1, "entry 0: pad0"),
	OWNER(POSIXTIMER, 0, 2, "its owner 2 is no TASK"),
	C(POSIXTIMER, 0, posixtimer, id, 0xffffffff, "timer -1 does not ascend"),
	C(POSIXTIMER, 1, posixtimer, id, 0, "timer 0 does not ascend"),
	C(POSIXTIMER, 0, posixtimer, clock, 2, "timer 0: clock 2"),
	C(POSIXTIMER, 0, posixtimer, clock_tid, 1, "timer 0: clock_tid 1"),
	C(POSIXTIMER, 1, posixtimer, clock, 0xffffffff, "timer 3: clock -1"),
	C(POSIXTIMER, 1, posixtimer, clock, 0xffffffef, "timer 3: clock -17"),
	C(POSIXTIMER, 1, posixtimer, clock_tid, 4001, "timer 3: it counts the time of 4001"),
	C(POSIXTIMER, 0, posixtimer, notify, 3, "timer 0: notify 3"),
	C(POSIXTIMER, 0, posixtimer, signo, 0, "timer 0: signal 0"),
	C(POSIXTIMER, 2, posixtimer, signo, 1, "timer 7: signal 1"),
	C(POSIXTIMER, 1, posixtimer, tid, 1, "timer 3: its thread 1 is not"),
	C(POSIXTIMER, 1, posixtimer, value, 1ull << 63, "timer 3: more time"),
	C(POSIXTIMER, 0, posixtimer, interval, 1ull << 63, "timer 0: more time"),
	C(POSIXTIMER, 0, posixtimer, flags, 1, "timer 0: flags 0x1"),
	C(POSIXTIMER, 2, posixtimer, flags, 2, "timer 7: flags 0x2"),
	OWNER(ITIMERS, 0, 2, "its owner 2 is no TASK"),
	C(ITIMERS, 0, itimers, timer[1].value, 1ull << 63, "timer 1: more time"),
	C(ITIMERS, 0, itimers, timer[2].interval, ~0ull, "timer 2: more time"),
};

/* In the image "anons". */
static const struct change anon_changes[] = {
	C(FILE, 1, file, obj, 8, "obj 8 is no EVENTFD"),
	C(FILE, 2, file, obj, 5, "obj 5 is another FILE's"),
	C(FILE, 1, file, flags, 0, "flags 00"),
	C(FILE, 1, file, flags, 0100002, "flags 0100002"),
	C(FILE, 5, file, flags, 2, "flags 02"),
	C(FILE, 1, file, mode, 010600, "is not an anonymous inode's"),
	C(EVENTFD, 0, eventfd, id, 1, "object 1 comes where"),
	C(EVENTFD, 0, eventfd, flags, 2, "flags 0x2"),
	C(EVENTFD, 0, eventfd, count, ~0ull, "no counter can hold"),
	C(TIMERFD, 0, timerfd, clockid, 2, "clock 2"),
	C(TIMERFD, 0, timerfd, settime_flags, 4, "settime_flags 0x4"),
	C(TIMERFD, 0, timerfd, settime_flags, 0, "does not go with the rest"),
	C(TIMERFD, 0, timerfd, interval_ns, 1ull << 63, "is negative"),
	C(TIMERFD, 0, timerfd, remaining_ns, 1ull << 63, "is negative"),
	C(TIMERFD, 0, timerfd, remaining_ns, 0, "does not go with the rest"),
	C(TIMERFD, 0, timerfd, expires_ns, NEG(-1), "is negative"),
	C(SIGNALFD, 0, signalfd, mask, 1 << 8, "SIGKILL"),
	OWNER(EPOLL, 0, 1, "nobody can own it"),
	C(EPOLL, 0, epoll, id, 1, "object 1 comes where"),
	X(EPOLL, 0, epoll, 16, 4, 0xffffffff, "descriptor -1"),
	X(EPOLL, 0, epoll, 20, 4, 0x7fffffff, "descriptor 2147483647"),
	X(EPOLL, 0, epoll, 24, 4, 1 << 29, "events 0x20000000"),
	X(EPOLL, 0, epoll, 32, 4, 0, "file 0 is no FILE"),
	X(EPOLL, 0, epoll, 36, 4, 11, "file 11 is no FILE"),
	X(EPOLL, 0, epoll, 36, 4, 3, "file 3 is only mapped"),
	X(EPOLL, 0, epoll, 44, 4, 2, "flags 0x2"),
	C(INOTIFY, 0, inotify, next_wd, 0xffffffff, "next_wd -1"),
	C(INOTIFY, 0, inotify, next_wd, CKPT_MAX_WD + 1, "next_wd 262145"),
	X(INOTIFY, 0, inotify, 0, 4, 0, "watch 0"),
	X(INOTIFY, 0, inotify, 4, 4, 1, "watch 1"),
	X(INOTIFY, 0, inotify, 8, 4, 0, "mask 0x0"),
	X(INOTIFY, 0, inotify, 12, 4, 0x1000, "mask 0x1000"),
	X(INOTIFY, 0, inotify, 16, 4, 5, "path of watch 4"),
	X(INOTIFY, 0, inotify, 16, 4, 0xffffffff, "path of watch 1"),
	X(INOTIFY, 0, inotify, 20, 4, 11, "1 bytes of text are no path"),
	X(INOTIFY, 0, inotify, 25, 1, 0, "path of watch 1"),
	X(INOTIFY, 0, inotify, 28, 1, 'x', "path of watch 4"),
	C(PIDFD, 0, pidfd, pid, 4001, "pid 4001 is not in the image"),
};

static const struct change kind_changes[] = {
	OWNER(FILECHECK, 0, 2, "its owner 2 is no FILE"),
	OWNER(FILECHECK, 0, 5, "its owner 5 is no FILE"),
	C(FILECHECK, 0, filecheck, mtime_nsec, 1000000000, "1000000000 nanoseconds"),
	C(FILECHECK, 0, filecheck, build_id_len, 25, "length does not fit its content"),
	C(FILE, 0, file, kind, CKPT_FILE_PATH, "flags 0100000 are not those of a place"),
	OWNER(SHMEM, 0, 1, "nobody can own it"),
	C(SHMEM, 0, shmem, id, 3, "object 3 comes where 4"),
	C(SHMEM, 0, shmem, flags, 4, "flags 0x4"),
	C(SHMEM, 0, shmem, flags, 0, "only a memfd has seals"),
	C(SHMEM, 0, shmem, size, NEG(-1), "size 18446744073709551615"),
	C(SHMEM, 0, shmem, seals, 0x40, "seals 0x40"),
	C(SCHED, 0, sched, pad0, 1, "pad0 is not zero"),
	OWNER(SCHED, 0, 1, "its owner 1 is no THREAD"),
	OWNER(RESTART, 0, 4, "its owner 4 is no THREAD"),
};

static void test_change(const struct image *good, const struct change *c)
{
	struct image img = image_copy(good, 0);
	size_t at = image_find(&img, c->type, c->nth);

	need(at != SIZE_MAX && at + c->off + c->size <= img.len && c->size <= 8);
	memcpy(img.p + at + c->off, &c->value, c->size);
	image_fix(&img);
	ok(sample_refused(&img, c->why), "%s %u, byte %u: %s", ckpt_type_name(c->type), c->nth, c->off, c->why);
	free(img.p);
}

static void test_missing_end(void)
{
	struct image img = sample("family");
	size_t at = image_find(&img, CKPT_PAGES, 5), len = image_next(&img, at) - at;

	image_splice(&img, at, len, NULL, 0);
	image_fix(&img);
	ok(sample_refused(&img, "pid 4000: the end of its pages is missing"), "no end of an mm's pages");
	free(img.p);
}

/* Pages of shared memory are the file's, never the image's. */
static void test_shared_pages(void)
{
	struct image img = sample("family");
	size_t at = image_find(&img, CKPT_VMA, 7);
	uint64_t flags = CKPT_VMA_READ | CKPT_VMA_WRITE | CKPT_VMA_SHARED;

	memcpy(img.p + at + AT(ckpt_vma, flags), &flags, 8);
	image_fix(&img);
	ok(sample_refused(&img, "page 0x401000 is not of private memory"), "a page of a shared mapping");
	free(img.p);
}

/* Records of one task in another order: not what a writer writes. */
static void test_phases(void)
{
	static const struct { uint16_t from; uint16_t to; const char *why; } moves[] = {
		{ CKPT_RLIMITS, CKPT_CREDS, "(RLIMITS)" }, { CKPT_FS, CKPT_CREDS, "(FS)" },
		{ CKPT_SIGHAND, CKPT_FS, "out of order within pid 4000" },
		{ CKPT_CONTAINER, CKPT_RLIMITS, "(CONTAINER)" }, { CKPT_LOSS, CKPT_TASK, "(LOSS)" },
		{ CKPT_FILE, CKPT_TASK, "(FILE)" }, { CKPT_TASK, CKPT_RLIMITS, "(TASK)" },
		{ CKPT_CPU, CKPT_MM, "(CPU)" }, { CKPT_PIPE, CKPT_LOSS, "(PIPE)" },
	};

	for (size_t i = 0; i < sizeof(moves) / sizeof(*moves); i++) {
		struct image img = sample("family"), with = image_copy(&img, 4096);
		size_t at = image_find(&img, moves[i].from, 0), len = image_next(&img, at) - at;

		/* A second copy behind the first record of the other type. */
		image_splice(&with, image_next(&img, image_find(&img, moves[i].to, 0)), 0, img.p + at, len);
		image_fix(&with);
		ok(sample_refused(&with, moves[i].why), "%s behind %s", ckpt_type_name(moves[i].from),
		   ckpt_type_name(moves[i].to));
		free(with.p);
		free(img.p);
	}
}

static const struct change ghost_changes[] = {
	OWNER(GHOST, 0, 1, "nobody can own it"),
	C(GHOST, 0, ghost, id, 3, "object 3 comes where 4"),
	C(GHOST, 0, ghost, flags, 2, "flags 0x2"),
	C(GHOST, 0, ghost, flags, 1, "it never had a name, but 1 are left"),
	C(GHOST, 0, ghost, size, NEG(-1), "size 18446744073709551615"),
	C(GHOST, 0, ghost, size, 0x2000, "page 0x2000 is behind the end of deleted file 4"),
	C(GHOST, 0, ghost, mode, 0100644, "mode 0100644"),
	C(GHOST, 0, ghost, uid, 0xffffffff, "owner 4294967295:34"),
	C(GHOST, 0, ghost, gid, 0xffffffff, "owner 12:4294967295"),
	C(GHOST, 0, ghost, atime_nsec, 1000000000, "a time of 1000000000 or 999999999 ns"),
	C(GHOST, 0, ghost, mtime_nsec, 1000000000, "a time of 1 or 1000000000 ns"),
	C(GHOST, 0, ghost, folder_len, 0, "length does not fit its content"),
	C(GHOST, 0, ghost, xattrs_len, 7, "length does not fit its content"),
	X(GHOST, 0, ghost, 0, 1, 'x', "folder is not an absolute path"),
	X(GHOST, 0, ghost, 3, 1, 0, "folder holds a NUL"),
	X(GHOST, 0, ghost, 8, 4, 256, "an extended attribute of 256 and 5 bytes is too long"),
	X(GHOST, 0, ghost, 8, 4, 5, "an extended attribute that no file can have"),
	X(GHOST, 0, ghost, 12, 4, 0xffffffff, "an extended attribute of 6 and 4294967295 bytes is too long"),
	X(GHOST, 0, ghost, 12, 4, 1, "an extended attribute is cut short"),
	X(GHOST, 0, ghost, 16, 1, 'x', "an extended attribute that no file can have"),
	X(GHOST, 0, ghost, 20, 1, 0, "an extended attribute that no file can have"),
	C(FILE, 1, file, obj, 3, "obj 3 is no GHOST"),
	C(FILE, 1, file, mode, 040755, "mode 040755 is not a regular file's"),
	C(FILE, 1, file, flags, 010000002, "flags 010000002 or pos are not those of a place"),
	C(FILE, 1, file, flags, 010000000, "file 5 cannot be mapped"),
	OWNER(PAGES, 1, 3, "its owner 3 is no MM, SHMEM or GHOST"),
};

/* In the image "memory". */
static const struct change memory_changes[] = {
	OWNER(MMOPT, 0, 1, "its owner 1 is no MM"),
	C(MMOPT, 0, mmopt, flags, 0x100, "flags 0x100"),
	C(MMOPT, 0, mmopt, flags, CKPT_MMOPT_LOCK_ONFAULT, "contradict"),
	C(MMOPT, 0, mmopt, flags, CKPT_MMOPT_THP_ADVISED, "contradict"),
	C(MMOPT, 0, mmopt, flags, CKPT_MMOPT_MDWE_OWN, "contradict"),
	C(MMOPT, 0, mmopt, flags, 0, "futex_slots 64"),
	C(MMOPT, 0, mmopt, coredump_filter, 0x200, "coredump_filter 0x200"),
	C(MMOPT, 0, mmopt, membarrier, 2, "membarrier 0x2"),
	C(MMOPT, 0, mmopt, pkeys, 0xa, "pkeys 0xa"),
	C(MMOPT, 0, mmopt, pkeys, 0x10001, "pkeys 0x10001"),
	C(MMOPT, 0, mmopt, pkeys, 0x3, "exec_pkey 3"),
	C(MMOPT, 0, mmopt, exec_pkey, 2, "exec_pkey 2"),
	C(MMOPT, 0, mmopt, exec_pkey, 99, "exec_pkey 99"),
	C(MMOPT, 0, mmopt, exec_pkey, 1, "the key of what may only be executed"),
	C(MMOPT, 0, mmopt, tag_bits, 15, "tag_bits 15"),
	C(MMOPT, 0, mmopt, futex_slots, 1, "futex_slots 1"),
	C(MMOPT, 0, mmopt, futex_slots, 1 << 21, "futex_slots 2097152"),
	C(VMA, 2, vma, flags, 15ull << CKPT_VMA_HUGE_SHIFT | CKPT_VMA_HUGETLB, "the size of its pages"),
	C(VMA, 2, vma, flags, 21ull << CKPT_VMA_HUGE_SHIFT, "the size of its pages"),
	C(VMA, 2, vma, end, 0x40001000, "is not whole huge pages"),
	C(VMA, 3, vma, flags, CKPT_VMA_SHARED, "such huge pages it cannot have"),
	C(VMA, 3, vma, offset, 0x1000, "is not whole huge pages"),
	C(SHMEM, 0, shmem, flags, CKPT_SHMEM_HUGETLB, "the size of its pages"),
	C(SHMEM, 0, shmem, size, 0x201000, "size 2101248"),
	OWNER(GUARD, 0, 1, "its owner 1 is no MM"),
	C(GUARD, 0, guard, start, 0x401001, "0x401001-"),
	C(GUARD, 0, guard, end, 0x400000, "0x401000-0x400000"),
	C(GUARD, 0, guard, end, 0x405000, "is not in the VMA before it"),
	C(GUARD, 1, guard, start, 0x401000, "starts before the end"),
	C(VMANAME, 0, vmaname, start, 0x401000, "does not come behind its VMA"),
	X(VMANAME, 0, vmaname, 0, 1, '[', "byte 0 of the name"),
	X(VMANAME, 0, vmaname, 7, 1, 0x7f, "byte 7 of the name"),
	OWNER(MEMPOLICY, 0, 1, "its owner 1 is no MM"),
	C(MEMPOLICY, 0, mempolicy, start, 0x401000, "does not come behind its VMA"),
	C(MEMPOLICY, 0, mempolicy, mode, 7, "mode 0x7"),
	C(MEMPOLICY, 0, mempolicy, mode, 3, "home_node 1"),
	C(MEMPOLICY, 0, mempolicy, mode, 4, "mode 0x4 with nodes"),
	C(MEMPOLICY, 0, mempolicy, nodes[0].mask, 0, "mode 0x2 without nodes"),
	C(MEMPOLICY, 0, mempolicy, home_node, 1024, "home_node 1024"),
	C(MEMPOLICY, 1, mempolicy, start, 0x400000, "of a thread"),
	C(MEMPOLICY, 1, mempolicy, home_node, 0, "home_node 0"),
	C(MEMPOLICY, 1, mempolicy, mode, 0xc003, "mode 0xc003"),
};

/* By golden image. */
static const struct {
	const char *name;
	const struct change *v;
	size_t n;
} sets[] = {
#define SET(name, v) { name, v, sizeof(v) / sizeof(*(v)) }
	SET("family", changes), SET("signals", signal_changes), SET("anons", anon_changes),
	SET("kinds", kind_changes), SET("ghosts", ghost_changes),
	SET("memory", memory_changes),
};

/* A check of what is not opened by its path; two of one file. */
static void test_filecheck(void)
{
	struct image img = sample("kinds"), twice = image_copy(&img, 4096);
	size_t at = image_find(&img, CKPT_FILECHECK, 0), len = image_next(&img, at) - at;

	image_splice(&twice, at, 0, img.p + at, len);
	image_fix(&twice);
	ok(sample_refused(&twice, "a second one of file 3"), "FILECHECK twice");
	free(twice.p);
	twice = image_copy(&img, 4096);
	image_splice(&twice, image_next(&img, image_find(&img, CKPT_FILE, 1)), 0, img.p + at, len);
	image_splice(&twice, at, len, NULL, 0);
	at = image_find(&twice, CKPT_FILECHECK, 0) + offsetof(struct ckpt_hdr, owner);
	memcpy(twice.p + at, &(uint32_t){ 5 }, 4);
	image_fix(&twice);
	ok(sample_refused(&twice, "file 5 is none that is opened by its path"), "FILECHECK of a memfd");
	free(twice.p);
	free(img.p);
}

int main(void)
{
	for (size_t k = 0; k < sizeof(sets) / sizeof(*sets); k++) {
		struct image good = sample(sets[k].name);

		need(!sample_check(&good));
		for (size_t i = 0; i < sets[k].n; i++)
			test_change(&good, &sets[k].v[i]);
		free(good.p);
	}
	test_filecheck();
	test_missing_end();
	test_shared_pages();
	test_phases();
	return tap_done();
}
