/* SPDX-License-Identifier: GPL-2.0 */
/* The five steps of a restore; each is a file of its own, in this order. */
#ifndef CKPT_FLOW_RESTORE_H
#define CKPT_FLOW_RESTORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/engine.h"
#include "image/image.h"
#include "res/plan.h"
#include "res/res.h"
#include "restorer/blob.h"
#include "vdso.h"

struct restore_args {
	const char *image;		/* path, "-"; NULL: image_fd */
	int image_fd;
	const char *engine;		/* auto, kmod, stock */
	const char *pidfile;		/* NULL: none */
	const char *stats;		/* JSON of the run, NULL: none */
	int wait_s;			/* for the pids to become free; -1: 10 from a stream, else 0 */
	struct restore_opts res;
	/* Called when nothing can go wrong any more, before it runs: the terminal that is its own now, or -1. */
	int (*ready)(pid_t pid);
};

/* How the call ended that a thread makes again (restart.h). */
struct restore_call {
	bool made;			/* it was made; not done: the thread is in it */
	bool done;			/* it returned at once, with ret */
	int64_t ret;
};

/* One process that is being made. */
struct restore_proc {
	struct plan_task *task;
	pid_t pid;			/* 0: not there yet */
	pid_t *tids;			/* task->threads.n */
	struct restore_call *calls;	/* task->threads.n */
	bool *circles;			/* task->threads.n: runs in a circle, see strict_prctl() */
	int mem;			/* /proc/PID/mem, -1: not open */
	int uffd;			/* its userfaultfd, -1: none */
	bool traced_for_mem;		/* by us, because this kernel asks that of a writer */
	uint8_t *vma_fill;		/* per mapping of the plan: how it is filled */
	size_t vma_at;			/* the mapping of the page before */

	/* R, mapped in us as well until the end (restorer/blob.h) */
	uint64_t base, len, code_len, stack_top;
	struct blob_plan *blob;
	struct blob_report *report;
};

struct restore {
	const struct restore_args *a;
	struct ckpt_plan plan;
	struct ckpt_reader *reader;
	bool stream;			/* not a regular file: cannot be read twice */
	struct ckpt_rec first_pages;	/* read ahead with the metadata */
	bool have_first;
	int spool;			/* memfd that holds the verified pages, -1: none */
	struct ckpt_engine engine;
	struct ckpt_vdso vdso;
	struct restore_proc proc;
	struct res_losses losses;
	struct clocks_choice clocks;	/* that it lives by */
	char pidfile_tmp[4096];

	uint8_t xstate[CKPT_MAX_XSTATE];	/* of the thread at hand */
	size_t xstate_size;		/* of this kernel's */
	bool drawn_anew;		/* it has a terminal whose screen it does not know */
	uint64_t npages;
	uint64_t t_start, t_read, t_checked, t_mapped, t_filled, t_parked, t_done;	/* ns */
};

/*
 * 0: the process runs and is our child; *pid. 1: the same, with losses, each
 * told. Else -errno with ckpt_fail() told, and nothing of it is left.
 */
int restore_run(const struct restore_args *a, pid_t *pid);

int restore_read(struct restore *r);	/* metadata into the plan */
int restore_check(struct restore *r);	/* everything that can be refused before anything is made */
int restore_spawn(struct restore *r);	/* the process, which starts to rebuild itself */
int restore_rebuild(struct restore *r);	/* its memory from the pages; the whole image verified */
int restore_resume(struct restore *r);	/* registers; the restorer taken out; let go */

/* restore_pages.c: the page chunks, from the image or the spool */
struct restore_chunk {
	uint32_t mm, n;
	uint64_t *addrs;		/* room for CKPT_CHUNK_PAGES, in both */
	uint8_t *data;
};
int restore_chunk_alloc(struct restore_chunk *c);
void restore_chunk_free(struct restore_chunk *c);
/* Next chunk: 1, 0 after the last when the tail is verified, -errno. */
int restore_next_chunk(struct restore *r, struct restore_chunk *c);
/* Read the stream to its end into the spool, from which the chunks come then. */
int restore_spool(struct restore *r);
/*
 * All chunks, each given to put() in order; a large image is read and verified
 * by a second thread meanwhile. 0 when the tail is verified.
 */
int restore_each_chunk(struct restore *r, int (*put)(struct restore *, const struct restore_chunk *));

/* restore_fill.c: pages into the new process */
int restore_fill_open(struct restore *r);
int restore_fill(struct restore *r, const struct restore_chunk *c);
int restore_fill_close(struct restore *r);

/* restore_report.c: what the restorer tells */
/* Until its state is reached, or nparked threads wait: 0, or what went wrong. */
int restore_wait_report(struct restore *r, uint32_t state, uint32_t nparked);
/* Then, until those that cannot wait run in their circle. */
int restore_wait_circles(struct restore *r);
/* What the restorer had to do without goes to r->losses. */
int restore_take_lost(struct restore *r);
void restore_tell(struct restore *r, enum blob_go go);

/* restore_layout.c: R */
int restore_map_region(struct restore *r);

#endif
