// SPDX-License-Identifier: GPL-2.0
/*
 * A pipe whose ends are all inside: its capacity and the bytes in it. The bytes
 * are duplicated with tee(2), so that the target's reader still finds them.
 *
 * Saved: capacity and content of a pipe whose ends are all inside; named by
 * FILE records.
 * Restored: pipe2(), F_SETPIPE_SZ, written into.
 * Refused: pipes that lead outside, fifos and packet mode: by the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"
#include "res/dump.h"
#include "res/file_restore.h"

struct dump_pipe *dump_pipe_of(struct ckpt_dump *d, uint64_t cookie)
{
	uint32_t at = cookie_get(&d->pipe_of, cookie);
	struct dump_pipe *p;

	if (at)
		return &d->pipes.v[at - 1];
	p = vec_push(&d->pipes);
	if (!p || cookie_put(&d->pipe_of, cookie, (uint32_t)d->pipes.n))
		return NULL;
	p->cookie = cookie;
	p->read_fd = p->write_fd = -1;
	return p;
}

static int take_content(struct ckpt_dump *d, struct dump_pipe *p)
{
	cleanup_close int src = (int)syscall(SYS_pidfd_getfd, d->pidfd, p->read_fd, 0);
	cleanup_close int in = -1, out = -1;
	int ends[2];
	ssize_t n;
	int err;

	if (src < 0)
		return ckpt_fail(-errno, d->pid, "fd %d (pipe): pidfd_getfd", p->read_fd);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return ckpt_fail(-errno, d->pid, "fd %d (pipe): pipe", p->read_fd);
	in = ends[0];
	out = ends[1];
	if (fcntl(out, F_SETPIPE_SZ, p->rec.capacity) < 0)
		return ckpt_fail(-errno, d->pid, "fd %d (pipe): F_SETPIPE_SZ %u", p->read_fd,
				 p->rec.capacity);
	n = tee(src, out, p->rec.nbytes, SPLICE_F_NONBLOCK);
	if (n != (ssize_t)p->rec.nbytes)
		return ckpt_fail(n < 0 ? -errno : -EAGAIN, d->pid, "fd %d (pipe): tee", p->read_fd);
	p->content = malloc(p->rec.nbytes);
	if (!p->content)
		return ckpt_fail(-ENOMEM, d->pid, "fd %d (pipe)", p->read_fd);
	err = ckpt_read_all(in, p->content, p->rec.nbytes);
	return err ? ckpt_fail(err, d->pid, "fd %d (pipe): read", p->read_fd) : 0;
}

int res_pipe_stopped(struct ckpt_dump *d)
{
	int err = 0;

	for (size_t i = 0; i < d->pipes.n && !err; i++) {
		struct dump_pipe *p = &d->pipes.v[i];

		if (p->read_fd < 0)
			p->rec.nbytes = 0;	/* nobody is left who could read it */
		if (p->rec.nbytes)
			err = take_content(d, p);
	}
	return err;
}

int res_pipe_write_one(struct ckpt_dump *d, uint64_t cookie, uint32_t *id)
{
	struct dump_pipe *p = dump_pipe_of(d, cookie);

	if (!p)
		return ckpt_fail(-ENOMEM, d->pid, "pipe");
	if (!p->id) {
		p->id = p->rec.id = d->next_id++;
		*id = p->id;
		return ckpt_write_record(d->w, CKPT_PIPE, 0, &p->rec, sizeof(p->rec), p->content,
					 p->rec.nbytes);
	}
	*id = p->id;
	return 0;
}

int res_pipe_restore(const struct ckpt_plan *plan, uint32_t id, struct restored_pipe *rp)
{
	const struct plan_pipe *p = plan_pipe(plan, id);
	int ends[2], err;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return ckpt_fail(-errno, 0, "pipe %u: pipe", id);
	rp->id = id;
	rp->read_fd = ends[0];
	rp->write_fd = ends[1];
	if (fcntl(ends[1], F_SETPIPE_SZ, p->rec.capacity) < 0)
		return ckpt_fail(-errno, 0, "pipe %u: F_SETPIPE_SZ %u", id, p->rec.capacity);
	err = ckpt_write_all(ends[1], p->content, p->rec.nbytes);
	return err ? ckpt_fail(err, 0, "pipe %u: write", id) : 0;
}
