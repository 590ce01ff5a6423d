/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* TIMERFD: the timer raw, and the time by its clock; user space counts what was missed. */
#ifndef CKPTBPF_TIMERFD_BPF_H
#define CKPTBPF_TIMERFD_BPF_H

#include "anon.bpf.h"
#include "compat.bpf.h"

#define CLOCK_REALTIME_ALARM	8
#define CLOCK_BOOTTIME_ALARM	9
#define KTIME_MAX		0x7fffffffffffffffll

static __always_inline void emit_timerfd(struct seq_file *seq, const struct anon_fd *f)
{
	struct timerfd_ctx *c = f->priv;
	struct gather_timerfd o = {};
	struct hrtimer *tm;

	anon_hdr(&o.a, f, GATHER_TIMERFD, sizeof(o));
	o.rec.clockid = BPF_CORE_READ(c, clockid);
	o.rec.settime_flags = BPF_CORE_READ(c, settime_flags);
	o.rec.ticks = BPF_CORE_READ(c, ticks);
	o.rec.interval_ns = BPF_CORE_READ(c, tintv);
	if (o.rec.clockid == CLOCK_REALTIME_ALARM || o.rec.clockid == CLOCK_BOOTTIME_ALARM) {
		tm = (void *)__builtin_preserve_access_index(&c->t.alarm.timer);
		o.rec.expires_ns = BPF_CORE_READ(c, t.alarm.node.expires);
	} else {
		tm = (void *)__builtin_preserve_access_index(&c->t.tmr);
		o.rec.expires_ns = BPF_CORE_READ(tm, node.expires);
	}
	o.armed = compat_hrtimer_expiry(tm) != 0;
	o.expired = BPF_CORE_READ(c, expired);
	o.canceled = BPF_CORE_READ(c, might_cancel) && BPF_CORE_READ(c, moffs) == KTIME_MAX;
	o.now_ns = bpf_ktime_get_ns() + BPF_CORE_READ(tm, base, offset);
	bpf_seq_write(seq, &o, sizeof(o));
}

#endif
