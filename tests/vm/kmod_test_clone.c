// SPDX-License-Identifier: GPL-2.0
/* SNAPSHOT, REAP, PAGES of a clone: what the program had, and what it notices. */
#include "kmod_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASE	0x20000000ul
#define PAGE	4096ul
#define NPAGES	1024ul
#define CYCLES	1000

static int snapshot(int fd, pid_t tid, pid_t *child)
{
	struct ckptbpf_snapshot s = { .size = sizeof(s), .tid = tid };
	int err = call(fd, CKPTBPF_SNAPSHOT, &s);

	*child = s.child;
	return err;
}

static int reap(int fd, pid_t child, unsigned int ms)
{
	struct ckptbpf_reap r = { .size = sizeof(r), .child = child, .timeout_ms = ms };

	return call(fd, CKPTBPF_REAP, &r);
}

static bool exists(pid_t pid)
{
	return !kill(pid, 0) || errno != ESRCH;
}

static int new_file(void)
{
	char path[] = "/tmp/kmod-clone-XXXXXX";
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	unlink(path);
	return fd;
}

/* All of BASE as PAGES writes it. */
static void read_pages(int fd, pid_t pid, uint8_t *buf)
{
	int out = new_file();
	struct ckptbpf_pages a = {
		.size = sizeof(a), .flags = CKPTBPF_PAGES_RANGE, .tgid = pid, .fd = out,
		.addrs = BASE, .n = NPAGES,
	};

	CHECK_EQ(call(fd, CKPTBPF_PAGES, &a), 0);
	CHECK_EQ(a.ncopied, NPAGES);
	CHECK_EQ(pread(out, buf, NPAGES * PAGE, 0), NPAGES * PAGE);
	close(out);
}

static void read_mem(pid_t pid, uint8_t *buf)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ(pread(fd, buf, NPAGES * PAGE, BASE), NPAGES * PAGE);
	close(fd);
}

static int peek(pid_t pid, unsigned long addr)
{
	char path[64], b;
	int fd, err;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	err = pread(fd, &b, 1, (off_t)addr) == 1 ? 0 : -errno;
	close(fd);
	return err;
}

static unsigned int entries(const char *format, pid_t pid)
{
	unsigned int n = 0;
	struct dirent *e;
	char path[64];
	DIR *d;

	snprintf(path, sizeof(path), format, (int)pid);
	d = opendir(path);
	CHECK(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static volatile sig_atomic_t signals, chlds;

static void on_signal(int sig)
{
	if (sig == SIGCHLD)
		chlds++;
	else
		signals++;
}

/*
 * Writes other words to all of its memory for ever; count[0]: how often. It also
 * looks for children it does not have, and for what dead ones would have used.
 */
static void writing_target(struct shared *sh, int n)
{
	uint64_t *p = mmap((void *)BASE, NPAGES * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	struct rusage zero = { 0 }, used;

	signal(SIGUSR1, on_signal);
	signal(SIGCHLD, on_signal);
	/* Blocked and with a handler: as it must stay. */
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	while (!sh->stop) {
		for (unsigned long i = 0; i < NPAGES * PAGE / 8; i += 64)
			p[i] = sh->count[0] * 0x9e3779b97f4a7c15ull + i;
		sh->count[0]++;
		if (sh->count[0] == 2)
			sh->ready = n;
		if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
			sh->result[0]++;
	}
	getrusage(RUSAGE_CHILDREN, &used);
	if (memcmp(&zero, &used, sizeof(zero)))
		sh->result[1] = used.ru_maxrss + 1000000 * (used.ru_stime.tv_sec + 1);
	sh->result[2] = signals;
	sh->result[3] = chlds;
	sigprocmask(SIG_BLOCK, NULL, &set);
	sh->result[4] = sigismember(&set, SIGUSR2) == 1 && sigismember(&set, SIGUSR1) == 0;
	sh->done = 1;
	_exit(0);
}

static void ends_well(struct shared *sh, pid_t pid, int nsignals)
{
	int status;

	sh->stop = 1;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(sh->result[0], 0);
	CHECK_EQ(sh->result[1], 0);
	CHECK_EQ(sh->result[2], nsignals);
	CHECK_EQ(sh->result[3], 0);
	CHECK_EQ(sh->result[4], 1);
}

static void test_equal(void)
{
	static uint8_t at_freeze[NPAGES * PAGE], later[NPAGES * PAGE];
	struct shared *sh = new_shared();
	pid_t pid = start_target(writing_target, sh, 1), child;
	int fd = open_session();
	struct ckptbpf_mem_ctx m = {
		.size = sizeof(m), .op = CKPTBPF_MEM_MUNMAP, .addr = BASE,
	};
	struct ckptbpf_freeze f;
	uint64_t was, limit;

	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(snapshot(fd, pid, &child), 0);
	CHECK(child > 0);
	read_pages(fd, pid, at_freeze);
	was = sh->count[0];
	CHECK_EQ(thaw(fd, pid), 0);

	limit = now_ms() + 30000;
	while (sh->count[0] < was + 3 && now_ms() < limit)
		sleep_ms(2);
	CHECK(sh->count[0] >= was + 3);
	read_mem(child, later);
	CHECK(!memcmp(at_freeze, later, sizeof(later)));
	memset(later, 0, sizeof(later));
	read_pages(fd, child, later);
	CHECK(!memcmp(at_freeze, later, sizeof(later)));
	read_mem(pid, later);
	CHECK(memcmp(at_freeze, later, sizeof(later)));

	/* Half of it is given back: the rest stays, the program has it all. */
	m.tid = child;
	CHECK_EQ(call(fd, CKPTBPF_MEM_CTX, &m), -EINVAL);
	m.len = NPAGES * PAGE / 2;
	CHECK_EQ(call(fd, CKPTBPF_MEM_CTX, &m), 0);
	CHECK_EQ(m.ret, 0);
	CHECK_EQ(peek(child, BASE), -EIO);
	CHECK_EQ(peek(child, BASE + m.len), 0);
	CHECK_EQ(peek(pid, BASE), 0);

	/* It holds nothing, and hears nothing but SIGKILL. */
	CHECK_EQ(entries("/proc/%d/fd", child), 0);
	CHECK(!kill(child, SIGTERM));
	sleep_ms(50);
	CHECK_EQ(state_of(child), 'I');
	CHECK_EQ(reap(fd, child, 10000), 0);
	CHECK(!exists(child));
	CHECK_EQ(reap(fd, child, 10000), -ESRCH);
	ends_well(sh, pid, 0);
}

/* A signal that is pending, which makes fork() start again; another one in the queue. */
static void test_pending(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(writing_target, sh, 1), child;
	int fd = open_session();
	struct ckptbpf_freeze f;

	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK(!kill(pid, SIGUSR1));
	CHECK(!kill(pid, SIGUSR2));
	CHECK_EQ(snapshot(fd, pid, &child), 0);
	CHECK_EQ(thaw(fd, pid), 0);
	CHECK_EQ(reap(fd, child, 10000), 0);
	ends_well(sh, pid, 1);
}

/* It may call read, write and exit, or dies: the clone is not its call. */
static void strict_target(struct shared *sh, int n)
{
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		_exit(97);
	sh->ready = n;
	for (;;)
		sh->count[0]++;
}

static void test_seccomp(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(strict_target, sh, 1), child;
	int fd = open_session();
	struct ckptbpf_freeze f;

	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(snapshot(fd, pid, &child), 0);
	CHECK_EQ(thaw(fd, pid), 0);
	CHECK_EQ(reap(fd, child, 10000), 0);
	CHECK(all_advance(sh, 1));
}

/* Its tracer hears of every fork, but not of this. */
static void test_traced(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(strict_target, sh, 1), child;
	int fd = open_session(), status;
	struct ckptbpf_freeze f;

	CHECK(!ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE |
					    PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXIT));
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(snapshot(fd, pid, &child), 0);
	CHECK_EQ(thaw(fd, pid), 0);
	CHECK_EQ(reap(fd, child, 10000), 0);
	CHECK(all_advance(sh, 1));
	CHECK_EQ(waitpid(pid, &status, WNOHANG | __WALL), 0);
}

/* Several processes, all cloned before one of them goes on. */
static void test_tree(void)
{
	struct shared *sh[4];
	pid_t pid[4], child[4];
	int fd = open_session();
	struct ckptbpf_freeze f;

	for (int i = 0; i < 4; i++) {
		sh[i] = new_shared();
		pid[i] = start_target(spin_threads, sh[i], 3);
	}
	for (int i = 0; i < 4; i++)
		CHECK_EQ(freeze(fd, pid[i], 10000, &f), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(snapshot(fd, pid[i], &child[i]), 0);
	for (int i = 0; i < 4; i++)
		CHECK(none_advances(sh[i], 3));
	CHECK_EQ(thaw(fd, 0), 0);
	for (int i = 0; i < 4; i++)
		CHECK(all_advance(sh[i], 3));
	for (int i = 0; i < 4; i++) {
		/* The clone has one thread, and that never runs. */
		CHECK_EQ(entries("/proc/%d/task", child[i]), 1);
		CHECK_EQ(reap(fd, child[i], 10000), 0);
		CHECK(!exists(child[i]));
	}
}

static int ep_fds[2];

static void epoll_target(struct shared *sh, int n)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	epoll_ctl(ep, EPOLL_CTL_ADD, ep_fds[0], &ev);
	sh->ready = n;
	sh->result[0] = epoll_wait(ep, &ev, 1, -1) < 0 ? -errno : 1;
	_exit(0);
}

/* Fetched out of a call that the kernel never restarts, to be cloned and to reap: it does not see it. */
static void test_calls(void)
{
	struct shared *sh = new_shared();
	struct ckptbpf_freeze f;
	pid_t pid, child;
	int fd, status;

	CHECK(!pipe(ep_fds));
	pid = start_target(epoll_target, sh, 1);
	fd = open_session();
	for (int i = 0; i < 20; i++) {
		sleep_ms(5);
		CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
		CHECK_EQ(snapshot(fd, pid, &child), 0);
		CHECK_EQ(thaw(fd, pid), 0);
		sleep_ms(5);
		CHECK_EQ(reap(fd, child, 10000), 0);
	}
	CHECK_EQ(write(ep_fds[1], "x", 1), 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(sh->result[0], 1);
}

/* The session's end, a SIGKILL of the clone, the end of the program: nothing stays. */
static void test_ends(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(writing_target, sh, 1), child, other;
	int fd = open_session(), p[2];
	struct ckptbpf_freeze f;
	uint64_t limit;
	char b;

	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(snapshot(fd, pid, &child), 0);
	CHECK_EQ(snapshot(fd, pid, &other), 0);
	CHECK_EQ(thaw(fd, pid), 0);
	CHECK(!kill(other, SIGKILL));
	CHECK_EQ(reap(fd, other, 10000), 0);
	CHECK(!exists(other));
	close(fd);
	limit = now_ms() + 10000;
	while (exists(child) && now_ms() < limit)
		sleep_ms(2);
	CHECK(!exists(child));
	ends_well(sh, pid, 0);

	/* While it is frozen it cannot reap; it will. */
	sh = new_shared();
	pid = start_target(writing_target, sh, 1);
	fd = open_session();
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(snapshot(fd, pid, &child), 0);
	CHECK_EQ(reap(fd, child, 50), -ETIMEDOUT);
	CHECK_EQ(thaw(fd, pid), 0);
	limit = now_ms() + 10000;
	while (exists(child) && now_ms() < limit)
		sleep_ms(2);
	CHECK(!exists(child));
	ends_well(sh, pid, 0);

	/* The program ends: its pipe too, though the clone lives on. */
	sh = new_shared();
	CHECK(!pipe(p));
	pid = start_target(writing_target, sh, 1);
	close(p[1]);
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(snapshot(fd, pid, &child), 0);
	CHECK(!kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_EQ(poll(&(struct pollfd){ .fd = p[0], .events = POLLIN }, 1, 5000), 1);
	CHECK_EQ(read(p[0], &b, 1), 0);
	CHECK(exists(child));
	CHECK_EQ(thaw(fd, 0), 0);
	CHECK_EQ(reap(fd, child, 10000), 0);
}

static void poor_target(struct shared *sh, int n)
{
	struct rlimit one = { 1, 1 };

	if (setresgid(65534, 65534, 65534) || setrlimit(RLIMIT_NPROC, &one) ||
	    setresuid(65534, 65534, 65534))
		_exit(97);
	sh->ready = n;
	for (;;)
		sh->count[0]++;
}

static void test_refused(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(poor_target, sh, 1), child;
	struct ckptbpf_snapshot s = { .size = sizeof(s), .flags = 1, .tid = pid };
	struct ckptbpf_reap r = { .size = sizeof(r), .child = pid };
	int fd = open_session(), other = open_session();
	struct ckptbpf_freeze f;

	CHECK_EQ(snapshot(fd, pid, &child), -ESRCH);
	CHECK_EQ(snapshot(fd, 0, &child), -ESRCH);
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(snapshot(other, pid, &child), -ESRCH);
	CHECK_EQ(call(fd, CKPTBPF_SNAPSHOT, &s), -EINVAL);
	CHECK_EQ(snapshot(fd, pid, &child), -EAGAIN);
	CHECK_EQ(child, 0);
	CHECK_EQ(reap(fd, pid, 100), -ESRCH);
	CHECK_EQ(call(fd, CKPTBPF_REAP, &r), -EINVAL);
	r.timeout_ms = 60001;
	CHECK_EQ(call(fd, CKPTBPF_REAP, &r), -EINVAL);
	CHECK_EQ(thaw(fd, pid), 0);
	CHECK(all_advance(sh, 1));

	/* Another session's clone is nobody else's. */
	sh = new_shared();
	pid = start_target(writing_target, sh, 1);
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(snapshot(fd, pid, &child), 0);
	CHECK_EQ(reap(other, child, 100), -ESRCH);
	CHECK_EQ(thaw(fd, pid), 0);
	CHECK_EQ(reap(fd, child, 10000), 0);
	ends_well(sh, pid, 0);
}

static long slab_kib(void)
{
	long kib = 0;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "r");

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "SUnreclaim:", 11))
			kib = atol(line + 11);
	fclose(f);
	return kib;
}

static void test_cycles(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(blocked_threads, sh, 4), child = 0;
	int fd = open_session();
	struct ckptbpf_freeze f;
	long before = 0;

	for (int i = 0; i < CYCLES; i++) {
		if (i == CYCLES / 10)
			before = slab_kib();
		CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
		CHECK_EQ(snapshot(fd, pid, &child), 0);
		CHECK_EQ(thaw(fd, pid), 0);
		CHECK_EQ(reap(fd, child, 10000), 0);
		CHECK(!exists(child));
	}
	CHECK(all_advance(sh, 4));
	/* A task is some 20 KiB: 900 of them would be seen. */
	CHECK(slab_kib() - before < 6000);
}

const struct kmod_test clone_tests[] = {
	{ "a clone is what was there at the freeze, and is not seen", test_equal },
	{ "a clone of a program with pending signals", test_pending },
	{ "a clone of a program under strict seccomp", test_seccomp },
	{ "a clone of a traced program: the tracer hears nothing", test_traced },
	{ "clones of four processes before one goes on", test_tree },
	{ "a clone and its end in epoll_wait", test_calls },
	{ "clones whose session, self or parent ends", test_ends },
	{ "clones that are refused", test_refused },
	{ "1000 times freeze, clone, thaw, reap leave nothing", test_cycles },
	{ NULL, NULL }
};
