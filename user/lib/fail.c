// SPDX-License-Identifier: GPL-2.0
#include "lib/fail.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "lib/log.h"

static struct {
	const char *command, *step;
	char text[1024];
	int err;
	pid_t pid;
} trail;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void ckpt_fail_command(const char *command)
{
	trail.command = command;
}

void ckpt_fail_step(const char *step)
{
	trail.step = step;
}

const char *ckpt_errname(int err)
{
	const char *name = strerrorname_np(err < 0 ? -err : err);

	return name ? name : "unknown error";
}

static void format(char *text, size_t room, int err, pid_t pid, const char *fmt, va_list ap)
{
	size_t n = 0;
	int w;

	if (trail.command)
		n += (size_t)snprintf(text, room, "%s: ", trail.command);
	if (trail.step)
		n += (size_t)snprintf(text + n, room - n, "%s: ", trail.step);
	if (pid > 0)
		n += (size_t)snprintf(text + n, room - n, "pid %d: ", (int)pid);
	w = vsnprintf(text + n, room - n, fmt, ap);
	n += w < 0 ? 0 : (size_t)w;
	if (n >= room)
		n = room - 1;
	/* One failure is one line, whatever a path may contain. */
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	if (err != -EOPNOTSUPP && err != -EINVAL)
		snprintf(text + n, room - n, ": %s", ckpt_errname(err));
}

int ckpt_fail(int err, pid_t pid, const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&lock);
	if (!trail.err) {
		trail.err = err;
		trail.pid = pid;
		va_start(ap, fmt);
		format(trail.text, sizeof(trail.text), err, pid, fmt, ap);
		va_end(ap);
	}
	pthread_mutex_unlock(&lock);
	return err;
}

void ckpt_fail_line(int err, pid_t pid, const char *fmt, ...)
{
	char text[sizeof(trail.text)];
	va_list ap;

	va_start(ap, fmt);
	format(text, sizeof(text), err, pid, fmt, ap);
	va_end(ap);
	pr_err("%s", text);
}

const char *ckpt_fail_text(void)
{
	return trail.err ? trail.text : NULL;
}

int ckpt_fail_err(void)
{
	return trail.err;
}

pid_t ckpt_fail_pid(void)
{
	return trail.pid;
}

void ckpt_fail_clear(void)
{
	trail.err = 0;
	trail.pid = 0;
	trail.text[0] = 0;
}
