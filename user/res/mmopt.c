// SPDX-License-Identifier: GPL-2.0
/*
 * Settings of an address space as a whole, which the kernel keeps in flags of
 * mm_struct, in the defaults of new mappings and beside the page tables. Most of
 * them a child has from its parent: so each is set, to what it was, whatever it
 * is in us.
 *
 * Saved: mlockall(MCL_FUTURE), PR_SET_THP_DISABLE, PR_SET_MEMORY_MERGE, PR_SET_MDWE,
 * coredump_filter, registrations of membarrier(), allocated protection keys, the
 * bits of ARCH_ENABLE_TAGGED_ADDR, slots asked for by PR_FUTEX_HASH.
 * Restored: by the calls that made them, in the new task before its mappings;
 * MCL_FUTURE and PR_SET_MDWE when all is mapped.
 * Refused: at the restore, what this kernel or CPU has not, and a PR_SET_MDWE of
 * ours that the program did not have.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"
#include "res/dump.h"
#include "res/res.h"
#include "restorer/blob.h"

#ifndef PR_SET_MDWE			/* since 6.3 */
#define PR_SET_MDWE			65
#define PR_GET_MDWE			66
#endif
#ifndef PR_SET_MEMORY_MERGE		/* since 6.4 */
#define PR_SET_MEMORY_MERGE		67
#define PR_GET_MEMORY_MERGE		68
#endif
#define THP_EXCEPT_ADVISED		(1 << 1)	/* PR_THP_DISABLE_EXCEPT_ADVISED, since 6.18 */
#define FUTEX_HASH			78		/* PR_FUTEX_HASH, since 6.16 */
#define FUTEX_HASH_SET_SLOTS		1
#define MDWE_REFUSE_EXEC_GAIN		1
#define MDWE_NO_INHERIT			2		/* since 6.7 */
#define ENABLE_TAGGED_ADDR		0x4002		/* ARCH_ENABLE_TAGGED_ADDR, since 6.4 */

#define VM_LOCKED			0x00002000u
#define VM_LOCKONFAULT			0x00080000u

/* ---- snapshot ---- */

int res_mmopt_check(struct ckpt_dump *d)
{
	uint64_t odd = d->proc->def_flags & ~(uint64_t)(VM_LOCKED | VM_LOCKONFAULT);
	cleanup_free char *text = NULL;
	char path[48];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/coredump_filter", (int)d->pid);
	err = ckpt_slurp(path, &text, NULL);
	if (err)
		return dump_refuse(d, "coredump_filter: %s", strerror(-err));
	d->coredump_filter = (uint32_t)strtoul(text, NULL, 16);
	if (odd)
		return dump_refuse(d, "kernel flags %#llx for new mappings", (unsigned long long)odd);
	return 0;
}

int res_mmopt_write(struct ckpt_dump *d)
{
	struct ckpt_mmopt rec = d->proc->mmopt;

	rec.coredump_filter = d->coredump_filter;
	return ckpt_write_record(d->w, CKPT_MMOPT, d->mm_id, &rec, sizeof(rec), NULL, 0);
}

/* ---- restore ---- */

/* Keys of mappings; one that was given back stays with its mappings. */
static uint32_t mapped_pkeys(const struct plan_mm *m)
{
	uint32_t keys = 0;

	for (size_t i = 0; i < m->vmas.n; i++)
		keys |= 1u << ((m->vmas.v[i].flags & CKPT_VMA_PKEY) >> CKPT_VMA_PKEY_SHIFT);
	return keys;
}

static bool have_pkeys(void)
{
	int key = (int)syscall(SYS_pkey_alloc, 0, 0);

	if (key >= 0)
		syscall(SYS_pkey_free, key);
	return key >= 0;
}

int res_mmopt_check_plan(const struct ckpt_plan *p)
{
	const struct plan_task *t = &p->tasks.v[0];
	const struct ckpt_mmopt *o = &t->mm.opt;
	long can;

	if (!t->mm.have_opt)
		return 0;
	/* It cannot be taken off again. */
	if (prctl(PR_GET_MDWE, 0, 0, 0, 0) > 0 && !(o->flags & CKPT_MMOPT_MDWE))
		return ckpt_fail(-EOPNOTSUPP, t->rec.pid, "it would get the restorer's PR_SET_MDWE");
	can = syscall(SYS_membarrier, 0, 0, 0);
	if (o->membarrier && (can < 0 || o->membarrier & ~(unsigned long)can))
		return ckpt_fail(-EOPNOTSUPP, t->rec.pid,
				 "membarrier: this kernel cannot register %#x, only %#lx", o->membarrier,
				 can < 0 ? 0 : (unsigned long)can);
	if ((o->pkeys | mapped_pkeys(&t->mm)) & ~1u && !have_pkeys())
		return ckpt_fail(-EOPNOTSUPP, t->rec.pid,
				 "it has protection keys (%#x), which this CPU or kernel lacks",
				 o->pkeys | mapped_pkeys(&t->mm));
	return 0;
}

static int set_coredump_filter(uint32_t filter)
{
	cleanup_close int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
	char text[16];
	int n = snprintf(text, sizeof(text), "%#x\n", filter);

	return fd < 0 || write(fd, text, (size_t)n) != n ? -errno : 0;
}

/*
 * Its own keys, and up to the highest: the kernel gives the lowest that is free.
 * The one of its own it takes when something may only be executed.
 */
static int set_pkeys(const struct ckpt_mmopt *o, uint32_t used)
{
	for (int key = 1; used >> key; key++) {
		long got;

		if (key == o->exec_pkey) {
			void *p = mmap(NULL, CKPT_PAGE_SIZE, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			if (p == MAP_FAILED)
				return -errno;
			munmap(p, CKPT_PAGE_SIZE);
			continue;
		}
		got = syscall(SYS_pkey_alloc, 0, 0);
		if (got < 0)
			return -errno;
		if (got != key)
			return -ERANGE;
	}
	return 0;
}

/* Those that only had to be taken to get at a higher one. */
static int free_pkeys(const struct ckpt_mmopt *o, uint32_t used)
{
	for (int key = 1; used >> key; key++)
		if (!(o->pkeys & 1u << key) && !(used & 1u << key) && syscall(SYS_pkey_free, key))
			return -errno;
	return 0;
}

static int set_flags(const struct ckpt_mmopt *o)
{
	unsigned long thp = !!(o->flags & CKPT_MMOPT_NO_THP);
	int ksm = prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0), want = !!(o->flags & CKPT_MMOPT_KSM);

	if (prctl(PR_SET_THP_DISABLE, thp, o->flags & CKPT_MMOPT_THP_ADVISED ? THP_EXCEPT_ADVISED : 0, 0, 0))
		return ckpt_fail(-errno, getpid(), "prctl: PR_SET_THP_DISABLE");
	if (want != (ksm > 0) && prctl(PR_SET_MEMORY_MERGE, want, 0, 0, 0))
		return ckpt_fail(-errno, getpid(), "prctl: PR_SET_MEMORY_MERGE");
	if (o->flags & CKPT_MMOPT_FUTEX_SLOTS &&
	    prctl(FUTEX_HASH, FUTEX_HASH_SET_SLOTS, o->futex_slots, 0, 0))
		return ckpt_fail(-errno, getpid(), "prctl: PR_FUTEX_HASH: %u slots", o->futex_slots);
	return 0;
}

int res_mmopt_restore(const struct plan_task *t, struct blob_plan *b)
{
	const struct ckpt_mmopt *o = &t->mm.opt;
	uint32_t mapped = mapped_pkeys(&t->mm), used = (o->pkeys | mapped) & ~1u;
	int err;

	if (!t->mm.have_opt)
		return 0;
	err = set_coredump_filter(o->coredump_filter);
	if (err)
		return ckpt_fail(err, t->rec.pid, "coredump_filter: set to %#x", o->coredump_filter);
	for (uint32_t cmd = 1; cmd <= o->membarrier; cmd <<= 1)
		if (o->membarrier & cmd && syscall(SYS_membarrier, cmd, 0, 0))
			return ckpt_fail(-errno, t->rec.pid, "membarrier: register %#x", cmd);
	err = set_flags(o);
	if (err)
		return err;
	if (o->tag_bits && syscall(SYS_arch_prctl, ENABLE_TAGGED_ADDR, o->tag_bits))
		return ckpt_fail(-errno, t->rec.pid, "arch_prctl: ARCH_ENABLE_TAGGED_ADDR");
	err = set_pkeys(o, used);
	if (!err)
		err = free_pkeys(o, used);
	if (err)
		return ckpt_fail(err, t->rec.pid, "protection keys %#x", o->pkeys);
	b->drop_pkeys = mapped & ~o->pkeys & ~1u;
	if (o->flags & CKPT_MMOPT_LOCK_FUTURE)
		b->lock_future = MCL_FUTURE | (o->flags & CKPT_MMOPT_LOCK_ONFAULT ? MCL_ONFAULT : 0);
	if (o->flags & CKPT_MMOPT_MDWE)
		b->mdwe = MDWE_REFUSE_EXEC_GAIN | (o->flags & CKPT_MMOPT_MDWE_OWN ? MDWE_NO_INHERIT : 0);
	return 0;
}
