/* SPDX-License-Identifier: GPL-2.0 */
/* An image in memory whose sums can be made right again after it was changed. */
#ifndef TEST_IMAGE_PATCH_H
#define TEST_IMAGE_PATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/digest.h"
#include "image/image.h"

struct image {
	uint8_t *p;
	size_t len, cap;
};

__attribute__((unused)) static struct image image_copy(const struct image *from, size_t room)
{
	struct image i = { malloc(from->len + room), from->len, from->len + room };

	if (!i.p)
		abort();
	memcpy(i.p, from->p, from->len);
	return i;
}

static struct ckpt_hdr image_hdr(const struct image *i, size_t at)
{
	struct ckpt_hdr h;

	memcpy(&h, i->p + at, sizeof(h));
	return h;
}

/* Is there a whole record at this offset? */
static bool image_whole(const struct image *i, size_t at)
{
	return at <= i->len && i->len - at >= sizeof(struct ckpt_hdr) &&
	       image_hdr(i, at).len <= i->len - at - sizeof(struct ckpt_hdr);
}

static size_t image_next(const struct image *i, size_t at)
{
	return at + sizeof(struct ckpt_hdr) + (size_t)image_hdr(i, at).len;
}

/* Offset of record n (from 0) of a type; type 0: of any. SIZE_MAX: none. */
__attribute__((unused)) static size_t image_find(const struct image *i, uint16_t type, unsigned int n)
{
	for (size_t at = 0; image_whole(i, at); at = image_next(i, at))
		if ((!type || image_hdr(i, at).type == type) && !n--)
			return at;
	return SIZE_MAX;
}

/* Of a chunk's data, with the zeros behind it. */
static uint64_t image_stored(const struct ckpt_pages *pg)
{
	return (pg->data_len + 7) & ~7ull;
}

/* Bytes of the record's payload that its crc covers, and of those the digest's. */
static void image_covered(const struct image *i, size_t at, size_t *crc, size_t *digest)
{
	struct ckpt_hdr h = image_hdr(i, at);
	struct ckpt_pages pg;
	size_t head;

	*crc = *digest = (size_t)h.len;
	if (h.type != CKPT_PAGES || h.len < sizeof(pg))
		return;
	memcpy(&pg, i->p + at + sizeof(h), sizeof(pg));
	head = sizeof(pg) + (size_t)pg.npages * 8;
	if (pg.data_len > h.len || head > h.len - image_stored(&pg))
		return;
	*crc = (size_t)(h.len - image_stored(&pg));
	*digest = head;
}

/* Every crc, chunk sum, record count and the digest, as far as there are whole records. */
__attribute__((unused)) static void image_fix(struct image *i)
{
	struct sha256_ctx sha;
	uint64_t records = 0, pages = 0;

	sha256_init(&sha);
	for (size_t at = 0; image_whole(i, at); at = image_next(i, at), records++) {
		struct ckpt_hdr h = image_hdr(i, at);
		uint8_t *payload = i->p + at + sizeof(h);
		size_t crc, digest;

		image_covered(i, at, &crc, &digest);
		if (h.type == CKPT_PAGES && crc < h.len) {
			struct ckpt_pages pg;

			memcpy(&pg, payload, sizeof(pg));
			ckpt_xxh3(payload + offsetof(struct ckpt_pages, xxh3), payload + crc,
				  (size_t)pg.data_len);
			pages += pg.npages;
		}
		if (h.type == CKPT_TAIL && h.len >= sizeof(struct ckpt_tail)) {
			struct ckpt_tail t = { .magic = CKPT_TAIL_MAGIC, .records = records, .pages = pages };

			sha256_digest(&sha, sizeof(t.digest), t.digest);
			memcpy(payload, &t, sizeof(t));
		}
		h.crc = ckpt_record_crc(&h, payload, crc);
		memcpy(i->p + at, &h, sizeof(h));
		sha256_update(&sha, sizeof(h), (uint8_t *)&h);
		sha256_update(&sha, digest, payload);
	}
}

/* Replace drop bytes at offset at by n bytes of what; the image must have room. */
__attribute__((unused)) static void image_splice(struct image *i, size_t at, size_t drop,
						 const void *what, size_t n)
{
	if (i->len - drop + n > i->cap)
		abort();
	memmove(i->p + at + n, i->p + at + drop, i->len - at - drop);
	if (n)
		memcpy(i->p + at, what, n);
	i->len += n - drop;
}

#endif
