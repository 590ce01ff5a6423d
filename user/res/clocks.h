/* SPDX-License-Identifier: GPL-2.0 */
/* Which CLOCK_MONOTONIC and CLOCK_BOOTTIME a restored program sees. */
#ifndef CKPT_RES_CLOCKS_H
#define CKPT_RES_CLOCKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ckptbpf/image.h"

enum clocks_mode {
	CLOCKS_AUTO,		/* the machine's, unless one of them would go back */
	CLOCKS_KEEP,		/* on from the freeze: the time between never was */
	CLOCKS_HOST,		/* the machine's, even if they go back */
};

struct clocks_choice {
	bool own;		/* a time namespace of its own, with these offsets */
	int64_t monotonic, boottime;	/* ns over the machine's own clocks */
	int64_t back_ns;	/* how far the clocks of our own namespace are behind the image's; 0: not */
};

/* What a program with these clocks, saved on the boot boot_id, gets if it is restored now. */
int res_clocks_choose(const struct ckpt_clocks *saved, const uint8_t boot_id[16],
		      enum clocks_mode mode, struct clocks_choice *c);

/*
 * The processes that we make from now on, until res_clocks_leave(*fd), live by
 * these clocks. -errno: nothing has changed.
 */
int res_clocks_enter(const struct clocks_choice *c, pid_t pid, int *fd);
void res_clocks_leave(int fd);

#endif
