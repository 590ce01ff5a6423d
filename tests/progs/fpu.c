// SPDX-License-Identifier: GPL-2.0
/*
 * fpu: one thread for each unit of the FPU that this machine has (x87, SSE, AVX2,
 * AVX-512, AMX) computes in its registers alone, under control words of its own,
 * until it is told to stop. Then each does as many steps again, undisturbed: every
 * register must hold the same bits.
 */
#include "prog.h"

#include <cpuid.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>

#define X87_CW		0x0a7fu		/* 53 bits, rounded up */
#define MXCSR		0xbfc0u		/* rounded down, denormals are zero */
#define CPUID7_AMX	(3u << 24)	/* AMX-TILE, AMX-INT8 in edx */
#define XTILEDATA	18

struct run {
	uint8_t in[8192], out[8192];	/* all registers, before and after */
	uint64_t limit, n;		/* steps at most, and made */
	uint64_t slow;			/* leaves the CPU to others */
	volatile int *stop;
} __attribute__((aligned(64)));

/*
 * Steps until *stop or the limit. Nothing but `step` touches the unit's registers;
 * no system call, no function. rax counts.
 */
#define STEPS(step)							\
	"xor %%eax, %%eax\n"						\
	"1:\n\t" step							\
	"inc %%rax\n\t"							\
	"cmp %[limit], %%rax\n\t"					\
	"je 2f\n\t"							\
	"cmpl $0, (%[stop])\n\t"					\
	"jne 2f\n\t"							\
	"test %[slow], %[slow]\n\t"					\
	"jz 1b\n\t"							\
	"pause\n\t" "pause\n\t" "pause\n\t" "pause\n\t"			\
	"pause\n\t" "pause\n\t" "pause\n\t" "pause\n\t"			\
	"jmp 1b\n"							\
	"2:\n\t"

#define COMPUTE(r, before, step, after)					\
	asm volatile(before STEPS(step) after				\
		     : "=&a"((r)->n)					\
		     : [in] "r"((r)->in), [out] "r"((r)->out), [limit] "r"((r)->limit),	\
		       [stop] "r"((r)->stop), [slow] "r"((r)->slow)	\
		     : "memory", "cc", "r11", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",	\
		       "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")

#define EACH8(f, op)	f(op, 0) f(op, 1) f(op, 2) f(op, 3) f(op, 4) f(op, 5) f(op, 6) f(op, 7)
#define EACH16(f, op)	EACH8(f, op) f(op, 8) f(op, 9) f(op, 10) f(op, 11) f(op, 12) f(op, 13)	\
			f(op, 14) f(op, 15)
#define EACH32(f, op)	EACH16(f, op) f(op, 16) f(op, 17) f(op, 18) f(op, 19) f(op, 20)		\
			f(op, 21) f(op, 22) f(op, 23) f(op, 24) f(op, 25) f(op, 26) f(op, 27)	\
			f(op, 28) f(op, 29) f(op, 30) f(op, 31)

/* ---- units: x' = r x (1 - x), which no bit survives that was once wrong ---- */

/* st0 is x, st1 is r, st2 is 1; the other four only stay. */
#define FSTP(op, i)	"fstpt " #i "*16(%[out])\n\t"

static __attribute__((noinline)) void x87(struct run *r)
{
	static const uint16_t cw = X87_CW;

	asm volatile("fninit\n\tfldcw %0" : : "m"(cw));
	COMPUTE(r,
		"fldt 6*16(%[in])\n\t" "fldt 5*16(%[in])\n\t" "fldt 4*16(%[in])\n\t"
		"fldt 3*16(%[in])\n\t" "fldt 2*16(%[in])\n\t" "fldt 1*16(%[in])\n\t"
		"fldt 0*16(%[in])\n\t",
		"fld %%st(0)\n\t"
		"fsubr %%st(3), %%st\n\t"
		"fmulp %%st, %%st(1)\n\t"
		"fmul %%st(1), %%st\n\t",
		"fnstcw 128(%[out])\n\t"
		FSTP(, 0) FSTP(, 1) FSTP(, 2) FSTP(, 3) FSTP(, 4) FSTP(, 5) FSTP(, 6) "fninit\n\t");
}

/* Of each vector unit: 0 to 3 are x, 4 is r, 5 is 1, 6 is scratch; the others only stay. */
#define LOAD_X(op, i)	op " " #i "*64(%[in]), %%xmm" #i "\n\t"
#define SAVE_X(op, i)	op " %%xmm" #i ", " #i "*64(%[out])\n\t"
#define STEP_X(i)	"movapd %%xmm5, %%xmm6\n\t" "subpd %%xmm" #i ", %%xmm6\n\t"	\
			"mulpd %%xmm6, %%xmm" #i "\n\t" "mulpd %%xmm4, %%xmm" #i "\n\t"

static __attribute__((noinline)) void sse(struct run *r)
{
	static const uint32_t mxcsr = MXCSR;
	uint32_t was;

	asm volatile("stmxcsr %0\n\tldmxcsr %1" : "=m"(was) : "m"(mxcsr));
	COMPUTE(r, EACH16(LOAD_X, "movapd"), STEP_X(0) STEP_X(1) STEP_X(2) STEP_X(3),
		EACH16(SAVE_X, "movapd") "stmxcsr 16*64(%[out])\n\t");
	asm volatile("ldmxcsr %0" : : "m"(was));
}

#define LOAD_Y(op, i)	op " " #i "*64(%[in]), %%ymm" #i "\n\t"
#define SAVE_Y(op, i)	op " %%ymm" #i ", " #i "*64(%[out])\n\t"
#define STEP_Y(i)	"vfnmadd213pd %%ymm" #i ", %%ymm" #i ", %%ymm" #i "\n\t"	\
			"vmulpd %%ymm4, %%ymm" #i ", %%ymm" #i "\n\t"			\
			"vpxor %%ymm" #i ", %%ymm6, %%ymm6\n\t"

static __attribute__((noinline, target("avx2,fma"))) void avx2(struct run *r)
{
	/* x - x x by one rounding; ymm6 gathers what was. */
	COMPUTE(r, EACH16(LOAD_Y, "vmovapd"), STEP_Y(0) STEP_Y(1) STEP_Y(2) STEP_Y(3),
		EACH16(SAVE_Y, "vmovapd") "vzeroupper\n\t");
}

#define LOAD_Z(op, i)	op " " #i "*64(%[in]), %%zmm" #i "\n\t"
#define SAVE_Z(op, i)	op " %%zmm" #i ", " #i "*64(%[out])\n\t"
#define LOAD_K(op, i)	"kmovq 2048+" #i "*8(%[in]), %%k" #i "\n\t"
#define SAVE_K(op, i)	"kmovq %%k" #i ", 2048+" #i "*8(%[out])\n\t"
/* Only the lanes of the mask go on; the upper registers take part. */
#define STEP_Z(i, k)	"vfnmadd213pd %%zmm" #i ", %%zmm" #i ", %%zmm" #i " %{%%k" #k "%}\n\t"	\
			"vmulpd %%zmm31, %%zmm" #i ", %%zmm" #i " %{%%k" #k "%}\n\t"	\
			"vpxorq %%zmm" #i ", %%zmm30, %%zmm30\n\t"

static __attribute__((noinline, target("avx512f,avx512bw"))) void avx512(struct run *r)
{
	COMPUTE(r, EACH32(LOAD_Z, "vmovapd") EACH8(LOAD_K, ),
		STEP_Z(0, 1) STEP_Z(1, 2) STEP_Z(16, 3) STEP_Z(17, 4),
		EACH32(SAVE_Z, "vmovapd") EACH8(SAVE_K, ) "vzeroupper\n\t");
}

/* tmm0 += tmm1 tmm2 in bytes, tmm3 += tmm4 tmm5; 6 and 7 only stay. */
#define LOAD_T(op, i)	"tileloadd " #i "*1024(%[in], %%r11), %%tmm" #i "\n\t"
#define SAVE_T(op, i)	"tilestored %%tmm" #i ", " #i "*1024(%[out], %%r11)\n\t"

static __attribute__((noinline)) void amx(struct run *r)
{
	static const struct {
		uint8_t palette, start_row, zero[14];
		uint16_t colsb[16];
		uint8_t rows[16];
	} __attribute__((aligned(64))) config = {
		.palette = 1,
		.colsb = { 64, 64, 64, 64, 64, 64, 64, 64 },
		.rows = { 16, 16, 16, 16, 16, 16, 16, 16 },
	};
	uint8_t now[64] __attribute__((aligned(64)));

	asm volatile("ldtilecfg %0" : : "m"(config));
	COMPUTE(r, "mov $64, %%r11d\n\t" EACH8(LOAD_T, ),
		"tdpbssd %%tmm2, %%tmm1, %%tmm0\n\t" "tdpbssd %%tmm5, %%tmm4, %%tmm3\n\t",
		"mov $64, %%r11d\n\t" EACH8(SAVE_T, ));
	asm volatile("sttilecfg %0\n\ttilerelease" : "=m"(now));
	CHECK(!memcmp(now, &config, sizeof(now)));
}

/* ---- what is there ---- */

static bool has_x87(void) { return true; }
static bool has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

/* The kernel must have given leave, too. */
static bool has_amx(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & CPUID7_AMX) == CPUID7_AMX &&
	       !syscall(SYS_arch_prctl, 0x1023 /* ARCH_REQ_XCOMP_PERM */, XTILEDATA);
}

static const struct unit {
	const char *name;
	bool (*has)(void);
	void (*compute)(struct run *r);
} units[] = {
	{ "x87", has_x87, x87 }, { "SSE", has_x87, sse }, { "AVX2", has_avx2, avx2 },
	{ "AVX-512", has_avx512, avx512 }, { "AMX", has_amx, amx },
};
#define N (sizeof(units) / sizeof(*units))

static struct run live[N], again[N];
static volatile int stop;
static pthread_barrier_t started;

/* Different in each lane and each register; x in (0, 1), r just below 4. */
static void fill(struct run *r, size_t unit)
{
	double *d = (double *)r->in;

	if (unit == 0) {
		for (int i = 0; i < 8; i++) {
			long double v = i == 0 ? 0.3141592653589793238L : i == 1 ? 3.9999L : i == 2 ? 1.0L :
					1.6180339887498948482L * i;

			memcpy(r->in + 16 * i, &v, 10);
		}
		return;
	}
	for (int i = 0; i < 256; i++) {
		int reg = i / 8;
		bool is_x = unit == 3 ? reg < 2 || reg == 16 || reg == 17 : reg < 4;

		d[i] = is_x ? 0.1 + 0.003 * i : reg == 5 ? 1.0 : 3.9999 - 1e-7 * i;
	}
	for (int i = 0; i < 8; i++)
		((uint64_t *)(r->in + 2048))[i] = 0xf0c3a55a96ull * (uint64_t)(2 * i + 1) | 1u << i;
	for (size_t i = 0; unit == 4 && i < sizeof(r->in); i++)
		r->in[i] = (uint8_t)(i * 37 + i / 64 + 11);
}

static void *run(void *arg)
{
	size_t i = (size_t)arg;

	pthread_barrier_wait(&started);
	units[i].compute(&live[i]);
	return NULL;
}

static void check(size_t i)
{
	static volatile int never;

	again[i].stop = &never;
	again[i].limit = live[i].n;
	units[i].compute(&again[i]);
	CHECK(again[i].n == live[i].n && live[i].n > 1000);
	for (size_t at = 0; at < sizeof(live[i].out); at++)
		CHECKF(live[i].out[at] == again[i].out[at], "%s: byte %zu after %llu steps: %#x, not %#x",
		       units[i].name, at, (unsigned long long)live[i].n, live[i].out[at], again[i].out[at]);
	CHECKF(memcmp(live[i].out, live[i].in, 64), "%s: it did not compute", units[i].name);
}

int main(void)
{
	pthread_t t[N];
	bool has[N];
	unsigned int n = 1;

	prog_init();
	for (size_t i = 0; i < N; i++)
		n += has[i] = units[i].has();
	CHECK(pthread_barrier_init(&started, NULL, n) == 0);
	for (size_t i = 0; i < N; i++) {
		if (!has[i]) {
			prog_say("no %s here", units[i].name);
			continue;
		}
		fill(&live[i], i);
		fill(&again[i], i);
		live[i].stop = &stop;
		live[i].slow = 1;
		CHECK(pthread_create(&t[i], NULL, run, (void *)i) == 0);
	}
	pthread_barrier_wait(&started);
	prog_ready();
	usleep(20000);
	stop = 1;
	for (size_t i = 0; i < N; i++)
		CHECK(!has[i] || pthread_join(t[i], NULL) == 0);
	for (size_t i = 0; i < N; i++)
		if (has[i])
			check(i);
	prog_done();
}
