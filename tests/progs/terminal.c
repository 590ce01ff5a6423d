// SPDX-License-Identifier: GPL-2.0
/*
 * terminal LOG, on a terminal in the foreground: reads its keys one by one, without
 * echo, and writes into LOG. Other characters than usual end, stop and quote.
 */
#include "prog.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

static volatile sig_atomic_t drawn;

static void draw(int sig)
{
	(void)sig;
	drawn++;
}

static bool same(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_lflag == b->c_lflag &&
	       !memcmp(a->c_cc, b->c_cc, 19);
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = draw, .sa_flags = SA_RESTART };
	struct termios usual, mine, now;
	struct stat before, after;
	char key = 0;
	int tty, log;

	CHECK(argc == 2);
	prog_init();
	tty = open("/dev/tty", O_RDWR);
	CHECK(tty >= 0 && fstat(0, &before) == 0);
	log = open(argv[1], O_WRONLY | O_APPEND);
	CHECK(log >= 0 && dup2(log, STDOUT_FILENO) == STDOUT_FILENO && dup2(log, STDERR_FILENO) == STDERR_FILENO);
	close(log);
	CHECK(tcgetattr(0, &usual) == 0);
	mine = usual;
	mine.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
	mine.c_oflag &= ~(tcflag_t)ONLCR;
	mine.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
	mine.c_cc[VMIN] = 1;
	mine.c_cc[VTIME] = 0;
	mine.c_cc[VINTR] = 7;
	mine.c_cc[VQUIT] = 29;
	CHECK(tcsetattr(0, TCSANOW, &mine) == 0 && sigaction(SIGWINCH, &sa, NULL) == 0);
	prog_ready();
	CHECK(fstat(0, &after) == 0 && isatty(0));
	CHECK(tcgetattr(0, &now) == 0);
	CHECKF(same(&now, &mine), "%o %o %o", now.c_iflag, now.c_oflag, now.c_lflag);
	CHECK(tcgetpgrp(0) == getpgrp() && tcgetpgrp(tty) == getpgrp());
	/* A new screen has been announced if it is another terminal. */
	CHECKF(!!drawn == (before.st_rdev != after.st_rdev), "%d times", (int)drawn);
	prog_say("type");
	CHECK(read(tty, &key, 1) == 1);
	CHECKF(key == '\r', "%d", key);
	CHECK(tcsetattr(0, TCSANOW, &usual) == 0);
	prog_done();
}
