// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint ids count per container: a boot, a pid namespace and the start of
 * its first process. They begin at 1. An id whose image was not completed is
 * given back, unless a later one has been taken meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow/snapshot.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"
#include "lib/rundir.h"

int crid_container(char *name, size_t len)
{
	cleanup_free char *stat1 = NULL, *boot = NULL;
	unsigned long long start = 0;
	struct stat st;
	char *at;
	int err = ckpt_slurp("/proc/1/stat", &stat1, NULL);

	if (!err)
		err = ckpt_slurp("/proc/sys/kernel/random/boot_id", &boot, NULL);
	if (err || stat("/proc/self/ns/pid", &st))
		return ckpt_fail(err ? err : -errno, 0, "checkpoint id: which container this is");
	at = strrchr(stat1, ')');
	/* Field 22, starttime; ") " ends field 2. */
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at)
		start = strtoull(at, NULL, 10);
	snprintf(name, len, "%.8s.%lu.%llu", boot, (unsigned long)st.st_ino, start);
	return 0;
}

/* The counter, locked; its value in *value. fd or -errno. */
static int counter_open(uint32_t *value)
{
	cleanup_close int dir = ckpt_rundir_open();
	cleanup_close int fd = -1;
	char container[80], name[96], text[16] = "";
	int err;

	if (dir < 0)
		return ckpt_fail(dir, 0, "%s", ckpt_rundir_path());
	err = crid_container(container, sizeof(container));
	if (err)
		return err;
	snprintf(name, sizeof(name), "crid.%s", container);
	fd = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) || pread(fd, text, sizeof(text) - 1, 0) < 0)
		return ckpt_fail(-errno, 0, "%s/%s", ckpt_rundir_path(), name);
	*value = (uint32_t)strtoul(text, NULL, 10);
	return take_fd(fd);
}

static int counter_set(int fd, uint32_t value)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%-10u\n", value);

	return pwrite(fd, text, (size_t)n, 0) == n ? 0 : -EIO;
}

int crid_take(uint32_t *crid)
{
	uint32_t value;
	cleanup_close int fd = counter_open(&value);

	if (fd < 0)
		return fd;
	/* 0 and -1 mean something else in the C interface. */
	*crid = value >= INT32_MAX ? 1 : value + 1;
	return counter_set(fd, *crid) ? ckpt_fail(-EIO, 0, "checkpoint id: write") : 0;
}

void crid_give_back(uint32_t crid)
{
	uint32_t value;
	cleanup_close int fd = counter_open(&value);

	if (fd >= 0 && value == crid)
		counter_set(fd, crid - 1);
}
