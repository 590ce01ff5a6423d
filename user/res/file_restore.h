/* SPDX-License-Identifier: GPL-2.0 */
/* What the kinds of open files share on the restore side. */
#ifndef CKPT_RES_FILE_RESTORE_H
#define CKPT_RES_FILE_RESTORE_H

#include <sys/stat.h>

#include "res/res.h"

/* Both ends of a restored pipe, from which its descriptions are made. */
struct restored_pipe {
	uint32_t id;
	int read_fd, write_fd;
	bool read_given, write_given;	/* has become a description of the program */
};

/*
 * What lies at f's path: 0 and *st if it is of the kind that the image says, else
 * -errno, and *why in words or NULL.
 */
int res_file_look(const struct plan_file *f, struct stat *st, const char **why);
/* Open that to read it, if it is what has been looked at: fd or -errno. */
int res_file_open_seen(const struct plan_file *f, const struct stat *seen);
/* A fifo, for both and without waiting. */
int res_file_open_fifo(const char *path);

int res_pipe_restore(const struct ckpt_plan *p, uint32_t id, struct restored_pipe *rp);

/* A new description for an ANON file, with its flags; fd or -errno. */
int res_anon_restore(const struct ckpt_plan *p, const struct plan_file *f);
/* The same without flags, of each kind. */
int res_eventfd_restore(const struct ckpt_eventfd *e);
int res_timerfd_restore(const struct ckpt_timerfd *t);
int res_signalfd_restore(const struct ckpt_signalfd *s);
int res_epoll_restore(const struct ckpt_epoll *e);
int res_inotify_restore(const struct ckpt_inotify *n);
int res_pidfd_restore(const struct ckpt_pidfd *p);

/*
 * What can be done only when every file is open: fds, by the plan's files, none
 * of them at a number that the image uses. Below them all numbers are free.
 */
int res_anon_fill(const struct ckpt_plan *p, const int *fds);
int res_epoll_fill(const struct ckpt_plan *p, const struct plan_anon *a, int epfd, const int *fds);
int res_inotify_fill(const struct plan_anon *a, int fd);
/* The lowest number above all that it needs for that. */
int res_anon_first_free(const struct ckpt_plan *p);

#endif
