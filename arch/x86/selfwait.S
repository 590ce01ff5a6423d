/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * long ckpt_self_wait(const void *set, void *info, const void *timeout, size_t len)
 *
 * rt_sigtimedwait with its result as the kernel gives it. For an empty set it
 * is never 0: the time is over (-EAGAIN) or something interrupted (-EINTR). A
 * snapshot that finds the thread at ckpt_self_waiting saves 0 as the result,
 * so that 0 means: this is the restored process.
 */
	.section .note.GNU-stack, "", @progbits
	.text
	.globl	ckpt_self_wait, ckpt_self_waiting
	.hidden	ckpt_self_wait, ckpt_self_waiting
	.type	ckpt_self_wait, @function
	.type	ckpt_self_waiting, @function
ckpt_self_wait:
	.cfi_startproc
#if defined(__x86_64__)
	endbr64
	movl	$128, %eax
	movq	%rcx, %r10
	syscall
ckpt_self_waiting:
	ret
#elif defined(__i386__)
	endbr32
	pushl	%ebx
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebx, 0
	pushl	%esi
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset esi, 0
	movl	$177, %eax
	movl	12(%esp), %ebx
	movl	16(%esp), %ecx
	movl	20(%esp), %edx
	movl	24(%esp), %esi
	int	$0x80
ckpt_self_waiting:
	popl	%esi
	.cfi_adjust_cfa_offset -4
	.cfi_restore esi
	popl	%ebx
	.cfi_adjust_cfa_offset -4
	.cfi_restore ebx
	ret
#else
#error "ckpt_self_wait is missing for this architecture"
#endif
	.cfi_endproc
	.size	ckpt_self_wait, . - ckpt_self_wait
