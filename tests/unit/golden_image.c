// SPDX-License-Identifier: GPL-2.0
/*
 * The images of every released format are read as ever; the writer still writes
 * those of the last one byte by byte. For a new format they are made by
 *   build/tests/golden_image --write tests/golden/v2
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
	return tap_done();
}
