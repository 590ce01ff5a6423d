// SPDX-License-Identifier: GPL-2.0
/*
 * Images by someone who means harm, through reader, plan and show: never a
 * crash, an overrun or a leak; what is refused says why.
 *
 *   fuzz_image IMAGE...          FUZZ_RUNS mutations (10000) of them from
 *                                FUZZ_SEED (1), the same each time
 *   FUZZ_ONE=N fuzz_image ...    mutation N alone, to look at a finding
 *
 * With -DCKPT_LIBFUZZER and -fsanitize=fuzzer it is a target of libFuzzer.
 */
#include <errno.h>
#include <fcntl.h>

#include "image/fields.h"
#include "image/show.h"
#include "image/version.h"
#include "lib/fail.h"
#include "lib/io.h"
#include "res/plan.h"
#include "tests/unit/image_repack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static FILE *null;
static uint8_t page_data[CKPT_CHUNK_PAGES * CKPT_PAGE_SIZE];
static size_t accepted, deep;

/* A refusal must have a text, or the user is told nothing. */
static void need_text(int err)
{
	if (err < 0 && !ckpt_fail_text()) {
		fprintf(stderr, "refused (%d) without a word\n", err);
		abort();
	}
}

static void show(const struct ckpt_rec *rec)
{
	struct json_object *o = ckpt_show_json(rec);

	ckpt_show_text(null, rec);
	json_object_put(o);
	for (uint32_t format = 1; format <= CKPT_FORMAT; format++) {
		struct ckpt_converted c;

		ckpt_convert(&c, rec, format);
		ckpt_show_text(null, &c.rec);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ckpt_reader *r;
	struct ckpt_plan plan;
	struct ckpt_rec rec;
	int got, err = 0;
	unsigned int n = 0;

	if (!null)
		null = fopen("/dev/null", "w");
	ckpt_fail_clear();
	plan_init(&plan);
	if (!null || ckpt_reader_open_mem(&r, data, len))
		abort();
	while ((got = ckpt_read_record(r, &rec)) == 1) {
		n++;
		show(&rec);
		/* Beyond its first refusal the plan sees nothing, the reader goes on. */
		if (err)
			continue;
		if (rec.h.type != CKPT_PAGES) {
			err = plan_add(&plan, &rec);
		} else {
			err = plan.complete ? 0 : plan_complete(&plan);
			if (!err)
				err = plan_pages(&plan, &rec);
			if (n & 1)
				ckpt_read_data(r, page_data);
		}
		need_text(err);
	}
	need_text(got);
	if (!got && !err) {
		err = plan.complete ? 0 : plan_complete(&plan);
		if (!err)
			err = plan_pages_complete(&plan);
		need_text(err);
		accepted += !err;
	}
	deep += n > 4;
	plan_free(&plan);
	ckpt_reader_close(r);
	return 0;
}

#ifndef CKPT_LIBFUZZER

static uint64_t state;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static size_t below(size_t n)
{
	return n ? (size_t)(rnd() % n) : 0;
}

/* Values at which arithmetic goes wrong. */
static uint64_t nasty(void)
{
	static const uint64_t v[] = {
		0, 1, 7, 8, 0x7f, 0x80, 0xff, 0x1000, 0xfff, 0x7fff, 0xffff, 0x10000, 0x100000, 0x7fffffff,
		0x80000000, 0xffffffff, 0x100000000, 0x7ffffffff000, 0x7fffffffffffffff,
		0x8000000000000000, 0xfffffffffffff000, 0xfffffffffffffff8, 0xffffffffffffffff,
	};

	return rnd() & 7 ? v[below(sizeof(v) / sizeof(*v))] : rnd();
}

static size_t random_record(const struct image *img)
{
	size_t count = 0;

	for (size_t at = 0; image_whole(img, at); at = image_next(img, at))
		count++;
	return count ? image_find(img, 0, (unsigned int)below(count)) : SIZE_MAX;
}

/* One field of the record's struct or header, whatever it means. */
static void change_field(struct image *img, size_t at)
{
	struct ckpt_hdr h = image_hdr(img, at);
	const struct ckpt_layout *t = ckpt_type_fields(h.type);
	uint64_t v = nasty();
	size_t off, size;

	if (t && t->nfields && rnd() % 4) {
		const struct ckpt_field *f = &t->fields[below(t->nfields)];

		off = sizeof(h) + f->off + below(f->count) * f->stride;
		size = f->size < 8 ? f->size : 8;
		if (rnd() % 3 == 0)
			v = ckpt_load(img->p + at + off, (unsigned int)size) + rnd() % 9 - 4;
	} else {
		static const struct { uint8_t off, size; } hdr[] = {
			{ 0, 2 }, { 2, 2 }, { 4, 4 }, { 8, 4 }, { 12, 4 }, { 16, 8 },
		};
		size_t i = below(6);

		off = hdr[i].off;
		size = hdr[i].size;
		if (rnd() & 1)
			v = ckpt_load(img->p + at + off, (unsigned int)size) + rnd() % 17 - 8;
	}
	if (at + off + size <= img->len)
		memcpy(img->p + at + off, &v, size);
}

static void change_bytes(struct image *img, size_t at)
{
	size_t len = image_next(img, at) - at;

	for (size_t n = 1 + below(4); n; n--)
		img->p[at + below(len)] = (uint8_t)rnd();
}

static void change_order(struct image *img, size_t at)
{
	size_t len = image_next(img, at) - at, to;
	uint8_t *copy = malloc(len);

	if (!copy)
		abort();
	memcpy(copy, img->p + at, len);
	if (rnd() & 1)
		image_splice(img, at, len, NULL, 0);
	to = random_record(img);
	if (to != SIZE_MAX && rnd() % 4 && img->len + len <= img->cap)
		image_splice(img, to, 0, copy, len);
	free(copy);
}

/* A record whose length and content agree, but are not what they were. */
static void change_length(struct image *img, size_t at)
{
	struct ckpt_hdr h = image_hdr(img, at);
	uint8_t some[64];
	size_t n = 8 * (1 + below(8)), where = at + sizeof(h) + 8 * below((size_t)h.len / 8 + 1);

	memset(some, (int)(rnd() & 0xff), sizeof(some));
	if (rnd() & 1 && h.len >= n && where + n <= image_next(img, at)) {
		image_splice(img, where, n, NULL, 0);
		h.len -= n;
	} else if (img->len + n <= img->cap) {
		image_splice(img, where, 0, some, n);
		h.len += n;
	}
	memcpy(img->p + at, &h, sizeof(h));
}

static void mutate(struct image *img)
{
	for (size_t n = 1 + below(3); n; n--) {
		size_t at = random_record(img);

		if (at == SIZE_MAX)
			return;
		switch (rnd() % 8) {
		case 0:
			change_bytes(img, at);
			break;
		case 1:
			change_order(img, at);
			break;
		case 2:
			change_length(img, at);
			break;
		case 3:
			img->len = below(img->len);
			break;
		default:
			change_field(img, at);
		}
	}
}

static bool is_image(const char *path)
{
	size_t n = strlen(path);

	return n > 5 && !strcmp(path + n - 5, ".ckpt");
}

static unsigned long number(const char *name, unsigned long otherwise)
{
	const char *s = getenv(name);

	return s ? strtoul(s, NULL, 0) : otherwise;
}

/* The same images once more, by turns with either codec; how many. */
static size_t repacked(struct image *seeds, size_t n, size_t room)
{
	static const struct ckpt_packing ways[] = { { CKPT_CODEC_LZ4, 1 }, { CKPT_CODEC_ZSTD, 1 } };
	size_t more = 0;

	for (size_t i = 0; i < n && n + more < room; i++) {
		seeds[n + more] = image_repack(&seeds[i], &ways[i % 2]);
		more += seeds[n + more].p != NULL;
	}
	return more;
}

int main(int argc, char **argv)
{
	unsigned long runs = number("FUZZ_RUNS", 10000), seed = number("FUZZ_SEED", 1);
	unsigned long one = number("FUZZ_ONE", ~0ul);
	struct image seeds[64];
	size_t n = 0;

	for (int i = 1; i < argc && n < 64; i++) {
		char *buf;

		if (!is_image(argv[i]))
			continue;
		if (ckpt_slurp(argv[i], &buf, &seeds[n].len))
			return 1;
		seeds[n++].p = (uint8_t *)buf;
	}
	if (!n) {
		fprintf(stderr, "usage: fuzz_image IMAGE.ckpt...\n");
		return 2;
	}
	n += repacked(seeds, n, sizeof(seeds) / sizeof(*seeds));
	for (size_t i = 0; i < n; i++)
		LLVMFuzzerTestOneInput(seeds[i].p, seeds[i].len);
	if (accepted != n) {
		fprintf(stderr, "%zu of %zu images are good as they are: %s\n", accepted, n, ckpt_fail_text());
		return 1;
	}
	for (unsigned long i = 0; i < runs; i++) {
		struct image img = image_copy(&seeds[i % n], 1 << 16);

		/* Each mutation depends on its number alone. */
		state = (seed * 0x9e3779b97f4a7c15u) ^ ((i + 1) * 0xbf58476d1ce4e5b9u);
		state = state ? state : 1;
		rnd();
		mutate(&img);
		if (rnd() & 1)
			image_fix(&img);
		if (one == ~0ul || one == i) {
			/* An allocation of exactly its size, so that the sanitizer sees one byte too many. */
			uint8_t *exact = malloc(img.len ? img.len : 1);

			if (!exact)
				abort();
			memcpy(exact, img.p, img.len);
			LLVMFuzzerTestOneInput(exact, img.len);
			if (one == i)
				printf("# %lu: %s\n", i, ckpt_fail_text() ? ckpt_fail_text() : "accepted");
			free(exact);
		}
		free(img.p);
	}
	for (size_t i = 0; i < n; i++)
		free(seeds[i].p);
	fclose(null);
	printf("ok 1 - %lu mutations of %zu images (%zu reached the records of a task, %zu were good images)\n1..1\n",
	       runs, n, deep, accepted - n);
	return 0;
}

#endif
