/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one line that tells the user why. The first failure of a command is
 * kept with its step, pid and object; whoever passes the number on adds
 * nothing. main() prints it.
 */
#ifndef CKPT_FAIL_H
#define CKPT_FAIL_H

#include <stdarg.h>
#include <sys/types.h>

/* Name the command ("snapshot") and later its step ("freeze"); static strings. */
void ckpt_fail_command(const char *command);
void ckpt_fail_step(const char *step);

/*
 * Record "<command>: [pid N: ]<text>[: strerror(-err)]" unless a failure is
 * already there. err is a negative errno; the same number is returned. The
 * cause is left out for -EOPNOTSUPP and -EINVAL, whose text is the cause.
 */
int ckpt_fail(int err, pid_t pid, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* One of several causes of a failure, in the same form, on stderr at once. ckpt_fail() sums them up. */
void ckpt_fail_line(int err, pid_t pid, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The line without a newline, or NULL; errno and pid of it. Owned by fail.c. */
const char *ckpt_fail_text(void);
int ckpt_fail_err(void);
pid_t ckpt_fail_pid(void);

/* Forget the failure: for a caller that goes on by another way. */
void ckpt_fail_clear(void);

/* Symbolic name of an errno: "ENOMEM". */
const char *ckpt_errname(int err);

#endif
