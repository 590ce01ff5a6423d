/* SPDX-License-Identifier: GPL-2.0 */
/* The module's x86 part: what the registers say about an interrupted system call. */
#ifndef CKPTBPF_KMOD_ARCH_H
#define CKPTBPF_KMOD_ARCH_H

#include <linux/errno.h>
#include <linux/net.h>
#include <linux/ptrace.h>
#include <linux/thread_info.h>
#include <uapi/linux/ipc.h>
#include <asm/syscall.h>
#include <asm/unistd.h>
#include <asm/unistd_32_ia32.h>

/*
 * Task work also runs inside system calls (io_uring waits). The entry code
 * sets ax to -ENOSYS, and only the end of the call gives it another value.
 * A call that really ends in ENOSYS looks the same: a short wait tells.
 */
static inline bool ckpt_arch_in_syscall(const struct pt_regs *regs)
{
	return (int)regs->ax == -ENOSYS && (long)regs->orig_ax >= 0;
}

/*
 * Calls that end in EINTR and not in ERESTART* when they are woken, have then
 * done nothing yet, and may be entered again: select and its kin where they
 * cannot write back how much time is left, the others by nature. A connect has
 * done something, but entered again it waits on for the same connection. Not
 * close, not io_uring_enter. arch/x86/restart.c has the same for a thread that
 * ptrace has stopped.
 */
static inline bool ckpt_arch_reenterable_64(unsigned int nr)
{
	switch (nr) {
	case __NR_epoll_wait:
	case __NR_epoll_pwait:
	case __NR_epoll_pwait2:
	case __NR_semop:
	case __NR_semtimedop:
	case __NR_msgrcv:
	case __NR_msgsnd:
	case __NR_io_getevents:
	case __NR_io_pgetevents:
	case __NR_rt_sigtimedwait:
	case __NR_recvfrom:
	case __NR_recvmsg:
	case __NR_recvmmsg:
	case __NR_accept:
	case __NR_accept4:
	case __NR_connect:
	case __NR_sendto:
	case __NR_sendmsg:
	case __NR_sendmmsg:
	case __NR_read:
	case __NR_readv:
	case __NR_write:
	case __NR_writev:
	case __NR_select:
	case __NR_pselect6:
	case __NR_ppoll:
		return true;
	}
	return false;
}

static inline bool ckpt_arch_reenterable_32(unsigned int nr, unsigned int arg0)
{
	switch (nr) {
	case __NR_ia32_epoll_wait:
	case __NR_ia32_epoll_pwait:
	case __NR_ia32_epoll_pwait2:
	case __NR_ia32_semtimedop_time64:
	case __NR_ia32_msgrcv:
	case __NR_ia32_msgsnd:
	case __NR_ia32_io_getevents:
	case __NR_ia32_io_pgetevents:
	case __NR_ia32_io_pgetevents_time64:
	case __NR_ia32_rt_sigtimedwait:
	case __NR_ia32_rt_sigtimedwait_time64:
	case __NR_ia32_recvfrom:
	case __NR_ia32_recvmsg:
	case __NR_ia32_recvmmsg:
	case __NR_ia32_recvmmsg_time64:
	case __NR_ia32_accept4:
	case __NR_ia32_connect:
	case __NR_ia32_sendto:
	case __NR_ia32_sendmsg:
	case __NR_ia32_sendmmsg:
	case __NR_ia32_read:
	case __NR_ia32_readv:
	case __NR_ia32_write:
	case __NR_ia32_writev:
	case __NR_ia32_select:
	case __NR_ia32__newselect:
	case __NR_ia32_pselect6:
	case __NR_ia32_pselect6_time64:
	case __NR_ia32_ppoll:
	case __NR_ia32_ppoll_time64:
		return true;
	case __NR_ia32_ipc:
		switch (arg0 & 0xffff) {
		case SEMOP:
		case SEMTIMEDOP:
		case MSGRCV:
		case MSGSND:
			return true;
		}
		return false;
	case __NR_ia32_socketcall:
		switch (arg0) {
		case SYS_RECV:
		case SYS_RECVFROM:
		case SYS_RECVMSG:
		case SYS_RECVMMSG:
		case SYS_ACCEPT:
		case SYS_ACCEPT4:
		case SYS_CONNECT:
		case SYS_SEND:
		case SYS_SENDTO:
		case SYS_SENDMSG:
		case SYS_SENDMMSG:
			return true;
		}
		return false;
	}
	return false;
}

/*
 * If only being parked made the call end in EINTR (no signal is there to be
 * delivered), let the kernel enter it again. ERESTARTNOHAND still gives EINTR
 * to a handler of a signal that comes while the thread is parked.
 */
static inline void ckpt_arch_fix_eintr(struct pt_regs *regs)
{
	unsigned int nr = regs->orig_ax;
	bool ok;

	if ((long)regs->orig_ax < 0 || (int)regs->ax != -EINTR || test_thread_flag(TIF_SIGPENDING))
		return;
	if (in_ia32_syscall())
		ok = ckpt_arch_reenterable_32(nr, regs->bx);
	else
		ok = ckpt_arch_reenterable_64(nr);
	if (ok)
		regs->ax = -ERESTARTNOHAND;
}

#endif
