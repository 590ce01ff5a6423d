// SPDX-License-Identifier: GPL-2.0
/* What the module must refuse: malformed, forbidden, somebody else's. */
#include "kmod_test.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_info(void)
{
	struct ckptbpf_info i = { .size = sizeof(i) };
	int fd = open_session();

	CHECK_EQ(call(fd, CKPTBPF_GET_INFO, &i), 0);
	CHECK_EQ(i.abi_major, CKPTBPF_ABI_MAJOR);
	CHECK_EQ(i.abi_minor, CKPTBPF_ABI_MINOR);
	CHECK_EQ(i.caps, 0x1ff);
	CHECK_EQ(i.size, sizeof(i));
}

/* Every command: too short, longer with zeros, longer with more, bad flags, bad pointer. */
static void test_sizes(void)
{
	static const struct {
		unsigned long cmd;
		uint32_t size, flags;
	} c[] = {
		{ CKPTBPF_GET_INFO, sizeof(struct ckptbpf_info), 0 },
		{ CKPTBPF_FREEZE, sizeof(struct ckptbpf_freeze), 3 },
		{ CKPTBPF_THAW, sizeof(struct ckptbpf_thaw), 0 },
		{ CKPTBPF_LIST, sizeof(struct ckptbpf_list), 0 },
		{ CKPTBPF_REGSET, sizeof(struct ckptbpf_regset), 1 },
		{ CKPTBPF_SIGMASK, sizeof(struct ckptbpf_sigmask), 0 },
		{ CKPTBPF_SNAPSHOT, sizeof(struct ckptbpf_snapshot), 0 },
		{ CKPTBPF_REAP, sizeof(struct ckptbpf_reap), 0 },
		{ CKPTBPF_PAGES, sizeof(struct ckptbpf_pages), 3 },
		{ CKPTBPF_MEM_CTX, sizeof(struct ckptbpf_mem_ctx), 0 },
		{ CKPTBPF_PARK_SELF, sizeof(struct ckptbpf_park_self), 0 },
	};
	union {
		uint32_t head[2];
		char b[8192];
	} a;
	int fd = open_session();

	for (size_t i = 0; i < sizeof(c) / sizeof(*c); i++) {
		memset(&a, 0, sizeof(a));
		CHECK_EQ(call(fd, c[i].cmd, &a), -EINVAL);
		a.head[0] = c[i].size - 1;
		CHECK_EQ(call(fd, c[i].cmd, &a), -EINVAL);
		a.head[0] = 5000;
		CHECK_EQ(call(fd, c[i].cmd, &a), -E2BIG);
		a.head[0] = c[i].size + 8;
		a.b[c[i].size + 3] = 1;
		CHECK_EQ(call(fd, c[i].cmd, &a), -E2BIG);
		a.head[0] = c[i].size;
		for (int bit = 0; bit < 32; bit++) {
			if (c[i].flags & 1u << bit)
				continue;
			a.head[1] = 1u << bit;
			CHECK_EQ(call(fd, c[i].cmd, &a), -EINVAL);
		}
		CHECK_EQ(call(fd, c[i].cmd, NULL), -EFAULT);
		CHECK_EQ(call(fd, c[i].cmd, (void *)-4096l), -EFAULT);
	}
	/* A longer struct whose rest is zero is a newer caller's. */
	memset(&a, 0, sizeof(a));
	a.head[0] = sizeof(struct ckptbpf_info) + 64;
	CHECK_EQ(call(fd, CKPTBPF_GET_INFO, &a), 0);
	CHECK_EQ(call(fd, _IO('K', 12), &a), -ENOTTY);
	CHECK_EQ(call(fd, _IO('K', 11), &a), -ENOTTY);
	CHECK_EQ(call(fd, _IO('K', 255), &a), -ENOTTY);
	CHECK_EQ(call(fd, _IO('L', 0), &a), -ENOTTY);
}

static void test_targets(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(blocked_threads, sh, 2);
	struct ckptbpf_freeze f;
	struct ckptbpf_thread t[2];
	int fd = open_session(), status;
	pid_t child;

	CHECK_EQ(freeze(fd, getpid(), 1000, &f), -EINVAL);
	CHECK_EQ(freeze(fd, 2, 1000, &f), -EINVAL);	/* kthreadd */
	CHECK_EQ(freeze(fd, 0, 1000, &f), -EINVAL);
	CHECK_EQ(freeze(fd, -1, 1000, &f), -EINVAL);
	CHECK_EQ(freeze(fd, 4000000, 1000, &f), -ESRCH);
	CHECK_EQ(freeze(fd, pid, 0, &f), -EINVAL);
	CHECK_EQ(freeze(fd, pid, 60001, &f), -EINVAL);
	CHECK_EQ(list(fd, NULL, 0), 0);

	/* A thread is no process. */
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(list(fd, t, 2), 2);
	CHECK_EQ(thaw(fd, 0), 0);
	CHECK_EQ(freeze(fd, t[0].tid == pid ? t[1].tid : t[0].tid, 1000, &f), -ESRCH);

	/* Who inherited the session must not freeze its opener: nobody would thaw it. */
	child = fork();
	if (!child)
		_exit(freeze(fd, getppid(), 1000, &f) == -EINVAL ? 0 : 1);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);

	CHECK_EQ(thaw(fd, -1), -EINVAL);
	CHECK_EQ(thaw(fd, 4000000), -ESRCH);
	CHECK_EQ(list(fd, (void *)8, 1), 0);
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(list(fd, (void *)8, 1), -EFAULT);
	CHECK_EQ(list(fd, t, 1), 2);
}

static void test_busy(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(spin_threads, sh, 2);
	struct ckptbpf_freeze f;
	int one = open_session(), two = open_session();

	CHECK_EQ(freeze(one, pid, 10000, &f), 0);
	CHECK_EQ(freeze(two, pid, 1000, &f), -EBUSY);
	CHECK_EQ(f.stuck_tid, 0);
	/* It has no word in it, either. */
	CHECK_EQ(thaw(two, pid), 0);
	CHECK(none_advances(sh, 2));
	CHECK_EQ(thaw(one, pid), 0);
	CHECK_EQ(freeze(two, pid, 10000, &f), 0);
	close(two);
	CHECK_EQ(freeze(one, pid, 10000, &f), 0);
}

static void test_check(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(spin_threads, sh, 2);
	struct ckptbpf_freeze f = {
		.size = sizeof(f), .flags = CKPTBPF_FREEZE_CHECK, .tgid = pid, .timeout_ms = 1,
	};
	int one = open_session(), two = open_session();

	CHECK_EQ(call(one, CKPTBPF_FREEZE, &f), 0);
	CHECK_EQ(f.nthreads, 2);
	CHECK_EQ(f.nparked, 0);
	CHECK(all_advance(sh, 2));
	CHECK_EQ(list(one, NULL, 0), 0);
	CHECK_EQ(freeze(two, pid, 1000, &f), -EBUSY);
	CHECK_EQ(freeze(one, pid, 10000, &f), 0);
	CHECK_EQ(f.nparked, 2);
	CHECK_EQ(thaw(one, pid), 0);
	f = (struct ckptbpf_freeze){
		.size = sizeof(f), .flags = CKPTBPF_FREEZE_CHECK, .tgid = getpid(), .timeout_ms = 1,
	};
	CHECK_EQ(call(two, CKPTBPF_FREEZE, &f), -EINVAL);
	CHECK_EQ(freeze(two, pid, 10000, &f), 0);
}

static void test_ptraced(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(spin_threads, sh, 2);
	struct ckptbpf_freeze f;
	struct ckptbpf_thread t[2];
	int fd = open_session(), status;

	CHECK(!ptrace(PTRACE_SEIZE, pid, 0, 0));
	CHECK(!ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	CHECK_EQ(waitpid(pid, &status, __WALL), pid);
	CHECK_EQ(freeze(fd, pid, 1000, &f), -EBUSY);
	CHECK_EQ(f.stuck_tid, pid);
	CHECK_EQ(list(fd, t, 2), 0);
	/* A traced thread that runs can be parked. */
	CHECK(!ptrace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(list(fd, t, 2), 2);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(t[i].flags, t[i].tid == pid ? CKPTBPF_TF_PTRACED : 0);
	CHECK_EQ(thaw(fd, 0), 0);
	CHECK(all_advance(sh, 2));
}

static void as_user(int fd, pid_t pid)
{
	struct ckptbpf_freeze f;

	if (syscall(SYS_setresgid, 1000, 1000, 1000) || syscall(SYS_setresuid, 1000, 1000, 1000))
		_exit(1);
	if (open(CKPTBPF_DEVICE, O_RDWR) >= 0 || errno != EACCES)
		_exit(2);
	if (freeze(fd, pid, 1000, &f) != -EPERM)
		_exit(3);
	_exit(list(fd, NULL, 0) == 0 ? 0 : 4);
}

/* Without rights the descriptor of one who has them gives none. */
static void test_permission(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(spin_threads, sh, 1), child;
	struct ckptbpf_freeze f;
	int fd = open_session(), status;

	child = fork();
	if (!child)
		as_user(fd, pid);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK(all_advance(sh, 1));
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
}

/* The first close of two is not the end, the last is; then the session is shut for heirs. */
static void test_shutdown(void)
{
	struct shared *sh = new_shared();
	pid_t child;
	int fd = open_session(), dup_fd = dup(fd), status;

	child = fork();
	if (!child) {
		struct ckptbpf_info i = { .size = sizeof(i) };
		struct ckptbpf_park_self p = { .size = sizeof(p), .fd = -1 };

		while (!sh->stop)
			sleep_ms(1);
		_exit(call(fd, CKPTBPF_GET_INFO, &i) == -ESHUTDOWN &&
		      call(fd, CKPTBPF_PARK_SELF, &p) == -ESHUTDOWN ? 0 : 1);
	}
	close(fd);
	CHECK_EQ(list(dup_fd, NULL, 0), 0);
	close(dup_fd);
	sh->stop = 1;
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

static void uring_target(struct shared *sh, int n)
{
	uint32_t params[30] = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 4, params);

	if (ring < 0)
		_exit(98);
	sh->ready = n;
	for (;;) {
		long r = syscall(SYS_io_uring_enter, ring, 0, 1, 1, NULL, 0);

		sh->count[0]++;
		sh->result[0] = r < 0 ? -errno : r;
	}
}

/* Task work runs inside that wait: seen, and no registers are changed there. */
static void test_in_syscall(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(uring_target, sh, 1);
	struct ckptbpf_mem_ctx m = {
		.size = sizeof(m), .tid = pid, .op = CKPTBPF_MEM_MUNMAP, .addr = 0x10000, .len = 4096,
	};
	struct ckptbpf_freeze f;
	struct ckptbpf_thread t;
	uint32_t len = 216;
	char regs[216];
	int fd = open_session();

	sleep_ms(100);
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(list(fd, &t, 1), 1);
	CHECK_EQ(t.state, CKPTBPF_ST_PARKED);
	CHECK_EQ(t.flags, CKPTBPF_TF_IN_SYSCALL);
	CHECK_EQ(regset(fd, pid, 0, 1, regs, &len), 0);
	CHECK_EQ(regset(fd, pid, CKPTBPF_REGSET_SET, 1, regs, &len), -EBUSY);
	CHECK_EQ(call(fd, CKPTBPF_MEM_CTX, &m), -EBUSY);
	CHECK_EQ(thaw(fd, 0), 0);
	sleep_ms(100);
	CHECK_EQ(sh->count[0], 0);
	CHECK_EQ(state_of(pid), 'S');
}

const struct kmod_test refuse_tests[] = {
	{ "information and abilities", test_info },
	{ "sizes, flags and pointers of every command", test_sizes },
	{ "self, opener, kernel thread, thread, nobody", test_targets },
	{ "a second session on one target", test_busy },
	{ "check parks nothing and claims the target", test_check },
	{ "a target in a ptrace stop, and a traced one that runs", test_ptraced },
	{ "a thread that waits in io_uring", test_in_syscall },
	{ "an unprivileged holder of the descriptor", test_permission },
	{ "the session ends with its opener's last descriptor", test_shutdown },
	{ NULL, NULL }
};
