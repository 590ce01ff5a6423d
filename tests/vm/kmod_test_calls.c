// SPDX-License-Identifier: GPL-2.0
/* A frozen and thawed program's calls that wait end as if it had never stopped. */
#include "kmod_test.h"

#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	C_NANOSLEEP, C_ABS_SLEEP, C_POLL_TIMEOUT, C_SELECT, C_POLL, C_READ, C_FUTEX, C_EPOLL,
	C_SIGTIMEDWAIT, C_SIGSUSPEND, C_SEMOP, C_SEMTIMEDOP, C_MSGRCV, C_RECV_TIMEO, C_ACCEPT_TIMEO,
	C_RECV, C_WAIT, NCALLS
};
static const char *const call_names[NCALLS] = {
	"nanosleep", "clock_nanosleep", "poll 2 s", "select 2 s", "poll", "read", "futex", "epoll_wait",
	"rt_sigtimedwait", "sigsuspend", "semop", "semtimedop", "msgrcv", "recv SO_RCVTIMEO",
	"accept SO_RCVTIMEO", "recv", "waitpid",
};
static int pipes[NCALLS][2], pairs[NCALLS][2], listener, semid, msgid;
static volatile int futex_word;
static struct shared *calls_sh;
static pid_t calls_tid[NCALLS], calls_child;

static void on_usr1(int sig)
{
	(void)sig;
}

static void set_timeout(int fd)
{
	struct timeval tv = { .tv_sec = 60 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

static long wait_epoll(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	return epoll_wait(ep, &ev, 1, -1);
}

static long one_call(int c)
{
	struct timespec two = { .tv_sec = 2 }, minute = { .tv_sec = 60 }, at;
	struct timeval tv = { .tv_sec = 2 };
	struct pollfd p = { .fd = pipes[c][0], .events = POLLIN };
	struct sembuf sem = { .sem_num = c == C_SEMOP, .sem_op = -1 };
	struct { long type; char text[8]; } msg;
	sigset_t set;
	char b;

	switch (c) {
	case C_NANOSLEEP:
		return nanosleep(&two, NULL);
	case C_ABS_SLEEP:
		clock_gettime(CLOCK_MONOTONIC, &at);
		at.tv_sec += 2;
		return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	case C_POLL_TIMEOUT:
		return poll(&p, 1, 2000);
	case C_SELECT:
		return select(0, NULL, NULL, NULL, &tv);
	case C_POLL:
		return poll(&p, 1, -1);
	case C_READ:
		return read(pipes[c][0], &b, 1);
	case C_FUTEX:
		return syscall(SYS_futex, &futex_word, FUTEX_WAIT, 0, NULL, NULL, 0);
	case C_EPOLL:
		return wait_epoll(pipes[c][0]);
	case C_SIGTIMEDWAIT:
		sigemptyset(&set);
		sigaddset(&set, SIGUSR2);
		return sigtimedwait(&set, NULL, &minute);
	case C_SIGSUSPEND:
		sigfillset(&set);
		sigdelset(&set, SIGUSR1);
		return sigsuspend(&set);
	case C_SEMOP:
		return semop(semid, &sem, 1);
	case C_SEMTIMEDOP:
		return semtimedop(semid, &sem, 1, &minute);
	case C_MSGRCV:
		return msgrcv(msgid, &msg, sizeof(msg.text), 0, 0);
	case C_RECV_TIMEO:
		set_timeout(pairs[c][0]);
		return recv(pairs[c][0], &b, 1, 0);
	case C_ACCEPT_TIMEO:
		set_timeout(listener);
		return accept(listener, NULL, NULL) >= 0;
	case C_RECV:
		return recv(pairs[c][0], &b, 1, 0);
	case C_WAIT:
		return waitpid(calls_child, NULL, 0) == calls_child;
	}
	return -1000;
}

static void *call_thread(void *p)
{
	int c = (int)(intptr_t)p;
	uint64_t start = now_ms();
	long r;

	calls_tid[c] = (pid_t)syscall(SYS_gettid);
	__atomic_add_fetch(&calls_sh->ready, 1, __ATOMIC_SEQ_CST);
	r = one_call(c);
	calls_sh->result[c] = r < 0 ? -errno : r;
	calls_sh->took_ms[c] = now_ms() - start;
	__atomic_add_fetch(&calls_sh->done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* The events that end the waits; sent by a thread of the target itself. */
static void send_events(void)
{
	struct sembuf up[2] = { { .sem_num = 0, .sem_op = 1 }, { .sem_num = 1, .sem_op = 1 } };
	struct { long type; char text[8]; } msg = { .type = 1 };

	for (int c = 0; c < NCALLS; c++) {
		if (c != C_POLL_TIMEOUT && write(pipes[c][1], "x", 1) != 1)
			_exit(97);
		if (write(pairs[c][1], "x", 1) != 1)
			_exit(97);
	}
	futex_word = 1;
	syscall(SYS_futex, &futex_word, FUTEX_WAKE, 1, NULL, NULL, 0);
	syscall(SYS_tgkill, getpid(), calls_tid[C_SIGTIMEDWAIT], SIGUSR2);
	syscall(SYS_tgkill, getpid(), calls_tid[C_SIGSUSPEND], SIGUSR1);
	semop(semid, up, 2);
	msgsnd(msgid, &msg, sizeof(msg.text), 0);
	kill(calls_child, SIGKILL);
}

static void connect_listener(void)
{
	struct sockaddr a;
	socklen_t len = sizeof(a);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	getsockname(listener, &a, &len);
	if (connect(fd, &a, len))
		_exit(96);
}

static void calls_target(struct shared *sh, int n)
{
	struct sockaddr a = { .sa_family = AF_UNIX };
	sigset_t set;

	calls_sh = sh;
	signal(SIGUSR1, on_usr1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int c = 0; c < NCALLS; c++)
		if (pipe(pipes[c]) || socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[c]))
			_exit(95);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	/* An abstract address of the kernel's choice. */
	if (bind(listener, &a, sizeof(a.sa_family)) || listen(listener, 5))
		_exit(94);
	semid = semget(IPC_PRIVATE, 2, 0600);
	msgid = msgget(IPC_PRIVATE, 0600);
	calls_child = fork();
	if (!calls_child)
		for (;;)
			pause();
	for (int c = 0; c < NCALLS; c++) {
		pthread_t t;

		if (pthread_create(&t, NULL, call_thread, (void *)(intptr_t)c))
			_exit(93);
	}
	(void)n;
	while (!sh->stop)
		sleep_ms(2);
	send_events();
	connect_listener();
	while (sh->done < NCALLS)
		sleep_ms(2);
	semctl(semid, 0, IPC_RMID);
	msgctl(msgid, IPC_RMID, NULL);
	_exit(0);
}

static void check_call(struct shared *sh, int c)
{
	long r = sh->result[c], want = 1;

	switch (c) {
	case C_NANOSLEEP:
	case C_ABS_SLEEP:
	case C_POLL_TIMEOUT:
	case C_SELECT:
		want = 0;
		/* Never early; how late says how busy the machine is. */
		if (sh->took_ms[c] < 1990)
			fail_at(call_names[c], c, "took_ms", (long)sh->took_ms[c], 2000);
		break;
	case C_FUTEX:
	case C_SEMOP:
	case C_SEMTIMEDOP:
		want = 0;
		break;
	case C_SIGTIMEDWAIT:
		want = SIGUSR2;
		break;
	case C_SIGSUSPEND:
		want = -EINTR;
		break;
	case C_MSGRCV:
		want = 8;
		break;
	}
	if (r != want)
		fail_at(call_names[c], c, "result", r, want);
}

/* 20 stops later every call has the result it would have had. */
static void test_calls(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(calls_target, sh, NCALLS);
	struct ckptbpf_freeze f;
	int fd = open_session(), status;

	sleep_ms(300);
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
		sleep_ms(5);
		CHECK_EQ(thaw(fd, pid), 0);
		sleep_ms(20);
	}
	sh->stop = 1;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	for (int c = 0; c < NCALLS; c++)
		check_call(sh, c);
}

const struct kmod_test calls_tests[] = {
	{ "17 waiting calls end as if never stopped", test_calls },
	{ NULL, NULL }
};
