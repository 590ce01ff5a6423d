// SPDX-License-Identifier: GPL-2.0
/*
 * calls [sockets]: a thread in each system call that can wait, all of them
 * beginning before `ready`. One with a timeout must not end before it, nor with
 * EINTR; where `late` is 0, later only by what a ticker saw of gaps. One without
 * must go on waiting until it is given what it waits for, after the check began.
 * sockets: what waits on descriptors that cannot be saved (yet).
 */
#include "prog.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#define MS 1000000ll
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

static long long length_ns = 3000 * MS, slack_ns = 20 * MS;
static volatile long long gaps_ns;
static volatile unsigned long ticks;
static volatile int checking;
static struct timespec length, *fixed;	/* fixed: the same, where it cannot be written */
static long long start_ns;
static int word, held, none[2], given[2], full[2], epfd, event, sem, queue, lock[2];
static int listener, stream[2], backlog;
static mqd_t mq;
static aio_context_t aio;
static pthread_t self[64];

static long long now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000 * MS + t.tv_nsec;
}

static struct timespec at(clockid_t clock)
{
	long long ns = now_ns(clock) + length_ns;

	return (struct timespec){ ns / (1000 * MS), ns % (1000 * MS) };
}

static void *tick(void *arg)
{
	struct timespec ms = { 0, MS };
	long long last = now_ns(CLOCK_MONOTONIC), now;

	for (;;) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &ms, NULL);
		now = now_ns(CLOCK_MONOTONIC);
		if (now - last > 4 * MS)
			gaps_ns += now - last - MS;
		last = now;
		ticks++;
	}
	return arg;
}

#define CALL(nr, ...) (syscall(SYS_##nr, ##__VA_ARGS__) < 0 ? -errno : 0)
#define SLEEP(name, clock, rest)						\
	static long name(void)							\
	{									\
		struct timespec left;						\
										\
		(void)left;							\
		return CALL(clock_nanosleep, clock, 0, &length, rest);		\
	}
SLEEP(sleep_monotonic, CLOCK_MONOTONIC, NULL)
SLEEP(sleep_boottime, CLOCK_BOOTTIME, &left)
SLEEP(sleep_realtime, CLOCK_REALTIME, NULL)
SLEEP(sleep_tai, CLOCK_TAI, &left)

#define SLEEP_UNTIL(name, clock)						\
	static long name(void)							\
	{									\
		struct timespec t = at(clock);					\
										\
		return CALL(clock_nanosleep, clock, TIMER_ABSTIME, &t, NULL);	\
	}
SLEEP_UNTIL(until_monotonic, CLOCK_MONOTONIC)
SLEEP_UNTIL(until_boottime, CLOCK_BOOTTIME)
SLEEP_UNTIL(until_realtime, CLOCK_REALTIME)

static long do_nanosleep(void) { return CALL(nanosleep, &length, NULL); }
static long do_poll_none(void) { return CALL(poll, NULL, 0, (int)(length_ns / MS)); }

static long do_poll(void)
{
	struct pollfd p = { .fd = none[0], .events = POLLIN };

	return CALL(poll, &p, 1, (int)(length_ns / MS));
}

static long do_ppoll(void)
{
	struct pollfd p = { .fd = none[0], .events = POLLIN };
	struct timespec t = length;

	return CALL(ppoll, &p, 1, &t, NULL, 0);
}

static long ppoll_fixed(void)
{
	struct pollfd p = { .fd = none[0], .events = POLLIN };

	return CALL(ppoll, &p, 1, fixed, NULL, 0);
}

static long do_select(void)
{
	struct timeval t = { length.tv_sec, length.tv_nsec / 1000 };

	return CALL(select, 0, NULL, NULL, NULL, &t);
}

static long do_pselect(void)
{
	struct timespec t = length;

	return CALL(pselect6, 0, NULL, NULL, NULL, &t, NULL);
}

static long pselect_fixed(void) { return CALL(pselect6, 0, NULL, NULL, NULL, fixed, NULL); }
static long futex_for(void) { return CALL(futex, &word, FUTEX_WAIT, 0, &length, NULL, 0); }

static long futex_until(void)
{
	struct timespec t = at(CLOCK_MONOTONIC);

	return CALL(futex, &word, FUTEX_WAIT_BITSET, 0, &t, NULL, 7);
}

static long futex_until_realtime(void)
{
	struct timespec t = at(CLOCK_REALTIME);

	return CALL(futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &t, NULL, 7);
}

static long futex_waitv_until(void)
{
	struct { uint64_t val, uaddr; uint32_t flags, pad; } w = { 0, (uintptr_t)&word, 2, 0 };
	struct timespec t = at(CLOCK_MONOTONIC);
	long ret = CALL(futex_waitv, &w, 1, 0, &t, CLOCK_MONOTONIC);

	if (ret == -ENOSYS) {		/* before 5.16 */
		until_monotonic();
		return -ETIMEDOUT;
	}
	return ret;
}

static long lock_pi_until(void)
{
	struct timespec t = at(CLOCK_REALTIME);

	return CALL(futex, &held, FUTEX_LOCK_PI, 0, &t, NULL, 0);
}

static long epoll_for(void)
{
	struct epoll_event e;

	return CALL(epoll_wait, epfd, &e, 1, (int)(length_ns / MS));
}

static long epoll_pwait_for(void)
{
	struct epoll_event e;

	return CALL(epoll_pwait, epfd, &e, 1, (int)(length_ns / MS), NULL, 8);
}

static long epoll_pwait2_for(void)
{
	struct epoll_event e;

	return CALL(epoll_pwait2, epfd, &e, 1, &length, NULL, 8);
}

static long semtimedop_for(void)
{
	struct sembuf op = { 0, -1, 0 };

	return CALL(semtimedop, sem, &op, 1, &length);
}

static long sigtimedwait_for(void)
{
	uint64_t set = 1ull << (SIGRTMIN + 5 - 1);

	return CALL(rt_sigtimedwait, &set, NULL, &length, 8);
}

/* ---- without a timeout ---- */

static long poll_ever(void)
{
	struct pollfd p = { .fd = given[0], .events = POLLIN };

	return CALL(poll, &p, 1, -1);
}

static long ppoll_ever(void)
{
	struct pollfd p = { .fd = given[0], .events = POLLIN };

	return CALL(ppoll, &p, 1, NULL, NULL, 0);
}

static long futex_ever(void) { return CALL(futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0); }
static long lock_pi_ever(void)
{
	return CALL(futex, &held, FUTEX_LOCK_PI, 0, NULL, NULL, 0) ?:
	       CALL(futex, &held, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
}

static long read_ever(void)
{
	uint64_t n;

	return CALL(read, event, &n, 8);
}

static long read_pipe(void)
{
	char c;

	return CALL(read, none[0], &c, 1);
}

static long write_pipe(void)
{
	static char page[PIPE_BUF];

	return CALL(write, full[1], page, sizeof(page));
}

static long epoll_ever(void)
{
	struct epoll_event e;

	return CALL(epoll_wait, epfd, &e, 1, -1);
}

static long semop_ever(void)
{
	struct sembuf op = { 1, -1, 0 };

	return CALL(semop, sem, &op, 1);
}

static long sigwait_ever(void)
{
	uint64_t set = 1ull << (SIGRTMIN + 6 - 1);

	return CALL(rt_sigtimedwait, &set, NULL, NULL, 8);
}

static long msgrcv_ever(void)
{
	struct { long type; char text[8]; } m;

	return CALL(msgrcv, queue, &m, sizeof(m.text), 1, 0);
}

static long flock_ever(void) { return CALL(flock, lock[1], LOCK_EX); }

static long setlkw_ever(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };

	return CALL(fcntl, lock[1], F_OFD_SETLKW, &l);
}

/* These two end with a signal's handler, which is what EINTR means. */
static long do_pause(void) { return CALL(pause) == -EINTR ? 0 : -1; }

static long do_sigsuspend(void)
{
	sigset_t set;

	/* Blocked but here, where prog_ready() waits for another one. */
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	sigdelset(&set, SIGRTMIN + 7);
	return CALL(rt_sigsuspend, &set, 8) == -EINTR ? 0 : -1;
}

/* ---- on what cannot be saved ---- */

static long recv_for(void)
{
	char c;

	return CALL(recvfrom, stream[0], &c, 1, 0, NULL, NULL);
}

static long read_for(void)
{
	char c;

	return CALL(read, stream[0], &c, 1);
}

static long accept_for(void) { return CALL(accept, listener, NULL, NULL); }

static long connect_for(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct timeval t = { length.tv_sec, length.tv_nsec / 1000 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t len = sizeof(a);

	CHECK(getsockname(backlog, (void *)&a, &len) == 0);
	CHECK(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) == 0);
	return CALL(connect, fd, &a, len);
}

static long mq_for(void)
{
	struct timespec t = at(CLOCK_REALTIME);
	char m[16];

	return CALL(mq_timedreceive, mq, m, sizeof(m), NULL, &t);
}

static long io_getevents_for(void)
{
	struct io_event e;

	return CALL(io_getevents, aio, 1, 1, &e, &length);
}

static const struct call {
	const char *name;
	long (*fn)(void);
	long want;
	enum { EXACT, LATE, EVER } how;	/* LATE: each stop may make it begin anew */
} with_all[] = {
	{ "nanosleep", do_nanosleep, 0, EXACT },
	{ "clock_nanosleep, monotonic", sleep_monotonic, 0, EXACT },
	{ "clock_nanosleep, boottime", sleep_boottime, 0, EXACT },
	{ "clock_nanosleep, realtime", sleep_realtime, 0, EXACT },
	{ "clock_nanosleep, tai", sleep_tai, 0, EXACT },
	{ "clock_nanosleep until, monotonic", until_monotonic, 0, EXACT },
	{ "clock_nanosleep until, boottime", until_boottime, 0, EXACT },
	{ "clock_nanosleep until, realtime", until_realtime, 0, EXACT },
	{ "poll", do_poll, 0, EXACT }, { "poll of nothing", do_poll_none, 0, EXACT },
	{ "ppoll", do_ppoll, 0, EXACT }, { "select", do_select, 0, EXACT },
	{ "pselect6", do_pselect, 0, EXACT },
	{ "ppoll, fixed", ppoll_fixed, 0, LATE }, { "pselect6, fixed", pselect_fixed, 0, LATE },
	{ "futex", futex_for, -ETIMEDOUT, EXACT },
	{ "futex until", futex_until, -ETIMEDOUT, EXACT },
	{ "futex until, realtime", futex_until_realtime, -ETIMEDOUT, EXACT },
	{ "futex_waitv", futex_waitv_until, -ETIMEDOUT, EXACT },
	{ "futex, lock_pi until", lock_pi_until, -ETIMEDOUT, EXACT },
	{ "epoll_wait", epoll_for, 0, LATE }, { "epoll_pwait", epoll_pwait_for, 0, LATE },
	{ "epoll_pwait2", epoll_pwait2_for, 0, LATE },
	{ "semtimedop", semtimedop_for, -EAGAIN, LATE },
	{ "sigtimedwait", sigtimedwait_for, -EAGAIN, LATE },
	{ "poll without end", poll_ever, 0, EVER }, { "ppoll without end", ppoll_ever, 0, EVER },
	{ "futex without end", futex_ever, 0, EVER }, { "lock_pi", lock_pi_ever, 0, EVER },
	{ "read, eventfd", read_ever, 0, EVER }, { "read, pipe", read_pipe, 0, EVER },
	{ "write, pipe", write_pipe, 0, EVER }, { "epoll_wait without end", epoll_ever, 0, EVER },
	{ "semop", semop_ever, 0, EVER }, { "sigwaitinfo", sigwait_ever, 0, EVER },
	{ "msgrcv", msgrcv_ever, 0, EVER }, { "flock", flock_ever, 0, EVER },
	{ "fcntl F_OFD_SETLKW", setlkw_ever, 0, EVER }, { "pause", do_pause, 0, EVER },
	{ "sigsuspend", do_sigsuspend, 0, EVER },
}, with_sockets[] = {
	{ "recv", recv_for, -EAGAIN, LATE }, { "read, socket", read_for, -EAGAIN, LATE },
	{ "accept", accept_for, -EAGAIN, LATE }, { "connect", connect_for, -EAGAIN, LATE },
	{ "mq_timedreceive", mq_for, -ETIMEDOUT, EXACT },
	{ "io_getevents", io_getevents_for, 0, LATE },
}, *calls;
static size_t ncalls;

static void *run(void *arg)
{
	const struct call *c = arg;
	long long gaps = gaps_ns, took;
	unsigned long seen;
	long got = c->fn();

	took = now_ns(CLOCK_MONOTONIC) - start_ns;
	CHECKF(got == c->want, "%s: %ld, not %ld", c->name, got, c->want);
	CHECKF(c->how != EVER || checking, "%s ended", c->name);
	CHECKF(c->how == EVER || took >= length_ns, "%s: %lld ns", c->name, took);
	for (seen = ticks; c->how == EXACT && ticks < seen + 2; )
		usleep(500);
	gaps = gaps_ns - gaps;
	CHECKF(c->how != EXACT || took < length_ns + gaps + slack_ns, "%s: %lld ns, %lld in gaps",
	       c->name, took, gaps);
	return NULL;
}

/* Holds the lock that two others wait for. */
static void *hold(void *arg)
{
	CHECK(CALL(futex, &held, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0);
	*(volatile int *)arg = 1;
	while (checking < 2)
		usleep(1000);
	CHECK(CALL(futex, &held, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
	return NULL;
}

static void on_signal(int sig)
{
	(void)sig;
}

static void set_up(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	static char page[4096];

	CHECK(pipe(none) == 0 && pipe(given) == 0 && pipe2(full, O_NONBLOCK) == 0);
	while (write(full[1], page, sizeof(page)) > 0)
		;
	CHECK(fcntl(full[1], F_SETFL, 0) == 0 && fcntl(full[0], F_SETFL, 0) == 0);
	epfd = epoll_create1(0);
	event = eventfd(0, 0);
	e.data.fd = given[0];
	CHECK(epfd >= 0 && event >= 0 && epoll_ctl(epfd, EPOLL_CTL_ADD, given[0], &e) == 0);
	sem = semget(IPC_PRIVATE, 2, 0600);
	queue = msgget(IPC_PRIVATE, 0600);
	CHECK(sem >= 0 && queue >= 0);
	for (int i = 0; i < 2; i++) {
		lock[i] = open("calls.lock", O_RDWR | O_CREAT, 0600);
		CHECK(lock[i] >= 0);
	}
	CHECK(flock(lock[0], LOCK_EX) == 0 && fcntl(lock[0], F_OFD_SETLK, &l) == 0);
	fixed = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(fixed != MAP_FAILED);
	*fixed = length;
	CHECK(mprotect(fixed, 4096, PROT_READ) == 0);
}

static void set_up_sockets(void)
{
	struct timeval t = { length.tv_sec, length.tv_nsec / 1000 };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 16 };
	socklen_t len = sizeof(a.sun_family);

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, stream) == 0);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	backlog = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(bind(listener, (void *)&a, len) == 0 && listen(listener, 1) == 0);
	CHECK(bind(backlog, (void *)&a, len) == 0 && listen(backlog, 0) == 0);
	CHECK(setsockopt(stream[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) == 0);
	CHECK(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) == 0);
	len = sizeof(a);
	CHECK(getsockname(backlog, (void *)&a, &len) == 0);
	CHECK(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, len) == 0);
	mq = mq_open("/ckptbpf-calls", O_RDWR | O_CREAT, 0600, &attr);
	CHECK(mq >= 0 && mq_unlink("/ckptbpf-calls") == 0);
	CHECK(CALL(io_setup, 1, &aio) == 0);
}

/* What those that wait without end wait for. */
static void give(void)
{
	struct { long type; char text[8]; } m = { 1, "" };
	struct flock l = { .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_len = 1 };
	uint64_t one = 1;
	char page[4096];

	checking = 2;
	__atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
	CHECK(CALL(futex, &word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0) == 0);
	CHECK(write(given[1], "x", 1) == 1 && write(none[1], "x", 1) == 1 && write(event, &one, 8) == 8);
	CHECK(read(full[0], page, sizeof(page)) == sizeof(page));
	CHECK(semctl(sem, 1, SETVAL, 1) == 0 && msgsnd(queue, &m, sizeof(m.text), 0) == 0);
	CHECK(flock(lock[0], LOCK_UN) == 0 && fcntl(lock[0], F_OFD_SETLK, &l) == 0);
	CHECK(kill(getpid(), SIGRTMIN + 6) == 0);
	for (size_t i = 0; i < ncalls; i++) {
		if (calls[i].fn == do_pause)
			CHECK(pthread_kill(self[i], SIGUSR2) == 0);
		if (calls[i].fn == do_sigsuspend)
			CHECK(pthread_kill(self[i], SIGRTMIN + 7) == 0);
	}
}

int main(int argc, char **argv)
{
	bool sockets = argc > 1 && !strcmp(argv[1], "sockets");
	const char *slow = getenv("CKPT_SLOW");
	struct sigaction sa = { .sa_handler = on_signal };
	volatile int holds = sockets;
	pthread_t ticker, holder;
	sigset_t set;

	calls = sockets ? with_sockets : with_all;
	ncalls = sockets ? sizeof(with_sockets) / sizeof(*calls) : sizeof(with_all) / sizeof(*calls);
	if (slow && atoi(slow) > 1) {
		slack_ns *= atoi(slow);
		length_ns += atoi(slow) * 1000 * MS;
	}
	length = (struct timespec){ length_ns / (1000 * MS), length_ns % (1000 * MS) };
	prog_init();
	sigemptyset(&set);
	for (int i = 5; i < 8; i++)
		sigaddset(&set, SIGRTMIN + i);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(sigaction(SIGUSR2, &sa, NULL) == 0 && sigaction(SIGRTMIN + 7, &sa, NULL) == 0);
	if (sockets)
		set_up_sockets();
	else
		set_up();
	CHECK(pthread_create(&ticker, NULL, tick, NULL) == 0);
	CHECK(sockets || pthread_create(&holder, NULL, hold, (void *)&holds) == 0);
	while (!holds)
		usleep(1000);
	start_ns = now_ns(CLOCK_MONOTONIC);
	for (size_t i = 0; i < ncalls; i++)
		CHECK(pthread_create(&self[i], NULL, run, (void *)&calls[i]) == 0);
	usleep(100000);
	prog_ready();
	checking = 1;
	for (size_t i = 0; i < ncalls; i++)
		CHECK(calls[i].how == EVER || pthread_join(self[i], NULL) == 0);
	if (!sockets)
		give();
	for (size_t i = 0; i < ncalls; i++)
		CHECK(calls[i].how != EVER || pthread_join(self[i], NULL) == 0);
	prog_done();
}
