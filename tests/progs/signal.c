// SPDX-License-Identifier: GPL-2.0
/* All 64 dispositions with their flags and masks, the blocked set, delivery on the alternate stack. */
#include "prog.h"

#include <sys/syscall.h>

struct kernel_sigaction {
	void *handler;
	unsigned long flags;
	void *restorer;
	unsigned long mask;
};

static struct kernel_sigaction before[65];
static sigset_t blocked;
static stack_t altstack;
static char *stack_mem;
static volatile sig_atomic_t calls, value, on_stack, masked, code;

static void read_actions(struct kernel_sigaction *a)
{
	for (int sig = 1; sig <= 64; sig++)
		CHECK(syscall(SYS_rt_sigaction, sig, NULL, &a[sig], 8L) == 0);
}

static void on_info(int sig, siginfo_t *info, void *ctx)
{
	char here;
	sigset_t now;

	(void)sig;
	(void)ctx;
	calls++;
	value = info->si_value.sival_int;
	code = info->si_code;
	on_stack = &here >= stack_mem && &here < stack_mem + altstack.ss_size;
	sigprocmask(SIG_BLOCK, NULL, &now);
	masked = sigismember(&now, SIGTERM) && sigismember(&now, SIGHUP) && !sigismember(&now, SIGINT);
}

static void on_plain(int sig)
{
	(void)sig;
	calls++;
}

static void set(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	CHECK(sigaction(sig, &sa, NULL) == 0);
}

static void set_up(void)
{
	struct sigaction sa = { .sa_sigaction = on_info, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };

	altstack.ss_size = 64 << 10;
	altstack.ss_sp = stack_mem = malloc(altstack.ss_size);
	CHECK(stack_mem && sigaltstack(&altstack, NULL) == 0);
	sigaddset(&sa.sa_mask, SIGTERM);
	sigaddset(&sa.sa_mask, SIGHUP);
	CHECK(sigaction(SIGUSR2, &sa, NULL) == 0);
	CHECK(sigaction(SIGRTMAX, &sa, NULL) == 0);
	set(SIGALRM, on_plain, SA_NODEFER | SA_RESETHAND);
	set(SIGINT, on_plain, 0);
	set(SIGTRAP, SIG_IGN, 0);
	set(SIGPIPE, SIG_IGN, 0);
	set(SIGCHLD, SIG_IGN, SA_NOCLDWAIT | SA_NOCLDSTOP);
	set(SIGRTMIN + 3, SIG_IGN, SA_RESTART);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigaddset(&blocked, SIGWINCH);
	sigaddset(&blocked, SIGRTMIN + 5);
	CHECK(sigprocmask(SIG_SETMASK, &blocked, NULL) == 0);
	read_actions(before);
}

static void check_read_back(void)
{
	struct kernel_sigaction after[65];
	sigset_t now;
	stack_t ss;

	read_actions(after);
	for (int sig = 1; sig <= 64; sig++)
		CHECKF(!memcmp(&after[sig], &before[sig], sizeof(before[sig])),
		       "signal %d: handler %p flags %#lx mask %#lx, before %p %#lx %#lx", sig,
		       after[sig].handler, after[sig].flags, after[sig].mask,
		       before[sig].handler, before[sig].flags, before[sig].mask);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
	for (int sig = 1; sig <= 64; sig++)
		CHECK(sigismember(&now, sig) == sigismember(&blocked, sig));
	CHECK(sigpending(&now) == 0);
	for (int sig = 1; sig <= 64; sig++)
		CHECK(sigismember(&now, sig) == 0);
	CHECK(sigaltstack(NULL, &ss) == 0);
	CHECK(ss.ss_sp == altstack.ss_sp && ss.ss_size == altstack.ss_size);
	CHECK(ss.ss_flags == 0);
}

static void check_delivery(void)
{
	union sigval v = { .sival_int = 4711 };
	struct sigaction sa;
	sigset_t now;

	CHECK(sigqueue(getpid(), SIGUSR2, v) == 0);
	CHECK(calls == 1);
	CHECK(value == 4711);
	CHECK(code == SI_QUEUE);
	CHECK(on_stack && masked);
	CHECK(raise(SIGRTMAX) == 0);
	CHECK(calls == 2);
	CHECK(raise(SIGALRM) == 0);
	CHECK(calls == 3);
	CHECK(sigaction(SIGALRM, NULL, &sa) == 0 && sa.sa_handler == SIG_DFL);
	CHECK(raise(SIGTRAP) == 0 && raise(SIGPIPE) == 0 && raise(SIGRTMIN + 3) == 0);
	/* Blocked: it stays pending. */
	CHECK(raise(SIGRTMIN + 5) == 0);
	CHECK(sigpending(&now) == 0 && sigismember(&now, SIGRTMIN + 5) == 1);
}

int main(void)
{
	prog_init();
	set_up();
	prog_ready();
	check_read_back();
	check_delivery();
	prog_done();
}
