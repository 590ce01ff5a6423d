/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Images in memory. Each is a sealed memfd in a process of its own, which gives
 * it away through a socket in the run folder, by container and crid; it ends
 * with the container, or when it is told to.
 */
#ifndef CKPT_FLOW_KEEPER_H
#define CKPT_FLOW_KEEPER_H

#include <stdint.h>

/* A memfd to write an image to; fd or -errno, told. */
int keeper_memory(void);
/* Seal fd and keep it as crid from now on. */
int keeper_start(int fd, uint32_t crid);
/* The image kept as crid, for reading; fd or -errno, told. */
int keeper_fetch(uint32_t crid);
/* Forget every image of this run folder. */
int keeper_forget_all(void);

#endif
