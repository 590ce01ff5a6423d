/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Starting the command ckptbpf from a program that must not notice. */
#ifndef CKPT_LIBCKPT_TOOL_H
#define CKPT_LIBCKPT_TOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/reply.h"

struct tool {
	char **argv;
	int out;		/* of a detached one: becomes its standard output; else: stays open; -1: none */
	/*
	 * True: a process of its own session that is no child of ours, with
	 * nothing but out. False: a child with our descriptors, which gets
	 * SIGTERM when this thread ends.
	 */
	bool detached;
	pid_t pid;
	int err;		/* of its start */
};

/* Started: 0; else -errno. Shares no memory with us any more when this returns. */
int tool_start(struct tool *t);
/* Become the command. Returns -errno only. */
int tool_exec(char **argv);

/* errno = err, the reason kept for ckpt_reason(); returns -1. */
int tool_fail(int err, const char *reason);

#endif
