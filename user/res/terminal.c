// SPDX-License-Identifier: GPL-2.0
/*
 * The terminal is outside of the snapshot, and after the restore it is another
 * one; but how it reads and writes was set by the program for itself, and a
 * program that fills the screen cannot be used without. Only of a program in
 * the foreground: else they are the modes of its shell. A shell that takes a job
 * up again does the same.
 *
 * Saved: the modes and special characters of the controlling terminal, if the
 * program is in its foreground and has it open as 0, 1 or 2.
 * Restored: by tcsetattr() on the terminal that the program gets from the
 * restorer, and then SIGWINCH, so that it draws its screen anew; /dev/tty is the
 * restorer's, too. With --detach there is none.
 * Lost: its size, speeds and line discipline: those of the restorer's; what was
 * typed and not yet read, what was on the screen.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"
#include "res/dump.h"
#include "res/res.h"

/* ---- snapshot ---- */

/* Its controlling terminal, if the program is in the foreground of it. */
static bool foreground_of(pid_t pid, unsigned int *tty)
{
	cleanup_free char *s = NULL;
	char path[40];
	int pgrp, tpgid;
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (ckpt_slurp(path, &s, NULL))
		return false;
	at = strrchr(s, ')');
	return at && sscanf(at + 1, " %*c %*d %d %*d %u %d", &pgrp, tty, &tpgid) == 3 && *tty &&
	       pgrp == tpgid;
}

int res_terminal_stopped(struct ckpt_dump *d)
{
	unsigned int tty;

	if (!(d->proc->task.flags & CKPT_TASK_HAS_TTY) || !foreground_of(d->pid, &tty))
		return 0;
	for (size_t i = 0; i < d->fds.n && d->fds.v[i]->rec.fd <= 2; i++) {
		cleanup_close int fd = -1;
		struct ckpt_terminal *o = &d->terminal;
		struct termios t;

		/* As /proc/PID/stat writes device numbers: 12 bits of major between those of minor. */
		if (!S_ISCHR(d->fds.v[i]->file.mode) ||
		    d->fds.v[i]->file.rdev != ((tty >> 8 & 0xfff) << 20 | (tty & 0xff) | (tty >> 12 & 0xfff00)))
			continue;
		fd = (int)syscall(SYS_pidfd_getfd, d->pidfd, d->fds.v[i]->rec.fd, 0);
		if (fd < 0)
			return ckpt_fail(-errno, d->pid, "fd %d (terminal): pidfd_getfd", d->fds.v[i]->rec.fd);
		/* It has been hung up. */
		if (tcgetattr(fd, &t))
			continue;
		*o = (struct ckpt_terminal){ .iflag = t.c_iflag, .oflag = t.c_oflag, .lflag = t.c_lflag };
		memcpy(o->cc, t.c_cc, sizeof(o->cc));
		d->have_terminal = true;
		break;
	}
	return 0;
}

int res_terminal_write(struct ckpt_dump *d)
{
	if (!d->have_terminal)
		return 0;
	return ckpt_write_record(d->w, CKPT_TERMINAL, d->task_id, &d->terminal, sizeof(d->terminal), NULL, 0);
}

/* ---- restore ---- */

bool res_terminal_restore(const struct plan_task *t, int tty, struct termios *was)
{
	struct termios now;

	if (!t->have_terminal || tcgetattr(tty, was))
		return false;
	now = *was;
	now.c_iflag = t->terminal.iflag;
	now.c_oflag = t->terminal.oflag;
	now.c_lflag = t->terminal.lflag;
	memcpy(now.c_cc, t->terminal.cc, sizeof(t->terminal.cc));
	return !tcsetattr(tty, TCSANOW, &now);
}

void res_terminal_undo(int tty, const struct termios *was)
{
	tcsetattr(tty, TCSANOW, was);
}
