/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The program that is looked at: threads in different states, descriptors of
 * different kinds, mappings with every flag. What only it can know of itself
 * it leaves in memory shared with the test.
 */
#ifndef ORACLE_TARGET_H
#define ORACLE_TARGET_H

#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gather.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

enum { T_LEADER, T_ALT, T_SUSPEND, T_SPIN, T_CREDS, T_FILTER, T_N };

#define NGROUPS		300	/* more than GATHER_GROUPS_MAX */
#define GS_BASE		0x123456789000ul
#define PIPE_BYTES	(3 * 4096 + 5)
#define REAL_SECONDS	1000
#define TIMERS		6

struct target_info {
	atomic_int ready, failed;
	struct target_thread {
		pid_t tid;
		uint64_t ss_sp, ss_size, ctid, saved;
		uint32_t ss_flags, securebits;
		int pdeath, suspended;
		struct ckpt_prctl asked;	/* as the thread's own calls tell */
	} t[T_N];
	struct ckpt_sigaction act[CKPT_NSIG];
	struct target_timer {
		int id, notify, signo, clock, tid, abs;
		uint64_t sigval, value, interval;
	} timer[TIMERS];
	uint64_t brk, map_rw, map_ro;
	int dumpable, subreaper;
	pid_t zombie;
	int pipe_r, owned, leased, posix_locked, flocked, duped;
	unsigned int tap_n;	/* the inner pass's, for the outer */
};

static struct target_info *info;

static void must(long r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "# target: %s: %s\n", what, strerror(errno));
	atomic_store(&info->failed, 1);
	_exit(2);
}

static void on_signal(int signo, siginfo_t *si, void *uc)
{
	(void)signo; (void)si; (void)uc;
}

/* PR_GET_SPECULATION_CTRL; where it is not for programs to choose nobody has chosen. */
static uint32_t speculation(int which, uint32_t unset)
{
	int v = prctl(PR_GET_SPECULATION_CTRL, which, 0, 0, 0);

	return v < 0 || !(v & PR_SPEC_PRCTL) ? unset : (uint32_t)v & ~1u;
}

static void describe_asked(struct ckpt_prctl *p, bool leader)
{
	int mce = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), tsc = 0;
	unsigned long perm = 0;

	p->timer_slack_ns = (uint64_t)syscall(SYS_prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0);
	must(prctl(PR_GET_TSC, &tsc), "PR_GET_TSC");
	p->flags |= (tsc == PR_TSC_SIGSEGV ? CKPT_PRCTL_TSC_SIGSEGV : 0) |
		    (!syscall(SYS_arch_prctl, ARCH_GET_CPUID, 0) ? CKPT_PRCTL_CPUID_FAULT : 0) |
		    (mce != PR_MCE_KILL_DEFAULT ? CKPT_PRCTL_MCE_KILL : 0) |
		    (mce == PR_MCE_KILL_EARLY ? CKPT_PRCTL_MCE_EARLY : 0);
	p->store_bypass = speculation(PR_SPEC_STORE_BYPASS, PR_SPEC_ENABLE);
	p->indirect_branch = speculation(PR_SPEC_INDIRECT_BRANCH, PR_SPEC_ENABLE);
	p->l1d_flush = speculation(PR_SPEC_L1D_FLUSH, PR_SPEC_DISABLE);
	if (leader && !syscall(SYS_arch_prctl, 0x1022 /* ARCH_GET_XCOMP_PERM */, &perm))
		p->xcomp_perm = perm;
}

/* Lets all through: the byte is 0. */
static void ask_much(struct ckpt_prctl *p)
{
	static char selector;

	must(prctl(PR_SET_TIMERSLACK, 77777ul), "PR_SET_TIMERSLACK");
	must(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0), "PR_MCE_KILL");
	must(prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0x2000ul, 0x3000ul, &selector),
	     "PR_SET_SYSCALL_USER_DISPATCH");
	p->flags |= CKPT_PRCTL_DISPATCH;
	p->dispatch_selector = (uint64_t)&selector;
	p->dispatch_offset = 0x2000;
	p->dispatch_len = 0x3000;
	/* Not every processor can. */
	syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
	prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_DISABLE, 0, 0);
	prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH, PR_SPEC_FORCE_DISABLE, 0, 0);
	prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_L1D_FLUSH, PR_SPEC_ENABLE, 0, 0);
}

static void describe(int i)
{
	struct target_thread *t = &info->t[i];
	stack_t ss;
	int *ctid = NULL;

	t->tid = (pid_t)syscall(SYS_gettid);
	must(sigaltstack(NULL, &ss), "sigaltstack");
	t->ss_sp = (uint64_t)ss.ss_sp;
	t->ss_size = ss.ss_size;
	t->ss_flags = (uint32_t)ss.ss_flags;
	must(prctl(PR_GET_TID_ADDRESS, &ctid), "PR_GET_TID_ADDRESS");
	t->ctid = (uint64_t)ctid;
	must(prctl(PR_GET_PDEATHSIG, &t->pdeath), "PR_GET_PDEATHSIG");
	t->securebits = (uint32_t)prctl(PR_GET_SECUREBITS);
	describe_asked(&t->asked, i == T_LEADER);
	atomic_fetch_add(&info->ready, 1);
}

static void burn(long ms, bool in_kernel)
{
	struct timespec t;

	do {
		for (int i = 0; i < 20000 && !in_kernel; i++)
			__asm__ volatile("");
		for (int i = 0; i < 2000 && in_kernel; i++)
			syscall(SYS_getppid);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	} while (t.tv_sec * 1000 + t.tv_nsec / 1000000 < ms);
}

static void *thread_alt(void *arg)
{
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack), .ss_flags = (int)SS_AUTODISARM };
	struct timespec ts = { 1000, 0 };
	sigset_t set;

	(void)arg;
	burn(80, true);
	must(sigaltstack(&ss, NULL), "sigaltstack");
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGRTMIN + 2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	must(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGRTMIN + 1), "tgkill");
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
	must(prctl(PR_SET_PDEATHSIG, SIGUSR2), "PR_SET_PDEATHSIG");
	must(syscall(SYS_arch_prctl, ARCH_SET_GS, GS_BASE), "ARCH_SET_GS");
	must(prctl(PR_SET_NAME, "alt \"x\")"), "PR_SET_NAME");
	ask_much(&info->t[T_ALT].asked);
	describe(T_ALT);
	nanosleep(&ts, NULL);
	return NULL;
}

static void *thread_suspend(void *arg)
{
	uint64_t before = 1ull << (SIGRTMIN + 3 - 1) | 1ull << (SIGRTMIN + 1);
	uint64_t during = 1ull << (SIGRTMIN + 4 - 1) | 1ull << (SIGRTMIN + 1);

	(void)arg;
	must(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, 8), "sigprocmask");
	info->t[T_SUSPEND].saved = before;
	info->t[T_SUSPEND].suspended = 1;
	must(prctl(PR_SET_TSC, PR_TSC_SIGSEGV), "PR_SET_TSC");
	describe(T_SUSPEND);
	syscall(SYS_rt_sigsuspend, &during, 8);
	return NULL;
}

static void *thread_spin(void *arg)
{
	(void)arg;
	burn(120, false);
	describe(T_SPIN);
	/* Known values in every set of registers; it never leaves. fs goes last, and TLS with it. */
	__asm__ volatile(
		"mov $0x2b, %%eax\n\tmov %%eax, %%ds\n\tmov %%eax, %%es\n\tmov %%eax, %%gs\n\tmov %%eax, %%fs\n\t"
		"fldpi\n\tfld1\n\t"
		"mov $0x1122334455667788, %%r8\n\tmov %%r8, %%r9\n\tnot %%r9\n\tlea 1(%%r8), %%r10\n\t"
		"lea 2(%%r8), %%r11\n\tlea 3(%%r8), %%r12\n\tlea 4(%%r8), %%r13\n\tlea 5(%%r8), %%r14\n\t"
		"lea 6(%%r8), %%r15\n\tlea 7(%%r8), %%rbx\n\tlea 8(%%r8), %%rcx\n\tlea 9(%%r8), %%rdx\n\t"
		"lea 10(%%r8), %%rsi\n\tlea 11(%%r8), %%rdi\n\tlea 12(%%r8), %%rax\n\tmov %%rax, %%rbp\n\t"
		"movq %%r8, %%xmm0\n\tmovq %%r9, %%xmm15\n\t"
		"1: jmp 1b" ::: "memory");
	return NULL;
}

/* Half of the vector state is in use wherever the CPU has it. */
static void dirty_ymm(void)
{
	if (!__builtin_cpu_supports("avx"))
		return;
	__asm__ volatile("vpcmpeqd %%xmm1, %%xmm1, %%xmm1\n\tvinsertf128 $1, %%xmm1, %%ymm1, %%ymm7" ::: "xmm1", "xmm7");
}

/* Credentials are a thread's own for the kernel; glibc would change them for all. */
static void *thread_creds(void *arg)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];
	gid_t gid[NGROUPS];

	(void)arg;
	dirty_ymm();
	for (unsigned int i = 0; i < NGROUPS; i++)
		gid[i] = 100000 + 7 * i;
	must(syscall(SYS_setgroups, NGROUPS, gid), "setgroups");
	must(prctl(PR_CAPBSET_DROP, CAP_SYS_TIME), "PR_CAPBSET_DROP");
	must(syscall(SYS_capget, &h, d), "capget");
	d[0].inheritable = 1u << CAP_CHOWN | 1u << CAP_KILL;
	d[1].effective &= ~(1u << (CAP_WAKE_ALARM - 32));
	must(syscall(SYS_capset, &h, d), "capset");
	must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0), "PR_CAP_AMBIENT");
	must(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS), "PR_SET_SECUREBITS");
	must(syscall(SYS_setresgid, 11, 12, 13), "setresgid");
	syscall(SYS_setfsgid, 14);
	must(syscall(SYS_setresuid, 21, 22, 23), "setresuid");
	syscall(SYS_setfsuid, 24);
	describe(T_CREDS);
	for (;;)
		pause();
	return NULL;
}

static void *thread_filter(void *arg)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &allow };
	int word = 0;

	(void)arg;
	must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog), "seccomp");
	describe(T_FILTER);
	for (;;)
		syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, NULL, NULL, 0);
	return NULL;
}

static void *thread_gone(void *arg)
{
	volatile char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < 1 << 20; i += 4096)
		p[i] = 1;
	munmap((void *)p, 1 << 20);
	return arg;
}

/* Of one, 200 s are left, of one nothing, one has a deadline, one runs by CPU time, one tells a thread. */
static void make_timers(void)
{
	static const struct { clockid_t clock; int notify, signo, flags; } v[TIMERS] = {
		{ CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0 }, { CLOCK_BOOTTIME, SIGEV_NONE, 0, 0 },
		{ CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR2, TIMER_ABSTIME },
		{ CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGHUP, 0 },
		{ CLOCK_THREAD_CPUTIME_ID, SIGEV_THREAD_ID, SIGURG, 0 },
		{ CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGCHLD, 0 },
	};

	for (int i = 0; i < TIMERS; i++) {
		struct itimerspec it = { { 3, 1 }, { 200, 0 } };
		struct sigevent ev = { .sigev_notify = v[i].notify, .sigev_signo = v[i].signo,
				       .sigev_value.sival_ptr = (char *)info + i };
		struct target_timer *o = &info->timer[i];

		*o = (struct target_timer){ .notify = v[i].notify, .signo = v[i].signo, .clock = v[i].clock,
					    .sigval = v[i].signo ? (uint64_t)ev.sigev_value.sival_ptr : 0,
					    .abs = v[i].flags };
		if (v[i].notify == SIGEV_THREAD_ID)
			ev._sigev_un._tid = o->tid = getpid();
		if (v[i].clock == CLOCK_PROCESS_CPUTIME_ID)
			o->clock = -6;
		if (v[i].clock == CLOCK_THREAD_CPUTIME_ID)
			o->clock = -2;
		if (v[i].flags)
			clock_gettime(CLOCK_REALTIME, &it.it_value);
		it.it_value.tv_sec += v[i].flags ? 200 : 0;
		o->value = (uint64_t)it.it_value.tv_sec * 1000000000 + (uint64_t)it.it_value.tv_nsec;
		must(syscall(SYS_timer_create, v[i].clock, &ev, &o->id), "timer_create");
		if (i != TIMERS - 1)
			must(syscall(SYS_timer_settime, o->id, v[i].flags, &it, NULL), "timer_settime");
		else
			o->value = 0;
		o->interval = o->value ? 3000000001 : 0;
	}
}

static void make_signals(void)
{
	siginfo_t odd = { 0 };
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
	struct itimerval it = { .it_value.tv_sec = REAL_SECONDS, .it_interval = { 7, 1 } };
	sigset_t set;

	sigfillset(&sa.sa_mask);
	sigaction(SIGUSR1, &sa, NULL);
	sa.sa_flags = SA_RESETHAND | SA_NODEFER;
	sigaction(SIGRTMAX, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 2);
	sigaddset(&set, SIGWINCH);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	odd.si_signo = SIGRTMIN + 2;
	odd.si_errno = 42;
	odd.si_code = SI_QUEUE;
	odd.si_pid = 4711;
	odd.si_value.sival_ptr = info;
	must(syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN + 2, &odd), "rt_sigqueueinfo");
	must(setitimer(ITIMER_REAL, &it, NULL), "ITIMER_REAL");
	must(setitimer(ITIMER_VIRTUAL, &it, NULL), "ITIMER_VIRTUAL");
	must(setitimer(ITIMER_PROF, &it, NULL), "ITIMER_PROF");
	make_timers();
}

static void make_tty(void)
{
	int m = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), one = 0, s;

	must(m, "/dev/ptmx");
	must(ioctl(m, TIOCSPTLCK, &one), "TIOCSPTLCK");
	s = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	must(s, "TIOCGPTPEER");
	must(ioctl(s, TIOCSCTTY, 0), "TIOCSCTTY");
}

static void make_timerfd(int clock, int flags, time_t at, time_t interval)
{
	struct itimerspec its = { { interval, 3 }, { at, 5 } };
	int fd = timerfd_create(clock, TFD_CLOEXEC);

	must(fd, "timerfd_create");
	must(timerfd_settime(fd, flags, &its, NULL), "timerfd_settime");
}

static void make_timerfds(void)
{
	must(timerfd_create(CLOCK_BOOTTIME, 0), "timerfd_create");
	make_timerfd(CLOCK_MONOTONIC, 0, 4000, 9);
	make_timerfd(CLOCK_REALTIME, 0, 4001, 0);
	make_timerfd(CLOCK_REALTIME, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, time(NULL) + 4002, 0);
	make_timerfd(CLOCK_BOOTTIME, TFD_TIMER_ABSTIME, 0, 4003);
}

static void make_epoll(const int *fds)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.u64 = 0x123456789abcdef };
	int ep = epoll_create1(0);

	must(ep, "epoll");
	for (int i = 0; i < 9; i++)
		must(epoll_ctl(ep, EPOLL_CTL_ADD, i < 2 ? fds[i] : eventfd(0, EFD_CLOEXEC), &ev), "EPOLL_CTL_ADD");
}

static void make_files(const char *dir)
{
	char path[512], fill[PIPE_BYTES] = { 0 };
	sigset_t set;
	int p[2], fd;

	must(chdir(dir), "chdir");
	snprintf(path, sizeof(path), "%s/a file", dir);
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	must(fd, path);
	must(ftruncate(fd, 100000), "ftruncate");
	must(lseek(fd, 4711, SEEK_SET), "lseek");
	info->duped = dup(fd);
	must(dup3(fd, 200, O_CLOEXEC), "dup3");
	info->flocked = open(path, O_RDONLY);
	must(flock(info->flocked, LOCK_SH), "flock");
	info->posix_locked = open(path, O_RDWR);
	must(fcntl(info->posix_locked, F_SETLK, &(struct flock){ .l_type = F_WRLCK, .l_len = 10 }), "F_SETLK");
	must(fcntl(info->posix_locked, F_SETLK, &(struct flock){ .l_type = F_RDLCK, .l_start = 5000 }), "F_SETLK");
	fd = open(path, O_RDWR);
	must(fcntl(fd, F_OFD_SETLK, &(struct flock){ .l_type = F_WRLCK, .l_start = 100, .l_len = 7 }), "F_OFD_SETLK");
	must(open(path, O_PATH), "O_PATH");
	must(open(dir, O_RDONLY | O_DIRECTORY), dir);
	must(open("/dev/null", O_WRONLY), "/dev/null");
	info->leased = open("leased", O_RDONLY | O_CREAT, 0600);
	must(fcntl(info->leased, F_SETLEASE, F_RDLCK), "F_SETLEASE");
	fd = open("gone", O_RDWR | O_CREAT, 0600);
	must(unlink("gone"), "unlink");
	must(pipe2(p, O_NONBLOCK), "pipe");
	must(write(p[1], fill, sizeof(fill)), "write");
	info->pipe_r = p[0];
	must(fcntl(p[0], F_SETFL, O_NONBLOCK | O_ASYNC), "O_ASYNC");
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, p), "socketpair");
	/* The kernel remembers who named the owner. */
	must((int)syscall(SYS_setresuid, 1000, 1001, -1), "setresuid");
	must(fcntl(p[0], F_SETOWN, getpid()), "F_SETOWN");
	must((int)syscall(SYS_setresuid, 0, 0, -1), "setresuid");
	must(fcntl(p[0], F_SETSIG, SIGRTMIN + 1), "F_SETSIG");
	info->owned = p[0];
	must(eventfd(5, EFD_CLOEXEC), "eventfd");
	make_epoll(p);
	make_timerfds();
	must((int)syscall(SYS_pidfd_open, getpid(), 0), "pidfd_open");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMAX);
	must(signalfd(-1, &set, SFD_CLOEXEC), "signalfd");
	must(memfd_create("m", 0), "memfd");
}

static void *map(size_t len, int prot, int flags, int fd, off_t off)
{
	void *p = mmap(NULL, len, prot, flags, fd, off);

	must(p == MAP_FAILED ? -1 : 0, "mmap");
	return p;
}

static void make_maps(const char *dir)
{
	static const int advice[] = { MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTFORK, MADV_WIPEONFORK,
				      MADV_DONTDUMP, MADV_SEQUENTIAL, MADV_RANDOM, MADV_MERGEABLE };
	const int rw = PROT_READ | PROT_WRITE, anon = MAP_PRIVATE | MAP_ANONYMOUS;
	char path[512];
	void *p;
	int fd;

	for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
		p = map(1 << 16, rw, anon, -1, 0);
		/* Transparent huge pages and merging may be absent from a kernel. */
		if (madvise(p, 1 << 16, advice[i]) && advice[i] != MADV_HUGEPAGE &&
		    advice[i] != MADV_NOHUGEPAGE && advice[i] != MADV_MERGEABLE)
			must(-1, "madvise");
		mprotect((char *)p + 4096, 4096, PROT_NONE);
	}
	map(1 << 16, rw, anon | MAP_NORESERVE, -1, 0);
	map(1 << 16, rw, anon | MAP_GROWSDOWN, -1, 0);
	map(1 << 16, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	p = map(1 << 14, rw, anon, -1, 0);
	must(syscall(SYS_mlock, p, 4096), "mlock");	/* a sanitizer makes mlock() do nothing */
	must(mprotect((char *)p + 8192, 4096, PROT_READ), "mprotect");
	must(syscall(SYS_mlock2, (char *)p + 8192, 4096, MLOCK_ONFAULT), "mlock2");
	snprintf(path, sizeof(path), "%s/mapped", dir);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	must(fd, path);
	must(ftruncate(fd, 1 << 20), "ftruncate");
	info->map_rw = (uint64_t)map(8192, rw, MAP_SHARED, fd, 0x3000);
	close(fd);
	fd = open(path, O_RDONLY);
	info->map_ro = (uint64_t)map(8192, rw, MAP_PRIVATE, fd, 0x7000);
	*(volatile char *)info->map_ro = 1;
	map(4096, PROT_READ, MAP_SHARED, fd, 0);	/* MAYSHARE without SHARED */
	close(fd);
	/* What is mapped of overlayfs is a file that the program never opened. */
	fd = open("merged/below", O_RDONLY);
	must(fd, "merged/below");
	map(4096, PROT_READ, MAP_PRIVATE, fd, 0);
	must(mprotect((char *)map(12288, rw, MAP_PRIVATE, fd, 0) + 4096, 4096, PROT_READ), "mprotect");
	close(fd);
	fd = open("mapped-gone", O_RDWR | O_CREAT, 0600);
	must(ftruncate(fd, 8192), "ftruncate");
	map(8192, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 4096);
	unlink("mapped-gone");
	close(fd);
}

/* So that what it has read is not nothing. */
static void read_some(void)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	char some[100];

	must(read(fd, some, sizeof(some)), "/dev/zero");
	close(fd);
}

static void make_process(void)
{
	struct rlimit r = { 77, 99 };
	pid_t pid;
	int v = 0;
	FILE *f;

	read_some();

	/* The zombie: its status and its credentials stay. */
	pid = fork();
	must(pid, "fork");
	if (!pid)
		_exit(7);
	info->zombie = pid;
	waitid(P_PID, (id_t)info->zombie, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	must(setrlimit(RLIMIT_MSGQUEUE, &r), "setrlimit");
	must(personality(ADDR_NO_RANDOMIZE), "personality");
	f = fopen("/proc/self/oom_score_adj", "we");
	if (f) {
		fputs("321", f);
		fclose(f);
	}
	umask(027);
	must(prctl(PR_SET_CHILD_SUBREAPER, 1), "PR_SET_CHILD_SUBREAPER");
	must(prctl(PR_GET_CHILD_SUBREAPER, &v), "PR_GET_CHILD_SUBREAPER");
	info->subreaper = v;
}

/* Last: pthread_create() sets handlers too. */
static void tell_actions(void)
{
	struct { uint64_t handler, flags, restorer, mask; } k;

	for (int i = 1; i <= CKPT_NSIG; i++) {
		memset(&k, 0, sizeof(k));
		must(syscall(SYS_rt_sigaction, i, NULL, &k, 8), "rt_sigaction");
		info->act[i - 1] = (struct ckpt_sigaction){ k.handler, k.flags, k.restorer, k.mask };
	}
}

/* Never returns; the test kills it. */
static void target(const char *dir)
{
	static void *(*const start[T_N])(void *) = {
		NULL, thread_alt, thread_suspend, thread_spin, thread_creds, thread_filter,
	};
	pthread_t t;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	must(setsid(), "setsid");
	make_tty();
	make_process();
	make_signals();
	make_files(dir);
	make_maps(dir);
	/* A task of another uid in the thread group would else change what we set: first the threads. */
	for (int i = 1; i < T_N; i++) {
		must(-pthread_create(&t, NULL, start[i], NULL), "pthread_create");
		while (atomic_load(&info->ready) < i)
			sched_yield();
	}
	must(-pthread_create(&t, NULL, thread_gone, NULL), "pthread_create");
	pthread_join(t, NULL);
	must(prctl(PR_SET_DUMPABLE, 1), "PR_SET_DUMPABLE");
	info->dumpable = prctl(PR_GET_DUMPABLE);
	tell_actions();
	info->brk = (uint64_t)sbrk(0);
	describe(T_LEADER);
	for (;;)
		pause();
}

#endif
