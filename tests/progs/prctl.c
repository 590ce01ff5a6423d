// SPDX-License-Identifier: GPL-2.0
/*
 * prctl [MODE]: what threads asked of the kernel for themselves; afterwards each
 * is as it was. With MODE one thing that changes what the program can do at all:
 * dispatch (system calls to a handler), leader or thread (strict seccomp),
 * amx_perm (asked for, never used), flusher (which takes a right).
 */
#include "prog.h"

#include <asm/prctl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef PR_SYS_DISPATCH_INCLUSIVE_ON
#define PR_SYS_DISPATCH_INCLUSIVE_ON 2
#endif
#define N	4

static pthread_barrier_t set, check;

struct how {
	unsigned long slack, default_slack;
	long spec[3], mce, cpuid;
	int tsc;
	unsigned int clamp[2];
	char status[160];
};

static struct how before[N];

/* The lines of /proc that the kernel writes from the same flags. */
static void read_status(char *to, size_t len)
{
	char path[64], line[256];
	size_t at = 0;
	FILE *f;

	*to = 0;
	snprintf(path, sizeof(path), "/proc/self/task/%ld/status", syscall(SYS_gettid));
	f = fopen(path, "r");
	CHECK(f);
	while (fgets(line, sizeof(line), f) && at < len)
		if (!strncmp(line, "Spec", 4) || !strncmp(line, "Seccomp:", 8))
			at += (size_t)snprintf(to + at, len - at, "%s", line);
	CHECK(at < len);
	fclose(f);
}

static unsigned long slack(void)
{
	return (unsigned long)syscall(SYS_prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0);
}

/* include/uapi/linux/sched/types.h */
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

static void read_how(struct how *h)
{
	struct attr a = { .size = sizeof(a) };

	memset(h, 0, sizeof(*h));
	h->slack = slack();
	for (int i = 0; i < 3; i++)
		h->spec[i] = prctl(PR_GET_SPECULATION_CTRL, i, 0, 0, 0);
	h->mce = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);
	h->cpuid = syscall(SYS_arch_prctl, ARCH_GET_CPUID, 0);
	CHECK(prctl(PR_GET_TSC, &h->tsc) == 0);
	CHECK(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) == 0);
	h->clamp[0] = a.util_min;
	h->clamp[1] = a.util_max;
	read_status(h->status, sizeof(h->status));
}

static void become(long i)
{
	/* Policy and parameters stay (SCHED_FLAG_KEEP_ALL), both clamps are set. */
	struct attr a = { .size = sizeof(a), .flags = 0x18 | 0x60, .util_min = 100, .util_max = 800 };

	switch (i) {
	case 0:
		CHECK(prctl(PR_SET_TIMERSLACK, 123456ul) == 0);
		CHECK(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0) == 0);
		break;
	case 1:
		CHECK(prctl(PR_SET_TIMERSLACK, 5000000000ul) == 0);
		CHECK(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_LATE, 0, 0) == 0);
		/* Where it is for programs to choose. */
		prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_DISABLE, 0, 0);
		prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH, PR_SPEC_DISABLE, 0, 0);
		break;
	case 2:
		CHECK(prctl(PR_SET_TSC, PR_TSC_SIGSEGV) == 0);
		prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_FORCE_DISABLE, 0, 0);
		prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH, PR_SPEC_FORCE_DISABLE, 0, 0);
		break;
	case 3:
		/* Some processors cannot. */
		if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0))
			prog_say("cpuid does not fault here");
		prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_DISABLE_NOEXEC, 0, 0);
		prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_L1D_FLUSH, PR_SPEC_ENABLE, 0, 0);
		if (syscall(SYS_sched_setattr, 0, &a, 0))
			prog_say("utilisation cannot be clamped here");
		break;
	}
}

static void same(long i, const struct how *now)
{
	const struct how *was = &before[i];

	CHECKF(now->slack == was->slack, "thread %ld: slack %lu, was %lu", i, now->slack, was->slack);
	for (int k = 0; k < 3; k++)
		CHECKF(now->spec[k] == was->spec[k], "thread %ld: speculation %d: %ld, was %ld", i, k,
		       now->spec[k], was->spec[k]);
	CHECKF(now->mce == was->mce, "thread %ld: mce %ld, was %ld", i, now->mce, was->mce);
	CHECKF(now->cpuid == was->cpuid, "thread %ld: cpuid %ld, was %ld", i, now->cpuid, was->cpuid);
	CHECKF(now->tsc == was->tsc, "thread %ld: tsc %d, was %d", i, now->tsc, was->tsc);
	CHECKF(!memcmp(now->clamp, was->clamp, sizeof(now->clamp)), "thread %ld: clamps %u, %u, were %u, %u",
	       i, now->clamp[0], now->clamp[1], was->clamp[0], was->clamp[1]);
	CHECKF(!strcmp(now->status, was->status), "thread %ld: %s, was %s", i, now->status, was->status);
}

static void *run(void *arg)
{
	long i = (long)arg;
	struct how now;

	/* Its maker had this slack, which is its default now. */
	if (i)
		CHECK(slack() == 70000ul + (unsigned long)i);
	become(i);
	read_how(&before[i]);
	pthread_barrier_wait(&set);
	if (!i)
		prog_ready();
	pthread_barrier_wait(&check);
	read_how(&now);
	same(i, &now);
	CHECK(prctl(PR_SET_TIMERSLACK, 0ul) == 0);
	CHECKF(!i || slack() == 70000ul + (unsigned long)i, "thread %ld: default slack %lu", i, slack());
	return NULL;
}

/* A grandchild whose parent ends comes to us, not to process 1. */
static void check_subreaper(void)
{
	int is = 0, p[2];
	pid_t child, orphan = 0;

	CHECK(prctl(PR_GET_CHILD_SUBREAPER, &is) == 0 && is == 1);
	CHECK(pipe(p) == 0);
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		orphan = fork();
		if (!orphan) {
			while (getppid() != atoi(getenv("REAPER")))
				usleep(1000);
			_exit(7);
		}
		_exit(write(p[1], &orphan, sizeof(orphan)) != sizeof(orphan));
	}
	CHECK(waitpid(child, NULL, 0) == child);
	CHECK(read(p[0], &orphan, sizeof(orphan)) == sizeof(orphan));
	CHECK(waitpid(orphan, &is, 0) == orphan && WIFEXITED(is) && WEXITSTATUS(is) == 7);
}

static void plain(void)
{
	unsigned long default_slack;
	pthread_t t[N];
	char me[16];

	snprintf(me, sizeof(me), "%d", (int)getpid());
	CHECK(setenv("REAPER", me, 1) == 0);
	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	default_slack = slack();
	CHECK(pthread_barrier_init(&set, NULL, N) == 0 && pthread_barrier_init(&check, NULL, N) == 0);
	for (long i = 1; i < N; i++) {
		CHECK(prctl(PR_SET_TIMERSLACK, 70000ul + (unsigned long)i) == 0);
		CHECK(pthread_create(&t[i], NULL, run, (void *)i) == 0);
	}
	run(NULL);
	CHECKF(slack() == default_slack, "default slack %lu, was %lu", slack(), default_slack);
	for (int i = 1; i < N; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	check_subreaper();
}

/* ---- system calls that go to a handler ---- */

static volatile char selector[2];
static volatile int sent[2];

/* The handler's own calls and its return are the C library's: it lets them through. */
static void take_call(int sig, siginfo_t *si, void *context)
{
	int i = si->si_syscall - 4000;

	(void)sig;
	(void)context;
	if (i < 0 || i > 1)
		_exit(4);
	selector[i] = SYSCALL_DISPATCH_FILTER_ALLOW;
	sent[i]++;
}

/* Whatever is asked for: sent, or done by the kernel, which knows no such call. */
static void check_dispatch(int i)
{
	int was = sent[i];

	selector[i] = SYSCALL_DISPATCH_FILTER_BLOCK;
	syscall(4000 + i);
	CHECKF(sent[i] == was + 1 && selector[i] == SYSCALL_DISPATCH_FILTER_ALLOW,
	       "thread %d: its call was not sent", i);
	syscall(4000 + i);
	CHECKF(sent[i] == was + 1, "thread %d: its call was sent", i);
}

/* Its calls are blocked all the while: in the snapshot the byte must survive. */
static void *blocked(void *arg)
{
	unsigned long from = 0x1000, len = 0x1000;
	volatile int *go = arg;

	CHECK(prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, from, len, &selector[1]) == 0);
	check_dispatch(1);
	selector[1] = SYSCALL_DISPATCH_FILTER_BLOCK;
	*go = 1;
	while (*go == 1)
		__builtin_ia32_pause();
	CHECK(selector[1] == SYSCALL_DISPATCH_FILTER_BLOCK);
	syscall(4001);
	CHECK(selector[1] == SYSCALL_DISPATCH_FILTER_ALLOW && sent[1] == 2);
	check_dispatch(1);
	return NULL;
}

static void dispatch(void)
{
	struct sigaction sa = { .sa_sigaction = take_call, .sa_flags = SA_SIGINFO };
	unsigned long page = (unsigned long)&syscall & ~4095ul;
	static volatile int go;
	pthread_t t;

	CHECK(sigaction(SIGSYS, &sa, NULL) == 0);
	CHECK(pthread_create(&t, NULL, blocked, (void *)&go) == 0);
	while (!go)
		usleep(1000);
	/* Only those of a range are sent: since 6.17. */
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_INCLUSIVE_ON, page, 8192ul, &selector[0]))
		CHECK(prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0x1000ul, 0x1000ul,
			    &selector[0]) == 0);
	check_dispatch(0);
	prog_ready();
	check_dispatch(0);
	go = 2;
	CHECK(pthread_join(t, NULL) == 0);
}

/* ---- strict seccomp ---- */

static volatile sig_atomic_t told;

static void on_usr1(int sig)
{
	(void)sig;
	told = 1;
}

/* Only read, write, _exit and the return from a handler are left. */
static void strict_leader(void)
{
	struct sigaction sa = { .sa_handler = on_usr1 };
	sigset_t none;
	int p[2];
	char c;

	CHECK(pipe(p) == 0 && sigaction(SIGUSR1, &sa, NULL) == 0);
	sigemptyset(&none);
	CHECK(sigprocmask(SIG_SETMASK, &none, NULL) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	prog_say("ready");
	while (!told)
		CHECK(read(p[0], &c, 1) < 0 && errno == EINTR);
	prog_say("ok");
	syscall(SYS_exit, 0);
}

static volatile int strict_tid;

static void *strict_thread(void *arg)
{
	int *p = arg;
	char c;

	strict_tid = (int)syscall(SYS_gettid);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	CHECK(read(p[0], &c, 1) == 1 && c == 'x');
	CHECK(write(p[3], "y", 1) == 1);
	syscall(SYS_exit, 0);
	return NULL;
}

static bool thread_is_strict(void)
{
	char path[64], line[128];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", strict_tid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		found |= !strcmp(line, "Seccomp:\t1\n");
	if (f)
		fclose(f);
	return found;
}

static void strict_beside(void)
{
	pthread_t t;
	int p[4];
	char c;

	CHECK(pipe(p) == 0 && pipe(p + 2) == 0);
	CHECK(pthread_create(&t, NULL, strict_thread, p) == 0);
	for (int i = 0; i < 10000 && !thread_is_strict(); i++)
		usleep(1000);
	CHECK(thread_is_strict());
	prog_ready();
	CHECK(thread_is_strict());
	CHECK(write(p[1], "x", 1) == 1);
	CHECK(read(p[2], &c, 1) == 1 && c == 'y');
}

/* ---- rights ---- */

static void amx_perm(void)
{
	unsigned long was = 0, now = 0;

	if (syscall(SYS_arch_prctl, 0x1023 /* ARCH_REQ_XCOMP_PERM */, 18)) {
		prog_say("unsupported");
		_exit(0);
	}
	CHECK(syscall(SYS_arch_prctl, 0x1022 /* ARCH_GET_XCOMP_PERM */, &was) == 0);
	prog_ready();
	CHECK(syscall(SYS_arch_prctl, 0x1022, &now) == 0);
	CHECKF(now == was, "permitted %#lx, was %#lx", now, was);
}

static void flusher(void)
{
	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0)) {
		prog_say("unsupported");
		_exit(0);
	}
	prog_ready();
	CHECK(prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0) == 1);
}

int main(int argc, char **argv)
{
	static const struct { const char *name; void (*fn)(void); } modes[] = {
		{ "plain", plain }, { "dispatch", dispatch }, { "leader", strict_leader },
		{ "thread", strict_beside }, { "amx_perm", amx_perm }, { "flusher", flusher },
	};

	prog_init();
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (!strcmp(modes[i].name, argc > 1 ? argv[1] : "plain")) {
			modes[i].fn();
			prog_done();
		}
	}
	prog_say("FAIL no mode '%s'", argv[1]);
	return 1;
}
