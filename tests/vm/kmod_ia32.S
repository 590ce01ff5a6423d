/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A 32-bit program of known registers for kmod_test: it says so by one byte on
 * standard output and spins. "store" is where the test sends it: it writes what
 * it sees of eax to esi and of %gs:0 to standard output, 28 bytes, and exits
 * with 5.
 */
	.text
	.globl _start
_start:
	cmpl $1, (%esp)
	jne waits
	/* set_thread_area(): an entry of the kernel's choice, based on tls. */
	movl $243, %eax
	movl $desc, %ebx
	int $0x80
	movl desc, %eax
	leal 3(,%eax,8), %eax
	movw %ax, %gs
	movl $4, %eax
	movl $1, %ebx
	movl $tls, %ecx
	movl $1, %edx
	int $0x80
	movl $0x11111111, %eax
	movl $0x22222222, %ebx
	movl $0x33333333, %ecx
	movl $0x44444444, %edx
	movl $0x55555555, %esi
	movl $0x66666666, %edi
	movl $0x77777777, %ebp
	.globl spin
spin:
	jmp spin

	.org _start + 0x200
store:
	movl %eax, out
	movl %ebx, out + 4
	movl %ecx, out + 8
	movl %edx, out + 12
	movl %esi, out + 16
	movl %edi, out + 20
	movl %gs:0, %eax
	movl %eax, out + 24
	movl $4, %eax
	movl $1, %ebx
	movl $out, %ecx
	movl $28, %edx
	int $0x80
	movl $1, %eax
	movl $5, %ebx
	int $0x80

waits:
	movl $329, %eax		/* epoll_create1 */
	movl $0, %ebx
	int $0x80
	movl %eax, %ebx
	movl $4, %eax
	pushl %ebx
	movl $1, %ebx
	movl $tls, %ecx
	movl $1, %edx
	int $0x80
	popl %ebx
	movl $256, %eax		/* epoll_wait */
	movl $out, %ecx
	movl $1, %edx
	movl $1000, %esi
	int $0x80
	movl %eax, %ebx
	negl %ebx
	movl $1, %eax
	int $0x80

	.data
	.balign 16
tls:	.long 0x0badcafe, 0x600dcafe
/* struct user_desc: entry_number, base_addr, limit, 32-bit, in pages, usable */
desc:	.long -1, tls, 0xfffff, 0x51
out:	.fill 7, 4, 0
	.section .note.GNU-stack, "", @progbits
