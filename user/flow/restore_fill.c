// SPDX-License-Identifier: GPL-2.0
/*
 * Pages into a process that waits. Long runs of anonymous memory go through a
 * userfaultfd of its own, which takes a page as it is where any other way has
 * the kernel clear it first (a third of the time); everything else, and all of
 * it where there is no userfaultfd, through /proc/PID/mem.
 */
#include "flow/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "res/ghost.h"
#include "res/shmem.h"

#define LONG_RUN	32u	/* pages: what pays for a registration */
#define HUGE_PAGE	(2u << 20)

enum { FILL_UNKNOWN, FILL_BY_UFFD, FILL_BY_MEM };

/* Ours of the descriptor that the child has made; -1 is no failure. */
static int fetch_uffd(const struct restore_proc *p)
{
	struct uffdio_api api = { .api = UFFD_API };
	cleanup_close int pidfd = -1, fd = -1;

	if (p->report->uffd <= 0)
		return -1;
	pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (pidfd < 0)
		return -1;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, p->report->uffd, 0);
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		return -1;
	return take_fd(fd);
}

int restore_fill_open(struct restore *r)
{
	struct restore_proc *p = &r->proc;

	p->vma_fill = calloc(p->task->mm.vmas.n + 1, 1);
	if (!p->vma_fill)
		return ckpt_fail(-ENOMEM, p->pid, "memory");
	p->uffd = fetch_uffd(p);
	return 0;
}

/*
 * Memory that the program may not write is written through /proc/PID/mem; with
 * CONFIG_PROC_MEM_FORCE_PTRACE (since 6.12) only by its tracer. Where the engine
 * does not trace, we do, for as long as we write.
 */
static int trace_for_mem(struct restore_proc *p)
{
	if (p->traced_for_mem || ptrace(PTRACE_SEIZE, p->pid, NULL, PTRACE_O_EXITKILL))
		return -EIO;
	p->traced_for_mem = true;
	return 0;
}

static int untrace(struct restore_proc *p)
{
	int status;

	if (!p->traced_for_mem)
		return 0;
	if (ptrace(PTRACE_INTERRUPT, p->pid, NULL, NULL))
		return ckpt_fail(-errno, p->pid, "ptrace: INTERRUPT");
	while (waitpid(p->pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return ckpt_fail(-errno, p->pid, "ptrace: wait");
	if (!WIFSTOPPED(status) || ptrace(PTRACE_DETACH, p->pid, NULL, NULL))
		return ckpt_fail(-ECHILD, p->pid, "it ended while its memory was filled");
	p->traced_for_mem = false;
	return 0;
}

static bool ended(pid_t pid)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT | __WALL) || si.si_pid;
}

static int write_failed(const struct restore_proc *p, uint64_t addr, int err)
{
	/* Of a process that is gone there is no memory left to write to. */
	if (ended(p->pid))
		return ckpt_fail(-ECHILD, p->pid, "it was killed while its memory was filled");
	return ckpt_fail(err, p->pid, "page %" PRIx64 ": write", addr);
}

static int by_mem(struct restore_proc *p, uint64_t addr, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = pwrite(p->mem, data, len, (off_t)addr);

		if (n > 0) {
			addr += (uint64_t)n;
			data += n;
			len -= (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EIO || errno == EFAULT) && !trace_for_mem(p))
			continue;
		return write_failed(p, addr, n < 0 ? -errno : -EIO);
	}
	return 0;
}

static int by_uffd(struct restore_proc *p, uint64_t addr, const uint8_t *data, size_t len)
{
	while (len) {
		struct uffdio_copy copy = {
			.dst = addr, .src = (uintptr_t)data, .len = len,
			.mode = UFFDIO_COPY_MODE_DONTWAKE,
		};
		int err = ioctl(p->uffd, UFFDIO_COPY, &copy) ? -errno : 0;

		if (copy.copy > 0) {
			addr += (uint64_t)copy.copy;
			data += copy.copy;
			len -= (size_t)copy.copy;
		} else if (err == -EEXIST) {
			/*
			 * A huge page that an earlier write brought in covers it:
			 * it is there, so writing to it waits for nobody.
			 */
			err = by_mem(p, addr, data, CKPT_PAGE_SIZE);
			if (err)
				return err;
			addr += CKPT_PAGE_SIZE;
			data += CKPT_PAGE_SIZE;
			len -= CKPT_PAGE_SIZE;
		} else if (err != -EAGAIN && err != -EINTR) {
			return write_failed(p, addr, err ? err : -EIO);
		}
	}
	return 0;
}

/* Once registered, a write by any other way would wait for a fault handler: all of it goes by uffd. */
static uint8_t how_to_fill(struct restore_proc *p, const struct ckpt_vma *v, uint32_t pages)
{
	struct uffdio_register reg = {
		.range = { v->start, v->end - v->start },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	bool may_be_huge;

	if (p->uffd < 0 || v->kind != CKPT_VMA_ANON || v->flags & CKPT_VMA_HUGETLB)
		return FILL_BY_MEM;
	/* Where a fault could bring in a huge page, holes would be filled with it. */
	may_be_huge = v->end - v->start >= HUGE_PAGE && !(v->flags & CKPT_VMA_NOHUGEPAGE);
	if (pages < LONG_RUN && !may_be_huge)
		return FILL_UNKNOWN;
	return ioctl(p->uffd, UFFDIO_REGISTER, &reg) ? FILL_BY_MEM : FILL_BY_UFFD;
}

int restore_fill(struct restore *r, const struct restore_chunk *c)
{
	struct restore_proc *p = &r->proc;
	const struct plan_mm *mm = &p->task->mm;
	const struct plan_shmem *shmem = plan_shmem(&r->plan, c->mm);
	const struct plan_ghost *ghost = plan_ghost(&r->plan, c->mm);
	int err = 0;

	if (shmem)
		return res_shmem_fill(shmem, c->addrs, c->n, c->data);
	if (ghost)
		return res_ghost_fill(&r->plan, ghost, c->addrs, c->n, c->data);
	for (uint32_t i = 0, n; i < c->n && !err; i += n) {
		const uint8_t *data = c->data + (size_t)i * CKPT_PAGE_SIZE;
		uint64_t addr = c->addrs[i];
		const struct ckpt_vma *v;
		uint8_t *how;

		/* plan_pages() has seen that each page lies in a mapping; chunks may go back. */
		if (addr < mm->vmas.v[p->vma_at].start)
			p->vma_at = 0;
		while (mm->vmas.v[p->vma_at].end <= addr)
			p->vma_at++;
		v = &mm->vmas.v[p->vma_at];
		how = &p->vma_fill[p->vma_at];
		for (n = 1; i + n < c->n && c->addrs[i + n] < v->end &&
		     c->addrs[i + n] == addr + (uint64_t)n * CKPT_PAGE_SIZE; n++)
			;
		if (*how == FILL_UNKNOWN)
			*how = how_to_fill(p, v, n);
		err = *how == FILL_BY_UFFD ? by_uffd(p, addr, data, (size_t)n * CKPT_PAGE_SIZE) :
			by_mem(p, addr, data, (size_t)n * CKPT_PAGE_SIZE);
	}
	return err;
}

int restore_fill_close(struct restore *r)
{
	struct restore_proc *p = &r->proc;

	/* The child closes the other one: with the last, all registrations end. */
	if (p->uffd >= 0)
		close(p->uffd);
	p->uffd = -1;
	return untrace(p);
}
