// SPDX-License-Identifier: GPL-2.0
/*
 * selfckpt MODE [IMAGE]: calls ckpt_checkpoint(), into IMAGE or memory, checks
 * what that must not change and says "crid N" with what it returned. MODE: plain,
 * threads, signals (handlers run all the time), child, errors.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ckptbpf/ckptbpf.h"
#include "prog.h"

static atomic_int children_ended, handled, stop;

static void on_child(int sig)
{
	(void)sig;
	children_ended++;
}

/* Longer than the pause between two waits of the library. */
static void on_alarm(int sig)
{
	struct timespec t = { 0, 3000000 };
	int saved = errno;

	(void)sig;
	handled++;
	nanosleep(&t, NULL);
	errno = saved;
}

static unsigned long descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned long set = 0;
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && atoi(e->d_name) != dirfd(d) && atoi(e->d_name) < 64)
			set |= 1ul << atoi(e->d_name);
	closedir(d);
	return set;
}

static void expect_errno(const char *what, int ret, int want)
{
	CHECKF(ret == -1 && errno == want, "%s: returned %d: %s", what, ret, ckpt_reason());
	CHECKF(*ckpt_reason(), "%s", what);
}

static void errors(const char *image)
{
	int ro = open(image, O_RDONLY | O_CREAT, 0600), wo = open(image, O_WRONLY);
	int path = open(image, O_PATH), closed = dup(wo);

	close(closed);
	expect_errno("closed descriptor", ckpt_checkpoint(getpid(), closed, 0), EBADF);
	expect_errno("read-only descriptor", ckpt_checkpoint(getpid(), ro, 0), EBADF);
	expect_errno("O_PATH descriptor", ckpt_checkpoint(getpid(), path, 0), EBADF);
	expect_errno("descriptor -2", ckpt_checkpoint(getpid(), -2, 0), EBADF);
	expect_errno("flag 1", ckpt_checkpoint(getpid(), wo, 1), EINVAL);
	expect_errno("flag 1 << 40", ckpt_checkpoint(getpid(), wo, 1ull << 40), EINVAL);
	expect_errno("pid 0", ckpt_checkpoint(0, wo, 0), EINVAL);
	expect_errno("pid -1", ckpt_checkpoint(-1, wo, 0), EINVAL);
	expect_errno("pid 1", ckpt_checkpoint(1, wo, 0), EINVAL);
	expect_errno("no such pid", ckpt_checkpoint(4194000, wo, 0), ESRCH);
	expect_errno("restart: flag 2", ckpt_restart(1, ro, 2), EINVAL);
	expect_errno("restart: closed", ckpt_restart(1, closed, 0), EBADF);
	expect_errno("restart: write-only", ckpt_restart(1, wo, 0), EBADF);
	expect_errno("restart: crid 0", ckpt_restart(0, -1, 0), EINVAL);
	expect_errno("restart: no such crid", ckpt_restart(77, -1, 0), ENOENT);
	expect_errno("restart: empty image", ckpt_restart(0, ro, 0), EINVAL);
	setenv("CKPTBPF_TOOL", "/nonexistent/ckptbpf", 1);
	expect_errno("no command", ckpt_checkpoint(getpid(), wo, 0), ENOENT);
	expect_errno("restart: no command", ckpt_restart(0, ro, 0), ENOENT);
	CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

static void *other(void *arg)
{
	pthread_t *main_thread = arg;
	struct timespec t = { 0, 7000000 };

	while (!stop) {
		if (main_thread)
			pthread_kill(*main_thread, SIGALRM);
		nanosleep(&t, NULL);
	}
	return NULL;
}

static int out_fd;

static void *checkpoint(void *arg)
{
	unsigned long before = descriptors();
	sigset_t mask, mask_after;
	int crid;

	(void)arg;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	errno = ERANGE;
	crid = ckpt_checkpoint(getpid(), out_fd, 0);
	CHECKF(crid >= 0, "%s", ckpt_reason());
	CHECK(errno == ERANGE);
	prog_say("crid %d", crid);
	pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
	CHECK(!memcmp(&mask, &mask_after, 8));
	CHECK(descriptors() == before);
	CHECK(!children_ended);
	CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	return NULL;
}

static void with_child(void)
{
	pid_t pid;

	signal(SIGCHLD, SIG_DFL);
	pid = fork();
	if (!pid)
		_exit(pause());
	expect_errno("with a child", ckpt_checkpoint(getpid(), out_fd, 0), EOPNOTSUPP);
	CHECKF(strstr(ckpt_reason(), "child processes"), "%s", ckpt_reason());
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, NULL, 0) == pid);
}

/* Beside nothers others; by a thread that is not the first, or by the first with signals. */
static void with_threads(int nothers, bool signals)
{
	pthread_t self = pthread_self(), t[3];

	for (int i = 0; i < nothers; i++)
		CHECK(!pthread_create(&t[i], NULL, other, signals ? &self : NULL));
	if (signals) {
		checkpoint(NULL);
		CHECK(handled);
	} else {
		CHECK(!pthread_create(&t[2], NULL, checkpoint, NULL));
		CHECK(!pthread_join(t[2], NULL));
	}
	stop = 1;
	for (int i = 0; i < nothers; i++)
		CHECK(!pthread_join(t[i], NULL));
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	prog_init();
	signal(SIGCHLD, on_child);
	signal(SIGALRM, on_alarm);
	out_fd = -1;
	if (argc > 2)
		out_fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (!strcmp(mode, "errors"))
		errors(argv[2]);
	else if (!strcmp(mode, "child"))
		with_child();
	else if (!strcmp(mode, "signals"))
		with_threads(1, true);
	else if (!strcmp(mode, "threads"))
		with_threads(2, false);
	else
		checkpoint(NULL);
	prog_ready();
	prog_done();
}
