// SPDX-License-Identifier: GPL-2.0
/*
 * Where the components of NT_X86_XSTATE lie, CPUID decides: AMD's processors
 * leave no room for MPX, which they never had. A core file has no CPUID, and
 * debuggers take Intel's places (gdb before 14 always, gdb since then unless it
 * knows the size), so that is how gdb's own core files and ours are laid out.
 * AMX, 8 KiB behind all that, is left out where the thread has not used it:
 * older debuggers do not know the longer note.
 */
#include "core/core_int.h"

#include <string.h>

#define PKRU		(1ull << 9)
#define MPX		(3ull << 3)
#define AVX512		(7ull << 5)
#define AMX		(3ull << 17)
#define XSTATE_BV_AT	512
#define CLOSE_LEN	2432u	/* AMD's: all up to AVX-512 */
#define CLOSE_PKRU_LEN	2440u
#define WIDE_LEN	2688u	/* Intel's */
#define WIDE_PKRU_LEN	2696u

/* Behind the part for AVX, which lies at 576 everywhere. */
static const struct {
	uint16_t close, wide, len;
} parts[] = {
	{ 832, 1088, 64 },	/* opmask */
	{ 896, 1152, 512 },	/* ZMM_Hi256 */
	{ 1408, 1664, 1024 },	/* Hi16_ZMM */
	{ 2432, 2688, 8 },	/* PKRU */
};

#define PARTS_AT 832u

uint32_t core_xstate_spread(uint8_t *x, uint32_t len, uint64_t xfeatures)
{
	uint8_t close[CLOSE_PKRU_LEN];
	uint32_t want = xfeatures & PKRU ? CLOSE_PKRU_LEN : CLOSE_LEN;
	uint32_t wide = xfeatures & PKRU ? WIDE_PKRU_LEN : WIDE_LEN;
	uint64_t used;

	memcpy(&used, x + XSTATE_BV_AT, sizeof(used));
	if (len > wide && xfeatures & AMX && !(used & AMX) && used < AMX)
		return wide;
	if (len != want || xfeatures & MPX || !(xfeatures & (PKRU | AVX512)))
		return len;
	memcpy(close, x, len);
	memset(x + PARTS_AT, 0, wide - PARTS_AT);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (parts[i].close + parts[i].len <= len)
			memcpy(x + parts[i].wide, close + parts[i].close, parts[i].len);
	return wide;
}
