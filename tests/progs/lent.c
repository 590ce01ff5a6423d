// SPDX-License-Identifier: GPL-2.0
/*
 * One thread in one call that only SIGUSR1 ends: whoever borrows the thread
 * meanwhile must bring it back into the call, with its mask and its registers.
 *
 * lent pause|sigsuspend|read|select|epoll|spin
 */
#include <sys/epoll.h>
#include <sys/select.h>

#include "prog.h"

static volatile sig_atomic_t asked;

static void on_usr1(int sig)
{
	(void)sig;
	asked = 1;
}

static int in_pause(void)
{
	return pause();
}

static int in_sigsuspend(void)
{
	sigset_t none;

	sigemptyset(&none);
	return sigsuspend(&none);
}

static int in_read(void)
{
	int p[2];
	char c;

	CHECK(pipe(p) == 0);
	return (int)read(p[0], &c, 1);
}

static int in_select(void)
{
	struct timeval t = { 60, 0 };
	int ret = select(0, NULL, NULL, NULL, &t), err = errno;

	CHECKF(t.tv_sec < 60 && t.tv_sec >= 20, "%ld s are left", (long)t.tv_sec);
	errno = err;
	return ret;
}

static int in_epoll(void)
{
	struct epoll_event ev;
	int fd = epoll_create1(0);

	CHECK(fd >= 0);
	return epoll_wait(fd, &ev, 1, 60000);
}

/* Values in the upper halves of vector registers: a frame that loses them is seen. */
static int in_spin(void)
{
	double d[8], e[8];

	for (int i = 0; i < 8; i++)
		d[i] = i + 0.25;
	__asm__ volatile("movupd (%0), %%xmm8\n\tmovupd 16(%0), %%xmm9\n\t"
			 "movupd 32(%0), %%xmm10\n\tmovupd 48(%0), %%xmm11"
			 : : "r"(d) : "xmm8", "xmm9", "xmm10", "xmm11", "memory");
	while (!asked)
		;
	__asm__ volatile("movupd %%xmm8, (%0)\n\tmovupd %%xmm9, 16(%0)\n\t"
			 "movupd %%xmm10, 32(%0)\n\tmovupd %%xmm11, 48(%0)"
			 : : "r"(e) : "memory");
	CHECK(memcmp(d, e, sizeof(d)) == 0);
	errno = EINTR;
	return -1;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} modes[] = {
		{ "pause", in_pause }, { "sigsuspend", in_sigsuspend }, { "read", in_read },
		{ "select", in_select }, { "epoll", in_epoll }, { "spin", in_spin },
	};
	struct sigaction sa = { .sa_handler = on_usr1 };
	sigset_t before, after;

	CHECK(argc == 2);
	CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
	sigemptyset(&before);
	sigaddset(&before, SIGHUP);
	if (!strcmp(argv[1], "sigsuspend"))
		sigaddset(&before, SIGUSR1);
	CHECK(sigprocmask(SIG_SETMASK, &before, NULL) == 0);
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(modes[i].name, argv[1]))
			continue;
		prog_say("ready");
		CHECK(modes[i].run() == -1 && errno == EINTR);
		CHECK(asked);
		CHECK(sigprocmask(SIG_SETMASK, NULL, &after) == 0);
		for (int sig = 1; sig < 32; sig++)
			CHECKF(sigismember(&before, sig) == sigismember(&after, sig), "signal %d", sig);
		prog_done();
	}
	CHECKF(false, "mode %s", argv[1]);
}
