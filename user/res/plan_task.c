// SPDX-License-Identifier: GPL-2.0
/* Tasks, threads, signals and credentials of an image: are they what a kernel could have had? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "res/plan_int.h"

#define PID_MAX		4194304		/* PID_MAX_LIMIT of a 64-bit kernel */
#define SYSCALL_MAX	1023		/* x86-64 numbers its calls below this */
#define TASK_FLAGS	(CKPT_TASK_SUBREAPER | CKPT_TASK_SID_OUTSIDE | CKPT_TASK_PGID_OUTSIDE | \
			 CKPT_TASK_HAS_TTY | CKPT_TASK_STOPPED)
#define THREAD_FLAGS	(CKPT_THREAD_RESTORE_SIGMASK | CKPT_THREAD_NO_NEW_PRIVS)
#define PERSONALITIES	0x0ffe00ffu	/* PER_MASK's low byte and the flags of linux/personality.h */
#define SECUREBITS	0xfffu		/* four pairs, and SECBIT_EXEC_* since 6.14 */
#define ALTSTACK_FLAGS	(0x2u | 0x80000000u)	/* SS_DISABLE, SS_AUTODISARM */
#define SA_KNOWN	0xdc000c07u	/* UAPI_SA_FLAGS and SA_RESTORER */
#define RSEQ_ALIGN	32u

int plan_take_task(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_task *t = rec->payload;
	const struct plan_task *parent = plan_task(p, rec->h.owner);
	struct plan_task *slot;

	if (p->tasks.n == CKPT_MAX_TASKS)
		return bad(rec, "more than %u tasks", CKPT_MAX_TASKS);
	if (p->tasks.n ? !parent : rec->h.owner != 0)
		return bad(rec, "its parent %u is no task that came before", rec->h.owner);
	if (parent && t->ppid != parent->rec.pid)
		return bad(rec, "its ppid %d is not its parent's pid %d", t->ppid, parent->rec.pid);
	if (t->pid <= 0 || t->pid > PID_MAX)
		return bad(rec, "pid %d", t->pid);
	if (t->ppid < 0 || t->pgid < 0 || t->sid < 0 || t->ppid > PID_MAX || t->pgid > PID_MAX ||
	    t->sid > PID_MAX)
		return bad(rec, "ppid %d, pgid %d or sid %d is no pid", t->ppid, t->pgid, t->sid);
	if (!t->nthreads || t->nthreads > CKPT_MAX_THREADS)
		return bad(rec, "%u threads", t->nthreads);
	if (t->exit_state)
		return unknown(rec, "pid %d had ended (exit_state 0x%x)", t->pid, t->exit_state);
	if (t->exit_signal < 0 || t->exit_signal > CKPT_NSIG)
		return bad(rec, "exit_signal %d", t->exit_signal);
	if (t->personality & ~PERSONALITIES)
		return bad(rec, "personality 0x%x", t->personality);
	if (t->oom_score_adj < -1000 || t->oom_score_adj > 1000)
		return bad(rec, "oom_score_adj %d", t->oom_score_adj);
	if (t->flags & ~TASK_FLAGS)
		return bad(rec, "flags 0x%x", t->flags);
	slot = vec_push(&p->tasks);
	if (!slot)
		return plan_nomem(rec);
	slot->rec = *t;
	return plan_new_object(p, rec, t->id, (uint32_t)p->tasks.n - 1, (uint32_t)p->tasks.n - 1);
}

int plan_take_rlimits(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	struct plan_task *t = &p->tasks.v[p->cur];

	if (t->have_rlimits)
		return bad(rec, "a second one of pid %d", t->rec.pid);
	t->have_rlimits = true;
	memcpy(&t->rlimits, rec->payload, sizeof(t->rlimits));
	for (int i = 0; i < CKPT_RLIM_NLIMITS; i++)
		if (t->rlimits.lim[i].cur > t->rlimits.lim[i].max)
			return bad(rec, "limit %d: the soft one is above the hard one", i);
	return 0;
}

static int check_comm(const struct ckpt_rec *rec, const uint8_t comm[16])
{
	const uint8_t *end = memchr(comm, 0, 16);

	if (!end)
		return bad(rec, "comm has no end");
	for (; end < comm + 16; end++)
		if (*end)
			return bad(rec, "comm is not NUL-padded");
	return 0;
}

static int check_rseq(const struct ckpt_rec *rec, const struct ckpt_thread *t)
{
	if (!t->rseq)
		return t->rseq_len || t->rseq_cs ? bad(rec, "rseq_len or rseq_cs without rseq") : 0;
	if (t->rseq % RSEQ_ALIGN || t->rseq_len < RSEQ_ALIGN || t->rseq_len > CKPT_PAGE_SIZE ||
	    !plan_is_addr(t->rseq) || !plan_is_addr(t->rseq + t->rseq_len))
		return bad(rec, "rseq at 0x%llx of %u bytes", (unsigned long long)t->rseq, t->rseq_len);
	return plan_is_addr(t->rseq_cs) ? 0 : bad(rec, "rseq_cs is not a user address");
}

static int check_thread(const struct ckpt_rec *rec, const struct ckpt_thread *t)
{
	int err;

	if (t->tid <= 0 || t->tid > PID_MAX)
		return bad(rec, "tid %d", t->tid);
	err = check_comm(rec, t->comm);
	if (err)
		return err;
	if ((t->blocked | t->saved_blocked) & PLAN_UNBLOCKABLE)
		return bad(rec, "SIGKILL or SIGSTOP is blocked");
	if (t->flags & ~THREAD_FLAGS)
		return bad(rec, "flags 0x%x", t->flags);
	if (t->altstack_flags & ~ALTSTACK_FLAGS)
		return bad(rec, "altstack_flags 0x%x", t->altstack_flags);
	if (!plan_is_addr(t->altstack_sp) || t->altstack_size > PLAN_ADDR_END - t->altstack_sp)
		return bad(rec, "the alternate stack is not in user space");
	if (!plan_is_addr(t->clear_child_tid) || !plan_is_addr(t->robust_list))
		return bad(rec, "clear_child_tid or robust_list is not a user address");
	if (t->pdeath_signal < 0 || t->pdeath_signal > CKPT_NSIG)
		return bad(rec, "pdeath_signal %d", t->pdeath_signal);
	if (t->restart_nr < -1 || t->restart_nr > SYSCALL_MAX)
		return bad(rec, "restart_nr %d", t->restart_nr);
	return check_rseq(rec, t);
}

int plan_take_thread(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_thread *t = rec->payload;
	struct plan_task *task = &p->tasks.v[p->cur];
	struct plan_thread *slot;
	int err = check_thread(rec, t);

	if (err)
		return err;
	if (!task->threads.n && t->tid != task->rec.pid)
		return bad(rec, "tid %d comes before the leader %d", t->tid, task->rec.pid);
	if (task->threads.n == task->rec.nthreads)
		return bad(rec, "pid %d has only %u threads", task->rec.pid, task->rec.nthreads);
	if (p->nthreads == CKPT_MAX_THREADS)
		return bad(rec, "more than %u threads", CKPT_MAX_THREADS);
	slot = vec_push(&task->threads);
	if (!slot)
		return plan_nomem(rec);
	p->nthreads++;
	slot->rec = *t;
	return plan_new_object(p, rec, t->id, (uint32_t)task->threads.n - 1, (uint32_t)p->cur);
}

int plan_take_acct(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct plan_index *ix = plan_object(p, rec->h.owner, CKPT_THREAD);
	struct plan_task *t = &p->tasks.v[p->cur];
	bool *have = ix ? &t->threads.v[ix->at].have_acct : &t->have_acct;
	struct ckpt_acct *acct = ix ? &t->threads.v[ix->at].acct : &t->acct;
	const struct ckpt_acct *a = rec->payload;

	/* Informative: nothing can be set from it. */
	if (*have)
		return bad(rec, "a second one of %u", rec->h.owner);
	if (a->flags & ~CKPT_ACCT_IO)
		return unknown(rec, "flags 0x%x", a->flags);
	if (!a->flags && (a->rchar | a->wchar | a->syscr | a->syscw | a->read_bytes | a->write_bytes |
			  a->cancelled_write_bytes))
		return bad(rec, "what was read and written is not known, and not 0");
	*have = true;
	*acct = *a;
	return 0;
}

static int check_action(const struct ckpt_rec *rec, int sig, const struct ckpt_sigaction *a)
{
	if (PLAN_UNBLOCKABLE >> (sig - 1) & 1 && a->handler)
		return bad(rec, "signal %d cannot be caught or ignored", sig);
	if (!plan_is_addr(a->handler) || !plan_is_addr(a->restorer))
		return bad(rec, "signal %d: not a user address", sig);
	if (a->flags & ~(uint64_t)SA_KNOWN)
		return bad(rec, "signal %d: flags 0x%llx", sig, (unsigned long long)a->flags);
	if (a->mask & PLAN_UNBLOCKABLE)
		return bad(rec, "signal %d: its mask holds SIGKILL or SIGSTOP", sig);
	return 0;
}

int plan_take_sighand(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_sighand *s = rec->payload;
	struct plan_task *t = &p->tasks.v[p->cur];
	int err = 0;

	if (t->have_sighand)
		return bad(rec, "a second one of pid %d", t->rec.pid);
	for (int i = 0; i < CKPT_NSIG && !err; i++)
		err = check_action(rec, i + 1, &s->action[i]);
	if (err)
		return err;
	t->sighand = *s;
	t->have_sighand = true;
	return 0;
}

static int check_creds(const struct ckpt_rec *rec, const struct ckpt_creds *c)
{
	const uint32_t ids[] = {
		c->uid, c->gid, c->suid, c->sgid, c->euid, c->egid, c->fsuid, c->fsgid,
	};
	const uint32_t *groups = (const uint32_t *)(c + 1);

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		if (ids[i] == UINT32_MAX)
			return bad(rec, "an id of -1");
	if (c->securebits & ~SECUREBITS)
		return bad(rec, "securebits 0x%x", c->securebits);
	if (c->cap_effective & ~c->cap_permitted)
		return bad(rec, "effective capabilities that are not permitted");
	if (c->cap_ambient & ~(c->cap_permitted & c->cap_inheritable))
		return bad(rec, "ambient capabilities that are not permitted and inheritable");
	if (c->ngroups > CKPT_MAX_GROUPS)
		return bad(rec, "%u groups", c->ngroups);
	for (uint32_t i = 0; i < c->ngroups; i++)
		if (groups[i] == UINT32_MAX || (i && groups[i] < groups[i - 1]))
			return bad(rec, "groups that do not ascend");
	return 0;
}

int plan_take_creds(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_creds *c = rec->payload;
	const struct plan_index *ix = plan_object(p, rec->h.owner, CKPT_THREAD);
	struct plan_thread *t = &p->tasks.v[p->cur].threads.v[ix->at];
	int err;

	if (t->have_creds)
		return bad(rec, "a second one of tid %d", t->rec.tid);
	err = check_creds(rec, c);
	if (err)
		return err;
	if (c->ngroups) {
		t->groups = malloc(c->ngroups * sizeof(*t->groups));
		if (!t->groups)
			return plan_nomem(rec);
		memcpy(t->groups, c + 1, c->ngroups * sizeof(*t->groups));
	}
	t->creds = *c;
	t->have_creds = true;
	return 0;
}
