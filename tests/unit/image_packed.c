// SPDX-License-Identifier: GPL-2.0
/* Packed pages: what is unpacked is what was packed, and what cannot be is refused by name. */
#include <errno.h>
#include <string.h>

#include "tests/unit/image_repack.h"
#include "tests/unit/image_sample.h"

static unsigned int chunks;

static const struct ckpt_packing ways[] = {
	{ CKPT_CODEC_LZ4, 1 }, { CKPT_CODEC_ZSTD, 1 }, { CKPT_CODEC_ZSTD, 19 },
};

static void test_parse(void)
{
	static const char *const wrong[] = { "", "gzip", "lz4:1", "zstd:", "zstd:0", "zstd:99", "zstd:3x", "zstdd" };
	struct ckpt_packing p;

	ok(ckpt_packing_parse("none", &p) && p.codec == CKPT_CODEC_NONE, "none");
	ok(ckpt_packing_parse("lz4", &p) && p.codec == CKPT_CODEC_LZ4, "lz4");
	ok(ckpt_packing_parse("zstd:9", &p) && p.codec == CKPT_CODEC_ZSTD && p.level == 9, "zstd:9");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		ok(!ckpt_packing_parse(wrong[i], &p), "not '%s'", wrong[i]);
}

/* Every page of both, in their order. */
static bool same_pages(const struct image *a, const struct image *b, unsigned int *packed)
{
	static uint8_t da[CKPT_CHUNK_PAGES * CKPT_PAGE_SIZE], db[sizeof(da)];
	struct ckpt_reader *ra, *rb;
	struct ckpt_rec x, y;
	int ga, gb;
	bool same = true;

	need(!ckpt_reader_open_mem(&ra, a->p, a->len) && !ckpt_reader_open_mem(&rb, b->p, b->len));
	do {
		ga = ckpt_read_record(ra, &x);
		gb = ckpt_read_record(rb, &y);
		same = ga == gb && ga >= 0 && x.h.type == y.h.type && x.h.owner == y.h.owner;
		if (same && ga && x.h.type == CKPT_PAGES) {
			const struct ckpt_pages *p = x.payload, *q = y.payload;

			*packed += q->codec != CKPT_CODEC_NONE;
			same = p->npages == q->npages && !ckpt_read_data(ra, da) && !ckpt_read_data(rb, db) &&
			       !memcmp(da, db, p->npages * (size_t)CKPT_PAGE_SIZE);
		}
	} while (same && ga > 0);
	ckpt_reader_close(ra);
	ckpt_reader_close(rb);
	return same;
}

static void test_same(const char *name)
{
	struct image img = sample(name);

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		struct image packed = image_repack(&img, &ways[i]);
		unsigned int n = 0;
		bool same = packed.p && same_pages(&img, &packed, &n);

		ok(same, "%s: the same pages, %u chunks by codec %u", name, n, ways[i].codec);
		chunks += n;
		ok(!sample_check(&packed), "%s: the plan takes it", name);
		free(packed.p);
	}
	free(img.p);
}

/* The first packed chunk; its struct at *pg. */
static size_t find_packed(const struct image *img, struct ckpt_pages *pg)
{
	size_t at;

	for (unsigned int n = 0; (at = image_find(img, CKPT_PAGES, n)) != SIZE_MAX; n++) {
		memcpy(pg, img->p + at + sizeof(struct ckpt_hdr), sizeof(*pg));
		if (pg->codec)
			return at;
	}
	return SIZE_MAX;
}

static void refused(const struct image *img, const char *want)
{
	int err = sample_check(img);

	ok(err && strstr(ckpt_fail_text(), want), "refused: %s", want);
}

static void test_hostile(const struct ckpt_packing *how)
{
	struct image img = sample("two-vmas"), packed = image_repack(&img, how);
	size_t at, data, struct_at, bad = 0, total = 0;
	struct ckpt_pages pg;

	need(packed.p);
	at = find_packed(&packed, &pg);
	need(at != SIZE_MAX);
	struct_at = at + sizeof(struct ckpt_hdr);
	data = struct_at + sizeof(pg) + pg.npages * 8ul;
	/* Right sums over wrong data: the library must see it, or give other pages. */
	for (size_t i = 0; i < pg.data_len; i++, total++) {
		struct image with = image_copy(&packed, 0);

		with.p[data + i] ^= 0x41;
		image_fix(&with);
		bad += sample_check(&with) && strstr(ckpt_fail_text(), "its data cannot be unpacked");
		free(with.p);
	}
	ok(bad > 0, "%zu of %zu bytes: its data cannot be unpacked, nothing else happens", bad, total);
	if (pg.data_len % 8) {
		struct image with = image_copy(&packed, 0);

		with.p[data + pg.data_len] = 1;
		image_fix(&with);
		refused(&with, "the fill behind its data is not zero");
		free(with.p);
	}
	pg.codec = how->codec == CKPT_CODEC_LZ4 ? CKPT_CODEC_ZSTD : CKPT_CODEC_LZ4;
	memcpy(packed.p + struct_at, &pg, sizeof(pg));
	image_fix(&packed);
	refused(&packed, "its data cannot be unpacked");
	pg.codec = 3;
	memcpy(packed.p + struct_at, &pg, sizeof(pg));
	image_fix(&packed);
	refused(&packed, "codec 3 is not known");
	pg.codec = how->codec;
	pg.data_len = pg.npages * (uint64_t)CKPT_PAGE_SIZE;
	memcpy(packed.p + struct_at, &pg, sizeof(pg));
	image_fix(&packed);
	refused(&packed, "its data_len does not fit npages");
	free(packed.p);
	free(img.p);
}

int main(void)
{
	test_parse();
	for (size_t i = 0; i < GOLDEN_IMAGES; i++)
		test_same(golden_images[i].name);
	ok(chunks > 0, "%u chunks were packed", chunks);
	for (size_t i = 0; i < 2; i++)
		test_hostile(&ways[i]);
	return tap_done();
}
