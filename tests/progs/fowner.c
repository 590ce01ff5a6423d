// SPDX-License-Identifier: GPL-2.0
/*
 * fowner DIR: descriptors with owners of each kind: what fcntl() tells of them
 * stays, and who is to be signalled is.
 * fowner gone: the owner has ended. fowner closed: the descriptor that the
 * signal would name is closed.
 */
#include "prog.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define F_OWNER_UIDS	17	/* F_GETOWNER_UIDS, of kernels with CONFIG_CHECKPOINT_RESTORE */
#define SIG(n)		(SIGRTMIN + 1 + (n))

/* Read ends; the write end of each is its number and 20. TWIN is a dup of OURS. */
enum { OURS = 30, THREAD, GROUP, USER, UNARMED, NOBODY, WATCH, FILE_FD, END, TWIN = 90 };

static struct state {
	struct f_owner_ex ex;
	int signum, fl;
	uid_t uids[2];
} before[END];

static pid_t tid;

static void put_at(int want, int fd)
{
	CHECKF(fd >= 0 && dup3(fd, want, O_CLOEXEC) == want && close(fd) == 0, "%d", want);
}

static void make_pipe(int at)
{
	int p[2];

	CHECK(pipe(p) == 0);
	put_at(at, p[0]);
	put_at(at + 20, p[1]);
}

static void set_owner(int fd, int type, pid_t pid)
{
	struct f_owner_ex ex = { .type = type, .pid = pid };

	CHECKF(fcntl(fd, F_SETOWN_EX, &ex) == 0, "%d", fd);
	CHECKF(fcntl(fd, F_SETSIG, SIG(fd - OURS)) == 0, "%d", fd);
}

/* Also for signals to one thread, which only that one can take. */
static siginfo_t wait_for(int sig)
{
	struct timespec limit = { 20, 0 };
	siginfo_t si = { 0 };
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, sig);
	do
		got = sigtimedwait(&set, &si, &limit);
	while (got < 0 && errno == EINTR);
	CHECKF(got == sig, "%d: %d", sig, got);
	return si;
}

static void *other_thread(void *arg)
{
	siginfo_t si;
	sigset_t set;

	tid = (pid_t)syscall(SYS_gettid);
	CHECK(write(THREAD + 20, "t", 1) == 1);
	/* As long as the test takes. */
	sigemptyset(&set);
	sigaddset(&set, SIG(THREAD - OURS));
	while (sigwaitinfo(&set, &si) < 0)
		CHECK(errno == EINTR);
	CHECKF(si.si_fd == THREAD && si.si_code == POLL_IN, "%d %d", si.si_fd, si.si_code);
	return arg;
}

static void read_state(struct state *s)
{
	for (int fd = OURS; fd < END; fd++) {
		CHECK(fcntl(fd, F_GETOWN_EX, &s[fd].ex) == 0);
		s[fd].signum = fcntl(fd, F_GETSIG);
		s[fd].fl = fcntl(fd, F_GETFL);
		if (fcntl(fd, F_OWNER_UIDS, s[fd].uids))
			CHECK(errno == EINVAL);
	}
}

static void set_up(const char *dir, pthread_t *t)
{
	char c, path[PATH_MAX];

	for (int fd = OURS; fd <= NOBODY; fd++)
		make_pipe(fd);
	CHECK(pthread_create(t, NULL, other_thread, NULL) == 0 && read(THREAD, &c, 1) == 1);
	CHECK(dup3(OURS, TWIN, 0) == TWIN);
	snprintf(path, sizeof(path), "%s/owned", dir);
	put_at(FILE_FD, open(path, O_RDWR | O_CREAT, 0644));
	put_at(WATCH, inotify_init1(IN_NONBLOCK));
	CHECK(inotify_add_watch(WATCH, dir, IN_CREATE) == 1);

	set_owner(OURS, F_OWNER_PID, getpid());
	set_owner(THREAD, F_OWNER_TID, tid);
	set_owner(GROUP, F_OWNER_PGRP, getpgrp());
	/* Whoever may not ask for it as another user asks as himself. */
	if (!syscall(SYS_setresuid, 1000, 1001, -1)) {
		set_owner(USER, F_OWNER_PID, getpid());
		CHECK(syscall(SYS_setresuid, 0, 0, -1) == 0);
	}
	CHECK(fcntl(UNARMED, F_SETSIG, SIGRTMAX) == 0);
	set_owner(WATCH, F_OWNER_PID, getpid());
	set_owner(FILE_FD, F_OWNER_PID, getpid());
	CHECK(fcntl(TWIN, F_SETFL, O_ASYNC | O_NONBLOCK) == 0);
	for (int fd = THREAD; fd <= WATCH; fd++)
		if (fd != UNARMED)
			CHECK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC) == 0);
	CHECK(fcntl(NOBODY, F_GETFL) & O_ASYNC);
}

static void check_state(void)
{
	static struct state now[END];

	read_state(now);
	for (int fd = OURS; fd < END; fd++) {
		struct state *a = &now[fd], *b = &before[fd];

		CHECKF(a->ex.type == b->ex.type && a->ex.pid == b->ex.pid, "fd %d: %d %d", fd, a->ex.pid, b->ex.pid);
		CHECKF(a->signum == b->signum && a->fl == b->fl, "fd %d: %d %#x %#x", fd, a->signum, a->fl, b->fl);
		CHECKF(a->uids[0] == b->uids[0] && a->uids[1] == b->uids[1], "fd %d: %u %u", fd, a->uids[0], a->uids[1]);
	}
}

static void check_signals(const char *dir, pthread_t t)
{
	char path[PATH_MAX];
	siginfo_t si;

	CHECK(write(OURS + 20, "x", 1) == 1);
	si = wait_for(SIG(0));
	CHECKF(si.si_fd == TWIN && si.si_code == POLL_IN, "%d %d", si.si_fd, si.si_code);
	CHECK(write(THREAD + 20, "x", 1) == 1 && pthread_join(t, NULL) == 0);
	CHECK(write(GROUP + 20, "x", 1) == 1 && wait_for(SIG(GROUP - OURS)).si_fd == GROUP);
	snprintf(path, sizeof(path), "%s/new", dir);
	CHECK(close(open(path, O_CREAT | O_WRONLY, 0644)) == 0);
	CHECK(wait_for(SIG(WATCH - OURS)).si_fd == WATCH);
	CHECK(write(NOBODY + 20, "x", 1) == 1 && write(UNARMED + 20, "x", 1) == 1);
}

static void owner_gone(void)
{
	pid_t pid = fork();
	int p[2];

	if (!pid) {
		pause();
		_exit(0);
	}
	CHECK(pid > 0 && pipe(p) == 0 && fcntl(p[0], F_SETOWN, pid) == 0);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	prog_ready();
	CHECK(fcntl(p[0], F_GETOWN) == 0);
}

static void closed(void)
{
	int p[2];

	CHECK(pipe(p) == 0 && fcntl(p[0], F_SETOWN, getpid()) == 0 && dup2(p[0], 9) == 9);
	CHECK(fcntl(p[0], F_SETSIG, SIG(0)) == 0 && fcntl(9, F_SETFL, O_ASYNC) == 0 && close(9) == 0);
	prog_ready();
	CHECK(write(p[1], "x", 1) == 1 && wait_for(SIG(0)).si_code == POLL_IN);
}

int main(int argc, char **argv)
{
	sigset_t set;
	pthread_t t;

	CHECK(argc == 2);
	prog_init();
	sigemptyset(&set);
	for (int i = SIGRTMIN; i <= SIGRTMAX; i++)
		sigaddset(&set, i);
	sigaddset(&set, SIGIO);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	if (!strcmp(argv[1], "gone")) {
		owner_gone();
	} else if (!strcmp(argv[1], "closed")) {
		closed();
	} else {
		set_up(argv[1], &t);
		read_state(before);
		prog_ready();
		check_state();
		check_signals(argv[1], t);
	}
	prog_done();
}
