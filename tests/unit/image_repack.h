/* SPDX-License-Identifier: GPL-2.0 */
/* The same image with its pages packed. */
#ifndef TEST_IMAGE_REPACK_H
#define TEST_IMAGE_REPACK_H

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/codec.h"
#include "lib/io.h"
#include "tests/unit/image_patch.h"

/* p is NULL in what it returns if img cannot be read to its end. */
static struct image image_repack(const struct image *img, const struct ckpt_packing *how)
{
	static uint8_t data[CKPT_CHUNK_PAGES * CKPT_PAGE_SIZE];
	int fd = memfd_create("image", MFD_CLOEXEC), err;
	struct ckpt_reader *r = NULL;
	struct ckpt_writer *w = NULL;
	struct image out = { 0 };
	struct ckpt_rec rec;
	struct stat st;

	err = ckpt_writer_open_fd(&w, fd);
	if (!err)
		err = ckpt_writer_packing(w, how);
	if (!err)
		err = ckpt_reader_open_mem(&r, img->p, img->len);
	while (!err && (err = ckpt_read_record(r, &rec)) > 0) {
		const struct ckpt_pages *pg = rec.payload;

		if (rec.h.type != CKPT_PAGES)
			err = ckpt_write_record(w, rec.h.type, rec.h.owner, rec.payload, (size_t)rec.h.len, NULL, 0);
		else if (!(err = ckpt_read_data(r, data)))
			err = ckpt_write_pages(w, rec.h.owner, (const uint64_t *)(pg + 1), pg->npages, data);
	}
	if (!err && !ckpt_writer_tail(w) && !ckpt_writer_finish(w) && !fstat(fd, &st)) {
		out.len = out.cap = (size_t)st.st_size;
		out.p = malloc(out.len);
		if (!out.p || ckpt_pread_all(fd, out.p, out.len, 0))
			abort();
	}
	ckpt_reader_close(r);
	ckpt_writer_close(w);
	close(fd);
	return out;
}

#endif
