/* SPDX-License-Identifier: GPL-2.0 */
/* Scope-bound ownership: a variable so marked is released when it leaves its block. */
#ifndef CKPT_CLEANUP_H
#define CKPT_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void ckpt_freep(void *p) { free(*(void **)p); }
static inline void ckpt_closep(int *fd) { if (*fd >= 0) close(*fd); }
static inline void ckpt_fclosep(FILE **f) { if (*f) fclose(*f); }

#define cleanup_free	__attribute__((cleanup(ckpt_freep)))
#define cleanup_close	__attribute__((cleanup(ckpt_closep)))
#define cleanup_fclose	__attribute__((cleanup(ckpt_fclosep)))

#define take_ptr(p)	({ __typeof__(p) p__ = (p); (p) = NULL; p__; })
#define take_fd(fd)	({ int fd__ = (fd); (fd) = -1; fd__; })

#endif
