// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that spin with known registers, or wait in every kind of call that
 * needs no timeout; of each its id, name, mask, alternate stack, TLS, robust
 * list and rseq; in the end each is joined.
 */
#include "prog.h"

#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

#define ALTSTACK (32 << 10)

struct worker {
	void (*fn)(struct worker *w);
	unsigned int id;
	pthread_t t;
	pid_t tid;
	sigset_t mask;
	stack_t ss;
	void *robust;
	bool handled;
};

static volatile int stop, running;
static __thread unsigned int tls_value;
static __thread char tls_block[512];
static __thread volatile sig_atomic_t on_altstack, handler_calls;

static sem_t untimed, timed;
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER, robust[3];
static pthread_mutex_t cond_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static bool cond_set;
static int to_read[2], to_poll[2], to_select[2], to_ppoll[2];

/* ---- known registers, in a loop without a call ---- */

void spin_gpr(const uint64_t in[12], uint64_t out[12], volatile int *until);
void spin_ymm(const void *in, void *out, volatile int *until);
void spin_zmm(const void *in, void *out, volatile int *until);
void spin_x87(const long double in[4], long double out[4], volatile int *until);

asm(".text\n"
"spin_gpr:\n"
"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
"	mov (%rdi),%rax; mov 8(%rdi),%rbx; mov 16(%rdi),%rcx; mov 24(%rdi),%rbp\n"
"	mov 32(%rdi),%r8; mov 40(%rdi),%r9; mov 48(%rdi),%r10; mov 56(%rdi),%r11\n"
"	mov 64(%rdi),%r12; mov 72(%rdi),%r13; mov 80(%rdi),%r14; mov 88(%rdi),%r15\n"
"1:	pause; cmpl $0,(%rdx); je 1b\n"
"	mov %rax,(%rsi); mov %rbx,8(%rsi); mov %rcx,16(%rsi); mov %rbp,24(%rsi)\n"
"	mov %r8,32(%rsi); mov %r9,40(%rsi); mov %r10,48(%rsi); mov %r11,56(%rsi)\n"
"	mov %r12,64(%rsi); mov %r13,72(%rsi); mov %r14,80(%rsi); mov %r15,88(%rsi)\n"
"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
"	ret\n"
"spin_ymm:\n"
".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
"	vmovdqu 32*\\n(%rdi),%ymm\\n\n"
".endr\n"
"1:	pause; cmpl $0,(%rdx); je 1b\n"
".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
"	vmovdqu %ymm\\n,32*\\n(%rsi)\n"
".endr\n"
"	vzeroupper; ret\n"
"spin_zmm:\n"
".irp n,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
"	vmovdqu64 64*(\\n-16)(%rdi),%zmm\\n\n"
".endr\n"
"	kmovw 0(%rdi),%k1; kmovw 8(%rdi),%k7\n"
"1:	pause; cmpl $0,(%rdx); je 1b\n"
".irp n,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
"	vmovdqu64 %zmm\\n,64*(\\n-16)(%rsi)\n"
".endr\n"
"	kmovw %k1,1024(%rsi); kmovw %k7,1026(%rsi)\n"
"	vzeroupper; ret\n"
"spin_x87:\n"
"	fldt (%rdi); fldt 16(%rdi); fldt 32(%rdi); fldt 48(%rdi)\n"
"1:	pause; cmpl $0,(%rdx); je 1b\n"
"	fstpt 48(%rsi); fstpt 32(%rsi); fstpt 16(%rsi); fstpt (%rsi)\n"
"	ret\n");

static void pattern(unsigned char *p, size_t n, unsigned int seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(seed * 37 + i * 11 + 1);
}

static void run_gpr(struct worker *w)
{
	uint64_t in[12], out[12] = { 0 };

	pattern((unsigned char *)in, sizeof(in), w->id);
	spin_gpr(in, out, &stop);
	CHECK(!memcmp(in, out, sizeof(in)));
}

static void run_ymm(struct worker *w)
{
	unsigned char in[512], out[512] = { 0 };
	unsigned int csr, want = 0x1f80 | 0x6000 | 0x20;	/* rounds to zero; one flag raised */

	if (!__builtin_cpu_supports("avx"))
		return run_gpr(w);
	pattern(in, sizeof(in), w->id);
	asm volatile("ldmxcsr %0" :: "m"(want));
	spin_ymm(in, out, &stop);
	asm volatile("stmxcsr %0" : "=m"(csr));
	CHECK(!memcmp(in, out, sizeof(in)));
	CHECKF(csr == want, "%#x", csr);
	want = 0x1f80;
	asm volatile("ldmxcsr %0" :: "m"(want));
}

static void run_zmm(struct worker *w)
{
	unsigned char in[1024], out[1028] = { 0 };

	if (!__builtin_cpu_supports("avx512f"))
		return run_ymm(w);
	pattern(in, sizeof(in), w->id);
	spin_zmm(in, out, &stop);
	CHECK(!memcmp(in, out, sizeof(in)));
	CHECK(!memcmp(in, out + 1024, 2) && !memcmp(in + 8, out + 1026, 2));
}

static void run_x87(struct worker *w)
{
	long double in[4] = { 1.25L + w->id, -3e300L, 1.0L / 3, 0 }, out[4] = { 0 };
	unsigned short cw, want = 0x0f7f;

	asm volatile("fldcw %0" :: "m"(want));
	spin_x87(in, out, &stop);
	asm volatile("fnstcw %0" : "=m"(cw));
	CHECK(in[0] == out[0] && in[1] == out[1] && in[2] == out[2] && in[3] == out[3]);
	CHECKF(cw == want, "%#x", cw);
}

/* ---- calls that wait ---- */

static void run_read(struct worker *w)
{
	char c = 0;

	(void)w;
	CHECK(syscall(SYS_read, to_read[0], &c, 1L) == 1);
	CHECK(c == 'r');
}

static void run_poll(struct worker *w)
{
	struct pollfd p = { .fd = to_poll[0], .events = POLLIN };

	(void)w;
	CHECK(syscall(SYS_poll, &p, 1L, -1L) == 1);
	CHECK(p.revents & POLLIN);
}

static void run_ppoll(struct worker *w)
{
	struct pollfd p = { .fd = to_ppoll[0], .events = POLLIN };
	sigset_t now, none;

	sigfillset(&none);
	CHECK(ppoll(&p, 1, NULL, &none) == 1);
	CHECK(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
	CHECK(!memcmp(&now, &w->mask, 8));
}

/* Its timeout is far away; what is left of it the kernel keeps in our memory. */
static void run_select(struct worker *w)
{
	struct timeval tv = { 600, 0 };
	fd_set set;

	(void)w;
	FD_ZERO(&set);
	FD_SET(to_select[0], &set);
	CHECK(select(to_select[0] + 1, &set, NULL, NULL, &tv) == 1);
	CHECK(tv.tv_sec >= 400 && tv.tv_sec < 600);
}

static void run_sem(struct worker *w)
{
	(void)w;
	CHECK(sem_wait(&untimed) == 0);
}

/* An end, not a length of time: nothing of it can get lost. */
static void run_timed(struct worker *w)
{
	struct timespec until;

	(void)w;
	CHECK(clock_gettime(CLOCK_REALTIME, &until) == 0);
	until.tv_sec += 600;
	CHECK(sem_timedwait(&timed, &until) == 0);
}

static void run_cond(struct worker *w)
{
	(void)w;
	pthread_mutex_lock(&cond_lock);
	while (!cond_set)
		CHECK(pthread_cond_wait(&cond, &cond_lock) == 0);
	pthread_mutex_unlock(&cond_lock);
}

static void run_mutex(struct worker *w)
{
	(void)w;
	CHECK(pthread_mutex_lock(&held) == 0);
	CHECK(pthread_mutex_unlock(&held) == 0);
}

static void run_abs_sleep(struct worker *w)
{
	struct timespec until, now;

	(void)w;
	CHECK(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
	until.tv_sec += 1;
	CHECK(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	CHECK(now.tv_sec > until.tv_sec || (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec));
}

static void run_sigwait(struct worker *w)
{
	siginfo_t info;
	sigset_t set;

	(void)w;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	/* Not glibc's: it would hide an EINTR that the stop made. */
	CHECK(syscall(SYS_rt_sigtimedwait, &set, &info, NULL, 8L) == SIGRTMIN + 1);
}

static void run_sigsuspend(struct worker *w)
{
	sigset_t set, now;

	sigfillset(&set);
	sigdelset(&set, SIGUSR2);
	CHECK(sigsuspend(&set) == -1 && errno == EINTR);
	CHECK(handler_calls == 1 && on_altstack);
	CHECK(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
	CHECK(!memcmp(&now, &w->mask, 8));
	w->handled = true;
}

/* Ends with three robust mutexes held; the next owner is told. */
static void run_robust(struct worker *w)
{
	for (int i = 0; i < 3; i++)
		CHECK(pthread_mutex_lock(&robust[i]) == 0);
	run_gpr(w);
}

/* ---- what each thread has of its own ---- */

static void on_usr2(int sig)
{
	stack_t ss;

	(void)sig;
	CHECK(sigaltstack(NULL, &ss) == 0);
	on_altstack = (ss.ss_flags & SS_ONSTACK) && (char *)&ss >= (char *)ss.ss_sp &&
		      (char *)&ss < (char *)ss.ss_sp + ss.ss_size;
	handler_calls++;
}

static void *robust_head(void)
{
	size_t len = 0;
	void *head = NULL;

	CHECK(syscall(SYS_get_robust_list, 0, &head, &len) == 0);
	return head;
}

static void set_up_own(struct worker *w)
{
	char name[16];

	snprintf(name, sizeof(name), "worker %u", w->id);
	CHECK(prctl(PR_SET_NAME, name) == 0);
	tls_value = 1000 + w->id;
	memset(tls_block, (int)w->id, sizeof(tls_block));
	w->tid = (pid_t)syscall(SYS_gettid);
	w->ss.ss_size = ALTSTACK;
	w->ss.ss_sp = malloc(ALTSTACK);
	CHECK(w->ss.ss_sp && sigaltstack(&w->ss, NULL) == 0);
	CHECK(pthread_sigmask(SIG_BLOCK, NULL, &w->mask) == 0);
	sigaddset(&w->mask, SIGRTMIN + 1);
	sigaddset(&w->mask, SIGRTMIN + 2 + (int)w->id % 20);
	CHECK(pthread_sigmask(SIG_SETMASK, &w->mask, NULL) == 0);
	w->robust = robust_head();
}

/* The kernel keeps rseq.cpu_id right only where rseq is registered. */
static void check_rseq(void)
{
	const struct rseq *r;
	cpu_set_t all, one;

	if (!__rseq_size)
		return;
	r = (const struct rseq *)((const char *)__builtin_thread_pointer() + __rseq_offset);
	CHECK(sched_getaffinity(0, sizeof(all), &all) == 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
		CHECKF(*(const volatile uint32_t *)&r->cpu_id == (uint32_t)cpu, "%u, cpu %d",
		       r->cpu_id, cpu);
		CHECK(sched_getcpu() == cpu);
	}
	CHECK(sched_setaffinity(0, sizeof(all), &all) == 0);
	/* Registered once already, with this length or another: never free to take. */
	CHECK(syscall(SYS_rseq, r, 32L, 0L, (long)RSEQ_SIG) == -1);
}

static void check_own(struct worker *w)
{
	char want[16], name[16];
	sigset_t now;
	stack_t ss;

	snprintf(want, sizeof(want), "worker %u", w->id);
	CHECK(prctl(PR_GET_NAME, name) == 0);
	CHECKF(!strcmp(name, want), "%s %s", name, want);
	CHECK(tls_value == 1000 + w->id);
	for (size_t i = 0; i < sizeof(tls_block); i++)
		CHECK(tls_block[i] == (char)w->id);
	CHECK(syscall(SYS_gettid) == w->tid);
	CHECK(pthread_equal(pthread_self(), w->t));
	CHECK(sigaltstack(NULL, &ss) == 0);
	CHECK(ss.ss_sp == w->ss.ss_sp && ss.ss_size == w->ss.ss_size && ss.ss_flags == 0);
	CHECK(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
	CHECK(!memcmp(&now, &w->mask, 8));
	CHECK(robust_head() == w->robust);
	if (!w->handled) {
		CHECK(pthread_kill(pthread_self(), SIGUSR2) == 0);
		CHECK(handler_calls == 1 && on_altstack);
	}
	check_rseq();
}

static void *enter(void *arg)
{
	struct worker *w = arg;

	set_up_own(w);
	__atomic_add_fetch(&running, 1, __ATOMIC_SEQ_CST);
	w->fn(w);
	check_own(w);
	return w;
}

static struct worker workers[] = {
	{ .fn = run_gpr }, { .fn = run_ymm }, { .fn = run_zmm }, { .fn = run_x87 },
	{ .fn = run_read }, { .fn = run_poll }, { .fn = run_ppoll }, { .fn = run_select },
	{ .fn = run_sem }, { .fn = run_timed }, { .fn = run_cond }, { .fn = run_mutex },
	{ .fn = run_abs_sleep }, { .fn = run_sigwait }, { .fn = run_sigsuspend }, { .fn = run_robust },
};
#define N (sizeof(workers) / sizeof(*workers))

static void set_up(void)
{
	struct sigaction sa = { .sa_handler = on_usr2, .sa_flags = SA_ONSTACK };
	pthread_mutexattr_t attr;

	CHECK(sigaction(SIGUSR2, &sa, NULL) == 0);
	CHECK(pipe(to_read) == 0 && pipe(to_poll) == 0 && pipe(to_select) == 0 && pipe(to_ppoll) == 0);
	CHECK(sem_init(&untimed, 0, 0) == 0 && sem_init(&timed, 0, 0) == 0);
	pthread_mutexattr_init(&attr);
	CHECK(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_mutex_init(&robust[i], &attr) == 0);
	CHECK(pthread_mutex_lock(&held) == 0);
	for (size_t i = 0; i < N; i++) {
		workers[i].id = (unsigned int)i;
		CHECK(pthread_create(&workers[i].t, NULL, enter, &workers[i]) == 0);
	}
	while (running < (int)N)
		usleep(1000);
	usleep(100000);	/* into their calls */
}

static void release(void)
{
	stop = 1;
	CHECK(write(to_read[1], "r", 1) == 1 && write(to_poll[1], "p", 1) == 1);
	CHECK(write(to_ppoll[1], "p", 1) == 1 && write(to_select[1], "s", 1) == 1);
	CHECK(sem_post(&untimed) == 0 && sem_post(&timed) == 0);
	pthread_mutex_lock(&cond_lock);
	cond_set = true;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&cond_lock);
	CHECK(pthread_mutex_unlock(&held) == 0);
	for (size_t i = 0; i < N; i++) {
		if (workers[i].fn == run_sigwait)
			CHECK(pthread_kill(workers[i].t, SIGRTMIN + 1) == 0);
		if (workers[i].fn == run_sigsuspend)
			CHECK(pthread_kill(workers[i].t, SIGUSR2) == 0);
	}
}

int main(void)
{
	prog_init();
	set_up();
	prog_ready();
	CHECK(!stop);
	release();
	for (size_t i = 0; i < N; i++) {
		void *ret = NULL;

		CHECK(pthread_join(workers[i].t, &ret) == 0);
		CHECK(ret == &workers[i]);
	}
	for (int i = 0; i < 3; i++)
		CHECK(pthread_mutex_lock(&robust[i]) == EOWNERDEAD);
	prog_done();
}
