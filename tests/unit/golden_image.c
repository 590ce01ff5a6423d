// SPDX-License-Identifier: GPL-2.0
/*
 * The images of every format are read as ever, and still written byte by byte. Those
 * that are not there yet, of a new kind or a new format, are made by
 *   build/tests/golden_image --write
 *   build/ckptbpf show --json tests/golden/v1/NAME.ckpt >tests/golden/v1/NAME.json
 */
#include <glob.h>

#include "tests/unit/image_sample.h"

static struct image load(const char *path)
{
	struct image img = { 0 };
	char *buf;

	need(!ckpt_slurp(path, &buf, &img.len));
	img.p = (uint8_t *)buf;
	return img;
}

static void path_of(char path[128], const struct golden_image *i, uint32_t format)
{
	snprintf(path, 128, "tests/golden/v%u/%s.ckpt", format, i->name);
}

static int write_one(const struct golden_image *i, uint32_t format)
{
	struct ckpt_writer *w;
	char path[128];
	int err;

	path_of(path, i, format);
	if (!access(path, F_OK))
		return 0;
	err = ckpt_writer_open_path(&w, path, false);
	if (err)
		return err;
	err = golden_write_format(i, w, format);
	if (!err)
		err = ckpt_writer_finish(w);
	ckpt_writer_close(w);
	return err;
}

static int write_all(void)
{
	for (uint32_t format = 1; format <= CKPT_FORMAT; format++)
		for (size_t i = 0; i < GOLDEN_IMAGES; i++)
			if (write_one(&golden_images[i], format)) {
				fprintf(stderr, "%s\n", ckpt_fail_text());
				return 1;
			}
	return 0;
}

/* Each row of kinds.def is in one of them: the fuzzer begins with these images. */
static void test_kinds(void)
{
	static const struct { uint16_t type; const char *name; } kinds[] = {
#define CKPT_FRAME(n, id, st)		{ id, #n },
#define CKPT_KIND(n, id, ph, stem)	{ id, #n },
#include "ckptbpf/kinds.def"
#undef CKPT_FRAME
#undef CKPT_KIND
	};
	struct image images[GOLDEN_IMAGES];

	for (size_t i = 0; i < GOLDEN_IMAGES; i++)
		images[i] = sample(golden_images[i].name);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		bool in = false;

		/* A good image cannot end so. */
		if (kinds[k].type == CKPT_ERROR)
			continue;
		for (size_t i = 0; i < GOLDEN_IMAGES && !in; i++)
			in = image_find(&images[i], kinds[k].type, 0) != SIZE_MAX;
		ok(in, "%s is in an image of tests/golden/images.h", kinds[k].name);
	}
	for (size_t i = 0; i < GOLDEN_IMAGES; i++)
		free(images[i].p);
}

int main(int argc, char **argv)
{
	glob_t g;

	if (argc == 2 && !strcmp(argv[1], "--write"))
		return write_all();
	if (glob("tests/golden/v*/*.ckpt", 0, NULL, &g)) {
		printf("1..0 # skip the golden images are read from the top folder of the source\n");
		return 0;
	}
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct image img = load(g.gl_pathv[i]);

		ok(!sample_check(&img), "%s: good", g.gl_pathv[i]);
		free(img.p);
	}
	for (uint32_t format = 1; format <= CKPT_FORMAT; format++)
		for (size_t i = 0; i < GOLDEN_IMAGES; i++) {
			struct image want, img = sample_format(golden_images[i].name, format);
			char path[128];

			path_of(path, &golden_images[i], format);
			want = load(path);
			ok(want.len == img.len && !memcmp(want.p, img.p, img.len), "%s: written as then", path);
			free(want.p);
			free(img.p);
		}
	globfree(&g);
	test_kinds();
	return tap_done();
}
