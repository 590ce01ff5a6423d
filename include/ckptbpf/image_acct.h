/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Accounting as the seeds ask, in each of its versions; included by
 * ckptbpf/image.h. Times are in ns. Informative: nothing can be set from it.
 */
#ifndef CKPTBPF_IMAGE_ACCT_H
#define CKPTBPF_IMAGE_ACCT_H

/* Version 2, since format 2. */
struct ckpt_acct {
	__u64 utime, stime, gtime;	/* task_struct; of a TASK owner: signal_struct, its dead threads */
	__u64 prev_utime, prev_stime;	/* prev_cputime */
	__u64 utimescaled, stimescaled;	/* 0: not kept on x86 */
	__u64 nvcsw, nivcsw;
	__u64 start_time;	/* CLOCK_MONOTONIC */
	__u64 start_boottime;	/* CLOCK_BOOTTIME */
	__u64 min_flt, maj_flt;
	__u64 rchar, wchar, syscr, syscw;	/* ioac: bytes of read() and write(), and how many of them */
	__u64 read_bytes, write_bytes, cancelled_write_bytes;	/* ioac: from and to storage */
	__u32 flags;		/* CKPT_ACCT_IO */
	__u32 pad0;
};
CKPT_ONDISK(struct ckpt_acct, 168);
#define CKPT_ACCT_IO	0x1u	/* what ioac holds is known; else it is 0 here */

/* Version 1. */
struct ckpt_acct_v1 {
	__u64 utime, stime, gtime;	/* all as above */
	__u64 prev_utime, prev_stime;
	__u64 utimescaled, stimescaled;
	__u64 nvcsw, nivcsw;
	__u64 start_time;
	__u64 start_boottime;
	__u64 min_flt, maj_flt;
};
CKPT_ONDISK(struct ckpt_acct_v1, 104);

#endif
