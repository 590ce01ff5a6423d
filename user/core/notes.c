// SPDX-License-Identifier: GPL-2.0
/*
 * The notes, in the kernel's order: the process and its first thread, then each
 * other thread. They are written twice by the same code, at first only counted.
 */
#include "core/core_int.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/log.h"

#define FX_LEN		512u	/* FXSAVE area: struct user_fpregs_struct */
#define FX_SW_AT	464u	/* its words for software; the first holds XCR0 in a core file */
#define SIGINFO_LEN	128u
#define FILES_MAX	(64u << 20)
#define NS_PER_S	1000000000u

_Static_assert(sizeof(struct ckpt_cpu) == sizeof(elf_gregset_t), "NT_PRSTATUS holds the registers of CPU");
_Static_assert(sizeof(struct elf_prstatus) == 336 && sizeof(struct elf_prpsinfo) == 136,
	       "the layout of x86-64");

struct notes {
	struct core *c;
	uint64_t at;
	bool count;		/* write nothing */
};

static int put(struct notes *o, const char *name, uint32_t type, const void *desc, size_t len)
{
	const size_t name_len = strlen(name) + 1, name_at = sizeof(Elf64_Nhdr);
	const size_t desc_at = name_at + ((name_len + 3) & ~(size_t)3);
	const size_t total = desc_at + ((len + 3) & ~(size_t)3);
	const Elf64_Nhdr h = {
		.n_namesz = (uint32_t)name_len, .n_descsz = (uint32_t)len, .n_type = type,
	};
	cleanup_free uint8_t *buf = NULL;
	uint64_t at = o->at;

	o->at += total;
	if (o->count)
		return 0;
	buf = calloc(1, total);
	if (!buf)
		return ckpt_fail(-ENOMEM, 0, "core file: notes");
	memcpy(buf, &h, sizeof(h));
	memcpy(buf + name_at, name, name_len);
	memcpy(buf + desc_at, desc, len);
	return core_put(o->c, buf, total, at);
}

static struct timeval time_of(uint64_t ns)
{
	return (struct timeval){ (time_t)(ns / NS_PER_S), (suseconds_t)(ns % NS_PER_S / 1000) };
}

/* The first thread's times are those of all, also of the ones that have ended. */
static void put_times(const struct plan_task *t, const struct plan_thread *th, struct elf_prstatus *s)
{
	uint64_t utime = th->acct.utime, stime = th->acct.stime;

	if (th == t->threads.v) {
		utime = t->acct.utime;
		stime = t->acct.stime;
		for (size_t i = 0; i < t->threads.n; i++) {
			utime += t->threads.v[i].acct.utime;
			stime += t->threads.v[i].acct.stime;
		}
	}
	s->pr_utime = time_of(utime);
	s->pr_stime = time_of(stime);
}

static int put_prstatus(struct notes *o, const struct plan_thread *th)
{
	const struct plan_task *t = o->c->task;
	struct elf_prstatus s;

	memset(&s, 0, sizeof(s));
	for (uint32_t i = 0; i < th->pending.n; i++)
		s.pr_sigpend |= 1ul << (th->pending.v[i].signo - 1);
	s.pr_sighold = th->rec.blocked;
	s.pr_pid = th->rec.tid;
	s.pr_ppid = t->rec.ppid;
	s.pr_pgrp = t->rec.pgid;
	s.pr_sid = t->rec.sid;
	put_times(t, th, &s);
	memcpy(&s.pr_reg, &th->cpu, sizeof(s.pr_reg));
	s.pr_fpvalid = th->have_xstate;
	return put(o, "CORE", NT_PRSTATUS, &s, sizeof(s));
}

static int put_fpu(struct notes *o, const struct plan_thread *th)
{
	const uint64_t xcr0 = o->c->plan->arch.xfeatures;
	uint8_t buf[CKPT_MAX_XSTATE];
	int err;

	if (!th->have_xstate)
		return 0;
	memcpy(buf, th->xstate, th->xstate_len);
	memset(buf + FX_SW_AT, 0, FX_LEN - FX_SW_AT);
	err = put(o, "CORE", NT_FPREGSET, buf, FX_LEN);
	if (err)
		return err;
	memcpy(buf + FX_SW_AT, &xcr0, sizeof(xcr0));
	return put(o, "LINUX", NT_X86_XSTATE, buf, core_xstate_spread(buf, th->xstate_len, xcr0));
}

/* By number in the kernel's order; what is traced is stopped to everybody else. */
static char state_letter(const struct ckpt_task *t, char *number)
{
	const char letters[] = "RSDTZ";
	const uint32_t state = t->state & 0xf;

	*number = t->exit_state ? 4 : state & 0xc ? 3 : state & 2 ? 2 : state & 1;
	return letters[(int)*number];
}

static int put_prpsinfo(struct notes *o)
{
	const struct plan_task *t = o->c->task;
	const struct plan_thread *leader = &t->threads.v[0];
	struct elf_prpsinfo i;
	size_t len;

	memset(&i, 0, sizeof(i));
	i.pr_sname = state_letter(&t->rec, &i.pr_state);
	i.pr_zomb = i.pr_sname == 'Z';
	i.pr_uid = leader->creds.uid;
	i.pr_gid = leader->creds.gid;
	i.pr_pid = t->rec.pid;
	i.pr_ppid = t->rec.ppid;
	i.pr_pgrp = t->rec.pgid;
	i.pr_sid = t->rec.sid;
	len = strnlen((const char *)leader->rec.comm, sizeof(leader->rec.comm));
	memcpy(i.pr_fname, leader->rec.comm, len < sizeof(i.pr_fname) ? len : sizeof(i.pr_fname) - 1);
	memcpy(i.pr_psargs, o->c->psargs, sizeof(i.pr_psargs));
	return put(o, "CORE", NT_PRPSINFO, &i, sizeof(i));
}

static size_t files_len(const struct core *c, uint64_t *n)
{
	const struct plan_mm *m = &c->task->mm;
	size_t len = 2 * sizeof(uint64_t);

	*n = 0;
	for (size_t i = 0; i < m->vmas.n; i++) {
		if (m->vmas.v[i].kind != CKPT_VMA_FILE)
			continue;
		*n += 1;
		len += 3 * sizeof(uint64_t) + strlen(plan_file(c->plan, m->vmas.v[i].file)->path) + 1;
	}
	return len;
}

/* Number and page size; start, end and offset in pages of each; the names. */
static int put_files(struct notes *o)
{
	struct core *c = o->c;
	const struct plan_mm *m = &c->task->mm;
	uint64_t n, *word;
	size_t len = files_len(c, &n);
	cleanup_free char *buf = NULL;
	char *name;

	/* The kernel leaves such a list out as well; its limit is 4 MiB. */
	if (len > FILES_MAX) {
		if (o->count) {
			c->losses++;
			pr_warn("convert: the names of mapped files take %zu bytes: left out", len);
		}
		return 0;
	}
	buf = malloc(len);
	if (!buf)
		return ckpt_fail(-ENOMEM, 0, "core file: notes");
	word = (uint64_t *)(void *)buf;
	name = buf + (2 + 3 * n) * sizeof(*word);
	*word++ = n;
	*word++ = CKPT_PAGE_SIZE;
	for (size_t i = 0; i < m->vmas.n; i++) {
		const struct ckpt_vma *v = &m->vmas.v[i];

		if (v->kind != CKPT_VMA_FILE)
			continue;
		*word++ = v->start;
		*word++ = v->end;
		*word++ = v->offset / CKPT_PAGE_SIZE;
		name = stpcpy(name, plan_file(c->plan, v->file)->path) + 1;
	}
	return put(o, "CORE", NT_FILE, buf, len);
}

static int put_process(struct notes *o)
{
	static const uint8_t none[SIGINFO_LEN];
	const struct plan_mm *m = &o->c->task->mm;
	int err = put_prpsinfo(o);

	if (!err)
		err = put(o, "CORE", NT_SIGINFO, none, sizeof(none));
	if (!err)
		err = put(o, "CORE", NT_AUXV, m->auxv, m->rec.auxv_len);
	return err ? err : put_files(o);
}

static int put_all(struct notes *o)
{
	const struct plan_task *t = o->c->task;
	int err = 0;

	for (size_t i = 0; i < t->threads.n && !err; i++) {
		err = put_prstatus(o, &t->threads.v[i]);
		if (!err && !i)
			err = put_process(o);
		if (!err)
			err = put_fpu(o, &t->threads.v[i]);
	}
	return err;
}

int core_notes_size(struct core *c, uint64_t *len)
{
	struct notes o = { .c = c, .count = true };
	int err = put_all(&o);

	*len = o.at;
	return err;
}

int core_notes_write(struct core *c)
{
	struct notes o = { .c = c, .at = c->notes_at };

	return put_all(&o);
}
