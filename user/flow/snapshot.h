/* SPDX-License-Identifier: GPL-2.0 */
/* The five steps of a snapshot; each is a file of its own, in this order. */
#ifndef CKPT_FLOW_SNAPSHOT_H
#define CKPT_FLOW_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/bpf.h"
#include "engine/engine.h"
#include "image/codec.h"
#include "image/image.h"
#include "res/dump.h"

/* How memory is had: in the stop, or from a clone afterwards; auto: by size. */
enum snapshot_capture { CAPTURE_AUTO, CAPTURE_COPY, CAPTURE_COW };

enum snapshot_end { SNAPSHOT_THAW, SNAPSHOT_KILL, SNAPSHOT_STOP };

struct snapshot_opts {
	pid_t pid;
	const char *out;		/* path, "-", or NULL: ckpt.PID.CRID.img */
	const char *engine;		/* auto, kmod, stock */
	const char *stats;		/* JSON of the run, NULL: none */
	enum snapshot_end end;
	enum snapshot_capture capture;
	struct ckpt_packing packing;
	unsigned int max_frozen_ms;	/* 0: no bound */
	bool only, force, dry_run, strict;
	uint64_t ghost_limit;		/* bytes of data of one deleted file */
	struct snapshot_caller *caller;	/* NULL: the command line */
};

/* A snapshot that a program asked for (ckpt_checkpoint(3)). */
struct snapshot_caller {
	pid_t tid;			/* the thread of the target that waits for us, 0: another process asked */
	uint64_t ip;			/* where it does */
	uint32_t crid;			/* out: of the complete image */
};

#define SNAPSHOT_CHUNK 512u		/* pages: 2 MiB stay in the cache between copy and write */

/*
 * Memory to save: ranges of pages that exist, found by one walk; by offset of a
 * SHMEM, 1 + its place, or behind all of them of a GHOST.
 */
struct page_range { uint64_t start, end; uint32_t object; };

struct snapshot {
	const struct snapshot_opts *o;
	struct ckpt_engine engine;
	struct ckpt_bpf *bpf;
	struct ckpt_dump d;
	struct ckpt_writer *w;
	char *path;			/* of the image; NULL: a stream */
	uint32_t crid;
	int mem_fd, pagemap_fd;

	uint8_t *buf;			/* of the copy: one chunk, or all of a small target */
	size_t buf_len;
	uint64_t expected;		/* bytes of memory to copy, before the stop */
	uint64_t *addrs;		/* of the pages in buf */
	VEC(struct page_range) ranges;
	uint64_t npages;
	bool buffered;			/* all pages are in buf: written after the thaw */
	bool cow;			/* private memory comes from the clone, after the thaw */
	const char *copy_why;		/* why it does not although it should, NULL: it should not */
	struct ckpt_clone clone;
	bool frozen;

	uint64_t t_start, t_frozen, t_stopped, t_thawed, t_done;	/* ns, CLOCK_MONOTONIC */
	int64_t realtime_ns;
	uint64_t deadline_ns;
	char comm[17];
};

/* 0; 1: done, with losses; -errno with ckpt_fail() told. The target is as it was unless it succeeded. */
int snapshot_run(const struct snapshot_opts *o);

int snapshot_predump(struct snapshot *s);	/* checks, programs, buffers; attach */
int snapshot_freeze(struct snapshot *s);	/* stop all threads */
int snapshot_dump(struct snapshot *s);		/* what can only be read in the stop */
int snapshot_thaw(struct snapshot *s);		/* let go; with --kill later, see postdump */
int snapshot_postdump(struct snapshot *s);	/* write, commit; kill */

/* snapshot_pages.c: find and copy memory */
int snapshot_find_pages(struct snapshot *s);
/* Only what a clone would not have: objects that are shared, areas kept from children. */
int snapshot_find_kept(struct snapshot *s);
/* Private memory of the process that s->pagemap_fd belongs to. */
int snapshot_find_private(struct snapshot *s);
/* A page that is not to be saved. */
int snapshot_forget_page(struct snapshot *s, uint64_t addr);
/* Copy everything into buf (buffered), or chunk by chunk into the writer. */
int snapshot_copy_pages(struct snapshot *s);
int snapshot_write_buffered(struct snapshot *s);
/* All metadata records. */
int snapshot_write_metadata(struct snapshot *s);

/* snapshot_clone.c: memory from a copy-on-write clone. */
/* Before attach(): can it be had? */
int snapshot_clone_prepare(struct snapshot *s);
/* Go on without a clone, or not, if one was asked for. */
int snapshot_clone_without(struct snapshot *s, int err, const char *why);
/* In the stop. s->cow is false afterwards if it could not be made and need not be. */
int snapshot_clone_take(struct snapshot *s);
/* After the thaw, first of all: from then on it is the clone that dies if memory runs out. */
int snapshot_clone_settle(struct snapshot *s);
/* All of its pages into the writer, and its end. */
int snapshot_clone_write(struct snapshot *s);

/* snapshot_self.c: a target that asked for its own image. */
/* Stopped, and in its wait? -EAGAIN: not now. */
int snapshot_self_placed(struct snapshot *s);
/* In the image its wait has ended, with 0. */
void snapshot_self_mark(struct snapshot *s);
/* What the target writes to must not be overwritten by it later if that is the image. */
int snapshot_mark_output(struct snapshot *s);

/* Is the deadline of --max-frozen over, or did a signal ask us to stop? */
int snapshot_check(struct snapshot *s);

/* flow/crid.c: the next checkpoint id of this container; give it back if the image failed. */
int crid_take(uint32_t *crid);
void crid_give_back(uint32_t crid);
/* Name of this container: boot, pid namespace, start of its first process. */
int crid_container(char *name, size_t len);

#endif
