/* SPDX-License-Identifier: GPL-2.0 */
/* Calls with a timeout that the freeze interrupted: what is left of them. */
#ifndef CKPT_RES_RESTART_H
#define CKPT_RES_RESTART_H

#include "gather.h"
#include "res/plan.h"

/* Clocks at the freeze, as the kernel's timers count, outside of time namespaces; ns. */
struct restart_clocks { int64_t monotonic, realtime, boottime, tai; };

/* Number of the call that waits to be restarted, -1 if it cannot be told. */
int restart_number(const struct gather_thread *g);
/* Does g wait in a call whose remaining time cannot be kept? */
bool restart_is_lost(const struct gather_thread *g);
/* True: *r tells what is left of g's call. */
bool restart_of(const struct gather_thread *g, const struct restart_clocks *now,
		struct ckpt_restart *r);

/* A system call as the restored thread makes it. */
struct restart_call {
	int32_t nr;		/* -1: none */
	uint64_t args[6];
	int64_t ts[2];		/* timespec that the argument ts_arg points to, -1: none */
	int ts_arg;
};
void restart_call_of(const struct plan_thread *t, struct restart_call *c);

#endif
