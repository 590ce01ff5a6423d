/* SPDX-License-Identifier: GPL-2.0 */
/* Between the files plan*.c. Every take_ function refuses by ckpt_rec_refuse(). */
#ifndef CKPT_PLAN_INT_H
#define CKPT_PLAN_INT_H

#include "image/image.h"
#include "res/plan.h"

/* First address that user space cannot have with 4-level page tables. */
#define PLAN_ADDR_END	0x7ffffffff000ull
/* Signals no mask can hold: SIGKILL, SIGSTOP. */
#define PLAN_UNBLOCKABLE ((1ull << 8) | (1ull << 18))
#define PLAN_FD_MAX	(1 << 30)

/* The kernel's KTIME_MAX: no clock of its own shows more nanoseconds. */
#define PLAN_TIME_MAX	0x7fffffffffffffffull

#define bad(rec, ...)		ckpt_rec_refuse(rec, -EINVAL, __VA_ARGS__)
#define unknown(rec, ...)	ckpt_rec_refuse(rec, -EOPNOTSUPP, __VA_ARGS__)

static inline bool plan_is_addr(uint64_t a)
{
	return a < PLAN_ADDR_END;
}

static inline bool plan_is_page(uint64_t a)
{
	return a % CKPT_PAGE_SIZE == 0;
}

/* The object rec's owner names, if it is of this type; refused otherwise (NULL). */
const struct plan_index *plan_owner(struct ckpt_plan *p, const struct ckpt_rec *rec, uint16_t type);
/* Object id of that type, or NULL. */
const struct plan_index *plan_object(const struct ckpt_plan *p, uint32_t id, uint16_t type);
/* A new object: its id must be the next one. */
int plan_new_object(struct ckpt_plan *p, const struct ckpt_rec *rec, uint32_t id, uint32_t at,
		    uint32_t task);
/* len bytes of text behind the struct as a string of its own; refused: NUL inside, too long. */
int plan_text(const struct ckpt_rec *rec, const char *at, uint32_t len, bool absolute,
	      const char *what, char **ret);
/* out of memory, by name */
int plan_nomem(const struct ckpt_rec *rec);

/* Is the open file of this mode and these flags one that its ANON object could have? */
int plan_check_anon(struct ckpt_plan *p, const struct ckpt_rec *rec, const struct ckpt_file *f);

/* Is the open file one that a GHOST can be? */
int plan_check_ghost(struct ckpt_plan *p, const struct ckpt_rec *rec, const struct ckpt_file *f);

/* One for each type; the order in the stream has been checked. */
int plan_take_arch(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_task(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_rlimits(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_thread(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_cpu(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_xstate(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_acct(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_sched(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_prctl(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_restart(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_mm(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_mmopt(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_vma(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_vmaname(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_guard(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_mempolicy(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_fs(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_file(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_filecheck(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_fd(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_packets(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_shmem(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_ghost(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_pipe(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_eventfd(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_timerfd(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_signalfd(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_epoll(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_inotify(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_pidfd(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_lock(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_fowner(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_lease(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_sighand(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_sigpending(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_terminal(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_itimers(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_posixtimer(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_clocks(struct ckpt_plan *p, const struct ckpt_rec *rec);
int plan_take_creds(struct ckpt_plan *p, const struct ckpt_rec *rec);

#endif
