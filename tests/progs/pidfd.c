// SPDX-License-Identifier: GPL-2.0
/* A pidfd of the process itself, flags, a dup; it tells of the process as it is now. */
#include "prog.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>

static int own(unsigned int flags)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), flags);

	CHECK(fd >= 0);
	return fd;
}

int main(void)
{
	int plain, nonblock, twice;
	struct pollfd p;
	sigset_t set;

	prog_init();
	plain = own(0);
	nonblock = own(O_NONBLOCK);
	twice = dup(plain);
	CHECK(twice >= 0);
	prog_ready();
	CHECK(fcntl(plain, F_GETFL) == O_RDWR && fcntl(nonblock, F_GETFL) == (O_RDWR | O_NONBLOCK));
	CHECK((fcntl(plain, F_GETFD) & FD_CLOEXEC) && !(fcntl(twice, F_GETFD) & FD_CLOEXEC));
	p = (struct pollfd){ .fd = plain, .events = POLLIN };
	CHECK(poll(&p, 1, 0) == 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(syscall(SYS_pidfd_send_signal, twice, SIGUSR2, NULL, 0) == 0);
	CHECK(sigpending(&set) == 0 && sigismember(&set, SIGUSR2) == 1);
	CHECK(syscall(SYS_pidfd_send_signal, nonblock, 0, NULL, 0) == 0);
	prog_done();
}
