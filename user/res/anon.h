/* SPDX-License-Identifier: GPL-2.0 */
/* The kinds of descriptors on anonymous inodes, for anon.c alone. */
#ifndef CKPT_RES_ANON_H
#define CKPT_RES_ANON_H

#include "res/dump.h"

int res_eventfd_check(struct ckpt_dump *d, const struct gather_fd *fd, const struct gather_anon *a);
int res_eventfd_write(struct ckpt_dump *d, const struct gather_anon *a, uint32_t *id);

int res_timerfd_check(struct ckpt_dump *d, const struct gather_fd *fd, const struct gather_anon *a);
int res_timerfd_write(struct ckpt_dump *d, const struct gather_anon *a, uint32_t *id);

int res_signalfd_write(struct ckpt_dump *d, const struct gather_anon *a, uint32_t *id);

int res_epoll_check(struct ckpt_dump *d, const struct gather_fd *fd, const struct gather_anon *a);
int res_epoll_write(struct ckpt_dump *d, const struct gather_anon *a, uint32_t *id);

/* Takes the watches from elsewhere; *a is replaced. */
int res_inotify_complete(struct ckpt_dump *d, const struct gather_anon **a);
int res_inotify_check(struct ckpt_dump *d, const struct gather_fd *fd, const struct gather_anon *a);
int res_inotify_write(struct ckpt_dump *d, const struct gather_anon *a, uint32_t *id);

int res_pidfd_check(struct ckpt_dump *d, const struct gather_fd *fd, const struct gather_anon *a);
int res_pidfd_write(struct ckpt_dump *d, const struct gather_anon *a, uint32_t *id);

#endif
