/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CKPT_RES_TOLD_H
#define CKPT_RES_TOLD_H

#include "res/dump.h"

/* What is looked at before the stop. */
void res_told_look(struct ckpt_dump *d);
/* Tells of what no record holds. */
int res_told_check(struct ckpt_dump *d);

#endif
