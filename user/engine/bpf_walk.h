/* SPDX-License-Identifier: GPL-2.0 */
/* Running one iterator. Private to user/engine/bpf*.c. */
#ifndef CKPT_ENGINE_BPF_WALK_H
#define CKPT_ENGINE_BPF_WALK_H

#include "engine/bpf.h"

enum ckpt_walk_kind { CKPT_WALK_THREADS, CKPT_WALK_VMAS, CKPT_WALK_FDS, CKPT_WALK_SIGNALS };

/*
 * Walk pid by program prog; as the functions of engine/bpf.h. from: the map by
 * which the rest of an epoll is asked for, -1: records are handed on as they come.
 */
int ckpt_walk(int prog, int from, enum ckpt_walk_kind kind, pid_t pid, ckpt_bpf_cb cb, void *arg);

static inline size_t ckpt_round8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* ---- what an iterator could not give in full (bpf_complete.c) ---- */

/* The file of the mapping last completed: its neighbours map it too. */
struct ckpt_map_link {
	__u64 end, ino;
	__u32 dev, len;
	struct ckpt_file file;
	__u32 nlink;
	char text[CKPT_MAX_PATH];
};

/* Hand the record on with all its groups. */
int ckpt_complete_groups(pid_t pid, const struct gather_groups *got, ckpt_bpf_cb cb, void *arg);
/* Hand it on with path and inode of the file that the program opened. */
int ckpt_complete_path(pid_t pid, struct ckpt_map_link *last, const struct gather_vma *got,
		       ckpt_bpf_cb cb, void *arg);

/* Hand the epoll on with all its items, or with more than an image may hold. */
int ckpt_complete_epoll(int prog, int from, pid_t pid, const struct gather_epoll *got, ckpt_bpf_cb cb,
			void *arg);

#endif
