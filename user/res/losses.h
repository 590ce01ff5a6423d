/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a restore may do without if restore --force says so: settings that this
 * machine or the restorer's rights do not allow, each told by name. Never a part
 * of the program's state, nor its identity.
 */
#ifndef CKPT_RES_LOSSES_H
#define CKPT_RES_LOSSES_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/vec.h"

struct res_losses {
	bool force;
	VEC(char *) lines;		/* "pid 5: lost: thread 6: setrlimit: EPERM" */
};

/* err is why it cannot be done. 0 with --force; else err, and ckpt_fail() has been told. */
int res_lose(struct res_losses *l, int err, pid_t pid, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void res_losses_free(struct res_losses *l);

#endif
