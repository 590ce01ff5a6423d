/* SPDX-License-Identifier: GPL-2.0 */
/*
 * x86-64 part of the restorer: raw system calls and a thread without libc. A
 * second arch supplies the same names.
 */
#ifndef CKPT_RESTORER_ARCH_H
#define CKPT_RESTORER_ARCH_H

#include <asm/prctl.h>
#include <asm/unistd.h>
#include <linux/sched.h>

/* End of what mmap() gives without a hint, five-level page tables or not. */
#define ARCH_USER_END 0x7ffffffff000ul

static inline long arch_syscall6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = e;
	register long r9 asm("r9") = f;
	long ret;

	asm volatile("syscall"
		     : "=a"(ret)
		     : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
	return ret;
}

/*
 * clone3() whose child calls fn(arg, arg2) on its new stack and must not
 * return. The child has the parent's registers but the stack pointer, so
 * everything it needs is kept in registers.
 */
static inline long arch_clone_thread(struct clone_args *args, void (*fn)(void *, void *),
				     void *arg, void *arg2)
{
	register void (*r12)(void *, void *) asm("r12") = fn;
	register void *r13 asm("r13") = arg;
	register void *r14 asm("r14") = arg2;
	long ret;

	asm volatile("syscall\n\t"
		     "test %%rax, %%rax\n\t"
		     "jnz 1f\n\t"
		     "xor %%ebp, %%ebp\n\t"
		     "mov %%r13, %%rdi\n\t"
		     "mov %%r14, %%rsi\n\t"
		     "call *%%r12\n\t"
		     "ud2\n"
		     "1:"
		     : "=a"(ret)
		     : "0"((long)__NR_clone3), "D"(args), "S"(sizeof(*args)),
		       "r"(r12), "r"(r13), "r"(r14)
		     : "rcx", "r11", "memory");
	return ret;
}

#ifndef ARCH_REQ_XCOMP_PERM	/* since 5.16 */
#define ARCH_GET_XCOMP_PERM	0x1022
#define ARCH_REQ_XCOMP_PERM	0x1023
#endif

/*
 * The kernel makes room for AMX tiles only when a thread uses one, by a fault. To
 * configure them or to release them does not count. Tile 0 of one byte is enough.
 */
static inline void arch_use_tiles(void)
{
	unsigned char config[64] __attribute__((aligned(64)));

	for (unsigned int i = 0; i < sizeof(config); i++)
		((volatile unsigned char *)config)[i] = 0;
	config[0] = 1;		/* palette */
	config[16] = 1;		/* bytes of a row */
	config[48] = 1;		/* rows */
	asm volatile(".byte 0xc4, 0xe2, 0x78, 0x49, 0x00\n\t"	/* ldtilecfg (%rax) */
		     ".byte 0xc4, 0xe2, 0x7b, 0x49, 0xc0\n\t"	/* tilezero %tmm0 */
		     ".byte 0xc4, 0xe2, 0x78, 0x49, 0xc0"	/* tilerelease */
		     : : "a"(config) : "memory");
}

static inline void arch_relax(void)
{
	asm volatile("pause" : : : "memory");
}

/* Leave the C world of the orchestrator's copy: call fn(arg) on another stack, for ever. */
static inline void __attribute__((noreturn)) arch_jump(void *fn, void *arg, void *stack_top)
{
	asm volatile("mov %0, %%rsp\n\t"
		     "xor %%ebp, %%ebp\n\t"
		     "call *%1\n\t"
		     "ud2"
		     : : "r"(stack_top), "r"(fn), "D"(arg) : "memory");
	__builtin_unreachable();
}

/* The kernel's vdso with its vvar from addr on; only when none is mapped. */
static inline long arch_map_vdso(unsigned long addr)
{
	long ret = arch_syscall6(__NR_arch_prctl, ARCH_MAP_VDSO_64, (long)addr, 0, 0, 0, 0);

	return ret < 0 ? ret : 0;	/* else the size of the vdso */
}

#endif
