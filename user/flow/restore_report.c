// SPDX-License-Identifier: GPL-2.0
/* What the restorer tells, as words: which object, which operation, why. */
#include "flow/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/fail.h"
#include "lib/interrupt.h"
#include "lib/io.h"
#include "xfeatures.h"

#define DEADLINE_NS	60000000000ull	/* a file on a server that is gone, a debugger's hand */

static const struct { const char *text; enum blob_object object; } steps[] = {
#define X(name, obj, words) [BLOB_##name] = { words, BLOB_OBJ_##obj },
	BLOB_STEPS(X)
#undef X
};

static const char *vma_name(const struct restore *r, uint64_t start)
{
	const struct plan_mm *mm = &r->proc.task->mm;

	for (size_t i = 0; i < mm->vmas.n; i++) {
		const struct ckpt_vma *v = &mm->vmas.v[i];
		const struct plan_file *f;
		const char *slash;

		if (v->start != start)
			continue;
		if (v->kind != CKPT_VMA_FILE && v->flags & CKPT_VMA_HUGETLB)
			return v->flags >> CKPT_VMA_HUGE_SHIFT == 21 ? "huge pages of 2 MiB" :
			       "huge pages of 1 GiB";
		if (v->kind != CKPT_VMA_FILE)
			return start <= mm->rec.start_stack && mm->rec.start_stack < v->end ? "[stack]" :
			       start < mm->rec.brk && mm->rec.start_brk < v->end ? "[heap]" : "anonymous";
		f = plan_file(&r->plan, v->file);
		slash = strrchr(f->path, '/');
		return slash ? slash + 1 : f->path;
	}
	return "?";
}

/* "fd 3 (/srv/db): fcntl: F_SETLK: bytes 0 to 9, another process holds it" */
static void describe_fd(const struct restore *r, const struct blob_at *at, char *buf, size_t len)
{
	const struct plan_task *t = r->proc.task;
	const struct blob_fcntl *c = &r->proc.blob->fcntls[at->index];
	const char *path = "?";
	size_t n;

	if (at->index >= r->proc.blob->nfcntls) {
		snprintf(buf, len, "%s", steps[at->step].text);
		return;
	}
	for (size_t i = 0; i < t->fds.n; i++)
		if (t->fds.v[i].fd == c->fd)
			path = plan_file(&r->plan, t->fds.v[i].file)->path;
	n = (size_t)snprintf(buf, len, "fd %d (%.300s): %s", c->fd, path, steps[at->step].text);
	if (at->index < t->locks.n && n < len)
		res_lock_range(&t->locks.v[at->index], buf + n, len - n);
}

/* "vma 7f1200000000 (libc.so.6): mmap" */
static void describe(const struct restore *r, const struct blob_at *at, char *buf, size_t len)
{
	const struct restore_proc *p = &r->proc;

	if (at->step >= BLOB_NSTEPS) {
		snprintf(buf, len, "restorer");
		return;
	}
	switch (steps[at->step].object) {
	case BLOB_OBJ_VMA:
		snprintf(buf, len, "vma %" PRIx64 " (%s): %s", (uint64_t)at->addr, vma_name(r, at->addr),
			 steps[at->step].text);
		return;
	case BLOB_OBJ_SIGNAL:
		snprintf(buf, len, "signal %u: %s", at->index, steps[at->step].text);
		return;
	case BLOB_OBJ_THREAD:
		snprintf(buf, len, "thread %d: %s",
			 at->index < p->task->threads.n ? (int)p->tids[at->index] : -1,
			 steps[at->step].text);
		return;
	case BLOB_OBJ_LIMIT:
		snprintf(buf, len, "%s: %s", res_rlimit_name(at->index), steps[at->step].text);
		return;
	case BLOB_OBJ_TIMER:
		snprintf(buf, len, "timer %d: %s", (int)at->index, steps[at->step].text);
		return;
	case BLOB_OBJ_FD:
		describe_fd(r, at, buf, len);
		return;
	case BLOB_OBJ_XFEATURE:
		snprintf(buf, len, "%s: %s", arch_xfeature_name(at->index), steps[at->step].text);
		return;
	case BLOB_OBJ_NONE:
		break;
	}
	snprintf(buf, len, "%s", steps[at->step].text);
}

static int tell_failed(const struct restore *r)
{
	const struct blob_report *rep = r->proc.report;
	int err = __atomic_load_n(&rep->err, __ATOMIC_SEQ_CST);
	char what[512];

	/* Before it entered the restorer it wrote the whole line, errno included. */
	if (rep->failed.step == BLOB_NSTEPS && rep->text[0]) {
		char name[32];
		size_t n = strnlen(rep->text, sizeof(rep->text)), m;

		m = (size_t)snprintf(name, sizeof(name), ": %s", ckpt_errname(err));
		if (err != -EINVAL && err != -EOPNOTSUPP && n > m && !strncmp(rep->text + n - m, name, m))
			n -= m;
		return ckpt_fail(err, 0, "%.*s", (int)n, rep->text);
	}
	describe(r, &rep->failed, what, sizeof(what));
	if (err == -EAGAIN && (rep->failed.step == BLOB_LOCK || rep->failed.step == BLOB_FLOCK))
		return ckpt_fail(err, r->proc.pid, "%s: somebody else holds it", what);
	/* ckpt_fail() leaves these two out, taking the text for the cause. */
	if (err == -EINVAL || err == -EOPNOTSUPP)
		return ckpt_fail(err, r->proc.pid, "%s: %s", what, ckpt_errname(err));
	return ckpt_fail(err, r->proc.pid, "%s", what);
}

/* Did it end, or stop at a fault? Only looks: whoever owns the child waits for it. */
static int check_alive(const struct restore *r)
{
	siginfo_t si = { 0 };
	char what[512];

	if (waitid(P_PID, (id_t)r->proc.pid, &si, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL))
		return ckpt_fail(-errno, r->proc.pid, "restorer: wait");
	if (!si.si_pid)
		return 0;
	if (si.si_code == CLD_TRAPPED && si.si_status != SIGSEGV && si.si_status != SIGBUS &&
	    si.si_status != SIGILL && si.si_status != SIGFPE && si.si_status != SIGSYS)
		return 0;
	if (si.si_code == CLD_STOPPED)
		return 0;
	describe(r, &r->proc.report->at, what, sizeof(what));
	if (si.si_code == CLD_EXITED)
		return ckpt_fail(-ECHILD, r->proc.pid, "%s: it exited with status %d", what, si.si_status);
	return ckpt_fail(-ECHILD, r->proc.pid, "%s: killed by SIG%s", what,
			 sigabbrev_np(si.si_status) ? sigabbrev_np(si.si_status) : "?");
}

int restore_wait_report(struct restore *r, uint32_t state, uint32_t nparked)
{
	struct blob_report *rep = r->proc.report;
	uint64_t until = ckpt_now_ns() + DEADLINE_NS;

	for (;;) {
		/* Dead without a word: looked at often enough, for nobody wakes us then. */
		struct timespec look = { 0, 20000000 };
		uint32_t seen = __atomic_load_n(&rep->event, __ATOMIC_SEQ_CST);
		char what[512];
		int err;

		if (__atomic_load_n(&rep->err, __ATOMIC_SEQ_CST))
			return tell_failed(r);
		if (__atomic_load_n(&rep->state, __ATOMIC_SEQ_CST) >= state &&
		    __atomic_load_n(&rep->parked, __ATOMIC_SEQ_CST) >= nparked)
			return 0;
		err = check_alive(r);
		/* Its last word may have come between the two looks. */
		if (err && __atomic_load_n(&rep->err, __ATOMIC_SEQ_CST)) {
			ckpt_fail_clear();
			return tell_failed(r);
		}
		if (!err)
			err = ckpt_interrupt_check();
		if (err)
			return err;
		if (ckpt_now_ns() > until) {
			describe(r, &rep->at, what, sizeof(what));
			return ckpt_fail(-ETIMEDOUT, r->proc.pid, "%s", what);
		}
		syscall(SYS_futex, &rep->event, FUTEX_WAIT, seen, &look, NULL, 0);
	}
}

int restore_wait_circles(struct restore *r)
{
	uint64_t until = ckpt_now_ns() + DEADLINE_NS;
	struct timespec nap = { 0, 50000 };
	uint32_t n = 0;

	for (size_t i = 0; i < r->proc.task->threads.n; i++)
		n += r->proc.circles[i];
	/* They may not even wake us. */
	while (__atomic_load_n(&r->proc.report->strict, __ATOMIC_SEQ_CST) < n) {
		int err = restore_wait_report(r, BLOB_MAPPED, 0);

		if (err)
			return err;
		err = check_alive(r);
		if (err)
			return err;
		if (ckpt_now_ns() > until)
			return ckpt_fail(-ETIMEDOUT, r->proc.pid, "a thread does not enter strict mode");
		nanosleep(&nap, NULL);
	}
	return 0;
}

int restore_take_lost(struct restore *r)
{
	const struct blob_report *rep = r->proc.report;
	uint32_t n = rep->nlost;
	int err = 0;

	for (uint32_t i = 0; i < n && i < BLOB_LOST_MAX && !err; i++) {
		char what[512];

		describe(r, &rep->lost[i].at, what, sizeof(what));
		err = res_lose(&r->losses, rep->lost[i].err, r->proc.pid, "%s", what);
	}
	if (!err && n > BLOB_LOST_MAX)
		err = res_lose(&r->losses, rep->lost[0].err, r->proc.pid, "and %u more", n - BLOB_LOST_MAX);
	return err;
}

void restore_tell(struct restore *r, enum blob_go go)
{
	struct blob_report *rep = r->proc.report;

	__atomic_store_n(&rep->go, go, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &rep->go, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
