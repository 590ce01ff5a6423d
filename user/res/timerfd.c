// SPDX-License-Identifier: GPL-2.0
/*
 * A timerfd: its clock, when it goes off and how often it has. What is relative
 * or counts from boot goes on with the time that was left; what was set for an
 * hour of the day goes off at that hour.
 *
 * Saved: clock, what is left or the hour that it is set to, interval, ticks
 * that were not read.
 * Restored: timerfd_create(), timerfd_settime(), TFD_IOC_SET_TICKS.
 */
#include <errno.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/fail.h"
#include "res/anon.h"
#include "res/file_restore.h"

/* Of linux/timerfd.h, which the C library's own header does not go with. */
#define SET_TICKS	_IOW('T', 0, uint64_t)
#define NS		1000000000

int res_timerfd_check(struct ckpt_dump *d, const struct gather_fd *fd, const struct gather_anon *a)
{
	const struct gather_timerfd *g = (const void *)a;

	if (g->canceled)
		return dump_lose(d, "fd %d (timerfd): the clock was set, which it has not been told yet",
				 fd->rec.fd);
	return 0;
}

/* The kernel counts by the machine's clocks, the program by those of its time namespace. */
static int64_t offset_of(const struct ckpt_dump *d, uint32_t clock)
{
	const struct ckpt_clocks *c = &d->proc->clocks;

	return clock == CLOCK_MONOTONIC ? c->monotonic_offset_ns :
	       clock == CLOCK_BOOTTIME || clock == CLOCK_BOOTTIME_ALARM ? c->boottime_offset_ns : 0;
}

int res_timerfd_write(struct ckpt_dump *d, const struct gather_anon *a, uint32_t *id)
{
	const struct gather_timerfd *g = (const void *)a;
	struct ckpt_timerfd rec = g->rec;

	/* A periodic one rests from when it went off until someone asks how often. */
	if (!g->armed && g->expired && rec.interval_ns > 0) {
		int64_t more = (g->now_ns - rec.expires_ns) / rec.interval_ns;

		rec.ticks += (uint64_t)more;
		rec.expires_ns += (more + 1) * rec.interval_ns;
		rec.remaining_ns = rec.expires_ns - g->now_ns;
	} else if (g->armed) {
		rec.remaining_ns = rec.expires_ns > g->now_ns ? rec.expires_ns - g->now_ns : 1;
	}
	if (!rec.remaining_ns || !(rec.settime_flags & TFD_TIMER_ABSTIME))
		rec.expires_ns = 0;
	else
		rec.expires_ns += offset_of(d, rec.clockid);
	rec.id = *id = d->next_id++;
	return ckpt_write_record(d->w, CKPT_TIMERFD, 0, &rec, sizeof(rec), NULL, 0);
}

static struct timespec spec(int64_t ns)
{
	return (struct timespec){ ns / NS, ns % NS };
}

static int64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * (int64_t)NS + t.tv_nsec;
}

static int arm(int fd, const struct ckpt_timerfd *t)
{
	bool wall = t->clockid == CLOCK_REALTIME || t->clockid == CLOCK_REALTIME_ALARM;
	struct itimerspec its = { .it_interval = spec(t->interval_ns) };
	uint64_t ticks = t->ticks;
	int64_t at = t->remaining_ns;

	if (at && t->settime_flags & TFD_TIMER_ABSTIME) {
		int64_t base = now(wall ? CLOCK_REALTIME :
				   t->clockid == CLOCK_MONOTONIC ? CLOCK_MONOTONIC : CLOCK_BOOTTIME);

		at = !wall && at < INT64_MAX - base ? base + at : wall ? t->expires_ns : INT64_MAX;
		/* It goes off at once, and SET_TICKS takes that away. */
		if (wall && ticks && at <= base)
			ticks++;
	}
	its.it_value = spec(at);
	if (timerfd_settime(fd, (int)t->settime_flags, &its, NULL))
		return ckpt_fail(-errno, 0, "timerfd %u: timerfd_settime", t->id);
	if (ticks && ioctl(fd, SET_TICKS, &ticks))
		return ckpt_fail(-errno, 0, "timerfd %u: TFD_IOC_SET_TICKS", t->id);
	return 0;
}

int res_timerfd_restore(const struct ckpt_timerfd *t)
{
	int fd = timerfd_create(t->clockid, TFD_CLOEXEC), err;

	if (fd < 0)
		return ckpt_fail(-errno, 0, "timerfd %u: timerfd_create, clock %d", t->id, t->clockid);
	err = arm(fd, t);
	if (!err)
		return fd;
	close(fd);
	return err;
}
