/* SPDX-License-Identifier: GPL-2.0 */
/* Where loaded programs, and the map that one takes orders from, wait for the next run. Private to user/engine/bpf*.c. */
#ifndef CKPT_ENGINE_BPF_PIN_H
#define CKPT_ENGINE_BPF_PIN_H

#include <limits.h>
#include <stddef.h>

enum { CKPT_PROG_TASK, CKPT_PROG_VMA, CKPT_PROG_FILE, CKPT_PROG_SIGNAL,
       CKPT_MAP_EPOLL, CKPT_PROGS };

/* The place of one object on one kernel; ours alone between take() and release(). */
struct ckpt_pin {
	int lock;		/* flock()ed descriptor, -1: the place is not ours */
	char base[PATH_MAX];	/* a folder in a bpffs */
	char dir[PATH_MAX];	/* base/HASH */
};

/*
 * Find or make the place for the object. 0: it is ours. -EBUSY: another run
 * has it. Any other error: there is no such place here, which harms nothing
 * but the speed of the next run; nothing is told to ckpt_fail().
 */
int ckpt_pin_take(struct ckpt_pin *p, const void *obj, size_t len);
/* Descriptors of the pinned programs, or -ENOENT. */
int ckpt_pin_get(const struct ckpt_pin *p, int progs[CKPT_PROGS]);
/* Pin them; what an earlier object or kernel left is removed. All or none. */
int ckpt_pin_put(const struct ckpt_pin *p, const int progs[CKPT_PROGS]);
void ckpt_pin_release(struct ckpt_pin *p);

#endif
