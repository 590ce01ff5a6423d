// SPDX-License-Identifier: GPL-2.0
/* Signals pending for the process and for two threads, with all that their entries tell. */
#include "prog.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define N_RT 5

static sem_t set, look, looked;
static sigset_t waiting;
static pid_t other;
static volatile sig_atomic_t calls, from;

static void on_term(int sig, siginfo_t *si, void *ctx)
{
	(void)ctx;
	calls = calls + 1;
	from = sig == SIGTERM && si->si_code == SI_USER && si->si_uid == getuid() ? si->si_pid : -1;
}

/* The next one of sig for this thread or the process; it must be there. libc would hide SI_TKILL. */
static siginfo_t next(int sig)
{
	struct timespec at_once = { 0, 0 };
	siginfo_t si;
	sigset_t one;

	memset(&si, 0, sizeof(si));
	sigemptyset(&one);
	sigaddset(&one, sig);
	CHECKF(syscall(SYS_rt_sigtimedwait, &one, &si, &at_once, 8) == sig, "signal %d", sig);
	return si;
}

static void *thread(void *arg)
{
	siginfo_t si;

	other = (pid_t)syscall(SYS_gettid);
	sem_post(&set);
	while (sem_wait(&look))
		;
	/* Its own before the process's. */
	si = next(SIGUSR2);
	CHECK(si.si_code == SI_TKILL && si.si_pid == getpid());
	si = next(SIGRTMIN + 1);
	CHECK(si.si_code == SI_QUEUE && si.si_value.sival_int == 100);
	sem_post(&looked);
	return arg;
}

static void send(void)
{
	union sigval v;
	siginfo_t odd = { .si_signo = SIGRTMIN + 2, .si_errno = 42, .si_code = -60 };
	struct rlimit lim, none;
	pthread_t t;

	CHECK(pthread_create(&t, NULL, thread, NULL) == 0);
	while (sem_wait(&set))
		;
	for (int i = 0; i < N_RT; i++) {
		v.sival_ptr = (char *)&waiting + i;
		CHECK(sigqueue(getpid(), SIGRTMIN + 1, v) == 0);
	}
	v.sival_int = 100;
	CHECK(pthread_sigqueue(t, SIGRTMIN + 1, v) == 0);
	CHECK(pthread_kill(t, SIGUSR2) == 0);
	v.sival_int = 200;
	CHECK(pthread_sigqueue(pthread_self(), SIGRTMIN + 1, v) == 0);
	/* A code and fields that nobody knows. */
	memset((char *)&odd + 16, 0x5a, 32);
	CHECK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN + 2, &odd) == 0);
	CHECK(kill(getpid(), SIGTERM) == 0);
	CHECK(kill(getpid(), SIGCONT) == 0);
	/* No room for an entry: the bit alone stays. */
	CHECK(getrlimit(RLIMIT_SIGPENDING, &lim) == 0);
	none = lim;
	none.rlim_cur = 0;
	CHECK(setrlimit(RLIMIT_SIGPENDING, &none) == 0);
	CHECK(pthread_kill(t, SIGHUP) == 0);
	CHECK(pthread_kill(pthread_self(), SIGHUP) == 0);
	CHECK(setrlimit(RLIMIT_SIGPENDING, &lim) == 0);
}

static void check_main(void)
{
	siginfo_t si = next(SIGRTMIN + 1);
	sigset_t now;

	CHECK(si.si_code == SI_QUEUE && si.si_value.sival_int == 200);
	for (int i = 0; i < N_RT; i++) {
		si = next(SIGRTMIN + 1);
		CHECKF(si.si_code == SI_QUEUE && si.si_pid == getpid() && si.si_uid == getuid() &&
		       si.si_value.sival_ptr == (char *)&waiting + i, "%d: value %p", i,
		       si.si_value.sival_ptr);
	}
	si = next(SIGRTMIN + 2);
	CHECK(si.si_code == -60 && si.si_errno == 42);
	for (int i = 16; i < 48; i++)
		CHECK(((unsigned char *)&si)[i] == 0x5a);
	si = next(SIGHUP);
	CHECKF(si.si_code == SI_USER && !si.si_pid && !si.si_uid, "code %d, pid %d", si.si_code, si.si_pid);
	CHECK(sigpending(&now) == 0);
	for (int sig = 1; sig <= 64; sig++)
		CHECKF(sigismember(&now, sig) == (sig == SIGTERM || sig == SIGCONT), "signal %d", sig);
	CHECK(calls == 0);
	CHECK(sigprocmask(SIG_UNBLOCK, &waiting, NULL) == 0);
	CHECKF(calls == 1 && from == getpid(), "%d calls, from %d", (int)calls, (int)from);
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = on_term, .sa_flags = SA_SIGINFO };

	prog_init();
	CHECK(sem_init(&set, 0, 0) == 0 && sem_init(&look, 0, 0) == 0 && sem_init(&looked, 0, 0) == 0);
	CHECK(sigaction(SIGTERM, &sa, NULL) == 0);
	sigemptyset(&waiting);
	sigaddset(&waiting, SIGTERM);
	sigaddset(&waiting, SIGHUP);
	sigaddset(&waiting, SIGCONT);
	sigaddset(&waiting, SIGUSR2);
	sigaddset(&waiting, SIGRTMIN + 1);
	sigaddset(&waiting, SIGRTMIN + 2);
	CHECK(sigprocmask(SIG_BLOCK, &waiting, NULL) == 0);
	send();
	prog_ready();
	sem_post(&look);
	while (sem_wait(&looked))
		;
	check_main();
	prog_done();
}
