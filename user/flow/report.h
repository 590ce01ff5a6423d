/* SPDX-License-Identifier: GPL-2.0 */
/* What a snapshot tells the user when it is done. */
#ifndef CKPT_FLOW_REPORT_H
#define CKPT_FLOW_REPORT_H

#include "flow/snapshot.h"

/* Every blocker and every loss, expected size and frozen time, on standard output. -EOPNOTSUPP if blocked. */
int report_dry_run(struct snapshot *s);
/* The line on standard error, --stats, the image's name on standard output. 1: there are losses. */
int report_done(struct snapshot *s);

#endif
