/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The C interface of libckptbpf: ckpt_checkpoint(3). Both calls start the
 * command ckptbpf, which must be installed; the library itself holds no state
 * between calls, loads nothing and leaves no descriptor, child or thread.
 */
#ifndef CKPTBPF_CKPTBPF_H
#define CKPTBPF_CKPTBPF_H

#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Write an image of process pid, the caller itself or another one, to fd; -1
 * keeps it in memory until the container ends. flags must be 0.
 *
 * Returns the image's number, greater than 0; 0 in the process that a restart
 * of this very image makes; -1 with errno set: EBADF, EINVAL, ESRCH, EPERM,
 * ENOMEM, EOPNOTSUPP (it holds something that cannot be saved), EBUSY.
 */
int ckpt_checkpoint(pid_t pid, int fd, uint64_t flags);

/*
 * Bring a process back from the image in fd, or for -1 from the one kept in
 * memory as crid. flags must be 0. Does not return: the caller stays in the
 * foreground for the restored process, passes signals on to it and ends as it
 * ends. -1 with errno set: nothing was made, the caller is as it was.
 */
int ckpt_restart(int crid, int fd, uint64_t flags);

/* Why this thread's last call failed, in one line; "" if it did not. */
const char *ckpt_reason(void);

#ifdef __cplusplus
}
#endif

#endif
