// SPDX-License-Identifier: GPL-2.0
/*
 * posixtimer [GAP]: timers of every clock and kind of notice, armed, idle and
 * with a signal that waits. GAP ms or more before the check do not count.
 */
#include "prog.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <time.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum { FAR, ABS, TO_THREAD, CPU, THREAD_CPU, NONE, IDLE, WAITS, BOOT, N };

static int id[N];
static sem_t there, look, looked;
static pid_t thread_tid;
static clockid_t thread_clock;
static struct timespec deadline;

/* By the kernel's own calls: libc's numbers are these. */
static int make(clockid_t clock, int notify, int signo, int value, pid_t tid)
{
	struct sigevent ev = { .sigev_notify = notify, .sigev_signo = signo, .sigev_value.sival_int = value };
	int t = -1;

	ev.sigev_notify_thread_id = tid;
	CHECK(syscall(SYS_timer_create, clock, &ev, &t) == 0);
	return t;
}

static void arm(int which, long ms, long interval_ms)
{
	struct itimerspec it = {
		.it_value = { ms / 1000, ms % 1000 * 1000000 },
		.it_interval = { interval_ms / 1000, interval_ms % 1000 * 1000000 },
	};

	CHECK(syscall(SYS_timer_settime, id[which], 0, &it, NULL) == 0);
}

static long left_ms(int which, long interval_ms)
{
	struct itimerspec it;

	CHECKF(syscall(SYS_timer_gettime, id[which], &it) == 0, "timer %d", which);
	CHECKF(it.it_interval.tv_sec * 1000 + it.it_interval.tv_nsec / 1000000 == interval_ms,
	       "timer %d: interval %ld.%09ld", which, it.it_interval.tv_sec, it.it_interval.tv_nsec);
	return it.it_value.tv_sec * 1000 + it.it_value.tv_nsec / 1000000;
}

static long now_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static siginfo_t next(int sig)
{
	struct timespec ts = { 10, 0 };
	siginfo_t si;
	sigset_t one;
	long got;

	sigemptyset(&one);
	sigaddset(&one, sig);
	do {
		got = syscall(SYS_rt_sigtimedwait, &one, &si, &ts, 8);
	} while (got < 0 && errno == EINTR);
	CHECKF(got == sig, "signal %d", sig);
	return si;
}

static void *thread(void *arg)
{
	siginfo_t si;

	thread_tid = (pid_t)syscall(SYS_gettid);
	CHECK(pthread_getcpuclockid(pthread_self(), &thread_clock) == 0);
	sem_post(&there);
	while (sem_wait(&look))
		;
	for (int i = 0; i < 3; i++) {
		si = next(SIGRTMIN + 2);
		CHECK(si.si_code == SI_TIMER && si.si_value.sival_int == 1002);
	}
	/* Until its own CPU time is up. */
	for (volatile long i = 0; ; i++) {
		sigset_t set;

		CHECK(i < 2000000000);
		if (i % 100000)
			continue;
		CHECK(sigpending(&set) == 0);
		if (sigismember(&set, SIGRTMIN + 4))
			break;
	}
	CHECK(next(SIGRTMIN + 4).si_value.sival_int == 1004);
	sem_post(&looked);
	return arg;
}

static void set_up(void)
{
	struct itimerspec abs = { 0 };
	int gone[3];
	pthread_t t;

	CHECK(pthread_create(&t, NULL, thread, NULL) == 0);
	while (sem_wait(&there))
		;
	id[FAR] = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN, 1000, 0);
	for (int i = 0; i < 3; i++)
		gone[i] = make(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0, 0);
	id[ABS] = make(CLOCK_REALTIME, SIGEV_SIGNAL, SIGRTMIN + 1, 1001, 0);
	id[TO_THREAD] = make(CLOCK_REALTIME, SIGEV_THREAD_ID, SIGRTMIN + 2, 1002, thread_tid);
	for (int i = 0; i < 3; i++)
		CHECK(syscall(SYS_timer_delete, gone[i]) == 0);
	id[CPU] = make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGRTMIN + 3, 1003, 0);
	id[THREAD_CPU] = make(thread_clock, SIGEV_SIGNAL, SIGRTMIN + 4, 1004, 0);
	id[NONE] = make(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0, 0);
	id[IDLE] = make(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL, SIGRTMIN + 5, 1006, 0);
	id[WAITS] = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN + 6, 1007, 0);
	id[BOOT] = make(CLOCK_BOOTTIME, SIGEV_SIGNAL, SIGRTMIN + 7, 1008, 0);
	arm(FAR, 1000000, 5000);
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 5000;
	abs.it_value = deadline;
	CHECK(syscall(SYS_timer_settime, id[ABS], TIMER_ABSTIME, &abs, NULL) == 0);
	arm(TO_THREAD, 300, 100);
	arm(CPU, 2000000, 0);
	arm(THREAD_CPU, 60, 0);
	arm(NONE, 3000000, 0);
	arm(WAITS, 10, 200);
	arm(BOOT, 4000000, 0);
	usleep(30000);
}

static void check(long gap, long passed)
{
	struct timespec now;
	siginfo_t si;
	long used, left, begin;

	/* Each end of a measure is cut to whole milliseconds: they may differ by one. */
	used = 1000000 - left_ms(FAR, 5000);
	CHECKF(used >= 0 && used <= passed - gap + 1, "%ld of %ld ms", used, passed);
	clock_gettime(CLOCK_REALTIME, &now);
	left = (deadline.tv_sec - now.tv_sec) * 1000 + (deadline.tv_nsec - now.tv_nsec) / 1000000;
	used = left - left_ms(ABS, 0);
	CHECKF(used >= -50 && used < 50, "the deadline moved by %ld ms", used);
	used = 2000000 - left_ms(CPU, 0);
	CHECKF(used >= -10 && used < 2000, "%ld", used);
	used = 3000000 - left_ms(NONE, 0);
	CHECKF(used >= 0 && used <= passed - gap + 1, "%ld of %ld ms", used, passed);
	used = 4000000 - left_ms(BOOT, 0);
	CHECKF(used >= 0 && used <= passed - gap + 1, "%ld of %ld ms", used, passed);
	CHECK(left_ms(IDLE, 0) == 0);
	begin = now_ms(CLOCK_MONOTONIC);
	si = next(SIGRTMIN + 6);
	CHECK(si.si_code == SI_TIMER && si.si_value.sival_int == 1007);
	CHECK(now_ms(CLOCK_MONOTONIC) - begin < 100);
	si = next(SIGRTMIN + 6);
	si = next(SIGRTMIN + 6);
	CHECK(si.si_code == SI_TIMER && si.si_value.sival_int == 1007);
	CHECK(now_ms(CLOCK_MONOTONIC) - begin >= 200);
}

int main(int argc, char **argv)
{
	long begin = now_ms(CLOCK_MONOTONIC), gap = argc > 1 ? atol(argv[1]) : 0;
	sigset_t set;
	int more;

	prog_init();
	CHECK(sem_init(&there, 0, 0) == 0 && sem_init(&look, 0, 0) == 0 && sem_init(&looked, 0, 0) == 0);
	sigemptyset(&set);
	for (int i = 0; i < 8; i++)
		sigaddset(&set, SIGRTMIN + i);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	set_up();
	prog_ready();
	check(gap, now_ms(CLOCK_MONOTONIC) - begin);
	sem_post(&look);
	while (sem_wait(&looked))
		;
	more = make(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0, 0);
	for (int i = 0; i < N; i++) {
		CHECK(more != id[i]);
		CHECKF(syscall(SYS_timer_delete, id[i]) == 0, "timer %d", i);
	}
	prog_done();
}
