// SPDX-License-Identifier: GPL-2.0
#include "xfeatures.h"

#include <cpuid.h>

#define FXSAVE_AND_HEADER	576u
#define CPUID_OSXSAVE		(1u << 27)

uint64_t arch_xfeatures(void)
{
	unsigned int a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & CPUID_OSXSAVE))
		return 0;
	asm volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	return (uint64_t)d << 32 | a;
}

size_t arch_xfeatures_end(uint64_t features)
{
	size_t end = FXSAVE_AND_HEADER;

	/* x87 and SSE lie in the FXSAVE area. */
	for (unsigned int bit = 2; bit < 63; bit++) {
		unsigned int size, at, c, d;

		if (!(features & 1ull << bit))
			continue;
		if (!__get_cpuid_count(0xd, bit, &size, &at, &c, &d))
			continue;
		if ((size_t)at + size > end)
			end = (size_t)at + size;
	}
	return end;
}

const char *arch_xfeature_name(unsigned int bit)
{
	static const char *const names[] = {
		"x87", "SSE", "AVX", "MPX bounds", "MPX config", "AVX-512 mask", "AVX-512 ZMM",
		"AVX-512 ZMM16", "PT", "PKRU", "PASID", "CET user", "CET supervisor", "HDC",
		"UINTR", "LBR", "HWP", "AMX config", "AMX tile data", "APX",
	};

	return bit < sizeof(names) / sizeof(*names) ? names[bit] : "unknown";
}
