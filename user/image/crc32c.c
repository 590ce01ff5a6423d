// SPDX-License-Identifier: GPL-2.0
#include "image/digest.h"

#include <string.h>

#define POLY 0x82f63b78u	/* Castagnoli, bits reversed */

static uint32_t table[256];

__attribute__((constructor)) static void make_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ POLY : c >> 1;
		table[i] = c;
	}
}

uint32_t ckpt_crc32c_portable(uint32_t crc, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	crc = ~crc;
	while (len--)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
	return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2")))
static uint32_t crc_sse42(uint32_t c, const uint8_t *p, size_t len)
{
	uint64_t c64 = c;

	for (; len >= 8; p += 8, len -= 8) {
		uint64_t v;

		memcpy(&v, p, 8);
		c64 = __builtin_ia32_crc32di(c64, v);
	}
	c = (uint32_t)c64;
	while (len--)
		c = __builtin_ia32_crc32qi(c, *p++);
	return c;
}
#endif

uint32_t ckpt_crc32c(uint32_t crc, const void *buf, size_t len)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~crc_sse42(~crc, buf, len);
#endif
	return ckpt_crc32c_portable(crc, buf, len);
}

uint32_t ckpt_record_crc(const struct ckpt_hdr *h, const void *payload, size_t len)
{
	struct ckpt_hdr z = *h;

	z.crc = 0;
	return ckpt_crc32c(ckpt_crc32c(0, &z, sizeof(z)), payload, len);
}
