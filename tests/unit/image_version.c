// SPDX-License-Identifier: GPL-2.0
/* Records of one version as those of another, and images whose versions do not go together. */
#include "image/fields.h"
#include "image/version.h"
#include "tests/unit/image_sample.h"

static struct ckpt_rec rec_of(uint16_t version, const void *payload)
{
	struct ckpt_rec rec = { .payload = payload, .number = 6, .offset = 768 };

	rec.h.type = CKPT_ACCT;
	rec.h.version = version;
	rec.h.owner = 3;
	rec.h.len = ckpt_type_layout(CKPT_ACCT, version)->size;
	return rec;
}

static void test_acct(void)
{
	struct ckpt_acct all = { .utime = 1, .maj_flt = 2, .rchar = 3, .cancelled_write_bytes = 4, .flags = CKPT_ACCT_IO };
	struct ckpt_acct none = { .utime = 1, .maj_flt = 2 };
	struct ckpt_converted a, b;
	struct ckpt_rec rec = rec_of(2, &all);

	ckpt_convert(&a, &rec, 2);
	ok(a.rec.payload == &all && a.rec.h.version == 2 && !a.lost, "what has the version stays where it is");
	ckpt_convert(&a, &rec, 1);
	ok(a.rec.h.version == 1 && a.rec.h.len == sizeof(struct ckpt_acct_v1) && a.rec.h.owner == 3 &&
	   a.rec.number == 6 && !memcmp(a.rec.payload, &all, sizeof(struct ckpt_acct_v1)), "version 2 as version 1");
	ok(a.lost && strstr(a.lost, "read and written"), "what that has no place for is told");
	ckpt_convert(&b, &a.rec, 2);
	ok(b.rec.h.version == 2 && b.rec.h.len == sizeof(none) && !memcmp(b.rec.payload, &none, sizeof(none)) && !b.lost,
	   "and back: it is not known");
	rec = rec_of(2, &none);
	ckpt_convert(&a, &rec, 1);
	ok(!a.lost, "what is not known is no loss");
	ckpt_convert(&b, &a.rec, 2);
	ok(!memcmp(b.rec.payload, &none, sizeof(none)), "2, 1, 2: identical");
}

/* Every version of every type can be reached from each other. */
static void test_all(void)
{
	static const uint16_t types[] = {
#define CKPT_FRAME(name, id, st)		(id),
#define CKPT_KIND(name, id, phase, stem)	(id),
#include "ckptbpf/kinds.def"
#undef CKPT_FRAME
#undef CKPT_KIND
	};
	unsigned int steps = 0, wrong = 0;

	for (size_t i = 0; i < N_OF(types); i++)
		for (uint32_t from = 1; from <= CKPT_FORMAT; from++)
			for (uint32_t to = 1; to <= CKPT_FORMAT; to++) {
				static const uint64_t zeros[CKPT_MAX_META / 8];
				struct ckpt_rec rec = { .payload = zeros };
				struct ckpt_converted c;

				rec.h.type = types[i];
				rec.h.version = ckpt_type_version(types[i], from);
				rec.h.len = ckpt_align8(ckpt_type_layout(types[i], rec.h.version)->size);
				ckpt_convert(&c, &rec, to);
				steps += c.rec.h.version != rec.h.version;
				wrong += c.rec.h.version != ckpt_type_version(types[i], to) || c.lost;
			}
	ok(steps >= 2 && !wrong, "each type between all formats (%u steps)", steps);
	ok(ckpt_type_version(777, 2) == 1 && !ckpt_type_layout(CKPT_ACCT, 3) && !ckpt_type_layout(777, 1),
	   "what there is not");
}

/* A version of its own in an image of another format. */
static void test_mixed(void)
{
	struct image one = sample_format("family", 1), two = sample_format("family", 2), img = image_copy(&one, 0);
	uint32_t format = 2;
	size_t at = image_find(&img, CKPT_HEADER, 0) + sizeof(struct ckpt_hdr) + offsetof(struct ckpt_header, format);

	memcpy(img.p + at, &format, 4);
	image_fix(&img);
	ok(sample_refused(&img, "(ACCT)") && strstr(ckpt_fail_text(), "version 1 is not that of format 2"), "version 1 in format 2");
	free(img.p);
	img = image_copy(&two, 0);
	format = 1;
	memcpy(img.p + at, &format, 4);
	image_fix(&img);
	ok(sample_refused(&img, "version 2 is not that of format 1"), "version 2 in format 1");
	free(img.p);
	ok(!sample_check(&one) && !sample_check(&two), "each by itself is good");
	img = image_copy(&two, 0);
	at = image_find(&img, CKPT_ACCT, 0) + sizeof(struct ckpt_hdr) + offsetof(struct ckpt_acct, flags);
	img.p[at] = 2;
	image_fix(&img);
	ok(sample_refused(&img, "flags 0x2"), "unknown flags");
	img.p[at] = 0;
	image_fix(&img);
	ok(sample_refused(&img, "is not known, and not 0"), "figures that are not known");
	free(img.p);
	free(one.p);
	free(two.p);
}

int main(void)
{
	test_acct();
	test_all();
	test_mixed();
	return tap_done();
}
