// SPDX-License-Identifier: GPL-2.0
#include "selfheal.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/wait.h>

#include "xfeatures.h"

#define USER_CS		0x33u
#define RED_ZONE	128u
#define EFLAGS_FIXED	0x202u

/* arch/x86/include/uapi/asm/ucontext.h; the magics are in signal.h. */
#define UC_FP_XSTATE		1ul
#define UC_SIGCONTEXT_SS	2ul
#define UC_STRICT_RESTORE_SS	4ul
#define SW_BYTES_AT		464
#define XSTATE_BV_AT		512
#define XSTATE_MIN		576u

/* Inside the kernel only: include/linux/errno.h. */
#define ERESTARTSYS		512
#define ERESTARTNOINTR		513
#define ERESTARTNOHAND		514
#define ERESTART_RESTARTBLOCK	516

static const uint8_t syscall_ret[] = { 0x0f, 0x05, 0xc3 };
static const uint8_t sigreturn_long[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };
static const uint8_t sigreturn_short[] = { 0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05 };

/* What rt_sigreturn() finds at the stack pointer, less the first word, which was popped. */
struct frame {
	uint64_t ret;
	ucontext_t uc;
};

/* Where in the lent memory; a handler that comes before the first frame is used builds below it. */
struct layout {
	struct frame wait;
	struct frame child;
	struct frame own;
	uint8_t xstate[] __attribute__((aligned(64)));
};

static uint64_t find(const uint8_t *code, size_t len, uint64_t addr, const uint8_t *what, size_t n)
{
	const uint8_t *at = memmem(code, len, what, n);

	return at ? addr + (uint64_t)(at - code) : 0;
}

bool arch_heal_search(struct arch_heal_code *c, const uint8_t *code, size_t len, uint64_t addr)
{
	if (!c->syscall_ret)
		c->syscall_ret = find(code, len, addr, syscall_ret, sizeof(syscall_ret));
	if (!c->sigreturn)
		c->sigreturn = find(code, len, addr, sigreturn_long, sizeof(sigreturn_long));
	if (!c->sigreturn)
		c->sigreturn = find(code, len, addr, sigreturn_short, sizeof(sigreturn_short));
	return c->syscall_ret && c->sigreturn;
}

bool arch_heal_check(const struct arch_heal_code *c,
		     int (*read)(void *arg, uint64_t addr, void *buf, size_t n), void *arg)
{
	uint8_t a[sizeof(syscall_ret)], b[sizeof(sigreturn_long)] = { 0 };

	if (read(arg, c->syscall_ret, a, sizeof(a)) || memcmp(a, syscall_ret, sizeof(a)))
		return false;
	if (read(arg, c->sigreturn, b, sizeof(sigreturn_short)))
		return false;
	if (!memcmp(b, sigreturn_short, sizeof(sigreturn_short)))
		return true;
	return !read(arg, c->sigreturn, b, sizeof(b)) && !memcmp(b, sigreturn_long, sizeof(b));
}

/* A frame that leads to code with nothing of its own: its FPU is the initial one. */
static void fill(struct frame *f, const struct arch_heal_code *c, uint64_t sp, uint64_t nr)
{
	greg_t *g = f->uc.uc_mcontext.gregs;

	f->ret = c->sigreturn;
	f->uc.uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	memset(&f->uc.uc_sigmask, 0xff, 8);
	g[REG_RIP] = (greg_t)c->syscall_ret;
	g[REG_RSP] = (greg_t)sp;
	g[REG_RAX] = (greg_t)nr;
	g[REG_EFL] = EFLAGS_FIXED;
}

static void fill_own(struct frame *f, const struct arch_heal_code *c,
		     const struct user_regs_struct *r, uint64_t xstate, uint64_t mask)
{
	greg_t *g = f->uc.uc_mcontext.gregs;
	long nr = (long)r->orig_rax, ax = (long)r->rax;

	f->ret = c->sigreturn;
	f->uc.uc_flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	memcpy(&f->uc.uc_sigmask, &mask, sizeof(mask));
	f->uc.uc_mcontext.fpregs = (fpregset_t)(uintptr_t)xstate;
	g[REG_R8] = (greg_t)r->r8, g[REG_R9] = (greg_t)r->r9, g[REG_R10] = (greg_t)r->r10;
	g[REG_R11] = (greg_t)r->r11, g[REG_R12] = (greg_t)r->r12, g[REG_R13] = (greg_t)r->r13;
	g[REG_R14] = (greg_t)r->r14, g[REG_R15] = (greg_t)r->r15, g[REG_RDI] = (greg_t)r->rdi;
	g[REG_RSI] = (greg_t)r->rsi, g[REG_RBP] = (greg_t)r->rbp, g[REG_RBX] = (greg_t)r->rbx;
	g[REG_RDX] = (greg_t)r->rdx, g[REG_RAX] = (greg_t)r->rax, g[REG_RCX] = (greg_t)r->rcx;
	g[REG_RSP] = (greg_t)r->rsp, g[REG_RIP] = (greg_t)r->rip, g[REG_EFL] = (greg_t)r->eflags;
	/* After a sigreturn the kernel no longer knows of a call that it would have begun again. */
	if (nr >= 0 && (ax == -ERESTARTSYS || ax == -ERESTARTNOINTR || ax == -ERESTARTNOHAND)) {
		g[REG_RIP] -= 2;
		g[REG_RAX] = (greg_t)nr;
	}
}

/* As the kernel writes it into a signal's frame; only what is in use, the rest becomes initial. */
static int fill_xstate(uint8_t *to, size_t room, const uint8_t *xstate, size_t len, size_t *used)
{
	struct { uint32_t magic1, extended_size; uint64_t xfeatures; uint32_t xstate_size; } sw;
	uint32_t magic2 = FP_XSTATE_MAGIC2;
	uint64_t features;
	size_t n;

	if (len < XSTATE_MIN)
		return -ENOSPC;
	memcpy(&features, xstate + XSTATE_BV_AT, sizeof(features));
	n = arch_xfeatures_end(features);
	if (n > len || n + sizeof(magic2) > room)
		return -ENOSPC;
	memcpy(to, xstate, n);
	sw.magic1 = FP_XSTATE_MAGIC1;
	sw.extended_size = (uint32_t)(n + sizeof(magic2));
	sw.xfeatures = features | 3;
	sw.xstate_size = (uint32_t)n;
	memset(to + SW_BYTES_AT, 0, XSTATE_BV_AT - SW_BYTES_AT);
	memcpy(to + SW_BYTES_AT, &sw, sizeof(sw));
	memcpy(to + n, &magic2, sizeof(magic2));
	*used = n + sizeof(magic2);
	return 0;
}

static uint64_t segments(const struct user_regs_struct *r)
{
	return r->cs | r->gs << 16 | r->fs << 32 | r->ss << 48;
}

int arch_heal_frames(const struct arch_heal_code *c, const struct user_regs_struct *regs,
		     const void *xstate, size_t xstate_len, uint64_t mask, uint64_t addr,
		     uint8_t *frames, size_t *used, struct user_regs_struct *go)
{
	struct layout *l = (struct layout *)(void *)frames;
	uint64_t wait_at = addr + offsetof(struct layout, wait);
	uint64_t own_at = addr + offsetof(struct layout, own);
	greg_t *g;
	int err;

	if (regs->cs != USER_CS)
		return -EOPNOTSUPP;
	if ((long)regs->orig_rax >= 0 && (long)regs->rax == -ERESTART_RESTARTBLOCK)
		return -EBUSY;
	memset(frames, 0, ARCH_HEAL_LEN);
	err = fill_xstate(l->xstate, ARCH_HEAL_LEN - offsetof(struct layout, xstate), xstate,
			  xstate_len, used);
	if (err)
		return err;
	*used += offsetof(struct layout, xstate);
	fill(&l->child, c, addr - RED_ZONE, SYS_exit_group);
	fill(&l->wait, c, own_at, SYS_wait4);
	fill_own(&l->own, c, regs, addr + offsetof(struct layout, xstate), mask);
	l->child.uc.uc_mcontext.gregs[REG_CSGSFS] = (greg_t)segments(regs);
	l->own.uc.uc_mcontext.gregs[REG_CSGSFS] = (greg_t)segments(regs);
	/* Nobody's number, if there is no child: clone() puts the child's in its place. */
	g = l->wait.uc.uc_mcontext.gregs;
	g[REG_CSGSFS] = (greg_t)segments(regs);
	g[REG_RDI] = (greg_t)(uint32_t)INT_MIN;
	g[REG_RDX] = __WALL;

	*go = *regs;
	go->rip = c->syscall_ret;
	go->rsp = wait_at;
	go->rax = SYS_clone;
	go->orig_rax = (unsigned long)-1;
	go->rdi = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_PARENT_SETTID;
	go->rsi = addr + offsetof(struct layout, child);
	go->rdx = wait_at + offsetof(struct frame, uc.uc_mcontext.gregs[REG_RDI]);
	go->r10 = 0;
	go->r8 = 0;
	return 0;
}

void arch_heal_call(const struct arch_heal_code *c, struct user_regs_struct *regs, long nr,
		    uint64_t a, uint64_t b, uint64_t d)
{
	regs->rip = c->syscall_ret;
	regs->rax = (unsigned long)nr;
	regs->orig_rax = (unsigned long)-1;
	regs->rdi = a;
	regs->rsi = b;
	regs->rdx = d;
	regs->r10 = 0;
	regs->r8 = 0;
	regs->r9 = 0;
}

/* The descriptors stay shared for now: a copy of the table would hold every file open. */
void arch_heal_fork(const struct arch_heal_code *c, struct user_regs_struct *regs)
{
	arch_heal_call(c, regs, SYS_clone, CLONE_FILES | CLONE_FS, 0, 0);
}
