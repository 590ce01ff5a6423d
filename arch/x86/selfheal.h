/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Borrowing a stopped thread for one clone() in such a way that it finds back
 * by itself. All that it is to do lies in signal frames in its own memory, the
 * last of which is its own state: whatever happens to us, it goes through them
 * and stands where it was.
 */
#ifndef CKPT_ARCH_SELFHEAL_H
#define CKPT_ARCH_SELFHEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

/* Two pieces of code that every C library has; 0: not found. */
struct arch_heal_code {
	uint64_t syscall_ret;	/* `syscall; ret` */
	uint64_t sigreturn;	/* `mov $15, %eax; syscall`: where handlers return to */
};

/* Looks for what is missing in len bytes of code that lie at addr; true: both are known. */
bool arch_heal_search(struct arch_heal_code *c, const uint8_t *code, size_t len, uint64_t addr);
/* Are they what they were? read: n bytes at addr to buf, 0 or -errno. */
bool arch_heal_check(const struct arch_heal_code *c,
		     int (*read)(void *arg, uint64_t addr, void *buf, size_t n), void *arg);

/*
 * The most that the frames need, a multiple of the page size; and the room below
 * them that must be writable memory too: the stack of a child that we do not take.
 */
#define ARCH_HEAL_LEN	20480u
#define ARCH_HEAL_BELOW	4096u

/*
 * regs, xstate (NT_X86_XSTATE) and mask: of the stopped thread; addr: page
 * aligned, where *used bytes of frames, at most ARCH_HEAL_LEN, will be written.
 * With the registers *go the thread then makes a child that shares all of its
 * memory and descriptors, waits for its end, and is back. The child, if we do
 * not take it, ends at once.
 * -EOPNOTSUPP: 32-bit code. -EBUSY: it waits in a call that no signal frame
 * can bring back (-ERESTART_RESTARTBLOCK). -ENOSPC: xstate is too long.
 */
int arch_heal_frames(const struct arch_heal_code *c, const struct user_regs_struct *regs,
		     const void *xstate, size_t xstate_len, uint64_t mask, uint64_t addr,
		     uint8_t *frames, size_t *used, struct user_regs_struct *go);
/* *regs of that child: to make it clone its memory, and to do nothing else. */
void arch_heal_fork(const struct arch_heal_code *c, struct user_regs_struct *regs);
/* *regs of any task of ours with that code in its memory: to make a call. */
void arch_heal_call(const struct arch_heal_code *c, struct user_regs_struct *regs, long nr,
		    uint64_t a, uint64_t b, uint64_t d);

#endif
