// SPDX-License-Identifier: GPL-2.0
/*
 * A call with a relative timeout that a stop interrupts ends with
 * -ERESTART_RESTARTBLOCK: the kernel keeps its end in the thread's restart
 * block and goes on from there. That block cannot be written from outside. So
 * the restored thread really makes the call again, with the time that was
 * left, is stopped in it, and only then gets its registers: the kernel goes on
 * from a block that it made itself, a signal handler included.
 *
 *   what is kept in the block (linux/restart_block.h), as words:
 *   poll	ufds; nfds and has_timeout; end in seconds; nanoseconds (CLOCK_MONOTONIC)
 *   futex	uaddr; val and flags; bitset; end in ns (CLOCK_MONOTONIC); uaddr2
 *   nanosleep	clock and kind of rmtp; rmtp; end in ns of that clock
 *
 * Saved: which call it is and how much of its timeout is left; its arguments
 * are in the registers.
 * Restored: the thread makes the call again with the time left and is stopped
 * in it.
 */
#include "res/restart.h"

#include <linux/futex.h>
#include <time.h>

#include "res/plan_int.h"

#define ERESTART_RESTARTBLOCK	516
#define NR_poll			7
#define NR_nanosleep		35
#define NR_futex		202
#define NR_restart_syscall	219
#define NR_clock_nanosleep	230
#define NS			1000000000ll

/*
 * Only poll keeps a bit for whether there is an end. The block of a
 * clock_nanosleep() without a rmtp looks like that of a poll without one, but
 * what it has in place of a timeout below 0 is a pointer.
 */
static bool is_poll(const struct ckpt_cpu *c, const __u64 *block)
{
	__u64 has_end = block[1] >> 32, high = c->dx >> 32;

	if (block[0] != c->di || (uint32_t)block[1] != (uint32_t)c->si)
		return false;
	return has_end ? has_end == 1 : (int)c->dx < 0 && (high == 0 || high == UINT32_MAX);
}

int restart_number(const struct gather_thread *g)
{
	const struct ckpt_cpu *c = &g->cpu;
	const __u64 *block = g->restart_args;

	if (c->orig_ax != NR_restart_syscall)
		return (int)c->orig_ax;
	/* The number is gone after one restart; the arguments stay, and the block. */
	if (is_poll(c, block))
		return NR_poll;
	if (block[0] == c->di && (uint32_t)block[1] == (uint32_t)c->dx && block[1] >> 32 > 1)
		return NR_futex;
	if ((uint32_t)block[0] < 16)
		return c->di > 4096 ? NR_nanosleep : NR_clock_nanosleep;
	return -1;
}

static bool waits(const struct gather_thread *g)
{
	return (int64_t)g->cpu.ax == -ERESTART_RESTARTBLOCK;
}

/*
 * A futex wait for a bitset names its end, a poll may have none: entering them
 * anew loses nothing.
 */
static bool starts_anew(const struct gather_thread *g, int nr)
{
	return (nr == NR_futex && (g->cpu.si & 0x7f) == FUTEX_WAIT_BITSET) ||
	       (nr == NR_poll && (int)g->cpu.dx < 0);
}

/* Not CPU time, of which a new thread has had none. */
static bool clock_is_known(int clock)
{
	return clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME ||
	       clock == CLOCK_TAI;
}

/* The end of the call in ns of *clock; false if this kind of call is not known. */
static bool end_of(const struct gather_thread *g, int nr, int *clock, int64_t *end)
{
	const __u64 *block = g->restart_args;

	*clock = CLOCK_MONOTONIC;
	switch (nr) {
	case NR_poll:
		*end = (int64_t)block[2] * NS + (int64_t)block[3];
		return true;
	case NR_futex:
		*end = (int64_t)block[3];
		return true;
	case NR_nanosleep:
	case NR_clock_nanosleep:
		*clock = (int)(uint32_t)block[0];
		*end = (int64_t)block[2];
		/* The alarm clocks keep a number of their own (enum alarmtimer_type). */
		if (nr == NR_clock_nanosleep && g->cpu.di == CLOCK_REALTIME_ALARM)
			*clock = CLOCK_REALTIME;
		if (nr == NR_clock_nanosleep && g->cpu.di == CLOCK_BOOTTIME_ALARM)
			*clock = CLOCK_BOOTTIME;
		return clock_is_known(*clock);
	}
	return false;
}

bool restart_is_lost(const struct gather_thread *g)
{
	int nr = restart_number(g), clock;
	int64_t end;

	return waits(g) && !starts_anew(g, nr) && !end_of(g, nr, &clock, &end);
}

bool restart_of(const struct gather_thread *g, const struct restart_clocks *now,
		struct ckpt_restart *r)
{
	int nr = restart_number(g), clock;
	int64_t end, at;

	if (!waits(g) || starts_anew(g, nr) || !end_of(g, nr, &clock, &end))
		return false;
	at = clock == CLOCK_REALTIME ? now->realtime : clock == CLOCK_TAI ? now->tai :
	     clock == CLOCK_BOOTTIME ? now->boottime : now->monotonic;
	*r = (struct ckpt_restart){ .nr = nr, .clock = clock, .remaining_ns = end > at ? end - at : 0 };
	return true;
}

/* ---- from the image ---- */

int plan_take_restart(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct plan_index *ix = plan_object(p, rec->h.owner, CKPT_THREAD);
	struct plan_thread *t = &p->tasks.v[p->cur].threads.v[ix->at];
	const struct ckpt_restart *r = rec->payload;

	if (t->have_restart)
		return bad(rec, "a second one of tid %d", t->rec.tid);
	if (r->nr != NR_poll && r->nr != NR_futex && r->nr != NR_nanosleep &&
	    r->nr != NR_clock_nanosleep)
		return bad(rec, "call %d", r->nr);
	if (!clock_is_known(r->clock))
		return bad(rec, "clock %d", r->clock);
	if (r->remaining_ns < 0)
		return bad(rec, "%lld ns are left", (long long)r->remaining_ns);
	t->restart = *r;
	t->have_restart = true;
	return 0;
}

void restart_call_of(const struct plan_thread *t, struct restart_call *c)
{
	const struct ckpt_cpu *cpu = &t->cpu;
	int64_t left = t->restart.remaining_ns, ms = (left + 999999) / 1000000;

	*c = (struct restart_call){
		.nr = -1, .ts_arg = -1,
		.args = { cpu->di, cpu->si, cpu->dx, cpu->r10, cpu->r8, cpu->r9 },
		.ts = { left / NS, left % NS },
	};
	if (!t->have_restart || (int64_t)cpu->ax != -ERESTART_RESTARTBLOCK)
		return;
	c->nr = t->restart.nr;
	switch (c->nr) {
	case NR_poll:
		c->args[2] = (uint64_t)(ms > INT32_MAX ? INT32_MAX : ms);
		break;
	case NR_nanosleep:
		c->ts_arg = 0;
		break;
	case NR_clock_nanosleep:
		/* Always relative: one for an absolute time needs no block. */
		c->args[1] = 0;
		c->ts_arg = 2;
		break;
	case NR_futex:
		c->ts_arg = 3;
		break;
	}
}
