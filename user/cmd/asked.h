/* SPDX-License-Identifier: GPL-2.0 */
/* A snapshot whose result someone waits for: a program, or an image's keeper. */
#ifndef CKPT_CMD_ASKED_H
#define CKPT_CMD_ASKED_H

#include "flow/snapshot.h"
#include "lib/reply.h"

/*
 * As snapshot_run(), in a process of its own, so that whatever happens to it is
 * told to the caller, if there is one. keep: the image stays in memory.
 */
int asked_run(struct snapshot_opts *o, const struct ckpt_reply_to *to, bool keep);

#endif
