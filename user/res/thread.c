// SPDX-License-Identifier: GPL-2.0
/*
 * A thread: its id and name, signal mask, alternate stack, what the kernel
 * does at its end (clear_child_tid, robust list), rseq, general registers and
 * FPU. Registers are those at the return to user mode, where a signal would be
 * delivered: ax may hold -ERESTART*, which the kernel has not acted upon yet.
 *
 * Saved: tid, name, signal masks, alternate stack, clear_child_tid, robust
 * list, rseq, parent-death signal, no_new_privs, registers, FPU in the standard
 * XSAVE format, times.
 * Restored: clone3() gives the tid; each thread makes its calls in the restorer
 * and waits there; then regsets set the registers and the FPU.
 * Refused: at the restore, FPU components in use that this CPU lacks,
 * no_new_privs of the restorer alone.
 * Lost: a parent-death signal if the restorer does not stay its parent, with a
 * warning.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "engine/bpf.h"
#include "lib/fail.h"
#include "res/dump.h"
#include "res/restart.h"
#include "result.h"

#define PF_IO_WORKER		0x00000010u
#define USER32_CS		0x23
#define BATCH			256

static int check_one(struct ckpt_dump *d, const struct gather_thread *g,
		     const struct gather_thread *lead)
{
	int tid = g->h.tid, err = 0;

	if (g->cpu.cs == USER32_CS)
		err = dump_refuse(d, "thread %d: it runs 32-bit code", tid);
	if (!err && g->pf_flags & PF_IO_WORKER)
		err = dump_refuse(d, "thread %d: io_uring worker", tid);
	if (!err && g->io_uring)
		err = dump_refuse(d, "thread %d: it uses io_uring", tid);
	if (!err)
		err = res_prctl_check(d, g);
	if (!err && g->debug_regs)
		err = dump_refuse(d, "thread %d: hardware breakpoints are set", tid);
	if (!err && (g->tls[0] || g->tls[1] || g->tls[2]))
		err = dump_refuse(d, "thread %d: it has TLS segments", tid);
	if (!err && (g->files != lead->files || g->fs != lead->fs || g->mm != lead->mm ||
		     g->sighand != lead->sighand || g->nsproxy != lead->nsproxy))
		err = dump_refuse(d, "thread %d: it does not share all with its leader", tid);
	if (!err && g->pidns_level)
		err = dump_refuse(d, "thread %d: it lives in another pid namespace", tid);
	if (!err && restart_is_lost(g))
		err = dump_lose(d, "thread %d: the call it waits in starts anew with its whole timeout", tid);
	return err;
}

int res_thread_check(struct ckpt_dump *d)
{
	int err = 0;

	for (size_t i = 0; i < d->threads.n && !err; i++)
		err = check_one(d, d->threads.v[i].g, d->threads.v[0].g);
	return err;
}

/* The kernel keeps rseq's critical section in the thread's own memory. */
int res_thread_stopped(struct ckpt_dump *d)
{
	struct iovec local[BATCH], remote[BATCH];
	size_t n = 0;

	for (size_t i = 0; i < d->threads.n; i++) {
		struct dump_thread *t = &d->threads.v[i];

		if (t->g->rec.rseq) {
			local[n] = (struct iovec){ &t->rseq_cs, 8 };
			remote[n++] = (struct iovec){ (void *)(uintptr_t)(t->g->rec.rseq + 8), 8 };
		}
		if (n == BATCH || (n && i + 1 == d->threads.n)) {
			ssize_t r = process_vm_readv(d->pid, local, n, remote, n, 0);

			if (r != (ssize_t)(8 * n))
				return ckpt_fail(r < 0 ? -errno : -EFAULT, d->pid, "rseq: read");
			n = 0;
		}
	}
	return 0;
}

static int write_cpu(struct ckpt_dump *d, const struct dump_thread *t)
{
	struct ckpt_xstate rec = { 0 };
	struct ckpt_cpu cpu = t->g->cpu;
	uint8_t *buf = malloc(CKPT_MAX_XSTATE);
	size_t len = CKPT_MAX_XSTATE;
	int err;

	if (!buf)
		return ckpt_fail(-ENOMEM, d->pid, "thread %d", t->g->h.tid);
	if (t->returns_0)
		arch_set_result(&cpu, 0);
	err = ckpt_write_record(d->w, CKPT_CPU, t->id, &cpu, sizeof(cpu), NULL, 0);
	if (!err)
		err = ckpt_xstate_decode(t->xstate, buf, &len);
	if (!err) {
		rec.size = (uint32_t)len;
		memcpy(&rec.features, buf + 512, 8);	/* xstate_bv leads the XSAVE header */
		err = ckpt_write_record(d->w, CKPT_XSTATE, t->id, &rec, sizeof(rec), buf, len);
	}
	free(buf);
	return err;
}

static int write_thread(struct ckpt_dump *d, struct dump_thread *t)
{
	struct ckpt_thread rec = t->g->rec;
	struct ckpt_restart restart;
	bool has_restart;
	int err;

	t->id = rec.id = d->next_id++;
	rec.rseq_cs = t->rseq_cs;
	has_restart = restart_of(t->g, &d->clocks, &restart);
	rec.restart_nr = !t->returns_0 && (int64_t)t->g->cpu.ax < 0 &&
			 (int64_t)t->g->cpu.orig_ax >= 0 ? restart_number(t->g) : -1;
	err = ckpt_write_record(d->w, CKPT_THREAD, d->task_id, &rec, sizeof(rec), NULL, 0);
	if (!err)
		err = res_sched_write(d, t);
	if (!err)
		err = res_prctl_write(d, t);
	if (!err && has_restart)
		err = ckpt_write_record(d->w, CKPT_RESTART, t->id, &restart, sizeof(restart), NULL, 0);
	return err;
}

int res_thread_write(struct ckpt_dump *d)
{
	int err = 0;

	for (size_t i = 0; i < d->threads.n && !err; i++) {
		struct dump_thread *t = &d->threads.v[i];

		err = write_thread(d, t);
		if (!err)
			err = ckpt_write_record(d->w, CKPT_ACCT, t->id, &t->g->acct,
						sizeof(t->g->acct), NULL, 0);
	}
	for (size_t i = 0; i < d->threads.n && !err; i++)
		err = write_cpu(d, &d->threads.v[i]);
	return err;
}
