/* SPDX-License-Identifier: GPL-2.0 */
/* A restored process in the foreground: to whoever started us, we are it. */
#ifndef CKPT_CMD_JOB_H
#define CKPT_CMD_JOB_H

#include <sys/types.h>

/* Before the restore: signals meant for the process wait until it can take them. */
void job_prepare(void);
/* Before it runs: the terminal becomes its group's, if it is ours; then its descriptor, else -1. */
int job_hand_terminal(pid_t pid);
/* The same when another of us has handed it over already. */
void job_take_terminal(pid_t pid);
/*
 * Until it ends: pass signals on, stop and continue with it. Returns its exit
 * status; does not return if a signal ended it, but dies of the same.
 */
int job_wait(pid_t pid);

#endif
