/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * How the command answers the library that started it: in the caller's own
 * memory. A descriptor for it would be one of the program's, and so be saved.
 */
#ifndef CKPT_REPLY_H
#define CKPT_REPLY_H

#include <stdint.h>
#include <sys/types.h>

enum ckpt_reply_state {
	CKPT_REPLY_STARTING,
	CKPT_REPLY_WAITING,	/* by the caller: it has let go of all that was needed for the start */
	CKPT_REPLY_DONE,	/* by the command, last of all */
};

/* The same for 32 and 64 bit; library and command come from one build. */
struct ckpt_reply {
	uint32_t state;
	int32_t result;		/* crid or pid; -errno with text */
	char text[248];
};
_Static_assert(sizeof(struct ckpt_reply) == 256, "struct ckpt_reply");

struct ckpt_reply_to { pid_t pid; uint64_t addr; };	/* pid 0: nobody asked */

/* "PID:ADDR", ADDR in hex. False if it is not that. */
int ckpt_reply_parse(const char *arg, struct ckpt_reply_to *to);
/* Until the caller waits: 0, -ETIMEDOUT, or the cause why its memory cannot be read. */
int ckpt_reply_await(const struct ckpt_reply_to *to);
/* text may be NULL. A caller that is gone is not told. */
void ckpt_reply_send(const struct ckpt_reply_to *to, int result, const char *text);

#endif
