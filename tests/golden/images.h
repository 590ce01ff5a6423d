/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The images kept in tests/golden/v1, v2 ..., written through the writer. They never
 * change once released: a changed record gets a new version, and all of them
 * a new folder.
 */
#ifndef TEST_GOLDEN_IMAGES_H
#define TEST_GOLDEN_IMAGES_H

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "image/image.h"

#define GOLDEN_BASE 0x400000ull

/* Stops at the first failure, which the caller asks for at the end. */
struct golden {
	struct ckpt_writer *w;
	uint32_t format;
	uint32_t next;		/* objref */
	int err;
};

static void put(struct golden *g, uint16_t type, uint32_t owner, const void *st, size_t len,
		const void *extra, size_t extra_len)
{
	if (!g->err)
		g->err = ckpt_write_record(g->w, type, owner, st, len, extra, extra_len);
}

#define PUT(g, type, owner, st)			put(g, type, owner, &(st), sizeof(st), NULL, 0)
#define PUT_TEXT(g, type, owner, st, text)	put(g, type, owner, &(st), sizeof(st), text, strlen(text))

static void put_frames(struct golden *g)
{
	static const char texts[] = "6.1.0-49-amd64" "#1 SMP PREEMPT_DYNAMIC Debian" "x86_64"
				    "golden" "ckptbpf 0.1.0";
	struct ckpt_header h = {
		.magic = CKPT_MAGIC, .format = g->format, .crid = 7, .page_size = CKPT_PAGE_SIZE,
		.realtime_ns = 1791000000123456789, .monotonic_ns = 86400000000001,
		.boottime_ns = 90000000000002, .kernel_major = 6, .kernel_minor = 1,
		.release_len = 14, .version_len = 29, .machine_len = 6, .host_len = 6, .tool_len = 13,
	};
	struct ckpt_header_arch a = {
		.arch = CKPT_ARCH_X86_64, .xstate_size = 832, .xfeatures = 7, .vdso_len = 8192,
	};

	g->next = 1;
	for (int i = 0; i < 16; i++) {
		h.boot_id[i] = (uint8_t)(0x11 * i);
		a.vdso_xxh3[i] = (uint8_t)(255 - i);
	}
	put(g, CKPT_HEADER, 0, &h, sizeof(h), texts, sizeof(texts) - 1);
	PUT(g, CKPT_HEADER_ARCH, 0, a);
}

static uint32_t put_task(struct golden *g, uint32_t owner, int pid, int ppid, uint32_t nthreads)
{
	struct ckpt_task t = {
		.id = g->next++, .pid = pid, .ppid = ppid, .pgid = 4000, .sid = 4000,
		.nthreads = nthreads, .state = 1, .exit_signal = 17, .oom_score_adj = -17,
		.flags = pid == 4000 ? CKPT_TASK_HAS_TTY : 0,
	};

	PUT(g, CKPT_TASK, owner, t);
	return t.id;
}

static void put_rlimits(struct golden *g, uint32_t task)
{
	struct ckpt_rlimits r;

	for (int i = 0; i < CKPT_RLIM_NLIMITS; i++) {
		r.lim[i].cur = 1024u * (unsigned int)i;
		r.lim[i].max = i & 1 ? ~0ull : 4096u * (unsigned int)i;
	}
	PUT(g, CKPT_RLIMITS, task, r);
}

static uint32_t put_thread(struct golden *g, uint32_t task, int tid, const char *comm)
{
	struct ckpt_thread t = {
		.id = g->next++, .tid = tid, .blocked = 0x10000, .altstack_flags = 2,
		.clear_child_tid = 0x7ffff7d8aa10, .robust_list = 0x7ffff7d8aa20,
		.rseq = 0x7ffff7d8b0e0, .rseq_len = 32, .rseq_sig = 0x53053053, .restart_nr = -1,
	};

	memcpy(t.comm, comm, strlen(comm));
	PUT(g, CKPT_THREAD, task, t);
	return t.id;
}

static void put_acct(struct golden *g, uint32_t owner)
{
	struct ckpt_acct a = {
		.utime = 1500000000, .stime = 250000000, .nvcsw = 12, .nivcsw = 3,
		.start_time = 86000000000000, .start_boottime = 89000000000000, .min_flt = 321,
		.rchar = 1 << 20, .wchar = 4711, .syscr = 17, .syscw = 3, .read_bytes = 1 << 16,
		.write_bytes = 8192, .cancelled_write_bytes = 4096, .flags = CKPT_ACCT_IO,
	};

	put(g, CKPT_ACCT, owner, &a, g->format == 1 ? sizeof(struct ckpt_acct_v1) : sizeof(a), NULL, 0);
}

static void put_cpu(struct golden *g, uint32_t thread)
{
	struct ckpt_cpu c = {
		.r15 = 15, .r12 = 12, .bp = 0x7fffffffe0f0, .ax = (uint64_t)-516, .orig_ax = 35,
		.ip = GOLDEN_BASE + 0x123, .cs = 0x33, .flags = 0x246, .sp = 0x7fffffffe000,
		.ss = 0x2b, .fs_base = 0x7ffff7d8a740,
	};

	PUT(g, CKPT_CPU, thread, c);
}

static void put_xstate(struct golden *g, uint32_t thread)
{
	struct ckpt_xstate x = { .size = 832, .features = 7 };
	uint8_t data[832] = { 0x7f, 0x03 };	/* fcw */
	uint32_t mxcsr = 0x1f80;

	memcpy(data + 24, &mxcsr, sizeof(mxcsr));
	for (int i = 160; i < 416; i++)
		data[i] = (uint8_t)i;
	data[512] = 7;
	for (int i = 576; i < 832; i++)
		data[i] = (uint8_t)~i;
	put(g, CKPT_XSTATE, thread, &x, sizeof(x), data, sizeof(data));
}

static uint32_t put_file(struct golden *g, uint32_t kind, uint32_t mode, uint32_t obj, uint32_t flags,
			 const char *path)
{
	struct ckpt_file f = {
		.id = g->next++, .kind = kind, .flags = flags | 0100000, .mode = mode, .ino = 1234,
		.size = 29, .dev = 8u << 20 | 1, .obj = obj, .path_len = (uint32_t)strlen(path),
	};

	if (kind == CKPT_FILE_REG)
		f.pos = 14;
	if (kind == CKPT_FILE_DEV)
		f.rdev = 1u << 20 | 3;
	PUT_TEXT(g, CKPT_FILE, 0, f, path);
	return f.id;
}

static uint32_t put_mm(struct golden *g, uint32_t task, uint32_t exe, uint32_t nvmas)
{
	static const uint64_t auxv[] = { 6, 4096, 9, GOLDEN_BASE, 0, 0 };
	struct ckpt_mm m = {
		.id = g->next++, .exe = exe, .start_code = GOLDEN_BASE, .end_code = GOLDEN_BASE + 0x1000,
		.start_data = GOLDEN_BASE + 0x1000, .end_data = GOLDEN_BASE + 0x1800,
		.start_brk = GOLDEN_BASE + 0x10000, .brk = GOLDEN_BASE + 0x12000,
		.start_stack = 0x7fffffffe500, .arg_start = 0x7fffffffe800, .arg_end = 0x7fffffffe810,
		.env_start = 0x7fffffffe810, .env_end = 0x7fffffffefe0, .dumpable = 1,
		.nvmas = nvmas, .auxv_len = sizeof(auxv),
	};

	if (nvmas > 2)
		m.vdso = 0x7ffff7fc1000;
	put(g, CKPT_MM, task, &m, sizeof(m), auxv, sizeof(auxv));
	return m.id;
}

static void put_vma(struct golden *g, uint32_t mm, uint64_t start, unsigned int pages, uint32_t kind,
		    uint32_t file, uint64_t flags)
{
	struct ckpt_vma v = {
		.start = start, .end = start + pages * CKPT_PAGE_SIZE, .file = file, .kind = kind,
		.flags = flags, .offset = file ? CKPT_PAGE_SIZE : 0,
	};

	PUT(g, CKPT_VMA, mm, v);
}

static void put_fs(struct golden *g, uint32_t task, const char *cwd)
{
	struct ckpt_fs f = { .umask = 022, .cwd_len = (uint32_t)strlen(cwd), .root_len = 1 };
	char text[256];

	strcpy(text, cwd);
	strcat(text, "/");
	PUT_TEXT(g, CKPT_FS, task, f, text);
}

static void put_fd(struct golden *g, uint32_t task, int fd, uint32_t file, uint32_t flags)
{
	struct ckpt_fd f = { .fd = fd, .flags = flags, .file = file };

	PUT(g, CKPT_FD, task, f);
}

static void put_sighand(struct golden *g, uint32_t task)
{
	struct ckpt_sighand s = { 0 };

	s.action[1] = (struct ckpt_sigaction){ GOLDEN_BASE + 0x80, 0x14000004, GOLDEN_BASE + 0x90, 0x4000 };
	s.action[12].handler = 1;
	PUT(g, CKPT_SIGHAND, task, s);
}

static void put_creds(struct golden *g, uint32_t thread, uint32_t uid)
{
	static const uint32_t groups[] = { 4, 27, 1000 };
	struct ckpt_creds c = {
		uid, uid, uid, uid, uid, uid, uid, uid, .cap_bset = 0x1ffffffffff,
		.ngroups = uid ? 3 : 0,
	};

	put(g, CKPT_CREDS, thread, &c, sizeof(c), groups, 4 * c.ngroups);
}

/* Pages whose content tells their address. */
static void put_pages(struct golden *g, uint32_t mm, uint64_t first, uint32_t n)
{
	static uint8_t data[8 * CKPT_PAGE_SIZE];
	uint64_t addrs[8];

	for (uint32_t i = 0; i < n; i++) {
		addrs[i] = first + i * (uint64_t)CKPT_PAGE_SIZE;
		for (uint32_t k = 0; k < CKPT_PAGE_SIZE / 8; k++)
			memcpy(data + i * CKPT_PAGE_SIZE + 8 * k, &addrs[i], 8);
	}
	if (!g->err)
		g->err = ckpt_write_pages(g->w, mm, addrs, n, data);
}

/* The example of the first design: one VMA maps a file and has two pages, one is anonymous and has three. */
static void golden_two_vmas(struct golden *g)
{
	uint32_t task, thread, exe, mm;

	put_frames(g);
	task = put_task(g, 0, 4000, 1, 1);
	put_rlimits(g, task);
	thread = put_thread(g, task, 4000, "two-vmas");
	put_cpu(g, thread);
	exe = put_file(g, CKPT_FILE_MAPPED, 0100755, 0, 0, "/usr/bin/two-vmas");
	mm = put_mm(g, task, exe, 2);
	put_vma(g, mm, GOLDEN_BASE, 2, CKPT_VMA_FILE, exe, CKPT_VMA_READ | CKPT_VMA_EXEC);
	put_vma(g, mm, GOLDEN_BASE + 0x10000, 4, CKPT_VMA_ANON, 0, CKPT_VMA_READ | CKPT_VMA_WRITE);
	put_fs(g, task, "/");
	put_sighand(g, task);
	put_creds(g, thread, 0);
	put_pages(g, mm, GOLDEN_BASE, 2);
	put_pages(g, mm, GOLDEN_BASE + 0x10000, 3);
	put_pages(g, mm, 0, 0);
}

static uint32_t put_layout(struct golden *g, uint32_t task, uint32_t exe)
{
	uint32_t mm = put_mm(g, task, exe, 6), rw = CKPT_VMA_READ | CKPT_VMA_WRITE;

	put_vma(g, mm, GOLDEN_BASE, 1, CKPT_VMA_FILE, exe, CKPT_VMA_READ | CKPT_VMA_EXEC);
	put_vma(g, mm, GOLDEN_BASE + 0x1000, 3, CKPT_VMA_FILE, exe, rw | CKPT_VMA_ACCOUNT);
	put_vma(g, mm, GOLDEN_BASE + 0x10000, 8, CKPT_VMA_ANON, 0, rw | CKPT_VMA_ACCOUNT | CKPT_VMA_DONTDUMP);
	put_vma(g, mm, 0x7ffff7fbd000, 4, CKPT_VMA_VVAR, 0, CKPT_VMA_READ);
	put_vma(g, mm, 0x7ffff7fc1000, 2, CKPT_VMA_VDSO, 0, CKPT_VMA_READ | CKPT_VMA_EXEC);
	put_vma(g, mm, 0x7ffffffde000, 33, CKPT_VMA_ANON, 0, rw | CKPT_VMA_GROWSDOWN | CKPT_VMA_ACCOUNT);
	return mm;
}

static void put_losses(struct golden *g)
{
	static const char *const texts[] = {
		"fd 9: the file lock is not saved", "name with \xff, \x1b and \xe2\x82\xac",
	};

	for (int i = 0; i < 2; i++) {
		struct ckpt_loss l = { .pid = 4000 + i, .text_len = (uint32_t)strlen(texts[i]) };

		PUT_TEXT(g, CKPT_LOSS, 0, l, texts[i]);
	}
}

/* Every record there is: two tasks, two threads in one of them, a shared pipe, interleaved chunks. */
static void golden_family(struct golden *g)
{
	struct ckpt_container ns = { 1, 2, 3, 4, 5, 6, 7, 8, .cgroup_id = 99 };
	uint32_t task[2], thread[3], mm[2], exe, tty, reg, null, pipe[3];
	struct ckpt_pipe p = { .capacity = 65536, .nbytes = 5 };

	put_frames(g);
	PUT(g, CKPT_CONTAINER, 0, ns);
	task[0] = put_task(g, 0, 4000, 1, 2);
	task[1] = put_task(g, task[0], 4005, 4000, 1);

	put_rlimits(g, task[0]);
	put_acct(g, task[0]);
	thread[0] = put_thread(g, task[0], 4000, "family");
	put_acct(g, thread[0]);
	thread[1] = put_thread(g, task[0], 4001, "fifteen letters");
	put_acct(g, thread[1]);
	for (int i = 0; i < 2; i++) {
		put_cpu(g, thread[i]);
		put_xstate(g, thread[i]);
	}
	exe = put_file(g, CKPT_FILE_MAPPED, 0100755, 0, 040, "/usr/bin/f\xc3\xa4mily");
	mm[0] = put_layout(g, task[0], exe);
	put_fs(g, task[0], "/var/tmp");
	tty = put_file(g, CKPT_FILE_EXTERNAL, 020620, 0, 2, "/dev/pts/3");
	put_fd(g, task[0], 0, tty, 0);
	reg = put_file(g, CKPT_FILE_REG, 0100644, 0, 2, "/tmp/cr-test.out");
	put_fd(g, task[0], 1, reg, 0);
	put_fd(g, task[0], 2, reg, 0);
	p.id = pipe[0] = g->next++;
	put(g, CKPT_PIPE, 0, &p, sizeof(p), "hello", 5);
	pipe[1] = put_file(g, CKPT_FILE_PIPE, 010600, pipe[0], 0, "pipe:[777]");
	put_fd(g, task[0], 3, pipe[1], CKPT_FD_CLOEXEC);
	put_sighand(g, task[0]);
	put_creds(g, thread[0], 1000);
	put_creds(g, thread[1], 1000);

	put_rlimits(g, task[1]);
	thread[2] = put_thread(g, task[1], 4005, "child");
	put_cpu(g, thread[2]);
	mm[1] = put_layout(g, task[1], exe);
	put_fs(g, task[1], "/");
	null = put_file(g, CKPT_FILE_DEV, 020666, 0, 2, "/dev/null");
	put_fd(g, task[1], 0, null, 0);
	pipe[2] = put_file(g, CKPT_FILE_PIPE, 010600, pipe[0], 1, "pipe:[777]");
	put_fd(g, task[1], 1, pipe[2], 0);
	put_fd(g, task[1], 7, reg, CKPT_FD_CLOEXEC);
	put_sighand(g, task[1]);
	put_creds(g, thread[2], 0);
	put_losses(g);

	put_pages(g, mm[1], 0x7ffffffdf000, 2);
	put_pages(g, mm[0], GOLDEN_BASE + 0x1000, 1);
	put_pages(g, mm[1], GOLDEN_BASE + 0x1000, 1);
	put_pages(g, mm[1], 0, 0);
	put_pages(g, mm[0], GOLDEN_BASE + 0x11000, 3);
	put_pages(g, mm[0], 0, 0);
}

/* The least there can be: no page, no descriptor. */
static void golden_bare(struct golden *g)
{
	uint32_t task, thread, exe, mm;

	put_frames(g);
	task = put_task(g, 0, 4000, 1, 1);
	put_rlimits(g, task);
	thread = put_thread(g, task, 4000, "bare");
	put_cpu(g, thread);
	exe = put_file(g, CKPT_FILE_MAPPED, 0100755, 0, 0, "/bin/bare");
	mm = put_mm(g, task, exe, 0);
	put_fs(g, task, "/");
	put_sighand(g, task);
	put_creds(g, thread, 0);
	put_pages(g, mm, 0, 0);
}

static void put_sigpending(struct golden *g, uint32_t owner)
{
	static const struct ckpt_siginfo v[] = {
		{ .signo = 15, .fields = { 1000ull << 32 | 4000 } },
		{ .signo = 35, .code = -1, .fields = { 1000ull << 32 | 4000, 0x1234 } },
		{ .signo = 35, .code = -1, .fields = { 1000ull << 32 | 4000, 0x5678 } },
	};
	struct ckpt_sigpending p = { .mask = 1ull << 14 | 1ull << 34 | 1, .n = 3 };

	put(g, CKPT_SIGPENDING, owner, &p, sizeof(p), v, sizeof(v));
}

static void put_itimers(struct golden *g, uint32_t task)
{
	struct ckpt_itimers it = { .timer = { { 1500000000, 2000000000 }, { 1, 0 } } };

	PUT(g, CKPT_ITIMERS, task, it);
}

static void put_posixtimers(struct golden *g, uint32_t task)
{
	static const struct ckpt_posixtimer v[] = {
		{ .id = 0, .clock = 1, .signo = 14, .value = 1500000000, .interval = 1000 },
		{ .id = 3, .clock = -2, .clock_tid = 4000, .notify = 4, .signo = 34, .tid = 4000,
		  .sigval = 0x4711, .overrun = 2 },
		{ .id = 7, .notify = 1, .value = 1791000001000000000, .flags = CKPT_TIMER_ABSTIME },
	};

	for (int i = 0; i < 3; i++)
		PUT(g, CKPT_POSIXTIMER, task, v[i]);
}

/* Signals that wait, timers, and what else a task is beside its memory and files. */
static void golden_signals(struct golden *g)
{
	uint32_t task, thread, exe, mm;

	put_frames(g);
	task = put_task(g, 0, 4000, 1, 1);
	put_rlimits(g, task);
	thread = put_thread(g, task, 4000, "signals");
	put_cpu(g, thread);
	exe = put_file(g, CKPT_FILE_MAPPED, 0100755, 0, 0, "/bin/signals");
	mm = put_mm(g, task, exe, 0);
	put_fs(g, task, "/");
	put_sighand(g, task);
	put_sigpending(g, task);
	put_sigpending(g, thread);
	put_itimers(g, task);
	put_posixtimers(g, task);
	put_creds(g, thread, 0);
	put_pages(g, mm, 0, 0);
}

static void put_anon(struct golden *g, uint32_t task, int fd, uint32_t obj, uint32_t flags, const char *path,
		     uint32_t *id)
{
	struct ckpt_file f = {
		.id = *id = g->next++, .kind = CKPT_FILE_ANON, .flags = flags, .mode = 0600, .ino = 17,
		.dev = 15, .obj = obj, .path_len = (uint32_t)strlen(path),
	};

	PUT_TEXT(g, CKPT_FILE, 0, f, path);
	put_fd(g, task, fd, f.id, 0);
}

static void put_epoll(struct golden *g, uint32_t id, const uint32_t *files)
{
	struct {
		uint64_t data[2];
		int32_t fd[2];
		uint32_t events[2], file[2], flags[2];
	} items = { { 0x123456789abcdef0, 4 }, { 3, 40 }, { 0x80000019, 0x4000001d },
		    { files[0], files[1] }, { 0, CKPT_EPOLL_READY } };
	struct ckpt_epoll e = { .id = id, .nitems = 2 };

	put(g, CKPT_EPOLL, 0, &e, sizeof(e), &items, sizeof(items));
}

static void put_inotify(struct golden *g, uint32_t id)
{
	struct {
		int32_t wd[2];
		uint32_t mask[2], len[2];
		char text[16];
	} watches = { { 1, 4 }, { 0x100, 0x80000002 }, { 4, 12 }, "" };
	struct ckpt_inotify n = { .id = id, .nwatches = 2, .next_wd = 6, .text_len = 16 };

	memcpy(watches.text, "/tmp/var/a file!", 16);
	put(g, CKPT_INOTIFY, 0, &n, sizeof(n), &watches, sizeof(watches));
}

/* A memfd that is mapped and open; what came to a thread, its memory and its files later. */
static void golden_kinds(struct golden *g)
{
	static const uint8_t id[20] = { 0xde, 0xad, 0xbe, 0xef, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 };
	struct ckpt_sched s = { .policy = 2, .flags = 1, .rt_priority = 9, .ioprio = 2 << 13 | 7, .affinity = { { 5 } } };
	struct ckpt_restart r = { .nr = 35, .clock = 1, .remaining_ns = 1500000000 };
	struct ckpt_filecheck c = { .mtime_sec = -1, .mtime_nsec = 999999999, .build_id_len = sizeof(id) };
	struct ckpt_shmem m = { .flags = CKPT_SHMEM_MEMFD, .size = 5 * 4096 + 9, .seals = 6, .name_len = 4 };
	struct ckpt_mmopt o = { .flags = CKPT_MMOPT_NO_THP, .coredump_filter = 0x33, .membarrier = 0x10, .exec_pkey = -1 };
	struct ckpt_vmaname n = { .start = GOLDEN_BASE + 0x10000, .name_len = 5 };
	struct ckpt_mempolicy pol = { .start = n.start, .mode = 2, .home_node = -1, .nodes = { { 1 } } };
	struct ckpt_prctl pr = {
		.timer_slack_ns = 50000, .default_timer_slack_ns = 50000, .flags = CKPT_PRCTL_DISPATCH,
		.store_bypass = 2, .indirect_branch = 2, .l1d_flush = 4, .dispatch_selector = GOLDEN_BASE,
		.xcomp_perm = 7, .uclamp_min = -1, .uclamp_max = 512,
	};
	struct ckpt_clocks clk = { 86400000000001, 90000000000002, -5, 7 };
	struct ckpt_guard gd = { n.start + 0x1000, n.start + 0x2000 };
	struct ckpt_fowner own = { .type = 1, .pid = 4000, .signum = 34, .uid = 1000, .euid = 1000, .async_fd = 4 };
	struct ckpt_lease lease = { .type = 1, .fd = 4 };
	struct ckpt_lock l = { .kind = CKPT_LOCK_POSIX, .type = 1, .start = 7, .end = 99 };
	uint32_t task, thread, exe, mm, shm, file, reg, rw = CKPT_VMA_READ | CKPT_VMA_WRITE;

	put_frames(g);
	task = put_task(g, 0, 4000, 1, 1);
	put_rlimits(g, task);
	thread = put_thread(g, task, 4000, "kinds");
	put_cpu(g, thread);
	PUT(g, CKPT_SCHED, thread, s);
	PUT(g, CKPT_PRCTL, thread, pr);
	PUT(g, CKPT_RESTART, thread, r);
	exe = put_file(g, CKPT_FILE_MAPPED, 0100755, 0, 0, "/bin/kinds");
	put(g, CKPT_FILECHECK, exe, &c, sizeof(c), id, sizeof(id));
	m.id = shm = g->next++;
	PUT_TEXT(g, CKPT_SHMEM, 0, m, "area");
	file = put_file(g, CKPT_FILE_SHMEM, 0100777, shm, 2, "/memfd:area");
	mm = put_mm(g, task, exe, 2);
	PUT(g, CKPT_MMOPT, mm, o);
	put_vma(g, mm, GOLDEN_BASE, 4, CKPT_VMA_FILE, file, rw | CKPT_VMA_SHARED);
	put_vma(g, mm, n.start, 2, CKPT_VMA_ANON, 0, rw);
	PUT_TEXT(g, CKPT_VMANAME, mm, n, "stack");
	PUT(g, CKPT_MEMPOLICY, mm, pol);
	PUT(g, CKPT_GUARD, mm, gd);
	put_fs(g, task, "/");
	put_fd(g, task, 3, file, 0);
	own.file = lease.file = l.file = reg = put_file(g, CKPT_FILE_REG, 0100644, 0, 2, "/tmp/locked");
	put_fd(g, task, 4, reg, 0);
	PUT(g, CKPT_LOCK, task, l);
	PUT(g, CKPT_FOWNER, task, own);
	PUT(g, CKPT_LEASE, task, lease);
	put_sighand(g, task);
	PUT(g, CKPT_CLOCKS, task, clk);
	put_creds(g, thread, 0);
	put_pages(g, shm, 0x1000, 2);
	put_pages(g, mm, 0, 0);
	put_pages(g, shm, 0x5000, 1);
	put_pages(g, shm, 0, 0);
}

/* A pipe of packets; the modes of a terminal. */
static void golden_packets(struct golden *g)
{
	static const uint32_t parts[] = { CKPT_PIPE_PACKET | 2, 3 };
	struct ckpt_pipe p = { .capacity = 65536, .nbytes = 5 };
	struct ckpt_pipe_packets k = { .n = 2 };
	struct ckpt_terminal t = { .iflag = 0x500, .oflag = 5, .lflag = 0x8a3b, .cc = { 3, 28, 127 } };
	uint32_t task, thread, exe, mm, file;

	put_frames(g);
	task = put_task(g, 0, 4000, 1, 1);
	put_rlimits(g, task);
	thread = put_thread(g, task, 4000, "packets");
	put_cpu(g, thread);
	exe = put_file(g, CKPT_FILE_MAPPED, 0100755, 0, 0, "/bin/packets");
	mm = put_mm(g, task, exe, 0);
	put_fs(g, task, "/");
	p.id = k.obj = g->next++;
	put(g, CKPT_PIPE, 0, &p, sizeof(p), "hello", 5);
	put(g, CKPT_PIPE_PACKETS, 0, &k, sizeof(k), parts, sizeof(parts));
	file = put_file(g, CKPT_FILE_PIPE, 010600, p.id, 040000, "pipe:[777]");
	put_fd(g, task, 3, file, 0);
	PUT(g, CKPT_TERMINAL, task, t);
	put_sighand(g, task);
	put_creds(g, thread, 0);
	put_pages(g, mm, 0, 0);
}

/* A deleted file that is open and mapped; one that never had a name. */
static void golden_ghosts(struct golden *g)
{
	static const struct { uint32_t len[2]; char text[11]; } xattr = { { 6, 5 }, "user.avalue" };
	struct ckpt_ghost d = {
		.size = 4 * CKPT_PAGE_SIZE + 9, .mode = 02640, .uid = 12, .gid = 34, .nlink = 1, .atime_sec = 1791000000,
		.mtime_sec = -5, .atime_nsec = 1, .mtime_nsec = 999999999, .folder_len = 8,
		.xattrs_len = 19,
	};
	struct ckpt_ghost t = { .flags = CKPT_GHOST_LINKABLE, .size = 1ull << 40, .mode = 0600, .folder_len = 4 };
	uint32_t task, thread, exe, mm, file, rw = CKPT_VMA_READ | CKPT_VMA_WRITE;
	char text[8 + 19];

	memcpy(text, "/var/tmp", 8);
	memcpy(text + 8, &xattr, 19);
	put_frames(g);
	task = put_task(g, 0, 4000, 1, 1);
	put_rlimits(g, task);
	thread = put_thread(g, task, 4000, "ghosts");
	put_cpu(g, thread);
	exe = put_file(g, CKPT_FILE_MAPPED, 0100755, 0, 0, "/bin/ghosts");
	d.id = g->next++;
	put(g, CKPT_GHOST, 0, &d, sizeof(d), text, sizeof(text));
	file = put_file(g, CKPT_FILE_GHOST, 0102640, d.id, 2, "/var/tmp/gone (deleted)");
	mm = put_mm(g, task, exe, 1);
	put_vma(g, mm, GOLDEN_BASE, 4, CKPT_VMA_FILE, file, rw | CKPT_VMA_SHARED);
	put_fs(g, task, "/");
	put_fd(g, task, 3, file, 0);
	t.id = g->next++;
	PUT_TEXT(g, CKPT_GHOST, 0, t, "/tmp");
	file = put_file(g, CKPT_FILE_GHOST, 0100600, t.id, 020200002, "/tmp/#1234 (deleted)");
	put_fd(g, task, 4, file, 0);
	put_sighand(g, task);
	put_creds(g, thread, 0);
	put_pages(g, d.id, 0x1000, 2);
	put_pages(g, t.id, 0, 1);
	put_pages(g, d.id, 0x4000, 1);
	put_pages(g, mm, 0, 0);
	put_pages(g, d.id, 0, 0);
	put_pages(g, t.id, 0x8000000000, 1);
	put_pages(g, t.id, 0, 0);
}

/* All that an address space can have beside its mappings; huge pages, a protection key. */
static void golden_memory(struct golden *g)
{
	struct ckpt_mmopt o = {
		.flags = CKPT_MMOPT_ALL, .coredump_filter = 0x33, .membarrier = CKPT_MEMBARRIER_ALL,
		.pkeys = 0xb, .exec_pkey = 3, .tag_bits = 6, .futex_slots = 64,
	};
	struct ckpt_mempolicy m = { .start = GOLDEN_BASE, .mode = 2, .home_node = 1, .nodes[0].mask = 3 };
	struct ckpt_vmaname n = { .start = GOLDEN_BASE, .name_len = 8 };
	struct ckpt_guard a = { GOLDEN_BASE + 0x1000, GOLDEN_BASE + 0x2000 };
	struct ckpt_guard b = { GOLDEN_BASE + 0x3000, GOLDEN_BASE + 0x4000 };
	struct ckpt_shmem s = { .flags = CKPT_SHMEM_HUGETLB | 21u << CKPT_SHMEM_HUGE_SHIFT, .size = 4 << 20 };
	uint32_t task, thread, exe, mm, file, rw = CKPT_VMA_READ | CKPT_VMA_WRITE;
	uint64_t huge = CKPT_VMA_HUGETLB | 21ull << CKPT_VMA_HUGE_SHIFT;

	put_frames(g);
	task = put_task(g, 0, 4000, 1, 1);
	put_rlimits(g, task);
	thread = put_thread(g, task, 4000, "memory");
	put_cpu(g, thread);
	exe = put_file(g, CKPT_FILE_MAPPED, 0100755, 0, 0, "/bin/memory");
	s.id = g->next++;
	PUT(g, CKPT_SHMEM, 0, s);
	file = put_file(g, CKPT_FILE_SHMEM, 0100777, s.id, 2, "/anon_hugepage (deleted)");
	mm = put_mm(g, task, exe, 4);
	PUT(g, CKPT_MMOPT, mm, o);
	put_vma(g, mm, GOLDEN_BASE, 4, CKPT_VMA_ANON, 0, rw | CKPT_VMA_LOCKED | CKPT_VMA_LOCKONFAULT);
	PUT(g, CKPT_GUARD, mm, a);
	PUT(g, CKPT_GUARD, mm, b);
	PUT_TEXT(g, CKPT_VMANAME, mm, n, "its name");
	PUT(g, CKPT_MEMPOLICY, mm, m);
	put_vma(g, mm, GOLDEN_BASE + 0x10000, 1, CKPT_VMA_ANON, 0,
		rw | CKPT_VMA_MERGEABLE | 1ull << CKPT_VMA_PKEY_SHIFT);
	put_vma(g, mm, 0x40000000, 512, CKPT_VMA_ANON, 0, rw | huge);
	put(g, CKPT_VMA, mm, &(struct ckpt_vma){ .start = 0x50000000, .end = 0x50400000, .file = file,
		.kind = CKPT_VMA_FILE, .flags = rw | CKPT_VMA_SHARED | huge }, sizeof(struct ckpt_vma), NULL, 0);
	m = (struct ckpt_mempolicy){ .mode = 1 << 15 | 3, .home_node = -1, .nodes[15].mask = 1ull << 63 };
	PUT(g, CKPT_MEMPOLICY, thread, m);
	put_fs(g, task, "/");
	put_sighand(g, task);
	put_creds(g, thread, 0);
	put_pages(g, mm, 0x40000000, 2);
	put_pages(g, s.id, 0x200000, 1);
	put_pages(g, mm, 0, 0);
	put_pages(g, s.id, 0, 0);
}

/* Descriptors that calls of their own have made. */
static void golden_anons(struct golden *g)
{
	struct ckpt_eventfd e = { .flags = CKPT_EVENTFD_SEMAPHORE, .count = 0xfffffffffffffffe };
	struct ckpt_timerfd t = { .clockid = 7, .settime_flags = 1, .ticks = 3, .interval_ns = 2000000001,
				  .remaining_ns = 1500000000, .expires_ns = 90001500000002 };
	struct ckpt_signalfd s = { .mask = 0x8000000000000800 };
	struct ckpt_pidfd p = { .pid = 4000 };
	uint32_t task, thread, exe, mm, file[6];

	put_frames(g);
	task = put_task(g, 0, 4000, 1, 1);
	put_rlimits(g, task);
	thread = put_thread(g, task, 4000, "anons");
	put_cpu(g, thread);
	exe = put_file(g, CKPT_FILE_MAPPED, 0100755, 0, 0, "/bin/anons");
	mm = put_mm(g, task, exe, 0);
	put_fs(g, task, "/");
	e.id = g->next++;
	PUT(g, CKPT_EVENTFD, 0, e);
	put_anon(g, task, 3, e.id, 04002, "anon_inode:[eventfd]", &file[0]);
	t.id = g->next++;
	PUT(g, CKPT_TIMERFD, 0, t);
	put_anon(g, task, 4, t.id, 2, "anon_inode:[timerfd]", &file[1]);
	s.id = g->next++;
	PUT(g, CKPT_SIGNALFD, 0, s);
	put_anon(g, task, 5, s.id, 2, "anon_inode:[signalfd]", &file[2]);
	put_epoll(g, g->next, file);
	g->next++;
	put_anon(g, task, 6, g->next - 1, 2, "anon_inode:[eventpoll]", &file[3]);
	put_inotify(g, g->next);
	g->next++;
	put_anon(g, task, 7, g->next - 1, 04000, "anon_inode:inotify", &file[4]);
	p.id = g->next++;
	PUT(g, CKPT_PIDFD, 0, p);
	put_anon(g, task, 8, p.id, 2, "anon_inode:[pidfd]", &file[5]);
	put_sighand(g, task);
	put_creds(g, thread, 0);
	put_pages(g, mm, 0, 0);
}

static const struct golden_image {
	const char *name;
	void (*make)(struct golden *g);
} golden_images[] = {
	{ "two-vmas", golden_two_vmas },
	{ "family", golden_family },
	{ "bare", golden_bare },
	{ "signals", golden_signals },
	{ "anons", golden_anons },
	{ "kinds", golden_kinds },
	{ "packets", golden_packets },
	{ "ghosts", golden_ghosts },
	{ "memory", golden_memory },
};
#define GOLDEN_IMAGES (sizeof(golden_images) / sizeof(*golden_images))

/* The whole of it, TAIL included; -errno, ckpt_fail() told. */
static inline int golden_write_format(const struct golden_image *i, struct ckpt_writer *w, uint32_t format)
{
	struct golden g = { .w = w, .format = format };

	i->make(&g);
	return g.err ? g.err : ckpt_writer_tail(w);
}

static inline int golden_write(const struct golden_image *i, struct ckpt_writer *w)
{
	return golden_write_format(i, w, CKPT_FORMAT);
}

#endif
