/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Part of image.h: files that no path leads to any more. */
#ifndef CKPTBPF_IMAGE_GHOST_H
#define CKPTBPF_IMAGE_GHOST_H

/*
 * A regular file that is open or mapped, but that no path leads to any more. Its
 * pages follow as PAGES of this owner. Behind the folder come its extended
 * attributes: of each struct ckpt_xattr, its name and its value.
 */
struct ckpt_ghost {
	__u32 id;		/* objref */
	__u32 flags;		/* CKPT_GHOST_* */
	__u64 size;		/* stat(2), as the rest up to mtime_nsec */
	__u32 mode;		/* permissions only */
	__u32 uid, gid;
	__u32 nlink;		/* names that were left, all of them unknown */
	__s64 atime_sec, mtime_sec;
	__u32 atime_nsec, mtime_nsec;
	__u32 folder_len;	/* where it lay, or what is left of that */
	__u32 xattrs_len;	/* bytes, at most CKPT_MAX_XATTRS */
};
CKPT_ONDISK(struct ckpt_ghost, 64);
#define CKPT_GHOST_LINKABLE	0x1u	/* O_TMPFILE without O_EXCL: linkat() may name it */
#define CKPT_MAX_XATTRS		(512u << 10)

struct ckpt_xattr {
	__u32 name_len;		/* without a NUL */
	__u32 value_len;
};
CKPT_ONDISK(struct ckpt_xattr, 8);

#endif
