// SPDX-License-Identifier: GPL-2.0
/*
 * The images of every released format are read as ever; the writer still writes
 * those of the last one byte by byte. For a new image those that are not there yet
 * are made by
 *   build/tests/golden_image --write tests/golden/v1
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

static int write_all(const char *folder)
{
	for (size_t i = 0; i < GOLDEN_IMAGES; i++) {
		struct ckpt_writer *w;
		char path[4096];
		int err;

		snprintf(path, sizeof(path), "%s/%s.ckpt", folder, golden_images[i].name);
		if (!access(path, F_OK))
			continue;
		err = ckpt_writer_open_path(&w, path, false);
		if (!err)
			err = golden_write(&golden_images[i], w);
		if (!err)
			err = ckpt_writer_finish(w);
		if (err) {
			fprintf(stderr, "%s\n", ckpt_fail_text());
			return 1;
		}
		ckpt_writer_close(w);
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

	if (argc == 3 && !strcmp(argv[1], "--write"))
		return write_all(argv[2]);
	if (glob("tests/golden/v*/*.ckpt", 0, NULL, &g)) {
		printf("1..0 # skip the golden images are read from the top folder of the source\n");
		return 0;
	}
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct image img = load(g.gl_pathv[i]);

		ok(!sample_check(&img), "%s: good", g.gl_pathv[i]);
		free(img.p);
	}
	for (size_t i = 0; i < GOLDEN_IMAGES; i++) {
		struct image want, img = sample(golden_images[i].name);
		char path[128];

		snprintf(path, sizeof(path), "tests/golden/v%d/%s.ckpt", CKPT_FORMAT, golden_images[i].name);
		want = load(path);
		ok(want.len == img.len && !memcmp(want.p, img.p, img.len), "%s: written as then", path);
		free(want.p);
		free(img.p);
	}
	globfree(&g);
	test_kinds();
	return tap_done();
}
