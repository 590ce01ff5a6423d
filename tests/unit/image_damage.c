// SPDX-License-Identifier: GPL-2.0
/* Whatever happens to an image on its way is seen. */
#include "tests/unit/image_sample.h"

static void test_truncated(const char *name, size_t step)
{
	struct image img = sample(name), cut = img;
	size_t taken = 0, silent = 0;

	for (size_t len = 0; len < img.len; len += step) {
		cut.len = len;
		if (!sample_check(&cut))
			taken++;
		else if (!ckpt_fail_text())
			silent++;
	}
	ok(!taken && !silent, "%s: cut off at every %zu. of %zu bytes", name, step, img.len);
	free(img.p);
}

static void test_flipped(const char *name)
{
	struct image img = sample(name);
	size_t taken = 0, silent = 0;

	for (size_t at = 0; at < img.len; at++) {
		img.p[at] ^= (uint8_t)(1u << at % 8);
		if (!sample_check(&img))
			taken++;
		else if (!ckpt_fail_text())
			silent++;
		img.p[at] ^= (uint8_t)(1u << at % 8);
	}
	ok(!taken && !silent && !sample_check(&img), "%s: one bit wrong in each of %zu bytes", name, img.len);
	free(img.p);
}

/* Change one field of a record of bare and make the sums right: seen by its meaning. */
static void test_field(uint16_t type, size_t off, size_t size, uint64_t v, const char *why)
{
	struct image img = sample("bare");
	size_t at = image_find(&img, type, 0);
	bool good;

	need(at != SIZE_MAX);
	memcpy(img.p + at + off, &v, size);
	image_fix(&img);
	good = sample_refused(&img, why);
	ok(good, "%s, byte %zu: %s", ckpt_type_name(type), off, why);
	free(img.p);
}

#define HDR(type, m, v, why) test_field(type, offsetof(struct ckpt_hdr, m), \
					sizeof(((struct ckpt_hdr *)0)->m), v, why)
#define FIELD(type, st, m, v, why) test_field(type, sizeof(struct ckpt_hdr) + offsetof(struct st, m), \
					      sizeof(((struct st *)0)->m) > 8 ? 8 : sizeof(((struct st *)0)->m), v, why)

static void test_header(void)
{
	FIELD(CKPT_HEADER, ckpt_header, magic, 0x1234, "not an image of ckptbpf");
	FIELD(CKPT_HEADER, ckpt_header, format, 3, "format 3 is newer than 2");
	FIELD(CKPT_HEADER, ckpt_header, format, 0, "format 0 never was");
	FIELD(CKPT_HEADER, ckpt_header, required, 4, "features 0x4 are required");
	FIELD(CKPT_HEADER, ckpt_header, page_size, 65536, "pages of 65536 bytes");
	FIELD(CKPT_HEADER, ckpt_header, pad0, 1, "pad0 is not zero");
	FIELD(CKPT_HEADER, ckpt_header, pad1, 1, "pad1 is not zero");
	FIELD(CKPT_HEADER, ckpt_header, pad2, 1ull << 40, "pad2 is not zero");
	FIELD(CKPT_HEADER, ckpt_header, tool_len, 400, "length does not fit its content");
	FIELD(CKPT_TASK, ckpt_task, pad0, 1, "record 2 (TASK) at 0x108: pad0 is not zero");
	FIELD(CKPT_MM, ckpt_mm, pad0, 1u << 31, "pad0 is not zero");
	FIELD(CKPT_MM, ckpt_mm, auxv_len, 0xffffffff, "length does not fit its content");
	FIELD(CKPT_FS, ckpt_fs, cwd_len, 0xffffffff, "length does not fit its content");
	FIELD(CKPT_CREDS, ckpt_creds, ngroups, 0xffffffff, "length does not fit its content");
	FIELD(CKPT_PAGES, ckpt_pages, codec, 7, "codec 7 is not known");
	FIELD(CKPT_PAGES, ckpt_pages, npages, 0xffffffff, "pages are too many");
	FIELD(CKPT_PAGES, ckpt_pages, npages, 1, "data_len does not fit");
	FIELD(CKPT_PAGES, ckpt_pages, data_len, 4096, "data_len does not fit");
	FIELD(CKPT_PAGES, ckpt_pages, xxh3, 4, "a sum of no data");
	HDR(CKPT_TASK, version, 2, "version 2 is not known");
	HDR(CKPT_TASK, version, 0, "version 0 is not known");
	HDR(CKPT_TASK, flags, 3, "flags 0x3 are unknown");
	HDR(CKPT_TASK, type, 0, "type 0 is required and not known");
	HDR(CKPT_HEADER, type, CKPT_TASK, "not an image of ckptbpf");
	HDR(CKPT_CPU, type, CKPT_HEADER, "a second header");
	HDR(CKPT_TASK, len, ~7ull, "is too long");
	HDR(CKPT_TASK, len, (1u << 20) + 8, "is too long");
	HDR(CKPT_TASK, len, 57, "not a multiple of 8");
	HDR(CKPT_TASK, len, 48, "shorter than its struct");
	HDR(CKPT_TASK, len, 64, "length does not fit its content");
	HDR(CKPT_PAGES, len, 5ull << 20, "is too long");
	HDR(CKPT_TAIL, len, 1u << 19, "the image ends here");
}

static void test_tail(void)
{
	struct image img = sample("two-vmas"), more = image_copy(&img, 1);
	size_t at = image_find(&img, CKPT_TAIL, 0) + sizeof(struct ckpt_hdr);
	struct image cut = img;

	more.p[more.len++] = 0;
	ok(sample_refused(&more, "bytes behind the end"), "a byte more than the tail");
	free(more.p);
	cut.len = at - sizeof(struct ckpt_hdr);
	ok(sample_refused(&cut, "ends after 16 records without its tail"), "no tail");

	for (unsigned int i = 0; i < 4; i++) {
		static const size_t off[] = { 0, 8, 16, 24 };
		static const char *const why[] = {
			"its magic is wrong", "16 records were read, 17 written",
			"5 pages were read, 4 written", "the digest of the image is wrong",
		};
		struct image bad = image_copy(&img, 0);
		struct ckpt_hdr h = image_hdr(&bad, at - sizeof(h));

		bad.p[at + off[i]] ^= 1;
		h.crc = ckpt_record_crc(&h, bad.p + at, (size_t)h.len);
		memcpy(bad.p + at - sizeof(h), &h, sizeof(h));
		ok(sample_refused(&bad, why[i]), "tail: %s", why[i]);
		free(bad.p);
	}
	free(img.p);
}

/* Records in another order, each whole. */
static void test_order(void)
{
	struct image img = sample("two-vmas");

	for (unsigned int i = 0; image_hdr(&img, image_find(&img, 0, i)).type != CKPT_TAIL; i++) {
		size_t at = image_find(&img, 0, i), len = image_next(&img, at) - at;
		uint16_t type = image_hdr(&img, at).type;
		struct image less = image_copy(&img, 0), twice = image_copy(&img, len);

		image_splice(&less, at, len, NULL, 0);
		image_splice(&twice, at, 0, img.p + at, len);
		image_fix(&less);
		image_fix(&twice);
		/* Without the second of two chunks it is an image of fewer pages. */
		if (type == CKPT_PAGES && at == image_find(&img, CKPT_PAGES, 1)) {
			ok(!sample_check(&less) && !sample_check(&twice), "a chunk less or more: another image");
			goto next;
		}
		ok(sample_check(&less) && ckpt_fail_text(), "without its %u. record (%s)", i, ckpt_type_name(type));
		ok(sample_check(&twice) && ckpt_fail_text(), "with its %u. record (%s) twice", i, ckpt_type_name(type));
next:
		free(less.p);
		free(twice.p);
	}
	free(img.p);
}

static void test_meta_after_pages(void)
{
	struct image img = sample("bare"), swapped = image_copy(&img, 4096);
	size_t at = image_find(&img, CKPT_CREDS, 0), len = image_next(&img, at) - at;
	size_t tail;

	image_splice(&swapped, at, len, NULL, 0);
	tail = image_find(&swapped, CKPT_TAIL, 0);
	image_splice(&swapped, tail, 0, img.p + at, len);
	image_fix(&swapped);
	/* The plan sees first that something lacks; the reader alone must refuse it too. */
	ok(sample_check(&swapped) && ckpt_fail_text(), "metadata behind pages");
	{
		struct ckpt_reader *r;
		struct ckpt_rec rec;
		int got;

		ckpt_fail_clear();
		need(!ckpt_reader_open_mem(&r, swapped.p, swapped.len));
		while ((got = ckpt_read_record(r, &rec)) == 1)
			;
		ok(got < 0 && strstr(ckpt_fail_text(), "(CREDS)") &&
		   strstr(ckpt_fail_text(), "metadata behind pages"), "the reader names it");
		ok(ckpt_read_record(r, &rec) == got, "a failed reader stays failed");
		ckpt_reader_close(r);
	}
	free(swapped.p);
	free(img.p);
}

/* The fill of a chunk, which no digest covers, and of a text. */
static void test_fill(void)
{
	struct image img = sample("two-vmas");
	size_t at = image_find(&img, CKPT_PAGES, 0), crc, digest;

	image_covered(&img, at, &crc, &digest);
	img.p[at + sizeof(struct ckpt_hdr) + digest] = 1;
	image_fix(&img);
	ok(sample_refused(&img, "the fill before its data is not zero"), "fill of a chunk");
	free(img.p);

	img = sample("two-vmas");
	at = image_next(&img, image_find(&img, CKPT_FILE, 0));
	img.p[at - 1] = 1;
	image_fix(&img);
	ok(sample_refused(&img, "the fill at its end is not zero"), "fill of a text");
	free(img.p);
}

/* The two ways of computing CRC32C agree with the published check value. */
static void test_crc(void)
{
	uint8_t buf[64];

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 7);
	ok(ckpt_crc32c(0, "123456789", 9) == 0xe3069283, "CRC32C of 123456789");
	ok(ckpt_crc32c_portable(0, "123456789", 9) == 0xe3069283 &&
	   ckpt_crc32c_portable(7, buf, 61) == ckpt_crc32c(7, buf, 61), "CRC32C without the instruction");
	ok(ckpt_crc32c(ckpt_crc32c(0, buf, 13), buf + 13, 51) == ckpt_crc32c(0, buf, 64),
	   "CRC32C in two parts");
}

int main(void)
{
	test_crc();
	test_truncated("bare", 1);
	test_truncated("two-vmas", 13);
	test_flipped("bare");
	test_flipped("two-vmas");
	test_header();
	test_tail();
	test_order();
	test_meta_after_pages();
	test_fill();
	return tap_done();
}
