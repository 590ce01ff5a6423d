/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Records whose layout is x86's own; included by ckptbpf/image.h. */
#ifndef CKPTBPF_IMAGE_ARCH_H
#define CKPTBPF_IMAGE_ARCH_H

#define CKPT_ARCH_X86_32	1u
#define CKPT_ARCH_X86_64	2u

struct ckpt_header_arch {
	__u32 arch;		/* CKPT_ARCH_* of the machine */
	__u32 xstate_size;	/* bytes of NT_X86_XSTATE there */
	__u64 xfeatures;	/* XCR0 there, as NT_X86_XSTATE shows it */
	__u64 vdso_len;		/* bytes of the vdso's image, 0: none */
	__u8  vdso_xxh3[16];	/* XXH3-128 of it: restore needs the same code */
};
CKPT_ONDISK(struct ckpt_header_arch, 40);

/*
 * NT_PRSTATUS of a 64-bit task: struct user_regs_struct, in its order. Taken
 * where a signal would be delivered: ax still holds -ERESTART*.
 */
struct ckpt_cpu {
	__u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	__u64 orig_ax, ip, cs, flags, sp, ss;
	__u64 fs_base, gs_base, ds, es, fs, gs;
};
CKPT_ONDISK(struct ckpt_cpu, 216);

/* NT_X86_XSTATE in the standard (not compacted) format; size bytes follow. */
struct ckpt_xstate {
	__u32 size;		/* at most CKPT_MAX_XSTATE */
	__u32 pad0;
	__u64 features;		/* xstate_bv: the components that are not in their initial state */
};
CKPT_ONDISK(struct ckpt_xstate, 16);
#define CKPT_MAX_XSTATE 16384u

#endif
