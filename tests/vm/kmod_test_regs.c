// SPDX-License-Identifier: GPL-2.0
/* Registers, against ptrace and against what the program itself sees. */
#include "kmod_test.h"

#include <elf.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define AREA 0x10000000ul	/* where the program stores what it sees */
#define XSTATE_MAX 16384
#define XMM_AT 160		/* in the standard format: the FXSAVE area */
#define YMM_AT 576		/* upper halves */

/* Fixed places, so that neither the load nor the store needs a register. */
asm(
"	.text\n"
"regs_spin:\n"
"	jmp regs_spin\n"
"regs_store:\n"
"	movq %rax, 0x10000000\n"
"	movq %rbx, 0x10000008\n"
"	movq %rcx, 0x10000010\n"
"	movq %rdx, 0x10000018\n"
"	movq %rsi, 0x10000020\n"
"	movq %rdi, 0x10000028\n"
"	movq %rbp, 0x10000030\n"
"	movq %rsp, 0x10000038\n"
"	movq %r8,  0x10000040\n"
"	movq %r9,  0x10000048\n"
"	movq %r10, 0x10000050\n"
"	movq %r11, 0x10000058\n"
"	movq %r12, 0x10000060\n"
"	movq %r13, 0x10000068\n"
"	movq %r14, 0x10000070\n"
"	movq %r15, 0x10000078\n"
"	movq %fs:0, %rax\n"
"	movq %rax, 0x10000080\n"
"	movq %gs:0, %rax\n"
"	movq %rax, 0x10000088\n"
"	vmovdqu %ymm0,  0x10000100\n"
"	vmovdqu %ymm7,  0x10000120\n"
"	vmovdqu %ymm15, 0x10000140\n"
"	movq $1, 0x10000200\n"
"1:	jmp 1b\n"
);
extern char regs_spin[], regs_store[];

static void regs_target(struct shared *sh, int n)
{
	sh->ready = n;
	asm volatile(
		"vmovdqu 0x10000300, %%ymm0\n"
		"vmovdqu 0x10000320, %%ymm7\n"
		"vmovdqu 0x10000340, %%ymm15\n"
		"movq $0x1001, %%rax\n"
		"movq $0x1002, %%rbx\n"
		"movq $0x1003, %%rcx\n"
		"movq $0x1004, %%rdx\n"
		"movq $0x1005, %%rsi\n"
		"movq $0x1006, %%rdi\n"
		"movq $0x1007, %%rbp\n"
		"movq $0x1008, %%r8\n"
		"movq $0x1009, %%r9\n"
		"movq $0x100a, %%r10\n"
		"movq $0x100b, %%r11\n"
		"movq $0x100c, %%r12\n"
		"movq $0x100d, %%r13\n"
		"movq $0x100e, %%r14\n"
		"movq $0x100f, %%r15\n"
		"jmp regs_spin\n" ::: "memory");
	__builtin_unreachable();
}

static volatile uint64_t *map_area(void)
{
	void *p = mmap((void *)AREA, 8192, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	CHECK(p == (void *)AREA);
	for (int i = 0; i < 96; i++)
		((uint8_t *)p)[0x300 + i] = (uint8_t)(i + 1);
	return p;
}

static pid_t start_spinning(void)
{
	pid_t pid = start_target(regs_target, new_shared(), 1);

	sleep_ms(100);	/* from ready to the loop */
	return pid;
}

static void read_by_ptrace(pid_t pid, unsigned int note, void *buf, size_t *len)
{
	struct iovec iov = { buf, *len };
	int status;

	CHECK(!ptrace(PTRACE_SEIZE, pid, 0, 0));
	CHECK(!ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	CHECK_EQ(waitpid(pid, &status, __WALL), pid);
	CHECK(!ptrace(PTRACE_GETREGSET, pid, note, &iov));
	CHECK(!ptrace(PTRACE_DETACH, pid, 0, 0));
	*len = iov.iov_len;
}

static void test_get(void)
{
	static uint8_t x[XSTATE_MAX], px[XSTATE_MAX];
	struct user_regs_struct r, pr;
	struct ckptbpf_freeze f;
	uint32_t len;
	size_t plen = sizeof(pr);
	int fd = open_session();
	pid_t pid;

	map_area();
	pid = start_spinning();
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	len = sizeof(r);
	CHECK_EQ(regset(fd, pid, 0, NT_PRSTATUS, &r, &len), 0);
	CHECK_EQ(len, sizeof(r));
	CHECK_EQ(r.rip, (long)regs_spin);
	CHECK_EQ(r.rax, 0x1001);
	CHECK_EQ(r.rcx, 0x1003);
	CHECK_EQ(r.rbp, 0x1007);
	CHECK_EQ(r.r11, 0x100b);
	CHECK_EQ(r.r15, 0x100f);
	CHECK(r.fs_base != 0);
	len = sizeof(x);
	CHECK_EQ(regset(fd, pid, 0, NT_X86_XSTATE, x, &len), 0);
	CHECK(len > 576);
	CHECK(!memcmp(x + XMM_AT, (char *)AREA + 0x300, 16));
	CHECK(!memcmp(x + YMM_AT, (char *)AREA + 0x310, 16));
	CHECK(!memcmp(x + XMM_AT + 7 * 16, (char *)AREA + 0x320, 16));
	CHECK(!memcmp(x + YMM_AT + 15 * 16, (char *)AREA + 0x350, 16));
	CHECK_EQ(thaw(fd, 0), 0);

	read_by_ptrace(pid, NT_PRSTATUS, &pr, &plen);
	CHECK_EQ(plen, sizeof(pr));
	pr.orig_rax = r.orig_rax;
	CHECK(!memcmp(&r, &pr, sizeof(r)));
	plen = sizeof(px);
	read_by_ptrace(pid, NT_X86_XSTATE, px, &plen);
	CHECK_EQ(plen, len);
	CHECK(!memcmp(x, px, len));
}

static void check_stored(volatile uint64_t *area, const struct user_regs_struct *r)
{
	const uint64_t want[] = {
		r->rax, r->rbx, r->rcx, r->rdx, r->rsi, r->rdi, r->rbp, r->rsp,
		r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15,
	};

	for (int i = 0; i < 16; i++)
		CHECK_EQ(area[i], want[i]);
}

static void test_set(void)
{
	volatile uint64_t *area = map_area();
	struct user_regs_struct r, back;
	static uint8_t x[XSTATE_MAX], xback[XSTATE_MAX];
	struct ckptbpf_freeze f;
	uint32_t len = sizeof(r), xlen = sizeof(x);
	int fd = open_session();
	pid_t pid = start_spinning();

	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(regset(fd, pid, 0, NT_PRSTATUS, &r, &len), 0);
	CHECK_EQ(regset(fd, pid, 0, NT_X86_XSTATE, x, &xlen), 0);

	r.rip = (unsigned long)regs_store;
	r.orig_rax = (unsigned long long)-1;
	for (int i = 0; i < 16; i++) {
		unsigned long long *gpr[] = {
			&r.rax, &r.rbx, &r.rcx, &r.rdx, &r.rsi, &r.rdi, &r.rbp, &r.rsp,
			&r.r8, &r.r9, &r.r10, &r.r11, &r.r12, &r.r13, &r.r14, &r.r15,
		};

		*gpr[i] = 0xa5a5000000000000ull + 0x1111u * (unsigned int)i;
	}
	area[0x1000 / 8] = 0x1122334455667788;
	area[0x1008 / 8] = 0x8877665544332211;
	r.fs_base = AREA + 0x1000;
	r.gs_base = AREA + 0x1008;
	for (int i = 0; i < 16 * 16; i++) {
		x[XMM_AT + i] = (uint8_t)(i ^ 0x5a);
		x[YMM_AT + i] = (uint8_t)(i ^ 0xa5);
	}
	CHECK_EQ(regset(fd, pid, CKPTBPF_REGSET_SET, NT_PRSTATUS, &r, &len), 0);
	CHECK_EQ(regset(fd, pid, CKPTBPF_REGSET_SET, NT_X86_XSTATE, x, &xlen), 0);
	CHECK_EQ(regset(fd, pid, 0, NT_PRSTATUS, &back, &len), 0);
	CHECK(!memcmp(&r, &back, sizeof(r)));
	CHECK_EQ(regset(fd, pid, 0, NT_X86_XSTATE, xback, &xlen), 0);
	CHECK(!memcmp(x, xback, xlen));
	CHECK_EQ(thaw(fd, pid), 0);

	for (int i = 0; i < 2000 && !area[0x200 / 8]; i++)
		sleep_ms(5);
	CHECK_EQ(area[0x200 / 8], 1);
	check_stored(area, &r);
	CHECK_EQ(area[16], 0x1122334455667788);
	CHECK_EQ(area[17], 0x8877665544332211);
	for (int i = 0, reg[] = { 0, 7, 15 }; i < 3; i++) {
		CHECK(!memcmp((char *)AREA + 0x100 + 32 * i, x + XMM_AT + 16 * reg[i], 16));
		CHECK(!memcmp((char *)AREA + 0x110 + 32 * i, x + YMM_AT + 16 * reg[i], 16));
	}
}

static int try_set(int fd, pid_t pid, const struct user_regs_struct *r)
{
	uint32_t len = sizeof(*r);

	return regset(fd, pid, CKPTBPF_REGSET_SET, NT_PRSTATUS, (void *)(uintptr_t)r, &len);
}

static void test_bad(void)
{
	static uint8_t x[XSTATE_MAX];
	struct user_regs_struct r, bad;
	struct ckptbpf_freeze f;
	uint32_t len = sizeof(r), small = 24, big = 65537, none = 0, xlen = sizeof(x);
	int fd = open_session();
	pid_t pid;

	map_area();
	pid = start_spinning();
	/* It runs. */
	CHECK_EQ(regset(fd, pid, 0, NT_PRSTATUS, &r, &len), -ESRCH);
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(regset(fd, 4000000, 0, NT_PRSTATUS, &r, &len), -ESRCH);
	CHECK_EQ(regset(fd, getpid(), 0, NT_PRSTATUS, &r, &len), -ESRCH);
	CHECK_EQ(regset(fd, 0, 0, NT_PRSTATUS, &r, &len), -ESRCH);
	CHECK_EQ(regset(fd, pid, 0, 0x12345, &r, &len), -ENODEV);
	CHECK_EQ(regset(fd, pid, 0, NT_PRSTATUS, (void *)8, &len), -EFAULT);
	CHECK_EQ(regset(fd, pid, 0, NT_PRSTATUS, &r, &small), 0);	/* the beginning */
	CHECK_EQ(small, sizeof(r));
	CHECK_EQ(regset(fd, pid, 0, NT_PRSTATUS, &r, &len), 0);

	CHECK_EQ(regset(fd, pid, CKPTBPF_REGSET_SET, NT_PRSTATUS, (void *)8, &len), -EFAULT);
	CHECK_EQ(regset(fd, pid, CKPTBPF_REGSET_SET, NT_PRSTATUS, x, &none), -EINVAL);
	CHECK_EQ(regset(fd, pid, CKPTBPF_REGSET_SET, NT_PRSTATUS, x, &big), -EINVAL);
	len = sizeof(r) + 8;
	CHECK_EQ(regset(fd, pid, CKPTBPF_REGSET_SET, NT_PRSTATUS, x, &len), -EINVAL);
	len = sizeof(r) - 1;
	CHECK_EQ(regset(fd, pid, CKPTBPF_REGSET_SET, NT_PRSTATUS, x, &len), -EINVAL);

	/* The kernel's own checks: ring 0 selectors, a kernel address as fs base, reserved MXCSR bits. */
	bad = r;
	bad.cs = 0x10;
	CHECK_EQ(try_set(fd, pid, &bad), -EIO);
	bad = r;
	bad.ss = 0x18;
	CHECK_EQ(try_set(fd, pid, &bad), -EIO);
	bad = r;
	bad.fs_base = 0xffff800000000000;
	CHECK_EQ(try_set(fd, pid, &bad), -EIO);
	/* What comes before the bad one is not taken either. */
	bad = r;
	bad.r15 ^= 0x5555;
	bad.rbx ^= 0x5555;
	bad.ss = 0x18;
	CHECK_EQ(try_set(fd, pid, &bad), -EIO);
	len = sizeof(bad);
	CHECK_EQ(regset(fd, pid, 0, NT_PRSTATUS, &bad, &len), 0);
	CHECK(!memcmp(&bad, &r, sizeof(r)));
	CHECK_EQ(try_set(fd, pid, &r), 0);
	CHECK_EQ(regset(fd, pid, 0, NT_X86_XSTATE, x, &xlen), 0);
	x[24 + 3] = 0xff;
	CHECK_EQ(regset(fd, pid, CKPTBPF_REGSET_SET, NT_X86_XSTATE, x, &xlen), -EINVAL);
	x[24 + 3] = 0;
	small = 512;
	CHECK(regset(fd, pid, CKPTBPF_REGSET_SET, NT_X86_XSTATE, x, &small) < 0);

	/* A kernel address to run at kills the target and nothing else. */
	bad = r;
	bad.rip = 0xffffffff81000000;
	bad.rcx = bad.rip;
	CHECK_EQ(try_set(fd, pid, &bad), 0);
	CHECK_EQ(thaw(fd, 0), 0);
	CHECK(wait_dead(pid));
}

/* --- 32-bit ---------------------------------------------------------------- */

/* NT_PRSTATUS of a 32-bit task, struct user_regs_struct there. */
struct regs32 {
	uint32_t ebx, ecx, edx, esi, edi, ebp, eax, ds, es, fs, gs, orig_eax, eip, cs, eflags, esp, ss;
};
struct desc32 {
	uint32_t entry, base, limit, flags;
};

/* kmod_ia32, which lies beside us; returns when it has said that it is ready. */
static pid_t start_ia32(int out[2], char *arg)
{
	char path[512] = "";
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 20);
	char byte;
	pid_t pid;

	CHECK(n > 0);
	strcpy(strrchr(path, '/'), "/kmod_ia32");
	CHECK(!pipe(out));
	pid = fork();
	if (!pid) {
		dup2(out[1], 1);
		execl(path, "kmod_ia32", arg, NULL);
		_exit(99);
	}
	CHECK_EQ(read(out[0], &byte, 1), 1);
	sleep_ms(100);
	return pid;
}

static void test_ia32(void)
{
	uint32_t len = sizeof(struct regs32), tls_len = 3 * sizeof(struct desc32), seen[7];
	struct desc32 tls[3];
	struct ckptbpf_freeze f;
	struct regs32 r;
	int fd = open_session(), out[2], status, used = -1;
	pid_t pid = start_ia32(out, NULL);

	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(regset(fd, pid, 0, NT_PRSTATUS, &r, &len), 0);
	CHECK_EQ(len, 68);
	CHECK_EQ(r.eax, 0x11111111);
	CHECK_EQ(r.ebp, 0x77777777);
	CHECK_EQ(regset(fd, pid, 0, NT_386_TLS, tls, &tls_len), 0);
	CHECK_EQ(tls_len, 48);
	for (int i = 0; i < 3; i++)
		if (tls[i].base)
			used = i;
	CHECK(used >= 0);
	CHECK_EQ(r.gs, tls[used].entry * 8 + 3);

	tls[used].base += 4;	/* the second word there */
	CHECK_EQ(regset(fd, pid, CKPTBPF_REGSET_SET, NT_386_TLS, tls, &tls_len), 0);
	r.eip = (r.eip & ~0xfffu) + 0x200;
	r.orig_eax = (uint32_t)-1;
	r.eax = 0xa0000001;
	r.ebx = 0xa0000002;
	r.edi = 0xa0000003;
	CHECK_EQ(regset(fd, pid, CKPTBPF_REGSET_SET, NT_PRSTATUS, &r, &len), 0);
	CHECK_EQ(thaw(fd, 0), 0);
	CHECK_EQ(read(out[0], seen, sizeof(seen)), sizeof(seen));
	CHECK_EQ(seen[0], 0xa0000001);
	CHECK_EQ(seen[1], 0xa0000002);
	CHECK_EQ(seen[2], 0x33333333);
	CHECK_EQ(seen[5], 0xa0000003);
	CHECK_EQ(seen[6], 0x600dcafe);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 5);
}

/* A 32-bit call that the kernel itself would end with EINTR. */
static void test_ia32_wait(void)
{
	struct ckptbpf_freeze f;
	int fd = open_session(), out[2], status;
	pid_t pid = start_ia32(out, "wait");

	for (int i = 0; i < 3; i++) {
		CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
		sleep_ms(20);
		CHECK_EQ(thaw(fd, 0), 0);
		sleep_ms(20);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

const struct kmod_test regs_tests[] = {
	{ "registers and FPU state as ptrace reads them", test_get },
	{ "registers and FPU state set, and seen by the program", test_set },
	{ "register sets that must be refused", test_bad },
	{ "a 32-bit program: registers and TLS", test_ia32 },
	{ "a 32-bit program: a waiting call goes on", test_ia32_wait },
	{ NULL, NULL }
};
