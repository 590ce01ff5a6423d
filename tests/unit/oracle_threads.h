/* SPDX-License-Identifier: GPL-2.0 */
/* Threads and processes, held against their oracles. */
#ifndef ORACLE_THREADS_H
#define ORACLE_THREADS_H

#include <elf.h>
#include <linux/rseq.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "engine/bpf.h"
#include "xfeatures.h"
#include "oracle_proc.h"
#include "oracle_tap.h"
#include "oracle_target.h"

#define TICK		10000000ull	/* ns; a tick of /proc */

#ifndef PTRACE_GET_RSEQ_CONFIGURATION
#define PTRACE_GET_RSEQ_CONFIGURATION 0x420f
#endif
struct rseq_configuration {
	uint64_t pointer;
	uint32_t size, signature, flags, pad;
};

/* Text of /proc/PID/task/TID/stat from before the walk: it sets what prev_utime then shows. */
static struct { pid_t tid; char stat[1024]; } stat_before[32];
static size_t nstat_before;

static const char *stat_of(pid_t tid)
{
	for (size_t i = 0; i < nstat_before; i++) {
		if (stat_before[i].tid == tid)
			return stat_before[i].stat;
	}
	return "";
}

/* Of all threads gathered, the dead ones with them. */
static uint64_t sum_utime, sum_stime;

/* The process's own CPU clocks, which are not scaled as /proc is: clockid_t as the kernel makes it. */
static void check_cpu_clocks(pid_t pid)
{
	const clockid_t prof = (clockid_t)(~(unsigned int)pid << 3), virt = prof | 1;
	struct timespec v, p;

	if (clock_gettime(virt, &v) || clock_gettime(prof, &p)) {
		check("ckpt_acct.utime", false, "CPU clock: %s", strerror(errno));
		return;
	}
	equal("ckpt_acct.utime", pid, sum_utime, (uint64_t)v.tv_sec * 1000000000 + (uint64_t)v.tv_nsec);
	equal("ckpt_acct.stime", pid, sum_utime + sum_stime,
	      (uint64_t)p.tv_sec * 1000000000 + (uint64_t)p.tv_nsec);
}

static void check_comm_and_masks(pid_t pid, const struct gather_thread *g)
{
	const struct ckpt_thread *r = &g->rec;
	char *comm = slurp("/proc/%d/task/%d/comm", pid, r->tid);
	char *st = slurp("/proc/%d/task/%d/status", pid, r->tid);
	uint64_t v;

	comm[strcspn(comm, "\n")] = '\0';
	same_text("ckpt_thread.comm", r->tid, (const char *)r->comm, strnlen((const char *)r->comm, 16), comm);
	equal("ckpt_thread.blocked", r->tid, r->blocked, number(st, "SigBlk", 16, 0));
	equal("gather_thread.pending", r->tid, g->pending, number(st, "SigPnd", 16, 0));
	v = number(st, "NoNewPrivs", 10, 0) ? CKPT_THREAD_NO_NEW_PRIVS : 0;
	for (int i = 0; i < T_N; i++) {
		if (info->t[i].tid == r->tid && info->t[i].suspended)
			v |= CKPT_THREAD_RESTORE_SIGMASK;
	}
	equal("ckpt_thread.flags", r->tid, r->flags, v);
	equal("gather_thread.seccomp_mode", r->tid, g->seccomp_mode, number(st, "Seccomp", 10, 0));
	equal("gather_thread.seccomp_filters", r->tid, g->seccomp_filters, number(st, "Seccomp_filters", 10, 0));
	equal("ckpt_acct.nvcsw", r->tid, g->acct.nvcsw, number(st, "voluntary_ctxt_switches", 10, 0));
	equal("ckpt_acct.nivcsw", r->tid, g->acct.nivcsw, number(st, "nonvoluntary_ctxt_switches", 10, 0));
}

static void check_creds(pid_t pid, const struct gather_thread *g)
{
	const struct ckpt_creds *c = &g->creds;
	const char *st = slurp("/proc/%d/task/%d/status", pid, g->rec.tid), *p;
	uint32_t n = 0;
	char *end;

	equal("ckpt_creds.uid", g->rec.tid, c->uid, number(st, "Uid", 10, 0));
	equal("ckpt_creds.euid", g->rec.tid, c->euid, number(st, "Uid", 10, 1));
	equal("ckpt_creds.suid", g->rec.tid, c->suid, number(st, "Uid", 10, 2));
	equal("ckpt_creds.fsuid", g->rec.tid, c->fsuid, number(st, "Uid", 10, 3));
	equal("ckpt_creds.gid", g->rec.tid, c->gid, number(st, "Gid", 10, 0));
	equal("ckpt_creds.egid", g->rec.tid, c->egid, number(st, "Gid", 10, 1));
	equal("ckpt_creds.sgid", g->rec.tid, c->sgid, number(st, "Gid", 10, 2));
	equal("ckpt_creds.fsgid", g->rec.tid, c->fsgid, number(st, "Gid", 10, 3));
	equal("ckpt_creds.cap_inheritable", g->rec.tid, c->cap_inheritable, number(st, "CapInh", 16, 0));
	equal("ckpt_creds.cap_permitted", g->rec.tid, c->cap_permitted, number(st, "CapPrm", 16, 0));
	equal("ckpt_creds.cap_effective", g->rec.tid, c->cap_effective, number(st, "CapEff", 16, 0));
	equal("ckpt_creds.cap_bset", g->rec.tid, c->cap_bset, number(st, "CapBnd", 16, 0));
	equal("ckpt_creds.cap_ambient", g->rec.tid, c->cap_ambient, number(st, "CapAmb", 16, 0));
	for (p = strstr(st, "\nGroups:") + 8; strtoull(p, &end, 10), end != p && *p != '\n'; p = end) {
		n++;
		while (*end == ' ')
			end++;
	}
	equal("ckpt_creds.ngroups", g->rec.tid, c->ngroups, n);
}

static void check_groups(pid_t pid, const struct gather_groups *g)
{
	const char *p = strstr(slurp("/proc/%d/task/%d/status", pid, g->h.tid), "\nGroups:") + 8;
	char *end;

	for (uint32_t i = 0; i < g->n; i++, p = end)
		equal("gather_groups.gid", g->h.tid, g->gid[i], strtoull(p, &end, 10));
}

static void check_io(const struct gather_thread *g)
{
	const struct ckpt_acct *a = &g->acct;
	const char *io = slurp("/proc/%d/task/%d/io", g->h.tgid, g->rec.tid);
	__s32 tid = g->rec.tid;

	equal("ckpt_acct.rchar", tid, a->rchar, number(io, "rchar", 10, 0));
	equal("ckpt_acct.wchar", tid, a->wchar, number(io, "wchar", 10, 0));
	equal("ckpt_acct.syscr", tid, a->syscr, number(io, "syscr", 10, 0));
	equal("ckpt_acct.syscw", tid, a->syscw, number(io, "syscw", 10, 0));
	equal("ckpt_acct.read_bytes", tid, a->read_bytes, number(io, "read_bytes", 10, 0));
	equal("ckpt_acct.write_bytes", tid, a->write_bytes, number(io, "write_bytes", 10, 0));
	equal("ckpt_acct.cancelled_write_bytes", tid, a->cancelled_write_bytes,
	      number(io, "cancelled_write_bytes", 10, 0));
}

static void check_acct(const struct gather_thread *g)
{
	const struct ckpt_acct *a = &g->acct;
	const char *st = stat_of(g->rec.tid);
	struct timespec b, m;
	int64_t off;

	sum_utime += a->utime;
	sum_stime += a->stime;
	equal("ckpt_acct.prev_utime", g->rec.tid, a->prev_utime / TICK, stat_field(st, 14));
	equal("ckpt_acct.prev_stime", g->rec.tid, a->prev_stime / TICK, stat_field(st, 15));
	equal("ckpt_acct.gtime", g->rec.tid, a->gtime / TICK, stat_field(st, 43));
	equal("ckpt_acct.utimescaled", g->rec.tid, a->utimescaled, 0);
	equal("ckpt_acct.stimescaled", g->rec.tid, a->stimescaled, 0);
	equal("ckpt_acct.min_flt", g->rec.tid, a->min_flt, stat_field(st, 10));
	equal("ckpt_acct.maj_flt", g->rec.tid, a->maj_flt, stat_field(st, 12));
	equal("ckpt_acct.start_boottime", g->rec.tid, a->start_boottime / TICK, stat_field(st, 22));
	clock_gettime(CLOCK_BOOTTIME, &b);
	clock_gettime(CLOCK_MONOTONIC, &m);
	off = (b.tv_sec - m.tv_sec) * 1000000000ll + b.tv_nsec - m.tv_nsec;
	off -= (int64_t)(a->start_boottime - a->start_time);
	check_io(g);
	check("ckpt_acct.start_time", a->start_time && llabs(off) < 1000000, "%d: off by %lld ns",
	      g->rec.tid, (long long)off);
}

static void check_asked(const struct gather_thread *g, const struct ckpt_prctl *t)
{
	const struct ckpt_prctl *p = &g->prctl;
	__s32 tid = g->rec.tid;

	equal("ckpt_prctl.timer_slack_ns", tid, p->timer_slack_ns, t->timer_slack_ns);
	equal("ckpt_prctl.timer_slack_ns", tid, p->timer_slack_ns,
	      strtoull(slurp("/proc/%d/timerslack_ns", tid), NULL, 10));
	equal("ckpt_prctl.flags", tid, p->flags, t->flags);
	equal("ckpt_prctl.store_bypass", tid, p->store_bypass, t->store_bypass);
	equal("ckpt_prctl.indirect_branch", tid, p->indirect_branch, t->indirect_branch);
	equal("ckpt_prctl.l1d_flush", tid, p->l1d_flush, t->l1d_flush);
	equal("ckpt_prctl.dispatch_selector", tid, p->dispatch_selector, t->dispatch_selector);
	equal("ckpt_prctl.dispatch_offset", tid, p->dispatch_offset, t->dispatch_offset);
	equal("ckpt_prctl.dispatch_len", tid, p->dispatch_len, t->dispatch_len);
	equal("ckpt_prctl.xcomp_perm", tid, p->xcomp_perm & arch_xfeatures(), t->xcomp_perm);
}

static void check_self_told(const struct gather_thread *g)
{
	const struct target_thread *t = NULL;
	const struct ckpt_thread *r = &g->rec;

	for (int i = 0; i < T_N; i++) {
		if (info->t[i].tid == r->tid)
			t = &info->t[i];
	}
	check("ckpt_thread.tid", t != NULL, "%d: not one of the target's", r->tid);
	if (!t)
		return;
	equal("ckpt_thread.altstack_sp", r->tid, r->altstack_sp, t->ss_sp);
	equal("ckpt_thread.altstack_size", r->tid, r->altstack_size, t->ss_size);
	/* The kernel says SS_DISABLE of a size of 0 and keeps no flag. */
	equal("ckpt_thread.altstack_flags", r->tid,
	      r->altstack_size ? r->altstack_flags : r->altstack_flags | SS_DISABLE, t->ss_flags);
	equal("ckpt_thread.clear_child_tid", r->tid, r->clear_child_tid, t->ctid);
	equal("ckpt_thread.pdeath_signal", r->tid, (uint32_t)r->pdeath_signal, (uint32_t)t->pdeath);
	equal("ckpt_thread.saved_blocked", r->tid, r->saved_blocked, t->saved);
	equal("ckpt_creds.securebits", r->tid, g->creds.securebits, t->securebits);
	check_asked(g, &t->asked);
}

static void check_regs(const struct gather_thread *g)
{
	static const char *const name[] = { "r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8",
		"ax", "cx", "dx", "si", "di", "orig_ax", "ip", "cs", "flags", "sp", "ss", "fs_base", "gs_base",
		"ds", "es", "fs", "gs" };
	struct ckpt_cpu want;
	struct iovec iov = { &want, sizeof(want) };
	char field[32];

	check("gather_thread.on_cpu", !g->on_cpu, "%d is on a CPU", g->rec.tid);
	if (ptrace(PTRACE_GETREGSET, g->rec.tid, NT_PRSTATUS, &iov) || iov.iov_len != sizeof(want)) {
		check("ckpt_cpu.r15", false, "%d: PTRACE_GETREGSET: %s", g->rec.tid, strerror(errno));
		return;
	}
	for (size_t i = 0; i < sizeof(want) / 8; i++) {
		snprintf(field, sizeof(field), "ckpt_cpu.%s", name[i]);
		equal(field, g->rec.tid, ((const uint64_t *)&g->cpu)[i], ((uint64_t *)&want)[i]);
	}
}

static void check_xstate(const struct gather_xstate *x)
{
	static uint8_t got[CKPT_MAX_XSTATE], want[CKPT_MAX_XSTATE];
	struct iovec iov = { want, sizeof(want) };
	size_t len = sizeof(got), at;
	int err = ckpt_xstate_decode(x, got, &len);

	memset(want, 0xee, sizeof(want));
	if (err || ptrace(PTRACE_GETREGSET, x->h.tid, NT_X86_XSTATE, &iov)) {
		check("ckpt_xstate.size", false, "%d: decode %d, ptrace %s", x->h.tid, err, strerror(errno));
		return;
	}
	equal("ckpt_xstate.size", x->h.tid, len, iov.iov_len);
	for (at = 0; at < len && got[at] == want[at];)
		at++;
	check("gather_xstate.data", at == len, "%d: byte %zu of %zu is %#x, oracle %#x", x->h.tid, at, len,
	      got[at], want[at]);
	/* What was decoded must also be fit to be put back. */
	iov = (struct iovec){ got, len };
	check("gather_xstate.accepted", !ptrace(PTRACE_SETREGSET, x->h.tid, NT_X86_XSTATE, &iov),
	      "%d: PTRACE_SETREGSET: %s", x->h.tid, strerror(errno));
}

static void check_ptrace_told(const struct gather_thread *g)
{
	struct rseq_configuration q = { 0 };
	size_t len = 0;
	void *head = NULL;

	syscall(SYS_get_robust_list, g->rec.tid, &head, &len);
	equal("ckpt_thread.robust_list", g->rec.tid, g->rec.robust_list, (uint64_t)head);
	ptrace(PTRACE_GET_RSEQ_CONFIGURATION, g->rec.tid, sizeof(q), &q);
	equal("ckpt_thread.rseq", g->rec.tid, g->rec.rseq, q.pointer);
	equal("ckpt_thread.rseq_len", g->rec.tid, g->rec.rseq_len, q.size);
	equal("ckpt_thread.rseq_sig", g->rec.tid, g->rec.rseq_sig, q.signature);
}

static void check_thread(pid_t pid, const struct gather_thread *g, size_t nthreads)
{
	check_self_told(g);
	check_comm_and_masks(pid, g);
	check_creds(pid, g);
	check_acct(g);
	check_regs(g);
	check_ptrace_told(g);
	equal("gather_thread.files_count", g->rec.tid, g->files_count, nthreads);
	equal("gather_thread.sighand_count", g->rec.tid, g->sighand_count, nthreads);
	equal("gather_thread.fs_users", g->rec.tid, g->fs_users, nthreads);
	check("gather_thread.mm_users", g->mm_users >= nthreads && g->mm_users <= nthreads + 1,
	      "%d: %u", g->rec.tid, g->mm_users);
	check("gather_thread.ptrace", g->ptrace != 0, "%d", g->rec.tid);
	check("gather_thread.cookies", g->mm && g->files && g->fs && g->sighand && g->signal && g->nsproxy,
	      "%d: one is 0", g->rec.tid);
	equal("gather_thread.ns_nr", g->rec.tid, g->ns_nr, (uint64_t)g->rec.tid);
	check("gather_thread.pidns_level", !g->pidns_level, "%u", g->pidns_level);
}

static uint64_t ns_inum(pid_t pid, const char *ns)
{
	const char *p = strchr(link_of("/proc/%d/ns/%s", pid, ns), '[');

	return p ? strtoull(p + 1, NULL, 10) : 0;
}

static void check_container(pid_t pid, const struct ckpt_container *c, const char *cgroup2)
{
	const char *p = strstr(slurp("/proc/%d/cgroup", pid), "0::");
	char path[1024];
	struct stat st;

	equal("ckpt_container.ns_pid", pid, c->ns_pid, ns_inum(pid, "pid"));
	equal("ckpt_container.ns_mnt", pid, c->ns_mnt, ns_inum(pid, "mnt"));
	equal("ckpt_container.ns_net", pid, c->ns_net, ns_inum(pid, "net"));
	equal("ckpt_container.ns_user", pid, c->ns_user, ns_inum(pid, "user"));
	equal("ckpt_container.ns_uts", pid, c->ns_uts, ns_inum(pid, "uts"));
	equal("ckpt_container.ns_ipc", pid, c->ns_ipc, ns_inum(pid, "ipc"));
	equal("ckpt_container.ns_time", pid, c->ns_time, ns_inum(pid, "time"));
	equal("ckpt_container.ns_cgroup", pid, c->ns_cgroup, ns_inum(pid, "cgroup"));
	snprintf(path, sizeof(path), "%s%.*s", cgroup2, p ? (int)strcspn(p + 3, "\n") : 0, p ? p + 3 : "");
	if (p && !stat(path, &st))
		equal("ckpt_container.cgroup_id", pid, c->cgroup_id, st.st_ino);
}

static void check_mm(pid_t pid, const struct gather_proc *g)
{
	const char *st = slurp("/proc/%d/stat", pid);
	const struct ckpt_mm *m = &g->mm;
	char path[64], auxv[1024];
	uint64_t vdso = 0;
	ssize_t n;
	int fd;

	equal("ckpt_mm.start_code", pid, m->start_code, stat_field(st, 26));
	equal("ckpt_mm.end_code", pid, m->end_code, stat_field(st, 27));
	equal("ckpt_mm.start_stack", pid, m->start_stack, stat_field(st, 28));
	equal("ckpt_mm.start_data", pid, m->start_data, stat_field(st, 45));
	equal("ckpt_mm.end_data", pid, m->end_data, stat_field(st, 46));
	equal("ckpt_mm.start_brk", pid, m->start_brk, stat_field(st, 47));
	equal("ckpt_mm.arg_start", pid, m->arg_start, stat_field(st, 48));
	equal("ckpt_mm.arg_end", pid, m->arg_end, stat_field(st, 49));
	equal("ckpt_mm.env_start", pid, m->env_start, stat_field(st, 50));
	equal("ckpt_mm.env_end", pid, m->env_end, stat_field(st, 51));
	equal("ckpt_mm.brk", pid, m->brk, info->brk);
	equal("ckpt_mm.dumpable", pid, m->dumpable, (uint64_t)info->dumpable);
	equal("ckpt_mm.pad0", pid, m->pad0, 0);
	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	fd = open(path, O_RDONLY);
	n = read(fd, auxv, sizeof(auxv));
	close(fd);
	equal("ckpt_mm.auxv_len", pid, m->auxv_len, (uint64_t)n);
	check("gather_proc.auxv", n > 0 && !memcmp(auxv, g->auxv, (size_t)n), "%zd bytes", n);
	for (ssize_t i = 0; i + 16 <= n; i += 16) {
		if (((uint64_t *)(auxv + i))[0] == AT_SYSINFO_EHDR)
			vdso = ((uint64_t *)(auxv + i))[1];
	}
	equal("ckpt_mm.vdso", pid, m->vdso, vdso);
}

/* What the target would see: our own clocks and the offsets of its namespace, read a moment ago. */
static void check_clocks(pid_t pid, const struct ckpt_clocks *c)
{
	const char *text = slurp("/proc/%d/timens_offsets", pid);
	const int64_t seen[] = { c->monotonic_ns, c->boottime_ns };
	const clockid_t clock[] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME };
	long long s[2] = { 0 }, ns[2] = { 0 };
	struct timespec t;

	if (*text)
		check("ckpt_clocks.offsets", sscanf(text, "monotonic %lld %lld boottime %lld %lld", &s[0],
						    &ns[0], &s[1], &ns[1]) == 4, "'%s'", text);
	equal("ckpt_clocks.monotonic_offset_ns", pid, (uint64_t)c->monotonic_offset_ns,
	      (uint64_t)(s[0] * 1000000000 + ns[0]));
	equal("ckpt_clocks.boottime_offset_ns", pid, (uint64_t)c->boottime_offset_ns,
	      (uint64_t)(s[1] * 1000000000 + ns[1]));
	for (int i = 0; i < 2; i++) {
		int64_t late;

		clock_gettime(clock[i], &t);
		late = (t.tv_sec + s[i]) * 1000000000 + t.tv_nsec + ns[i] - seen[i];
		check(i ? "ckpt_clocks.boottime_ns" : "ckpt_clocks.monotonic_ns",
		      late >= 0 && late < 10000000000ll, "%lld ns ago", (long long)late);
	}
}

static void check_task(pid_t pid, const struct gather_proc *g, size_t nthreads)
{
	const char *st = slurp("/proc/%d/stat", pid);
	const struct ckpt_task *t = &g->task;
	struct rlimit r;

	equal("ckpt_task.pid", pid, (uint64_t)t->pid, (uint64_t)pid);
	equal("ckpt_task.ppid", pid, (uint64_t)t->ppid, stat_field(st, 4));
	equal("ckpt_task.pgid", pid, (uint64_t)t->pgid, (uint64_t)getpgid(pid));
	equal("ckpt_task.sid", pid, (uint64_t)t->sid, (uint64_t)getsid(pid));
	equal("ckpt_task.nthreads", pid, t->nthreads, nthreads);
	equal("ckpt_task.nthreads", pid, t->nthreads, stat_field(st, 20));
	check("ckpt_task.state", t->state & 0x8 && stat_field(st, 3) == 't', "%#x, '%c'", t->state,
	      (char)stat_field(st, 3));
	equal("ckpt_task.exit_signal", pid, (uint64_t)t->exit_signal, stat_field(st, 38));
	equal("ckpt_task.personality", pid, t->personality, strtoull(slurp("/proc/%d/personality", pid), NULL, 16));
	equal("ckpt_task.oom_score_adj", pid, (uint64_t)t->oom_score_adj,
	      (uint64_t)atoi(slurp("/proc/%d/oom_score_adj", pid)));
	equal("ckpt_task.flags", pid, t->flags, (info->subreaper ? CKPT_TASK_SUBREAPER : 0) |
	      (stat_field(st, 7) ? CKPT_TASK_HAS_TTY : 0));
	equal("ckpt_task.pad0", pid, t->pad0, 0);
	for (int i = 0; i < CKPT_RLIM_NLIMITS; i++) {
		prlimit(pid, i, NULL, &r);
		equal("ckpt_rlimits.lim", i, g->rlimits.lim[i].cur, r.rlim_cur);
		equal("ckpt_rlimits.lim", i, g->rlimits.lim[i].max, r.rlim_max);
	}
	equal("gather_proc.shared_pending", pid, g->shared_pending,
	      number(slurp("/proc/%d/status", pid), "ShdPnd", 16, 0));
}

static void check_proc(pid_t pid, const struct gather_proc *g, size_t nthreads, const char *cgroup2)
{
	char *st = slurp("/proc/%d/status", pid);
	uint64_t flt = 0;
	struct stat exe;

	check_task(pid, g, nthreads);
	check_mm(pid, g);
	sum_utime += g->acct.utime;
	sum_stime += g->acct.stime;
	check_container(pid, &g->ns, cgroup2);
	for (int i = 0; i < CKPT_NSIG; i++) {
		equal("ckpt_sighand.action", i + 1, i + 1, i + 1);
		equal("ckpt_sigaction.handler", i + 1, g->sighand.action[i].handler, info->act[i].handler);
		equal("ckpt_sigaction.flags", i + 1, g->sighand.action[i].flags, info->act[i].flags);
		equal("ckpt_sigaction.restorer", i + 1, g->sighand.action[i].restorer, info->act[i].restorer);
		equal("ckpt_sigaction.mask", i + 1, g->sighand.action[i].mask, info->act[i].mask);
	}
	equal("ckpt_fs.umask", pid, g->fs.umask, number(st, "Umask", 8, 0));
	equal("ckpt_fs.pad0", pid, g->fs.pad0, 0);
	same_text("gather_proc.exe", pid, g->text, g->exe.path_len, link_of("/proc/%d/exe", pid));
	same_text("ckpt_fs.cwd_len", pid, g->text + g->exe.path_len, g->fs.cwd_len, link_of("/proc/%d/cwd", pid));
	same_text("ckpt_fs.root_len", pid, g->text + g->exe.path_len + g->fs.cwd_len, g->fs.root_len,
		  link_of("/proc/%d/root", pid));
	if (!stat("/proc/self/exe", &exe))
		equal("gather_proc.exe_size", pid, g->exe.size, (uint64_t)exe.st_size);
	for (size_t i = 0; i < nstat_before; i++)
		flt += stat_field(stat_before[i].stat, 10);
	equal("gather_proc.acct.min_flt", pid, g->acct.min_flt + flt, stat_field(slurp("/proc/%d/stat", pid), 10));
	for (int i = 0; i < 3; i++) {
		/* Set up before all threads were ready: some of it may be gone. */
		check("ckpt_itimers.timer", g->itimers.timer[i].value <= REAL_SECONDS * 1000000000ull &&
		      g->itimers.timer[i].value > (REAL_SECONDS - 60) * 1000000000ull, "%d: %llu", i,
		      (unsigned long long)g->itimers.timer[i].value);
		equal("ckpt_itimers.timer", i, g->itimers.timer[i].interval, 7000001000);
	}
	check_clocks(pid, &g->clocks);
	check("gather_proc.child_time_ns", !g->child_time_ns, "%u", g->child_time_ns);
	equal("gather_proc.posix_timers", pid, g->posix_timers, TIMERS);
	equal("gather_proc.nchildren", pid, g->nchildren, 1);
}

#endif
