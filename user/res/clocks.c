// SPDX-License-Identifier: GPL-2.0
/*
 * CLOCK_MONOTONIC and CLOCK_BOOTTIME count from boot. After a reboot, or on
 * another machine, they may show less than the program has seen, and programs
 * take for granted that they never go back. A time namespace (since 5.6) adds
 * an offset to each, for system calls, timers and the vdso alike; offsets can be
 * written until the first process is in it, and who has called unshare() is not,
 * only the children that it makes. Timers and calls with a timeout are kept as
 * what is left of them, so nothing has to be shifted with the clocks; a deadline
 * that a waiting call names itself is a deadline by the clock that it sees.
 *
 * Saved: both clocks at the freeze as the program sees them, the offsets of its
 * time namespace.
 * Restored: by the restorer's own clocks where neither goes back; on the same
 * boot with the offsets it had; else, or with --clock keep, in a time namespace
 * in which they go on from the freeze.
 * Refused: at the restore, where that needs a time namespace and none can be
 * made; --clock host then lets them go back, with a warning.
 * Lost: a time namespace that unshare() made for the children yet to come.
 */
#include "res/clocks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/boot_id.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"
#include "res/dump.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME	0x80
#endif
#define NS		INT64_C(1000000000)

int res_clocks_check(struct ckpt_dump *d)
{
	if (d->proc->child_time_ns)
		return dump_lose(d, "the children that it will make would live in another time namespace");
	return 0;
}

int res_clocks_write(struct ckpt_dump *d)
{
	const struct ckpt_clocks *c = &d->proc->clocks;

	return ckpt_write_record(d->w, CKPT_CLOCKS, d->task_id, c, sizeof(*c), NULL, 0);
}

/* The offsets that we live with; none on a kernel without time namespaces. */
static int own_offsets(int64_t *monotonic, int64_t *boottime)
{
	cleanup_free char *text = NULL;
	int64_t s[2], ns[2];
	int err = ckpt_slurp("/proc/self/timens_offsets", &text, NULL);

	*monotonic = *boottime = 0;
	if (err == -ENOENT)
		return 0;
	if (err)
		return ckpt_fail(err, 0, "/proc/self/timens_offsets: read");
	if (sscanf(text, "monotonic %" SCNd64 " %" SCNd64 " boottime %" SCNd64 " %" SCNd64,
		   &s[0], &ns[0], &s[1], &ns[1]) != 4)
		return ckpt_fail(-EPROTO, 0, "/proc/self/timens_offsets: '%s'", text);
	*monotonic = s[0] * NS + ns[0];
	*boottime = s[1] * NS + ns[1];
	return 0;
}

static int64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * NS + t.tv_nsec;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int res_clocks_choose(const struct ckpt_clocks *saved, const uint8_t boot_id[16],
		      enum clocks_mode mode, struct clocks_choice *c)
{
	int64_t own_m, own_b, on_m, on_b;
	uint8_t boot[16];
	int err = own_offsets(&own_m, &own_b);

	if (!err)
		err = ckpt_boot_id(boot);
	if (err)
		return err;
	*c = (struct clocks_choice){ .monotonic = own_m, .boottime = own_b };
	/* With these both would show now what they showed at the freeze. */
	on_m = saved->monotonic_ns - (now(CLOCK_MONOTONIC) - own_m);
	on_b = saved->boottime_ns - (now(CLOCK_BOOTTIME) - own_b);
	c->back_ns = larger(larger(on_m - own_m, on_b - own_b), 0);
	if (mode == CLOCKS_HOST)
		return 0;
	/* Offsets mean something only over the clocks that they were chosen for. */
	if ((saved->monotonic_offset_ns || saved->boottime_offset_ns) &&
	    !memcmp(boot, boot_id, sizeof(boot))) {
		c->monotonic = saved->monotonic_offset_ns;
		c->boottime = saved->boottime_offset_ns;
	}
	c->monotonic = mode == CLOCKS_KEEP ? on_m : larger(c->monotonic, on_m);
	c->boottime = mode == CLOCKS_KEEP ? on_b : larger(c->boottime, on_b);
	c->own = c->monotonic != own_m || c->boottime != own_b;
	return 0;
}

/* The kernel takes whole seconds of either sign and nanoseconds that are added. */
static int write_offsets(const struct clocks_choice *c)
{
	cleanup_close int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	int64_t ns[2] = { c->monotonic % NS, c->boottime % NS };
	char text[128];

	if (fd < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		if (ns[i] < 0)
			ns[i] += NS;
	snprintf(text, sizeof(text), "monotonic %" PRId64 " %" PRId64 "\nboottime %" PRId64 " %" PRId64 "\n",
		 (c->monotonic - ns[0]) / NS, ns[0], (c->boottime - ns[1]) / NS, ns[1]);
	return ckpt_write_all(fd, text, strlen(text));
}

int res_clocks_enter(const struct clocks_choice *c, pid_t pid, int *fd)
{
	cleanup_close int own = -1;
	int err;

	*fd = -1;
	if (!c->own)
		return 0;
	own = open("/proc/self/ns/time", O_RDONLY | O_CLOEXEC);
	if (own < 0 || unshare(CLONE_NEWTIME))
		return ckpt_fail(-errno, pid, "its clocks need a time namespace (see --clock): unshare");
	err = write_offsets(c);
	if (err) {
		res_clocks_leave(take_fd(own));
		return ckpt_fail(err, pid,
				 "its clocks need a time namespace (see --clock): offsets of %" PRId64 " and %" PRId64 " s",
				 c->monotonic / NS, c->boottime / NS);
	}
	*fd = take_fd(own);
	return 0;
}

void res_clocks_leave(int fd)
{
	/* What fails here concerns only children that we do not make. */
	if (fd >= 0) {
		setns(fd, CLONE_NEWTIME);
		close(fd);
	}
}
