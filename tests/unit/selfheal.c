// SPDX-License-Identifier: GPL-2.0
/* Frames for a borrowed thread: what is found, what is refused. tests/cow.bats runs them. */
#include "selfheal.h"

#include <errno.h>
#include <string.h>

#include "tap.h"

#define AT 0x700000000000ull

static void test_search(void)
{
	static const uint8_t both[] = { 0x90, 0x0f, 0x05, 0xc3, 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };
	static const uint8_t small[] = { 0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05, 0xc3 };
	struct arch_heal_code c = { 0 };

	ok(arch_heal_search(&c, both, sizeof(both), AT), "both in one piece of code");
	ok(c.syscall_ret == AT + 1 && c.sigreturn == AT + 4, "where they are");
	memset(&c, 0, sizeof(c));
	ok(!arch_heal_search(&c, both, 4, AT) && c.syscall_ret == AT + 1, "one of them");
	ok(arch_heal_search(&c, small, sizeof(small), AT + 4096), "the other elsewhere, in its short form");
	ok(c.syscall_ret == AT + 1 && c.sigreturn == AT + 4096, "what was found stays");
}

static const uint8_t *memory;

static int read_memory(void *arg, uint64_t addr, void *buf, size_t n)
{
	(void)arg;
	if (addr < AT || addr + n > AT + 64)
		return -EFAULT;
	memcpy(buf, memory + (addr - AT), n);
	return 0;
}

static void test_check(void)
{
	uint8_t code[64] = { 0x0f, 0x05, 0xc3, 0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05 };
	struct arch_heal_code c = { 0 };

	memory = code;
	ok(arch_heal_search(&c, code, sizeof(code), AT) && arch_heal_check(&c, read_memory, NULL),
	   "still there");
	code[8] = 0x90;
	ok(!arch_heal_check(&c, read_memory, NULL), "the one was overwritten");
	code[8] = 0x0f;
	code[2] = 0x90;
	ok(!arch_heal_check(&c, read_memory, NULL), "the other was");
	c.syscall_ret = AT + 4096;
	ok(!arch_heal_check(&c, read_memory, NULL), "it is gone");
}

static void test_frames(void)
{
	static uint8_t frames[ARCH_HEAL_LEN] __attribute__((aligned(64))), xstate[ARCH_HEAL_LEN];
	struct arch_heal_code c = { AT, AT + 16 };
	struct user_regs_struct r = { .cs = 0x33, .ss = 0x2b, .rip = AT + 100, .rsp = AT - 100,
				      .orig_rax = (unsigned long)-1 }, go;
	size_t used = 0;

	ok(!arch_heal_frames(&c, &r, xstate, 2696, 0, AT, frames, &used, &go), "frames");
	ok(used > 576 && used <= ARCH_HEAL_LEN && go.rip == c.syscall_ret, "they have a size and a start");
	ok(go.rsp >= AT && go.rsp < AT + used && go.rsi >= AT && go.rsi < AT + used, "inside of it");
	r.cs = 0x23;
	ok(arch_heal_frames(&c, &r, xstate, 2696, 0, AT, frames, &used, &go) == -EOPNOTSUPP, "32-bit code");
	r.cs = 0x33;
	r.orig_rax = 35;
	r.rax = (unsigned long)-516;
	ok(arch_heal_frames(&c, &r, xstate, 2696, 0, AT, frames, &used, &go) == -EBUSY,
	   "a call that only the kernel can go on with");
	r.rax = (unsigned long)-514;
	ok(!arch_heal_frames(&c, &r, xstate, 2696, 0, AT, frames, &used, &go), "one that can begin again");
	ok(arch_heal_frames(&c, &r, xstate, 512, 0, AT, frames, &used, &go) == -ENOSPC, "no xstate");
}

int main(void)
{
	test_search();
	test_check();
	test_frames();
	return tap_done();
}
