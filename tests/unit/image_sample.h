/* SPDX-License-Identifier: GPL-2.0 */
/* The golden images in memory, and what the reader and the plan say to an image. */
#ifndef TEST_IMAGE_SAMPLE_H
#define TEST_IMAGE_SAMPLE_H

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io.h"
#include "res/plan.h"
#include "tests/golden/images.h"
#include "tests/unit/image_patch.h"
#include "tests/unit/tap.h"

__attribute__((unused)) static struct image sample_format(const char *name, uint32_t format)
{
	struct image img = { 0 };

	for (size_t i = 0; i < GOLDEN_IMAGES; i++) {
		struct ckpt_writer *w;
		struct stat st;
		int fd;

		if (strcmp(golden_images[i].name, name))
			continue;
		fd = memfd_create("image", MFD_CLOEXEC);
		need(fd >= 0 && !ckpt_writer_open_fd(&w, fd));
		need(!golden_write_format(&golden_images[i], w, format));
		need(!ckpt_writer_finish(w));
		ckpt_writer_close(w);
		need(!fstat(fd, &st));
		img.len = img.cap = (size_t)st.st_size;
		img.p = malloc(img.len);
		need(img.p && !ckpt_pread_all(fd, img.p, img.len, 0));
		close(fd);
	}
	need(img.p);
	return img;
}

__attribute__((unused)) static struct image sample(const char *name)
{
	return sample_format(name, CKPT_FORMAT);
}

/* As restore and verify read it. 0, or what it was refused with; ckpt_fail_text() says why. */
__attribute__((unused)) static int sample_check(const struct image *img)
{
	struct ckpt_reader *r;
	struct ckpt_plan plan;
	struct ckpt_rec tail;
	int err;

	ckpt_fail_clear();
	plan_init(&plan);
	err = ckpt_reader_open_mem(&r, img->p, img->len);
	if (!err) {
		err = plan_read_all(&plan, r, &tail);
		ckpt_reader_close(r);
	}
	plan_free(&plan);
	return err;
}

/* Refused, by a text that holds why. */
__attribute__((unused)) static bool sample_refused(const struct image *img, const char *why)
{
	int err = sample_check(img);

	if (!err || !ckpt_fail_text()) {
		printf("# not refused\n");
		return false;
	}
	return strstr(ckpt_fail_text(), why);
}

#endif
