// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * iter/task, walked only when the other walk has seen signals pending or POSIX
 * timers: what they are. Read without a lock, as everything here: whoever sends
 * to a stopped task may be half done, so mask and entries may differ by one.
 */
#include "compat.bpf.h"

#define CLOCK_REALTIME	0
#define CLOCK_TAI	11

SCRATCH(signal_scratch, sizeof(struct gather_sigpending) +
	GATHER_SIGNALS_MAX * sizeof(struct ckpt_siginfo));

_Static_assert(sizeof(struct gather_sigpending) % 8 == 0 && sizeof(struct ckpt_siginfo) % 8 == 0,
	       "records are whole words");
_Static_assert(2 * (sizeof(struct gather_sigpending) +
		    GATHER_SIGNALS_MAX * sizeof(struct ckpt_siginfo)) +
	       sizeof(struct gather_posixtimers) +
	       GATHER_TIMERS_MAX * sizeof(struct ckpt_posixtimer) < SEQ_LIMIT,
	       "a leader's records must fit into one run's output");
_Static_assert(GATHER_TIMERS_MAX * sizeof(struct ckpt_posixtimer) <=
	       GATHER_SIGNALS_MAX * sizeof(struct ckpt_siginfo), "scratch is large enough for both");

struct queue {
	void *p, *head;
	__u32 n;
};

static long queue_step(__u32 i, struct queue *q)
{
	struct gather_sigpending *o = scratch_of(&signal_scratch);
	void *entry;

	if (!o || !q->p || q->p == q->head)
		return 1;
	q->n++;
	if (i >= GATHER_SIGNALS_MAX)
		return 1;
	entry = q->p - bpf_core_field_offset(struct sigqueue, list);
	bpf_probe_read_kernel(&o->info[i], sizeof(o->info[0]),
			      entry + bpf_core_field_offset(struct sigqueue, info));
	return bpf_probe_read_kernel(&q->p, sizeof(q->p), q->p) ? 1 : 0;
}

/* o: the scratch, all zero. */
static __always_inline void emit_queue(struct seq_file *seq, struct gather_sigpending *o,
				       struct sigpending *pending)
{
	struct queue q;
	__u64 len;

	/* Not a constant: the verifier would follow each count by itself. */
	forget(&q, sizeof(q));
	q.head = &pending->list;
	o->rec.mask = pending->signal.sig[0];
	bpf_probe_read_kernel(&q.p, sizeof(q.p), q.head);
	bpf_loop(GATHER_SIGNALS_MAX + 1, queue_step, &q, 0);
	len = q.n;
	o->rec.n = len;
	if (len > GATHER_SIGNALS_MAX) {
		forget(o->info, GATHER_SIGNALS_MAX * sizeof(o->info[0]));
		len = 0;
	}
	CLAMP(len, GATHER_SIGNALS_MAX);
	len = sizeof(*o) + len * sizeof(o->info[0]);
	o->h.len = len;
	if (o->rec.mask || o->rec.n)
		emit(seq, o, len);
	else
		forget(o, sizeof(*o));
}

#define SIGEV_NONE	1
#define SIGEV_THREAD_ID	4
#define CPUCLOCK_TID	4	/* bit of a CPU clock's number: a thread's, not a process's */
#define CPUCLOCK_TYPE	3	/* 0 user and system time, 1 user time, 2 both by the scheduler */

/* CPU time so far, as the timer counts it. */
static __always_inline __u64 cpu_time(struct k_itimer *tm, __s32 clock, struct signal_struct *sig)
{
	struct pid *pid = BPF_CORE_READ(tm, it.cpu.pid);
	struct task_struct *t;
	__u64 user, system;
	void *first = (void *)0;

	if (clock & CPUCLOCK_TID) {
		bpf_probe_read_kernel(&first, sizeof(first), (void *)pid +
				      bpf_core_field_offset(struct pid, tasks));
		if (!first)
			return 0;
		t = first - bpf_core_field_offset(struct task_struct, pid_links);
		if ((clock & CPUCLOCK_TYPE) == 2)
			return BPF_CORE_READ(t, se.sum_exec_runtime);
		user = BPF_CORE_READ(t, utime);
		system = BPF_CORE_READ(t, stime);
	} else {
		if ((clock & CPUCLOCK_TYPE) == 2)
			return BPF_CORE_READ(sig, cputimer.cputime_atomic.sum_exec_runtime.counter);
		user = BPF_CORE_READ(sig, cputimer.cputime_atomic.utime.counter);
		system = BPF_CORE_READ(sig, cputimer.cputime_atomic.stime.counter);
	}
	return clock & CPUCLOCK_TYPE ? user : user + system;
}

/*
 * What is left. One that went off and has an interval waits for its signal to
 * be taken; the kernel then sets it for the next multiple. One that tells
 * nobody is never armed: it is looked at.
 */
static __always_inline __u64 timer_left(__u64 expires, __u64 now, __u64 interval, bool armed, bool none)
{
	if (armed)
		return expires > now ? expires - now : 1;
	if (none && expires > now)
		return expires - now;
	return interval ? interval - (now - expires) % interval : 0;
}

static __always_inline void fill_timer(struct ckpt_posixtimer *o, struct k_itimer *tm,
				       struct signal_struct *sig, const struct reader *r)
{
	struct sigqueue *q = compat_timer_sigqueue(tm);
	bool none, armed;
	__u64 expires;

	o->id = BPF_CORE_READ(tm, it_id);
	o->clock = BPF_CORE_READ(tm, it_clock);
	o->notify = BPF_CORE_READ(tm, it_sigev_notify);
	o->interval = BPF_CORE_READ(tm, it_interval);
	o->overrun = BPF_CORE_READ(tm, it_overrun_last);
	none = o->notify == SIGEV_NONE;
	if (!none) {
		o->signo = BPF_CORE_READ(q, info.si_signo);
		o->sigval = (__u64)BPF_CORE_READ(q, info._sifields._timer._sigval.sival_ptr);
	}
	if (o->notify & SIGEV_THREAD_ID)
		o->tid = pid_nr(r, BPF_CORE_READ(tm, it_pid));
	if (o->clock < 0) {
		/* The number of another thread or process is in clock_tid. */
		o->clock |= ~7;
		o->clock_tid = pid_nr(r, BPF_CORE_READ(tm, it.cpu.pid));
		expires = BPF_CORE_READ(tm, it.cpu.node.expires);
		armed = BPF_CORE_READ(tm, it.cpu.head) != (void *)0;
		if (armed || o->interval || none)
			o->value = timer_left(expires, cpu_time(tm, o->clock, sig), o->interval, armed, none);
		return;
	}
	expires = BPF_CORE_READ(tm, it.real.timer.node.expires);
	armed = compat_hrtimer_armed((void *)tm + bpf_core_field_offset(struct k_itimer, it));
	if (!expires || (!armed && !o->interval && !none))
		return;
	o->value = timer_left(expires, bpf_ktime_get_ns() + BPF_CORE_READ(tm, it.real.timer.base, offset),
			      o->interval, armed, none);
	/* A relative one of CLOCK_REALTIME runs by CLOCK_MONOTONIC. */
	if (armed && BPF_CORE_READ(tm, it.real.timer.base, clockid) == o->clock &&
	    (o->clock == CLOCK_REALTIME || o->clock == CLOCK_TAI)) {
		o->flags |= CKPT_TIMER_ABSTIME;
		o->value = expires;
	}
}

struct timers {
	void *p, *head;
	struct signal_struct *sig;
	struct reader r;
	__u32 n;
};

static long timer_step(__u32 i, struct timers *w)
{
	struct gather_posixtimers *o = scratch_of(&signal_scratch);

	/* A list_head ends at its head, an hlist at NULL. */
	if (!o || !w->p || w->p == w->head)
		return 1;
	w->n++;
	if (i >= GATHER_TIMERS_MAX)
		return 1;
	fill_timer(&o->rec[i], w->p - bpf_core_field_offset(struct k_itimer, list), w->sig, &w->r);
	return bpf_probe_read_kernel(&w->p, sizeof(w->p), w->p) ? 1 : 0;
}

/* o: the scratch, zero but for its header. */
static __always_inline void emit_timers(struct seq_file *seq, struct gather_posixtimers *o,
					struct signal_struct *sig, const struct reader *r)
{
	struct timers w;
	__u64 len;

	forget(&w, sizeof(w));
	w.head = &sig->posix_timers;
	w.sig = sig;
	w.r = *r;
	bpf_probe_read_kernel(&w.p, sizeof(w.p), w.head);
	bpf_loop(GATHER_TIMERS_MAX + 1, timer_step, &w, 0);
	len = w.n;
	o->n = len;
	if (len > GATHER_TIMERS_MAX) {
		forget(o->rec, GATHER_TIMERS_MAX * sizeof(o->rec[0]));
		len = 0;
	}
	CLAMP(len, GATHER_TIMERS_MAX);
	len = sizeof(*o) + len * sizeof(o->rec[0]);
	o->h.len = len;
	if (o->n)
		emit(seq, o, len);
	else
		forget(o, sizeof(*o));
}

SEC("iter/task")
int ckpt_signal(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *t = ctx->task;
	struct gather_sigpending *o;
	struct signal_struct *sig;
	struct reader r;
	struct pid *pid;

	if (!t)
		return 0;
	o = scratch_of(&signal_scratch);
	if (!o)
		return 0;
	reader_init(&r);
	sig = t->signal;
	pid = t->thread_pid;
	fill_hdr(&o->h, &r, t, pid, sig, GATHER_SIGPENDING);
	emit_queue(seq, o, &t->pending);
	if (t->pid != t->tgid)
		return 0;
	fill_hdr(&o->h, &r, t, pid, sig, GATHER_SIGPENDING);
	o->shared = 1;
	emit_queue(seq, o, &sig->shared_pending);
	fill_hdr(&o->h, &r, t, pid, sig, GATHER_POSIXTIMERS);
	emit_timers(seq, (void *)o, sig, &r);
	return 0;
}
