/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The snapshot side of what is saved. flow/ fills a ckpt_dump with what the
 * iterators found, then each kind in turn refuses what it cannot save
 * (res_*_check), reads what must be read in the stop (res_*_stopped) and writes
 * its records (res_*_write). All but *_stopped may run after the thaw.
 */
#ifndef CKPT_RES_DUMP_H
#define CKPT_RES_DUMP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "gather.h"
#include "image/image.h"
#include "lib/vec.h"
#include "res/cookie.h"
#include "res/restart.h"

/* One open file description or mapped file, found by its cookie. */
struct dump_file {
	uint64_t cookie;		/* struct file */
	uint32_t id;			/* objref, 0: not written yet */
	struct ckpt_file rec;
	struct gather_mtime mtime;
	const char *path;		/* rec.path_len bytes, the raw record's */
	uint64_t pipe;			/* cookie of the pipe, for its ends */
	uint32_t shmem;			/* 1 + place in shmems, 0: none */
	uint32_t ghost;			/* 1 + place in ghosts, 0: none */
	const struct gather_anon *anon;	/* what it is, if it is ANON */
	/* Of a SHMEM or GHOST, see dump_count_refs(). */
	uint32_t known, refs;		/* our descriptors and mappings on it, and all there are */
	uint32_t dentry_refs;		/* descriptions by its name */
	int32_t writers;		/* who may write its inode */
	int fd;				/* lowest descriptor on it, -1: only mapped */
};

/* A memory object without a name in a filesystem; see res/shmem.c. */
struct dump_shmem {
	uint64_t ino;			/* all are on one filesystem */
	int fd;				/* ours */
	struct ckpt_shmem rec;		/* id 0: not written yet */
	const char *name;		/* rec.name_len bytes */
	uint32_t descriptions, dentry_refs;	/* ours, and all there are */
	const struct dump_file *one;	/* of ours */
	bool others;			/* another process has a description of ours, too */
};

/* What a path led to before the stop. */
struct dump_build_id {
	uint32_t dev;			/* stat(2), as the kernel has it */
	uint64_t ino;
	uint32_t len;			/* of id, 0: none */
	uint8_t id[CKPT_MAX_BUILD_ID];
};

/* A file that no path leads to any more; see res/ghost.c. */
struct dump_ghost {
	dev_t dev;
	ino_t ino;
	int fd;				/* ours */
	struct ckpt_ghost rec;		/* id 0: not written yet */
	char *folder;			/* rec.folder_len bytes */
	void *xattrs;			/* rec.xattrs_len bytes */
	const struct dump_file *shared;	/* of ours, one that another process has too */
};

struct dump_pipe {
	uint64_t cookie;		/* pipe_inode_info */
	uint32_t id;
	int read_fd, write_fd;		/* in the target, -1: none */
	uint32_t readers, writers;	/* descriptions of ours */
	struct ckpt_pipe rec;
	uint8_t *content;
	const struct gather_packets *packets;	/* NULL: none of it is a packet */
};

/* What a description on an anonymous inode is; once for each descriptor on it. */
struct dump_anon {
	uint64_t cookie;		/* struct file */
	const struct gather_anon *g;
};

/* Locks and leases that were taken by a description. */
struct dump_locks {
	uint64_t cookie;		/* struct file */
	const struct gather_locks *g;
};

/* Who is told of what happens to a description. */
struct dump_fowner {
	uint64_t cookie;		/* struct file */
	const struct gather_fowner *g;
};

struct dump_thread {
	const struct gather_thread *g;
	const struct gather_groups *groups;
	const struct gather_xstate *xstate;
	const struct gather_sigpending *pending;	/* NULL: none */
	const struct gather_mempolicy *policy;		/* NULL: none */
	uint64_t rseq_cs;
	struct ckpt_sched sched;
	uint32_t id;
	bool returns_0;			/* restored, the call it is in has ended so */
};

struct ckpt_dump {
	pid_t pid;
	int pidfd;
	char *label;			/* its security label, if it is not ours; NULL: it is */
	bool only;			/* --only: children stay behind */
	uint64_t ghost_limit;		/* bytes of data of one deleted file */
	struct restart_clocks clocks;	/* at the freeze */

	/* The iterators' records, copied into blocks that the dump owns. */
	VEC(char *) blocks;
	size_t block_used;
	const struct gather_proc *proc;
	const struct gather_sigpending *pending;	/* of the process, NULL: none */
	struct ckpt_terminal terminal;	/* valid if have_terminal */
	bool have_terminal;
	const struct gather_posixtimers *timers;	/* NULL: none */
	VEC(struct dump_thread) threads;	/* leader first */
	VEC(const struct gather_vma *) vmas;
	VEC(const struct gather_mempolicy *) policies;	/* of mappings, in their order, as the names */
	VEC(const struct gather_vmaname *) names;
	VEC(struct ckpt_guard) guards;	/* ascending */
	VEC(const struct gather_fd *) fds;
	VEC(struct dump_anon) anons;
	VEC(struct dump_locks) locks;	/* one for each description that has any */
	VEC(struct dump_fowner) fowners;
	struct cookie_map fd_of, anon_of, file_of;	/* places in fds, anons, files */
	struct cookie_map pipe_of, shmem_of;	/* in pipes, shmems */

	VEC(struct dump_file) files;
	VEC(struct dump_pipe) pipes;
	VEC(struct dump_shmem) shmems;
	VEC(struct dump_ghost) ghosts;

	VEC(struct dump_build_id) build_ids;
	struct cookie_map build_id_of;	/* by XXH3 of the path, places in build_ids */

	VEC(char *) refusals;		/* each one line without the pid */
	VEC(char *) losses;
	VEC(char *) notes;		/* losses that nobody need be warned of */
	VEC(char *) externals;		/* "0, 1 (pipe:[123])" */

	struct ckpt_writer *w;
	uint32_t next_id;
	uint32_t task_id, mm_id;
	uint32_t coredump_filter;
	bool private_huge;		/* private memory of hugetlbfs, which a clone would take from it */
};

void dump_init(struct ckpt_dump *d, pid_t pid);
void dump_free(struct ckpt_dump *d);
/* Forget what was collected, to collect again. */
void dump_reset(struct ckpt_dump *d);

/* ckpt_bpf_cb: keep a copy of one record. arg: struct ckpt_dump. */
int dump_take(const struct gather_hdr *h, void *arg);
/* After the walks: threads ordered and whole? -EAGAIN: one was still running. */
int dump_collected(struct ckpt_dump *d);

/* Do signals wait, or are there timers, that only a walk of their own tells of? */
bool dump_has_signals(const struct ckpt_dump *d);

/* Room that lives as long as what was collected. */
void *dump_alloc(struct ckpt_dump *d, size_t len);

/* One thing that cannot be saved, by name. Returns 0, or -ENOMEM. */
int dump_refuse(struct ckpt_dump *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int dump_lose(struct ckpt_dump *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A loss that is in the image and in --dry-run, but no reason for a warning. */
int dump_note(struct ckpt_dump *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* d_path()'s mark of a name that is gone; a name that really ends so is taken for one. */
bool dump_path_deleted(const char *path, uint32_t len);

/* While the target runs. */
int res_filecheck_predump(struct ckpt_dump *d);

int res_task_check(struct ckpt_dump *d);
/* Stopped by job control, or before it runs again? */
bool res_task_stops(const struct ckpt_dump *d);
int res_thread_check(struct ckpt_dump *d);
/* Of one thread. */
int res_prctl_check(struct ckpt_dump *d, const struct gather_thread *g);
/* NULL: any thread may be lent for a system call that is ours; else why not. */
const char *res_prctl_may_call(const struct ckpt_dump *d);
int res_mm_check(struct ckpt_dump *d);
int res_mmopt_check(struct ckpt_dump *d);
int res_guard_check(struct ckpt_dump *d);
int res_fs_check(struct ckpt_dump *d);
int res_file_check_dump(struct ckpt_dump *d);
/* After both: who else sees what is shared? */
int res_shmem_check(struct ckpt_dump *d);
int res_ghost_check(struct ckpt_dump *d);
/* What leads to each SHMEM and GHOST, for both of these. */
void dump_count_refs(struct ckpt_dump *d);
/* After the files, whose kinds they look at. */
int res_lock_check(struct ckpt_dump *d);
int res_fowner_check(struct ckpt_dump *d);
/* Of a lease, by the locks. */
bool res_lease_is(const struct gather_lock *l);
int res_lease_check(struct ckpt_dump *d, int fd, const struct gather_lock *l);
int res_sigpending_check(struct ckpt_dump *d);
/* Does SIGSTOP wait for it? */
bool res_sigpending_stops(const struct ckpt_dump *d);
int res_posixtimer_check(struct ckpt_dump *d);
int res_clocks_check(struct ckpt_dump *d);
int res_creds_check_dump(struct ckpt_dump *d);

int res_thread_stopped(struct ckpt_dump *d);
int res_sched_stopped(struct ckpt_dump *d);
int res_pipe_stopped(struct ckpt_dump *d);
int res_terminal_stopped(struct ckpt_dump *d);

int res_task_write(struct ckpt_dump *d);
int res_thread_write(struct ckpt_dump *d);
int res_sched_write(struct ckpt_dump *d, const struct dump_thread *t);
int res_prctl_write(struct ckpt_dump *d, const struct dump_thread *t);
int res_mm_write(struct ckpt_dump *d);
int res_mmopt_write(struct ckpt_dump *d);
/* Of the mapping that begins at start, *at being the place in the list; of all threads. */
int res_vmaname_write(struct ckpt_dump *d, uint64_t start, size_t *at);
int res_mempolicy_write(struct ckpt_dump *d, uint64_t start, size_t *at);
int res_mempolicy_write_threads(struct ckpt_dump *d);
int res_guard_write(struct ckpt_dump *d, const struct gather_vma *v, size_t *at);
int res_fs_write(struct ckpt_dump *d);
int res_file_write(struct ckpt_dump *d);
int res_lock_write(struct ckpt_dump *d);
int res_fowner_write(struct ckpt_dump *d);
int res_terminal_write(struct ckpt_dump *d);
int res_signal_write(struct ckpt_dump *d);
int res_sigpending_write(struct ckpt_dump *d);
int res_itimer_write(struct ckpt_dump *d);
int res_posixtimer_write(struct ckpt_dump *d);
int res_clocks_write(struct ckpt_dump *d);
int res_creds_write(struct ckpt_dump *d);

/* Find or add the description of this cookie. -ENOMEM: NULL. */
struct dump_file *dump_file_of(struct ckpt_dump *d, uint64_t cookie, const struct ckpt_file *rec,
			       const char *path);
/* Write it (and its pipe) if that has not been done; its objref in *id. */
int res_file_write_one(struct ckpt_dump *d, struct dump_file *f, uint32_t *id);
/* What is to be compared of a file, behind its FILE. */
int res_filecheck_write(struct ckpt_dump *d, const struct ckpt_file *f, const char *path,
			const struct gather_mtime *mtime);
int res_pipe_count_ends(struct ckpt_dump *d);
/* Then: are all the descriptions that the kernel counts on this pipe ours? */
bool res_pipe_is_inside(struct ckpt_dump *d, const struct gather_fd *g);
/* Why it cannot be saved, NULL: it can. */
const char *res_pipe_refusal(struct ckpt_dump *d, const struct gather_fd *g);
int res_pipe_take(struct ckpt_dump *d, struct dump_file *f, const struct gather_fd *g);
int res_pipe_write_one(struct ckpt_dump *d, uint64_t cookie, uint32_t *id);
struct dump_pipe *dump_pipe_of(struct ckpt_dump *d, uint64_t cookie);

/* One of its leases, by the locks. */
int res_lease_write_one(struct ckpt_dump *d, struct dump_file *f, const struct gather_lock *l);

/* The lowest descriptor on this description, or NULL. */
const struct gather_fd *dump_fd_of(const struct ckpt_dump *d, uint64_t cookie);
/* What the description g leads to is, NULL: no anonymous inode that can be saved. */
const struct gather_anon *dump_anon_of(const struct ckpt_dump *d, uint64_t cookie);
/* Can it be saved as it is now? Refuses or names a loss. *a may be replaced by what is complete. */
int res_anon_check(struct ckpt_dump *d, const struct gather_fd *fd, const struct gather_anon **a);
int res_anon_write_one(struct ckpt_dump *d, const struct gather_anon *a, uint32_t *id);

#endif
