// SPDX-License-Identifier: GPL-2.0
/* The metadata, up to the first page chunk. */
#include "flow/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fail.h"
#include "lib/io.h"

static int open_image(struct restore *r)
{
	const char *path = r->a->image;
	struct stat st;
	int fd, err;

	if (!path) {
		path = "image";
		fd = fcntl(r->a->image_fd, F_DUPFD_CLOEXEC, 3);
	} else if (!strcmp(path, "-")) {
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	}
	if (fd < 0)
		return ckpt_fail(-errno, 0, "%s", path);
	if (fstat(fd, &st) || S_ISDIR(st.st_mode)) {
		close(fd);
		return ckpt_fail(-EISDIR, 0, "%s", path);
	}
	r->stream = !S_ISREG(st.st_mode);
	err = ckpt_reader_open(&r->reader, fd);
	return err ? ckpt_fail(err, 0, "%s", path) : 0;
}

int restore_read(struct restore *r)
{
	struct ckpt_rec rec;
	int err = open_image(r), got = 0;

	while (!err) {
		got = ckpt_read_record(r->reader, &rec);
		if (got < 0)
			return got;
		if (!got || rec.h.type == CKPT_PAGES)
			break;
		err = plan_add(&r->plan, &rec);
	}
	if (err)
		return err;
	r->have_first = got > 0;
	if (got)
		r->first_pages = rec;
	r->t_read = ckpt_now_ns();
	return plan_complete(&r->plan);
}
