/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Part of image.h: what processes and open files hold on files; packets of pipes. */
#ifndef CKPTBPF_IMAGE_LOCK_H
#define CKPTBPF_IMAGE_LOCK_H

/* A lock on a file that the task has open, of the task or of the description. */
struct ckpt_lock {
	__u32 file;		/* objref of a FILE: file_lock.flc_file */
	__u32 kind;		/* enum ckpt_lock_kind; flc_flags */
	__u32 type;		/* flc_type: F_RDLCK 0, F_WRLCK 1 */
	__u32 pad0;
	__u64 start, end;	/* first and last byte; end 2^63 - 1: up to the end of the file */
};
CKPT_ONDISK(struct ckpt_lock, 32);
enum ckpt_lock_kind {
	CKPT_LOCK_POSIX = 1,	/* fcntl(F_SETLK): the process's */
	CKPT_LOCK_OFD = 2,	/* fcntl(F_OFD_SETLK): the description's */
	CKPT_LOCK_FLOCK = 3,	/* flock(): the description's, of the whole file */
};
#define CKPT_MAX_LOCKS 1048576u	/* of one task */

/* Who is told by a signal that something happens to a file that the task has open. */
struct ckpt_fowner {
	__u32 file;		/* objref of a FILE */
	__u32 type;		/* fown_struct.pid_type: F_OWNER_TID 0, F_OWNER_PID 1, F_OWNER_PGRP 2 */
	__s32 pid;		/* fown_struct.pid: a thread, a task or its group; 0: nobody */
	__s32 signum;		/* F_SETSIG: fown_struct.signum; 0: SIGIO */
	__u32 uid, euid;	/* fown_struct: as whom the signal is sent */
	__s32 async_fd;		/* fasync_struct.fa_fd: O_ASYNC, as set through this descriptor; -1: not set */
	__u32 pad0;
};
CKPT_ONDISK(struct ckpt_fowner, 32);

/* A lease of the whole file, of the description. */
struct ckpt_lease {
	__u32 file;		/* objref of a FILE: flc_file */
	__u32 type;		/* flc_type: F_RDLCK 0, F_WRLCK 1 */
	__s32 fd;		/* fasync_struct.fa_fd: the descriptor that its signal names */
	__u32 pad0;
};
CKPT_ONDISK(struct ckpt_lease, 16);

/*
 * Of a pipe some of whose content was written in packets: n lengths follow
 * (__u32), of a packet with CKPT_PIPE_PACKET in it, which are as much as it holds.
 */
struct ckpt_pipe_packets {
	__u32 obj;		/* objref of the PIPE before it */
	__u32 n;		/* pipe_buffer.len, flags */
};
CKPT_ONDISK(struct ckpt_pipe_packets, 8);
#define CKPT_PIPE_PACKET 0x80000000u

#endif
