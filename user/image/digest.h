/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The sums of the format. SHA-256 comes from nettle: linked, it costs 0.1 ms of
 * start-up, OpenSSL's EVP 2 ms, at the same speed; XXH3 from libxxhash.
 */
#ifndef CKPT_DIGEST_H
#define CKPT_DIGEST_H

#include <nettle/sha2.h>
#include <stddef.h>
#include <stdint.h>
#include <xxhash.h>

#include "ckptbpf/image.h"

/* CRC32C (Castagnoli) of the bytes so far, 0 at the start. */
uint32_t ckpt_crc32c(uint32_t crc, const void *buf, size_t len);
/* The same on a processor without an instruction for it. */
uint32_t ckpt_crc32c_portable(uint32_t crc, const void *buf, size_t len);

/* As the header's crc field wants it: header with crc 0, then len bytes of payload. */
uint32_t ckpt_record_crc(const struct ckpt_hdr *h, const void *payload, size_t len);

static inline void ckpt_xxh3(uint8_t ret[16], const void *buf, size_t len)
{
	XXH128_canonical_t c;

	XXH128_canonicalFromHash(&c, XXH3_128bits(buf, len));
	for (int i = 0; i < 16; i++)
		ret[i] = c.digest[i];
}

#endif
