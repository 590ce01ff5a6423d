/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The metadata of an image in memory, every value checked. restore, show and
 * the fuzzer read an image into this; nothing else of restore sees raw records.
 * Pointers lead into buffers that the plan owns.
 */
#ifndef CKPT_PLAN_H
#define CKPT_PLAN_H

#include "image/image.h"
#include "lib/vec.h"

struct plan_file {
	struct ckpt_file rec;
	char *path;			/* NUL-terminated */
	struct ckpt_filecheck check;	/* zeros unless have_check */
	uint8_t build_id[CKPT_MAX_BUILD_ID];
	bool have_check;
};

struct plan_pipe {
	struct ckpt_pipe rec;
	uint8_t *content;		/* rec.nbytes */
	uint32_t *parts, nparts;	/* its packets and what is between them; 0: none is one */
	const char *fifo;		/* path of a FILE, NULL: it has no name */
	bool plain;			/* ends without a name are on it */
	bool had_writer;		/* of a fifo: some description is or saw a writer, or it holds data */
};

struct plan_shmem {
	struct ckpt_shmem rec;
	char *name;
	bool pages_done;
	mode_t mode;			/* while it is being restored: of its files */
	int fd;				/* the same, -1: none */
};

struct plan_ghost {
	struct ckpt_ghost rec;
	char *folder;
	uint8_t *xattrs;		/* rec.xattrs_len bytes, well formed */
	bool pages_done;
	int fd;				/* while it is being restored, -1: none */
};

/* What an ANON file is. */
struct plan_anon {
	uint16_t type;			/* CKPT_EVENTFD ... */
	bool taken;			/* by its FILE */
	union {
		uint32_t id;		/* of each of them the first member */
		struct ckpt_eventfd eventfd;
		struct ckpt_timerfd timerfd;
		struct ckpt_signalfd signalfd;
		struct ckpt_epoll epoll;
		struct ckpt_inotify inotify;
		struct ckpt_pidfd pidfd;
	};
	void *items;			/* see epoll_items(), inotify_lists() */
};

/* A queue of signals; those in the mask that have no entry come last, as SI_USER of nobody. */
struct plan_pending {
	struct ckpt_siginfo *v;
	uint32_t n;
	bool have;
};

/* What follows an INOTIFY. */
struct inotify_lists {
	int32_t *wd;
	uint32_t *mask, *len;
	char *text;
};

static inline void inotify_lists(struct inotify_lists *it, void *at, size_t n)
{
	it->wd = at;
	it->mask = (uint32_t *)(it->wd + n);
	it->len = it->mask + n;
	it->text = (char *)(it->len + n);
}

/* The lists that follow an EPOLL. */
struct epoll_items {
	uint64_t *data;
	int32_t *fd;
	uint32_t *events, *file, *flags;
};

static inline void epoll_items(struct epoll_items *it, void *at, size_t n)
{
	it->data = at;
	it->fd = (int32_t *)(it->data + n);
	it->events = (uint32_t *)(it->fd + n);
	it->file = it->events + n;
	it->flags = it->file + n;
}

struct plan_thread {
	struct ckpt_thread rec;
	struct ckpt_cpu cpu;
	void *xstate;			/* NT_X86_XSTATE, standard format; NULL: none in the image */
	uint32_t xstate_len;
	uint64_t xfeatures;
	struct ckpt_acct acct;		/* zeros unless have_acct */
	struct ckpt_creds creds;
	uint32_t *groups;		/* creds.ngroups */
	struct plan_pending pending;
	struct ckpt_sched sched;
	bool have_sched;
	struct ckpt_prctl prctl;
	bool have_prctl;
	uint8_t selector;		/* the byte at prctl.dispatch_selector, while it is being restored */
	struct ckpt_restart restart;
	bool have_restart;
	struct ckpt_mempolicy policy;
	bool have_policy;
	bool have_cpu, have_xstate, have_creds, have_acct;
};

struct plan_vmaname {
	uint64_t start;
	char *name;
};

struct plan_mm {
	struct ckpt_mm rec;
	uint8_t auxv[CKPT_MAX_AUXV];	/* rec.auxv_len */
	VEC(struct ckpt_vma) vmas;	/* ascending, disjoint, below the address limit */
	VEC(struct plan_vmaname) names;		/* ascending, as the policies */
	VEC(struct ckpt_mempolicy) policies;
	VEC(struct ckpt_guard) guards;		/* each within one mapping */
	struct ckpt_mmopt opt;
	bool have_opt;
};

struct plan_task {
	struct ckpt_task rec;
	struct ckpt_rlimits rlimits;
	struct ckpt_sighand sighand;
	struct plan_pending pending;
	struct ckpt_acct acct;		/* of its threads that have ended */
	struct ckpt_itimers itimers;	/* all 0: none is armed */
	struct ckpt_terminal terminal;	/* valid if have_terminal */
	VEC(struct ckpt_posixtimer) timers;	/* ascending by id */
	struct ckpt_clocks clocks;	/* unless have_clocks: the header's, without offsets */
	struct ckpt_fs fs;
	char *cwd, *root;
	struct plan_mm mm;
	VEC(struct plan_thread) threads;/* leader first */
	VEC(struct ckpt_fd) fds;	/* ascending */
	VEC(struct ckpt_lock) locks;
	VEC(struct ckpt_lease) leases;
	VEC(struct ckpt_fowner) fowners;
	bool pages_done;		/* its empty chunk has come */
	bool have_itimers, have_terminal, have_clocks, have_mm, have_fs, have_sighand, have_rlimits, have_acct;
};

struct ckpt_plan {
	struct ckpt_header header;
	struct ckpt_header_arch arch;
	VEC(struct plan_task) tasks;	/* parents before children; tasks.v[0] is the root */
	VEC(struct plan_file) files;
	VEC(struct plan_pipe) pipes;
	VEC(struct plan_shmem) shmems;
	VEC(struct plan_ghost) ghosts;
	VEC(struct plan_anon) anons;
	/* By objref - 1; at: in tasks, files, pipes, anons, of a thread in its task's threads. */
	struct plan_index { uint16_t type; uint32_t at, task; } *index;
	size_t nindex, index_cap;
	VEC(char *) losses;
	unsigned int phase;		/* of the record read last */
	size_t cur;			/* task whose records are being read */
	bool have_header, have_arch, have_container, complete;
	size_t nthreads, nvmas, nfds;
};

void plan_init(struct ckpt_plan *p);
void plan_free(struct ckpt_plan *p);

/*
 * Take one metadata record (anything before the first PAGES). Refuses by name,
 * -EINVAL or -EOPNOTSUPP, whatever is out of order, out of range or names an
 * object that is absent or of another type.
 */
int plan_add(struct ckpt_plan *p, const struct ckpt_rec *rec);
/* After the last metadata record: is it whole? */
int plan_complete(struct ckpt_plan *p);

struct plan_file *plan_file(const struct ckpt_plan *p, uint32_t id);
struct plan_pipe *plan_pipe(const struct ckpt_plan *p, uint32_t id);
struct plan_shmem *plan_shmem(const struct ckpt_plan *p, uint32_t id);
struct plan_ghost *plan_ghost(const struct ckpt_plan *p, uint32_t id);
struct plan_anon *plan_anon(const struct ckpt_plan *p, uint32_t id);
struct plan_task *plan_task(const struct ckpt_plan *p, uint32_t id);
/* The lowest descriptor of t on this file, -1: none. */
int plan_fd_of(const struct plan_task *t, uint32_t file);
/* The task whose mm has this objref. */
struct plan_task *plan_task_of_mm(const struct ckpt_plan *p, uint32_t mm);

/*
 * Check one PAGES record against the plan: its mm, its addresses ascending within
 * the chunk and inside ANON or private FILE mappings of it, or inside the SHMEM or GHOST;
 * no chunk after its owner's end.
 */
int plan_pages(struct ckpt_plan *p, const struct ckpt_rec *rec);
/* At the tail: every mm, SHMEM and GHOST has had its end. */
int plan_pages_complete(struct ckpt_plan *p);

/* All of the above with every record of r, page data read and verified; *tail is the last one. */
int plan_read_all(struct ckpt_plan *p, struct ckpt_reader *r, struct ckpt_rec *tail);

#endif
