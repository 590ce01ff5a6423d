// SPDX-License-Identifier: GPL-2.0
/*
 * The extended CPU state as the kernel keeps it in memory, turned into what
 * PTRACE_GETREGSET of NT_X86_XSTATE shows, byte for byte.
 *
 * In memory it is what XSAVES wrote (Intel SDM 1, 13.4): compacted, with
 * supervisor components, and with anything at all where a component was in its
 * initial state, unless the CPU has no XSAVES: then it is standard. PKRU lives in
 * thread_struct.
 */
#include "engine/bpf.h"

#include <cpuid.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "lib/fail.h"

#define LEGACY_LEN	512u	/* FXSAVE area */
#define HEADER_AT	512u
#define EXTENDED_AT	576u
#define XCOMP_COMPACTED	(1ull << 63)
#define COMPONENTS	63u

#define FP		(1ull << 0)
#define SSE		(1ull << 1)
#define YMM		(1ull << 2)
#define PKRU_NR		9u

/* Parts of the FXSAVE area, as the kernel copies them. */
#define MXCSR_AT	24u	/* MXCSR and its mask */
#define ST_AT		32u
#define XMM_AT		160u
#define PADDING_AT	416u
#define SW_AT		464u	/* six words for software; XCR0 first, as ptrace shows it */

static struct {
	uint64_t xcr0;
	uint32_t len;		/* standard format with all that XCR0 enables */
	struct { uint32_t size, offset; int aligned; } part[COMPONENTS];
	uint8_t init[LEGACY_LEN];
} cpu;
static pthread_once_t cpu_once = PTHREAD_ONCE_INIT;

/* CPUID traps in a virtual machine, so it is asked once. */
static void cpu_read(void)
{
	uint8_t fx[LEGACY_LEN] __attribute__((aligned(16)));
	uint32_t a, b, c, d, lo, hi, super;
	const uint16_t cwd = 0x37f;
	const uint32_t mxcsr = 0x1f80;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return;
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	cpu.xcr0 = (uint64_t)hi << 32 | lo;
	__cpuid_count(0xd, 0, a, b, c, d);
	cpu.len = b;
	__cpuid_count(0xd, 1, a, b, super, d);
	for (uint32_t i = 2; i < COMPONENTS; i++) {
		/* Only what user or supervisor state can have; others read as zeros. */
		if (i < 32 ? !((cpu.xcr0 | super) >> i & 1) : !(cpu.xcr0 >> i & 1))
			continue;
		__cpuid_count(0xd, i, a, b, c, d);
		cpu.part[i].size = a;
		cpu.part[i].offset = c & 1 ? 0 : b;	/* a supervisor component has no place */
		cpu.part[i].aligned = !!(c & 2);
	}
	/* The initial FXSAVE area; the mask of MXCSR is the CPU's. */
	__asm__ volatile("fxsave %0" : "=m"(fx));
	memcpy(cpu.init, &cwd, sizeof(cwd));
	memcpy(cpu.init + MXCSR_AT, &mxcsr, sizeof(mxcsr));
	memcpy(cpu.init + MXCSR_AT + 4, fx + MXCSR_AT + 4, 4);
}

/* Where component nr lies in x's data, 0: it is not in there. */
static uint32_t place_of(const struct gather_xstate *x, uint64_t xcomp, uint32_t nr)
{
	uint32_t at = EXTENDED_AT;

	if (!(xcomp & XCOMP_COMPACTED))
		at = cpu.part[nr].offset;
	else if (!(xcomp >> nr & 1))
		return 0;
	else {
		for (uint32_t i = 2; i < nr; i++) {
			if (!(xcomp >> i & 1))
				continue;
			if (cpu.part[i].aligned)
				at = (at + 63) & ~63u;
			at += cpu.part[i].size;
			if (!cpu.part[i].size || at > x->size)
				return 0;
		}
		if (cpu.part[nr].aligned)
			at = (at + 63) & ~63u;
	}
	if (at < EXTENDED_AT || at > x->size || x->size - at < cpu.part[nr].size)
		return 0;
	return at;
}

static void copy_legacy(uint8_t *out, const uint8_t *in, uint64_t bv)
{
	const uint8_t *fp = bv & FP ? in : cpu.init, *sse = bv & SSE ? in : cpu.init;
	const uint8_t *mxcsr = bv & (SSE | YMM) ? in : cpu.init;

	memcpy(out, fp, MXCSR_AT);
	memcpy(out + MXCSR_AT, mxcsr + MXCSR_AT, ST_AT - MXCSR_AT);
	memcpy(out + ST_AT, fp + ST_AT, XMM_AT - ST_AT);
	memcpy(out + XMM_AT, sse + XMM_AT, PADDING_AT - XMM_AT);
	memcpy(out + SW_AT, &cpu.xcr0, sizeof(cpu.xcr0));
}

int ckpt_xstate_decode(const struct gather_xstate *x, void *buf, size_t *len)
{
	uint8_t *out = buf;
	uint64_t bv, xcomp;
	uint32_t at;

	pthread_once(&cpu_once, cpu_read);
	if (!cpu.len)
		return ckpt_fail(-EOPNOTSUPP, x->h.tid, "xstate: this CPU has no XSAVE");
	if (cpu.len > *len)
		return ckpt_fail(-ENOSPC, x->h.tid, "xstate: %u bytes", cpu.len);
	if (x->size < EXTENDED_AT || x->size > x->h.len - sizeof(*x))
		return ckpt_fail(-EPROTO, x->h.tid, "xstate: %u bytes", x->size);
	memcpy(&bv, x->data + HEADER_AT, sizeof(bv));
	memcpy(&xcomp, x->data + HEADER_AT + 8, sizeof(xcomp));
	bv &= x->user_xfeatures;

	memset(out, 0, cpu.len);
	copy_legacy(out, x->data, bv);
	memcpy(out + HEADER_AT, &bv, sizeof(bv));
	for (uint32_t i = 2; i < COMPONENTS; i++) {
		if (!(bv >> i & 1))
			continue;
		at = place_of(x, xcomp, i);
		if (!at || cpu.part[i].offset < EXTENDED_AT || cpu.part[i].offset > cpu.len ||
		    cpu.len - cpu.part[i].offset < cpu.part[i].size)
			return ckpt_fail(-EPROTO, x->h.tid, "xstate: component %u", i);
		memcpy(out + cpu.part[i].offset, x->data + at, cpu.part[i].size);
		if (i == PKRU_NR) {
			memset(out + cpu.part[i].offset, 0, cpu.part[i].size);
			memcpy(out + cpu.part[i].offset, &x->pkru, 4);
		}
	}
	*len = cpu.len;
	return 0;
}
