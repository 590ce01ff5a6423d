// SPDX-License-Identifier: GPL-2.0
/*
 * lease DIR: a lease for reading and one for writing; who wants to open those
 * files is held up, and the holder told, by the descriptor it asked with.
 * `unsupported` where the filesystem has none.
 */
#include "prog.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/wait.h>
#include <time.h>

#define READ	20
#define WRITE	21
#define TWIN	30	/* of WRITE, by which the lease was asked for */

static char paths[2][PATH_MAX];

static void open_at(int want, const char *path, int flags)
{
	int fd = open(path, flags | O_CREAT, 0644);

	CHECKF(fd >= 0, "%s", path);
	CHECK(dup3(fd, want, O_CLOEXEC) == want && close(fd) == 0);
}

static void take(int fd, int type)
{
	if (fcntl(fd, F_SETLEASE, type) && (errno == EINVAL || errno == EOPNOTSUPP)) {
		prog_say("unsupported");
		prog_say("ready");
		_exit(0);
	}
	CHECKF(fcntl(fd, F_GETLEASE) == type, "fd %d", fd);
}

static void set_up(const char *dir)
{
	snprintf(paths[0], PATH_MAX, "%s/read", dir);
	snprintf(paths[1], PATH_MAX, "%s/write", dir);
	open_at(READ, paths[0], O_RDONLY);
	open_at(WRITE, paths[1], O_RDWR);
	CHECK(dup3(WRITE, TWIN, O_CLOEXEC) == TWIN);
	take(READ, F_RDLCK);
	take(TWIN, F_WRLCK);
	CHECK(fcntl(READ, F_SETSIG, SIGRTMIN + 1) == 0 && fcntl(WRITE, F_SETSIG, SIGRTMIN + 2) == 0);
}

/* Another process may not open it thus, and we are told. */
static void held_up(const char *path, int flags, int sig, int fd)
{
	struct timespec limit = { 20, 0 };
	siginfo_t si = { 0 };
	sigset_t set;
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(open(path, flags | O_NONBLOCK) == -1 && errno == EWOULDBLOCK ? 0 : 1);
	CHECKF(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "%s", path);
	sigemptyset(&set);
	sigaddset(&set, sig);
	CHECKF(sigtimedwait(&set, &si, &limit) == sig, "%s", path);
	CHECKF(si.si_fd == fd, "%s: %d", path, si.si_fd);
	CHECK(fcntl(fd, F_SETLEASE, F_UNLCK) == 0);
	pid = fork();
	if (!pid)
		_exit(open(path, flags) >= 0 ? 0 : 1);
	CHECKF(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "%s", path);
}

int main(int argc, char **argv)
{
	sigset_t set;

	CHECK(argc == 2);
	prog_init();
	sigemptyset(&set);
	for (int i = 0; i < 4; i++)
		sigaddset(&set, SIGRTMIN + i);
	sigaddset(&set, SIGIO);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	set_up(argv[1]);
	prog_ready();
	CHECK(fcntl(READ, F_GETLEASE) == F_RDLCK && fcntl(WRITE, F_GETLEASE) == F_WRLCK);
	CHECK(fcntl(READ, F_GETOWN) == getpid() && fcntl(WRITE, F_GETOWN) == getpid());
	CHECK(fcntl(READ, F_GETFL) & O_ASYNC && fcntl(WRITE, F_GETFL) & O_ASYNC);
	held_up(paths[0], O_WRONLY, SIGRTMIN + 1, READ);
	held_up(paths[1], O_RDONLY, SIGRTMIN + 2, TWIN);
	prog_done();
}
