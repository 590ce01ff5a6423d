/* SPDX-License-Identifier: GPL-2.0 */
/* Queues of signals, held against ptrace. */
#ifndef ORACLE_SIGNALS_H
#define ORACLE_SIGNALS_H

#include "oracle_proc.h"
#include "oracle_tap.h"

#include <sys/ptrace.h>

#include "oracle_target.h"

static void check_sigpending(pid_t pid, const struct gather_sigpending *g)
{
	const char *st = slurp("/proc/%d/task/%d/status", pid, g->h.tid);
	struct __ptrace_peeksiginfo_args a = {
		.flags = g->shared ? PTRACE_PEEKSIGINFO_SHARED : 0, .nr = 64,
	};
	static siginfo_t si[64];
	struct ckpt_siginfo want;
	long n = ptrace(PTRACE_PEEKSIGINFO, g->h.tid, &a, si);

	equal("ckpt_sigpending.mask", g->h.tid, g->rec.mask, number(st, g->shared ? "ShdPnd" : "SigPnd", 16, 0));
	equal("ckpt_sigpending.n", g->h.tid, g->rec.n, (uint64_t)n);
	equal("ckpt_sigpending.pad0", g->h.tid, g->rec.pad0, 0);
	for (long i = 0; i < n && i < (long)g->rec.n; i++) {
		memcpy(&want, &si[i], sizeof(want));
		equal("ckpt_siginfo.signo", i, (uint32_t)g->info[i].signo, (uint32_t)want.signo);
		equal("ckpt_siginfo.err", i, (uint32_t)g->info[i].err, (uint32_t)want.err);
		equal("ckpt_siginfo.code", i, (uint32_t)g->info[i].code, (uint32_t)want.code);
		equal("ckpt_siginfo.pad0", i, g->info[i].pad0, want.pad0);
		for (int k = 0; k < 4; k++)
			equal("ckpt_siginfo.fields", i, g->info[i].fields[k], want.fields[k]);
	}
}

/* Of /proc/PID/timers and of what the program asked for. */
static void check_timers(pid_t pid, const struct gather_posixtimers *g)
{
	const char *list = slurp("/proc/%d/timers", pid);
	int listed = 0;

	for (const char *p = list; (p = strstr(p, "signal: ")); p++)
		listed++;
	equal("gather_posixtimers.n", pid, g->n, TIMERS);
	equal("gather_posixtimers.n", pid, g->n, (uint64_t)listed);
	for (uint32_t i = 0; i < g->n && i < TIMERS; i++) {
		const struct ckpt_posixtimer *m = &g->rec[i];
		const struct target_timer *t = NULL;
		char line[64];

		for (int k = 0; k < TIMERS; k++)
			if (info->timer[k].id == m->id)
				t = &info->timer[k];
		check("ckpt_posixtimer.id", t != NULL, "%d", m->id);
		if (!t)
			continue;
		snprintf(line, sizeof(line), "ID: %d\nsignal: %d/", m->id, m->signo);
		check("ckpt_posixtimer.id", t->notify == SIGEV_NONE || strstr(list, line), "%s", line);
		equal("ckpt_posixtimer.clock", m->id, (uint64_t)m->clock, (uint64_t)t->clock);
		equal("ckpt_posixtimer.clock_tid", m->id, (uint64_t)m->clock_tid, t->clock < 0 ? (uint64_t)pid : 0);
		equal("ckpt_posixtimer.notify", m->id, m->notify, (uint64_t)t->notify);
		equal("ckpt_posixtimer.signo", m->id, (uint64_t)m->signo, (uint64_t)t->signo);
		equal("ckpt_posixtimer.tid", m->id, (uint64_t)m->tid, (uint64_t)t->tid);
		equal("ckpt_posixtimer.sigval", m->id, m->sigval, t->sigval);
		equal("ckpt_posixtimer.interval", m->id, m->interval, t->interval);
		equal("ckpt_posixtimer.flags", m->id, m->flags, t->abs ? CKPT_TIMER_ABSTIME : 0);
		if (t->abs)
			equal("ckpt_posixtimer.value", m->id, m->value, t->value);
		else
			check("ckpt_posixtimer.value", m->value <= t->value &&
			      m->value + 60000000000 > t->value, "%d: %llu", m->id,
			      (unsigned long long)m->value);
	}
}

#endif
