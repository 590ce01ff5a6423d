// SPDX-License-Identifier: GPL-2.0
/* Signalfds: which signals each reads, real-time ones too, and a reader that waits. */
#include "prog.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/signalfd.h>

static int usr2, real_time, nothing, waited, shared;
static struct signalfd_siginfo waited_info;

static void make_set(sigset_t *set, int a, int b)
{
	sigemptyset(set);
	if (a)
		sigaddset(set, a);
	if (b)
		sigaddset(set, b);
}

static int make(int a, int b, int flags)
{
	sigset_t set;
	int fd;

	make_set(&set, a, b);
	fd = signalfd(-1, &set, flags);
	CHECK(fd >= 0);
	return fd;
}

static void *wait_for_signal(void *arg)
{
	CHECK(read(waited, &waited_info, sizeof(waited_info)) == sizeof(waited_info));
	return arg;
}

static void check_none(int fd)
{
	struct signalfd_siginfo si;

	CHECK(read(fd, &si, sizeof(si)) == -1 && errno == EAGAIN);
}

static void check_one(int fd, int sig, int value)
{
	struct signalfd_siginfo si;

	CHECK(read(fd, &si, sizeof(si)) == sizeof(si));
	CHECKF(si.ssi_signo == (uint32_t)sig && si.ssi_pid == (uint32_t)getpid() && si.ssi_int == value,
	       "%u %u %d", si.ssi_signo, si.ssi_pid, si.ssi_int);
}

int main(void)
{
	sigset_t set;
	pthread_t t;

	prog_init();
	make_set(&set, SIGUSR2, SIGRTMAX);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	usr2 = make(SIGUSR2, 0, SFD_NONBLOCK | SFD_CLOEXEC);
	real_time = make(SIGRTMAX, SIGTERM, SFD_NONBLOCK);
	nothing = make(0, 0, SFD_NONBLOCK);
	shared = dup(real_time);
	waited = make(SIGHUP, 0, 0);
	CHECK(shared >= 0 && pthread_create(&t, NULL, wait_for_signal, NULL) == 0);
	usleep(50000);
	prog_ready();
	CHECK(fcntl(usr2, F_GETFL) == (O_RDWR | O_NONBLOCK) && fcntl(waited, F_GETFL) == O_RDWR);
	CHECK((fcntl(usr2, F_GETFD) & FD_CLOEXEC) && !(fcntl(real_time, F_GETFD) & FD_CLOEXEC));
	check_none(usr2);
	check_none(real_time);
	CHECK(sigqueue(getpid(), SIGUSR2, (union sigval){ .sival_int = 5 }) == 0);
	CHECK(sigqueue(getpid(), SIGRTMAX, (union sigval){ .sival_int = 6 }) == 0);
	CHECK(sigqueue(getpid(), SIGRTMAX, (union sigval){ .sival_int = 7 }) == 0);
	check_none(nothing);
	check_one(usr2, SIGUSR2, 5);
	check_none(usr2);
	check_one(real_time, SIGRTMAX, 6);
	check_one(shared, SIGRTMAX, 7);
	check_none(real_time);
	/* A new mask for the description counts for both of its descriptors. */
	make_set(&set, SIGTERM, 0);
	CHECK(signalfd(shared, &set, 0) == shared && kill(getpid(), SIGTERM) == 0);
	check_one(real_time, SIGTERM, 0);
	CHECK(kill(getpid(), SIGHUP) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(waited_info.ssi_signo == SIGHUP);
	prog_done();
}
