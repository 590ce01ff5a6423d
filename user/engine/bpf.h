/* SPDX-License-Identifier: GPL-2.0 */
/* The iterators: loading, pinning, reading. Used by both engines alike. */
#ifndef CKPT_ENGINE_BPF_H
#define CKPT_ENGINE_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "gather.h"

struct ckpt_bpf;

/* Where the programs came from: */
enum ckpt_bpf_source { CKPT_BPF_LOADED, CKPT_BPF_PINNED };

/*
 * Take the pinned programs if they fit this object and kernel and nobody else
 * holds them (flock); else load our own, and pin them if the place is free.
 * CKPTBPF_RUN overrides /run/ckptbpf. -errno with ckpt_fail() told: no BTF, no
 * CAP_BPF ... and what to do.
 */
int ckpt_bpf_open(struct ckpt_bpf **ret);
void ckpt_bpf_close(struct ckpt_bpf *b);
enum ckpt_bpf_source ckpt_bpf_source(const struct ckpt_bpf *b);
/* Remove what is pinned, unmount what we mounted. */
int ckpt_bpf_unload(void);

/*
 * Called for each record, which lies in the reader's buffer and is valid during
 * the call only. Not 0 ends the walk and is returned.
 */
typedef int (*ckpt_bpf_cb)(const struct gather_hdr *h, void *arg);

/*
 * Walk pid: threads (GATHER_THREAD, XSTATE, GROUPS, PROC), mappings in
 * ascending order, descriptors. Lengths, types and order are checked (-EPROTO),
 * the output is bounded (-EFBIG). -ESRCH: no such process.
 */
int ckpt_bpf_threads(struct ckpt_bpf *b, pid_t pid, ckpt_bpf_cb cb, void *arg);
int ckpt_bpf_vmas(struct ckpt_bpf *b, pid_t pid, ckpt_bpf_cb cb, void *arg);
int ckpt_bpf_fds(struct ckpt_bpf *b, pid_t pid, ckpt_bpf_cb cb, void *arg);
/* What signals wait in (GATHER_SIGPENDING, POSIXTIMERS); there may be nothing. */
int ckpt_bpf_signals(struct ckpt_bpf *b, pid_t pid, ckpt_bpf_cb cb, void *arg);

/*
 * Turn a GATHER_XSTATE into NT_X86_XSTATE's standard format. *len: in: room,
 * out: bytes. user/engine/xstate.c.
 */
int ckpt_xstate_decode(const struct gather_xstate *x, void *buf, size_t *len);

#endif
