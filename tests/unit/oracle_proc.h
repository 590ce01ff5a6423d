/* SPDX-License-Identifier: GPL-2.0 */
/* Reading the oracles: /proc, ptrace, small conveniences. */
#ifndef ORACLE_PROC_H
#define ORACLE_PROC_H

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A /proc file as text; static, four at a time. */
__attribute__((format(printf, 1, 2)))
static inline char *slurp(const char *fmt, ...)
{
	static char buf[4][1 << 20];
	static unsigned int turn;
	char path[512], *b = buf[turn++ % 4];
	ssize_t n, have = 0;
	va_list ap;
	int fd;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, b + have, sizeof(buf[0]) - 1 - (size_t)have)) > 0)
		have += n;
	if (fd >= 0)
		close(fd);
	b[have] = '\0';
	return b;
}

__attribute__((format(printf, 1, 2)))
static inline const char *link_of(const char *fmt, ...)
{
	static char buf[4][4096];
	static unsigned int turn;
	char path[512], *b = buf[turn++ % 4];
	va_list ap;
	ssize_t n;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	n = readlink(path, b, sizeof(buf[0]) - 1);
	b[n > 0 ? n : 0] = '\0';
	return b;
}

/* Number behind "Key:" of a status or fdinfo text; column from 0. */
static inline uint64_t number(const char *text, const char *key, int base, int column)
{
	const char *p = text;
	char *end;
	uint64_t v = 0;
	size_t len = strlen(key);

	while (p && (strncmp(p, key, len) || p[len] != ':')) {
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	if (!p)
		return UINT64_MAX;
	for (p += len + 1; column >= 0; column--, p = end)
		v = strtoull(p, &end, base);
	return v;
}

/* Field nr of a stat text, as proc(5) counts from 1; from 4 on. 3 gives the letter. */
static inline uint64_t stat_field(const char *stat, int nr)
{
	const char *p = strrchr(stat, ')');

	if (!p)
		return UINT64_MAX;
	for (p += 2; nr > 3; nr--) {
		p = strchr(p, ' ');
		if (!p)
			return UINT64_MAX;
		p++;
	}
	return isalpha((unsigned char)*p) ? (uint64_t)*p : strtoull(p, NULL, 10);
}

static inline size_t tids_of(pid_t pid, pid_t *tids, size_t room)
{
	char path[64];
	struct dirent *d;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		if (*d->d_name != '.' && n < room)
			tids[n++] = atoi(d->d_name);
	}
	if (dir)
		closedir(dir);
	return n;
}

static inline int stop_by_ptrace(pid_t tid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, tid, 0, 0) || ptrace(PTRACE_INTERRUPT, tid, 0, 0) ||
	    waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
		return -errno;
	return 0;
}

/* stat(2) speaks of a device as user space writes it, the kernel inside as 12 and 20 bits. */
static inline uint32_t kernel_dev(dev_t d)
{
	return (uint32_t)(((d >> 8 & 0xfff) << 20) | (d & 0xff) | (d >> 12 & 0xfff00));
}

#endif
