// SPDX-License-Identifier: GPL-2.0
#include "restart.h"

#include <errno.h>
#include <sys/syscall.h>

/* Inside the kernel only: include/linux/errno.h. */
#define ERESTART_RESTARTBLOCK 516

/*
 * Calls that end with EINTR at any interruption, a stop included, and that the
 * kernel never restarts: semop(7), epoll_wait(2), signal(7) on socket timeouts;
 * select(2) and its kin where they cannot write back how much time is left. Only
 * those whose failure had no effect. A connect() has had one, but entered again
 * it waits on for the same connection.
 */
bool arch_eintr_is_ours(long nr)
{
	switch (nr) {
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
	case SYS_semop:
	case SYS_semtimedop:
	case SYS_rt_sigtimedwait:
	case SYS_io_getevents:
	case SYS_io_pgetevents:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_accept:
	case SYS_accept4:
	case SYS_connect:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendmmsg:
	case SYS_read:
	case SYS_readv:
	case SYS_write:
	case SYS_writev:
	case SYS_select:
	case SYS_pselect6:
	case SYS_ppoll:
		return true;
	}
	return false;
}

/* Back before the two bytes of the system call instruction, with its number in ax. */
static void again(struct ckpt_cpu *cpu, long nr)
{
	cpu->ip -= 2;
	cpu->ax = (__u64)nr;
	cpu->orig_ax = (__u64)-1;
}

void arch_fix_restart(struct ckpt_cpu *cpu, int restart_nr)
{
	long ax = (long)cpu->ax, nr = (long)cpu->orig_ax;

	if (nr < 0)
		return;		/* it was in user mode */
	if (ax == -EINTR) {
		if (arch_eintr_is_ours(nr))
			again(cpu, nr);
		return;
	}
	/*
	 * -ERESTARTSYS, -ERESTARTNOINTR, -ERESTARTNOHAND: the kernel restarts
	 * by itself from these registers alone. -ERESTART_RESTARTBLOCK it would
	 * continue from a block of its own, which the new thread does not have:
	 * call again, with the whole timeout, so never too short. After an
	 * earlier stop the number is that of restart_syscall and says nothing.
	 */
	if (ax != -ERESTART_RESTARTBLOCK)
		return;
	if (nr == SYS_restart_syscall)
		nr = restart_nr;
	if (nr >= 0 && nr != SYS_restart_syscall) {
		again(cpu, nr);
		return;
	}
	cpu->ax = (__u64)-EINTR;
	cpu->orig_ax = (__u64)-1;
}
