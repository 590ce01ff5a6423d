/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Part of image.h: what a task set up outside of itself. */
#ifndef CKPTBPF_IMAGE_TERMINAL_H
#define CKPTBPF_IMAGE_TERMINAL_H

/* Modes of its controlling terminal, in whose foreground it was; TCGETS without line and speeds. */
struct ckpt_terminal {
	__u32 iflag, oflag, lflag;	/* c_iflag, c_oflag, c_lflag */
	__u8 cc[19];		/* c_cc */
	__u8 pad0;
};
CKPT_ONDISK(struct ckpt_terminal, 32);
/* /dev/tty, as the kernel keeps device numbers: whoever opens it gets its own. */
#define CKPT_RDEV_TTY		(5u << 20)
#define CKPT_TERMINAL_IFLAGS	0x7fffu
#define CKPT_TERMINAL_OFLAGS	0xffffu
#define CKPT_TERMINAL_LFLAGS	0x1ffffu

#endif
