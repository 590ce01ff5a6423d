/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is saved: one file per kind, both sides in it. The restore side runs in
 * the new task (or on it from outside, where said) after the plan has been
 * checked; on error ckpt_fail() has been told and nothing needs undoing: the
 * half-made task dies.
 */
#ifndef CKPT_RES_H
#define CKPT_RES_H

#include "res/clocks.h"
#include "res/losses.h"
#include "res/plan.h"

struct blob_plan;

struct restore_inherit { int fd; int from; };	/* --inherit-fd fd=from */

/* --file-validation */
enum res_validation {
	RES_VALIDATE_DEFAULT,		/* mapped files: by what the program needs of them */
	RES_VALIDATE_NONE,		/* there, and of their type */
	RES_VALIDATE_STRICT,		/* unchanged, open ones as well */
};

struct restore_opts {
	bool force;			/* see struct res_losses */
	bool detach;			/* external 0, 1, 2 become /dev/null */
	enum clocks_mode clock;		/* --clock */
	enum res_validation validation;
	VEC(struct restore_inherit) inherit;
};

/* In the child: cwd, root, umask. */
int res_fs_restore(const struct ckpt_plan *p, const struct plan_task *t);

/*
 * In the child: every descriptor of t at its number, every other one below
 * keep_from closed; the caller has moved what it still needs to keep_from and up.
 */
int res_file_restore(const struct ckpt_plan *p, const struct plan_task *t,
		     const struct restore_opts *o, int keep_from);

/* Lowest descriptor number that is free in every task of the plan: keep_from for the above. */
int res_file_first_free(const struct ckpt_plan *p);

/* Open the file behind a mapping or an exe; write: for a shared writable mapping. fd or -errno. */
int res_file_open_mapped(const struct ckpt_plan *p, uint32_t file, bool write);

/*
 * Before anything is made: is every file there, of the right kind, and, as asked,
 * what it was? All that are not are told, a line each.
 */
int res_filecheck(const struct ckpt_plan *p, enum res_validation how);

/* From outside, when nothing of the restorer is left in it: the positions in files of /proc. */
int res_proc_seek(const struct ckpt_plan *p, const struct plan_task *t);

/*
 * From outside, just before it goes on: tty, which is its own from now on, gets
 * the modes that t had; *was: those before, for res_terminal_undo().
 */
struct termios;
bool res_terminal_restore(const struct plan_task *t, int tty, struct termios *was);
void res_terminal_undo(int tty, const struct termios *was);

/* "RLIMIT_CPU" ... */
const char *res_rlimit_name(unsigned int limit);

/* How many signals wait in all queues of t; lay them out at b->signals, which has room for them. */
uint32_t res_sigpending_count(const struct plan_task *t);
void res_sigpending_describe(const struct plan_task *t, struct blob_plan *b);

/* The interval timers, as the restorer sets them. */
void res_itimer_describe(const struct plan_task *t, struct blob_plan *b);

/* Its POSIX timers, at b->timers, which has room for all. */
void res_posixtimer_describe(const struct plan_task *t, struct blob_plan *b);

/* The timer with an interval that sent this signal, NULL: none did. */
const struct ckpt_posixtimer *res_posixtimer_sender(const struct plan_task *t,
						    const struct ckpt_siginfo *si);

/*
 * Its file locks, its leases, and who is told of what: at b->fcntls, which has
 * room for all. In this order: a lease names an owner of its own.
 */
void res_lock_describe(const struct plan_task *t, struct blob_plan *b);
void res_lease_describe(const struct plan_task *t, struct blob_plan *b);
size_t res_fowner_count(const struct plan_task *t);
void res_fowner_describe(const struct ckpt_plan *p, const struct plan_task *t, struct blob_plan *b);

/* ": bytes 0 to 9" */
void res_lock_range(const struct ckpt_lock *l, char *buf, size_t len);

/* Refuses an image that would give a thread more rights than we have. */
int res_creds_check(const struct ckpt_plan *p);
/* Groups of all threads of t; what each thread has to change, in b->threads and b->groups. */
size_t res_creds_groups(const struct plan_task *t);
int res_creds_describe(const struct plan_task *t, struct blob_plan *b);

/* Can this machine have the settings of the image's address space? Refuses. */
int res_mmopt_check_plan(const struct ckpt_plan *p);
/* In the child, while it has our memory: what new mappings are to find; the rest, for the restorer. */
int res_mmopt_restore(const struct plan_task *t, struct blob_plan *b);

/* Are there the nodes that the policies name? */
int res_mempolicy_check(const struct ckpt_plan *p);
/* Policies of t, at b->policies; which of its mappings and threads, both described, have one. */
size_t res_mempolicy_count(const struct plan_task *t);
void res_mempolicy_describe(const struct plan_task *t, struct blob_plan *b);

/* Its guard pages, at b->guards. */
void res_guard_describe(const struct plan_task *t, struct blob_plan *b);

/* Names of its mappings, at b->names; warns where this kernel has none. */
void res_vmaname_describe(const struct plan_task *t, struct blob_plan *b);

/*
 * From outside, before the thread runs: policy, nice, I/O priority, affinity.
 * An error names what was not allowed.
 */
int res_sched_restore(const struct plan_task *t, const struct plan_thread *th, struct res_losses *l);

/* Does it come back into SECCOMP_MODE_STRICT? */
bool res_prctl_is_strict(const struct plan_thread *t);
void res_prctl_describe(const struct plan_task *t, struct blob_plan *b);
/* Around the making of the process: what the first thread has from us. */
unsigned long res_prctl_be_maker(const struct plan_task *t);
void res_prctl_was_maker(unsigned long own);
/* mem: /proc/PID/mem. From when its memory is there until the restorer is gone. */
int res_prctl_hold(struct plan_task *t, int mem);
int res_prctl_release(const struct plan_task *t, int mem);
/* From outside, after res_sched_restore(). */
int res_prctl_restore(const struct plan_task *t, const struct plan_thread *th, struct res_losses *l);

#endif
