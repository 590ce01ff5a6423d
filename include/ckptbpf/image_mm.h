/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Part of image.h: an address space and what is mapped in it. */
#ifndef CKPTBPF_IMAGE_MM_H
#define CKPTBPF_IMAGE_MM_H

struct ckpt_mm {
	__u32 id;		/* objref of this mm */
	__u32 exe;		/* objref of a FILE: mm->exe_file */
	__u64 start_code, end_code, start_data, end_data;	/* mm_struct, as PR_SET_MM_MAP takes them */
	__u64 start_brk, brk, start_stack;
	__u64 arg_start, arg_end, env_start, env_end;
	__u64 vdso;		/* mm->context.vdso; 0: none */
	__u32 dumpable;		/* 0, 1, 2: SUID_DUMP_*; mm->flags (task->exec_state since 7.2) */
	__u32 nvmas;		/* VMA records that follow */
	__u32 auxv_len;		/* bytes of mm->saved_auxv that follow */
	__u32 pad0;
};
CKPT_ONDISK(struct ckpt_mm, 120);
#define CKPT_MAX_AUXV 512u

struct ckpt_vma {
	__u64 start, end;	/* page-aligned, ascending, not overlapping */
	__u64 offset;		/* bytes into the file; vm_pgoff << 12; 0 if anonymous */
	__u32 file;		/* objref of a FILE, 0 if anonymous or special */
	__u32 kind;		/* enum ckpt_vma_kind */
	__u64 flags;		/* CKPT_VMA_*; from vm_flags */
};
CKPT_ONDISK(struct ckpt_vma, 40);
enum ckpt_vma_kind {
	CKPT_VMA_ANON = 1,	/* private anonymous */
	CKPT_VMA_FILE = 2,	/* mapping of a named file */
	CKPT_VMA_VDSO = 3,	/* vdso and vvar: the running kernel's own are put there */
	CKPT_VMA_VVAR = 4,
};
#define CKPT_VMA_READ		0x0001u
#define CKPT_VMA_WRITE		0x0002u
#define CKPT_VMA_EXEC		0x0004u
#define CKPT_VMA_SHARED		0x0008u	/* VM_SHARED or VM_MAYSHARE */
#define CKPT_VMA_GROWSDOWN	0x0010u
#define CKPT_VMA_ACCOUNT	0x0020u	/* VM_ACCOUNT: once writable, counts against overcommit */
#define CKPT_VMA_NORESERVE	0x0040u
#define CKPT_VMA_HUGEPAGE	0x0080u	/* MADV_HUGEPAGE */
#define CKPT_VMA_NOHUGEPAGE	0x0100u	/* MADV_NOHUGEPAGE */
#define CKPT_VMA_DONTFORK	0x0200u
#define CKPT_VMA_WIPEONFORK	0x0400u
#define CKPT_VMA_DONTDUMP	0x0800u
#define CKPT_VMA_SEQ_READ	0x1000u	/* MADV_SEQUENTIAL */
#define CKPT_VMA_RAND_READ	0x2000u	/* MADV_RANDOM */
#define CKPT_VMA_LOCKED		0x4000u	/* mlock */
#define CKPT_VMA_LOCKONFAULT	0x8000u	/* mlock2(MLOCK_ONFAULT); with LOCKED */
#define CKPT_VMA_MERGEABLE	0x10000u	/* MADV_MERGEABLE */
#define CKPT_VMA_HUGETLB	0x20000u	/* MAP_HUGETLB; bits 56 to 61: log2 of the page size */
#define CKPT_VMA_HUGE_SHIFT	56
#define CKPT_VMA_HUGE		0x3f00000000000000ull
#define CKPT_VMA_PKEY_SHIFT	32	/* four bits: its protection key */
#define CKPT_VMA_PKEY		0xf00000000ull
#define CKPT_VMA_ALL		(0x3ffffu | CKPT_VMA_PKEY | CKPT_VMA_HUGE)

/* What holds for an address space as a whole; comes behind its MM. Absent: left as found. */
struct ckpt_mmopt {
	__u32 flags;		/* CKPT_MMOPT_* */
	__u32 coredump_filter;	/* /proc/PID/coredump_filter */
	__u32 membarrier;	/* MEMBARRIER_CMD_REGISTER_* made; mm_struct->membarrier_state */
	__u32 pkeys;		/* bit n: key n is allocated; mm->context.pkey_allocation_map; 0: no keys there */
	__s32 exec_pkey;	/* the kernel's own for PROT_EXEC alone; mm->context.execute_only_pkey; -1: none */
	__u32 tag_bits;		/* ARCH_ENABLE_TAGGED_ADDR; of mm->context.untag_mask */
	__u32 futex_slots;	/* of PR_FUTEX_HASH_SET_SLOTS; mm->futex_phash */
	__u32 pad0;
};
CKPT_ONDISK(struct ckpt_mmopt, 32);
#define CKPT_MMOPT_LOCK_FUTURE	0x01u	/* mlockall(MCL_FUTURE); mm->def_flags */
#define CKPT_MMOPT_LOCK_ONFAULT	0x02u	/* and MCL_ONFAULT */
#define CKPT_MMOPT_NO_THP	0x04u	/* PR_SET_THP_DISABLE; this and the next three: mm->flags */
#define CKPT_MMOPT_THP_ADVISED	0x08u	/* and PR_THP_DISABLE_EXCEPT_ADVISED */
#define CKPT_MMOPT_KSM		0x10u	/* PR_SET_MEMORY_MERGE */
#define CKPT_MMOPT_MDWE		0x20u	/* PR_SET_MDWE */
#define CKPT_MMOPT_MDWE_OWN	0x40u	/* and PR_MDWE_NO_INHERIT */
#define CKPT_MMOPT_FUTEX_SLOTS	0x80u	/* futex_slots was asked for by the program; 0: the table of all */
#define CKPT_MMOPT_ALL		0xffu
#define CKPT_MEMBARRIER_ALL	0x154u
#define CKPT_MAX_FUTEX_SLOTS	(1u << 20)

/* Name of anonymous memory, behind its VMA; the text follows. */
struct ckpt_vmaname {
	__u64 start;		/* of that VMA */
	__u32 name_len;		/* vm_area_struct->anon_name, as PR_SET_VMA_ANON_NAME gave it */
	__u32 pad0;
};
CKPT_ONDISK(struct ckpt_vmaname, 16);
#define CKPT_MAX_VMANAME	79u	/* prctl(2) */

/*
 * On which nodes memory is put: of a mapping, behind its VMA, or of a thread. As
 * get_mempolicy(2) tells it.
 */
struct ckpt_mempolicy {
	__u64 start;		/* of that VMA; of a thread 0 */
	__u32 mode;		/* MPOL_*, MPOL_F_*; vm_area_struct->vm_policy, task_struct->mempolicy */
	__s32 home_node;	/* set_mempolicy_home_node(2); -1: none */
	struct { __u64 mask; } nodes[16];	/* as the program gave them, if the kernel kept that */
};
CKPT_ONDISK(struct ckpt_mempolicy, 144);
#define CKPT_MAX_NODES		1024u

/* A part of the VMA before it that nobody may touch: madvise(MADV_GUARD_INSTALL). */
struct ckpt_guard {
	__u64 start, end;	/* page-aligned, ascending; /proc/PID/pagemap */
};
CKPT_ONDISK(struct ckpt_guard, 16);

/*
 * Memory of the kernel's own tmpfs or hugetlbfs: a memfd, or what shared anonymous mappings
 * show. Its pages follow as PAGES of this owner.
 */
struct ckpt_shmem {
	__u32 id;		/* objref */
	__u32 flags;		/* CKPT_SHMEM_* */
	__u64 size;		/* inode->i_size */
	__u32 seals;		/* F_SEAL_* of a memfd: shmem_inode_info->seals; else 0 */
	__u32 name_len;		/* of a memfd, as given to memfd_create() */
};
CKPT_ONDISK(struct ckpt_shmem, 24);
#define CKPT_SHMEM_MEMFD	0x1u
#define CKPT_SHMEM_NORESERVE	0x2u	/* mapped with MAP_NORESERVE */
#define CKPT_SHMEM_HUGETLB	0x4u	/* MFD_HUGETLB, MAP_HUGETLB; bits 26 to 31: log2 of the page size */
#define CKPT_SHMEM_HUGE_SHIFT	26
#define CKPT_SHMEM_HUGE		0xfc000000u
#define CKPT_MAX_SHMEM_NAME	249u	/* memfd_create(2) */
#define CKPT_SEALS_ALL		0x3fu	/* SEAL SHRINK GROW WRITE FUTURE_WRITE EXEC */

#endif
