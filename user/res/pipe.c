// SPDX-License-Identifier: GPL-2.0
/*
 * A pipe whose ends are all inside: its capacity and the bytes in it. The bytes
 * are duplicated with tee(2), so that the target's reader still finds them. What
 * was written with O_DIRECT is packets, which are read one at a time: where they
 * end is kept. A fifo is a pipe with a name, by which it is opened again.
 *
 * Saved: capacity, content and packets of a pipe or fifo whose ends are all
 * inside; named by FILE records.
 * Restored: pipe2(), or a fifo's path, F_SETPIPE_SZ, written into.
 * Refused: pipes and fifos that lead outside; fifos that are deleted or hold data
 * that nobody has open for reading; more than 1024 packets; at the restore, a fifo
 * that holds data of others.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"
#include "res/dump.h"
#include "res/file_restore.h"

#define FMODE_READ	0x1u
#define FMODE_WRITE	0x2u

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

int res_pipe_count_ends(struct ckpt_dump *d)
{
	for (size_t i = 0; i < d->fds.n; i++) {
		const struct gather_fd *g = d->fds.v[i];
		struct dump_pipe *p;

		if ((g->file.mode & S_IFMT) != S_IFIFO || dump_fd_of(d, g->cookie) != g)
			continue;
		p = dump_pipe_of(d, g->priv);
		if (!p)
			return -ENOMEM;
		p->readers += !!(g->f_mode & FMODE_READ);
		p->writers += !!(g->f_mode & FMODE_WRITE);
	}
	return 0;
}

bool res_pipe_is_inside(struct ckpt_dump *d, const struct gather_fd *g)
{
	const struct dump_pipe *p = dump_pipe_of(d, g->priv);

	return p && p->readers == g->pipe.readers && p->writers == g->pipe.writers;
}

const char *res_pipe_refusal(struct ckpt_dump *d, const struct gather_fd *g)
{
	bool fifo = g->path_len && g->path[0] == '/';
	const struct dump_pipe *p = dump_pipe_of(d, g->priv);

	if (!res_pipe_is_inside(d, g))
		return fifo ? "the other end of the fifo is outside" :
			      "the other end of the pipe is outside";
	if (!g->path_len)
		return "it has no usable path";
	if (fifo && (!g->nlink || dump_path_deleted(g->path, g->path_len)))
		return "a deleted fifo cannot be saved";
	/* To read them would let go whoever waits for a reader to open it. */
	if (fifo && g->pipe.bytes && !p->readers)
		return "it holds data that nobody has open for reading";
	if (g->pipe.bytes > CKPT_MAX_META - sizeof(p->rec))
		return "the pipe holds too much";
	if (p->packets && p->packets->more)
		return "it holds more than 1024 packets";
	return NULL;
}

int res_pipe_take(struct ckpt_dump *d, struct dump_file *f, const struct gather_fd *g)
{
	struct dump_pipe *p = dump_pipe_of(d, g->priv);

	if (!p)
		return -ENOMEM;
	f->pipe = g->priv;
	/* Until somebody has written to it, its reader waits instead of seeing an end. */
	if (f->rec.kind == CKPT_FILE_FIFO)
		f->rec.pos = !!g->pipe.had_writer;
	p->rec.capacity = g->pipe.ring_size * CKPT_PAGE_SIZE;
	p->rec.nbytes = (uint32_t)g->pipe.bytes;
	if (g->f_mode & FMODE_READ)
		p->read_fd = g->rec.fd;
	return 0;
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

		/* Nobody is left who could read it. */
		if (p->read_fd < 0) {
			p->rec.nbytes = 0;
			p->packets = NULL;
		}
		if (p->rec.nbytes)
			err = take_content(d, p);
	}
	return err;
}

static int write_packets(struct ckpt_dump *d, const struct dump_pipe *p)
{
	struct ckpt_pipe_packets rec = { .obj = p->id, .n = p->packets->a.n };

	return ckpt_write_record(d->w, CKPT_PIPE_PACKETS, 0, &rec, sizeof(rec), p->packets->part,
				 rec.n * sizeof(p->packets->part[0]));
}

int res_pipe_write_one(struct ckpt_dump *d, uint64_t cookie, uint32_t *id)
{
	struct dump_pipe *p = dump_pipe_of(d, cookie);
	int err = 0;

	if (!p)
		return ckpt_fail(-ENOMEM, d->pid, "pipe");
	if (!p->id) {
		p->id = p->rec.id = d->next_id++;
		err = ckpt_write_record(d->w, CKPT_PIPE, 0, &p->rec, sizeof(p->rec), p->content,
					p->rec.nbytes);
		if (!err && p->packets)
			err = write_packets(d, p);
	}
	*id = p->id;
	return err;
}

/*
 * Bytes to which the packet behind them is not added, as any write is where
 * there is room in the page: tee(2) makes such.
 */
static int write_apart(int fd, const uint8_t *at, uint32_t len)
{
	cleanup_close int in = -1, out = -1;
	int ends[2], err = 0;
	ssize_t n = 0;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	in = ends[0];
	out = ends[1];
	err = ckpt_write_all(out, at, len);
	if (!err)
		n = tee(in, fd, len, SPLICE_F_NONBLOCK);
	if (n < 0)
		return -errno;
	return err ? err : n == (ssize_t)len ? 0 : -EAGAIN;
}

/* What is written with O_DIRECT is a packet, if it fits a page. */
static int write_parts(const struct plan_pipe *p, int fd)
{
	const uint8_t *at = p->content;
	int err = 0;

	for (uint32_t i = 0; i < p->nparts && !err; i++) {
		uint32_t len = p->parts[i] & ~CKPT_PIPE_PACKET;
		bool packet = p->parts[i] & CKPT_PIPE_PACKET;
		bool before = i + 1 < p->nparts && p->parts[i + 1] & CKPT_PIPE_PACKET;

		if (fcntl(fd, F_SETFL, O_NONBLOCK | (packet ? O_DIRECT : 0)) < 0)
			return -errno;
		err = before && !packet ? write_apart(fd, at, len) : ckpt_write_all(fd, at, len);
		at += len;
	}
	if (!err && fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return err;
}

static int fill(const struct plan_pipe *p, int fd)
{
	int err;

	if (fcntl(fd, F_SETPIPE_SZ, p->rec.capacity) < 0)
		return ckpt_fail(-errno, 0, "pipe %u: F_SETPIPE_SZ %u", p->rec.id, p->rec.capacity);
	err = p->nparts ? write_parts(p, fd) : ckpt_write_all(fd, p->content, p->rec.nbytes);
	return err ? ckpt_fail(err, 0, "pipe %u: write", p->rec.id) : 0;
}

/*
 * Held open for both while its ends are opened, so that none of them waits for
 * the other; but not where that would be taken for a writer that has come and gone.
 */
static int restore_fifo(const struct plan_pipe *p, struct restored_pipe *rp)
{
	int had = 0;

	if (!p->had_writer)
		return 0;
	rp->read_fd = res_file_open_fifo(p->fifo);
	if (rp->read_fd < 0)
		return rp->read_fd;
	if (ioctl(rp->read_fd, FIONREAD, &had))
		return ckpt_fail(-errno, 0, "file %s: FIONREAD", p->fifo);
	if (had)
		return ckpt_fail(-EBUSY, 0, "file %s: it holds %d bytes of somebody else", p->fifo, had);
	return fill(p, rp->read_fd);
}

int res_pipe_restore(const struct ckpt_plan *plan, uint32_t id, struct restored_pipe *rp)
{
	const struct plan_pipe *p = plan_pipe(plan, id);
	int ends[2];

	rp->id = id;
	rp->read_fd = rp->write_fd = -1;
	if (p->fifo)
		return restore_fifo(p, rp);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return ckpt_fail(-errno, 0, "pipe %u: pipe", id);
	rp->read_fd = ends[0];
	rp->write_fd = ends[1];
	return fill(p, ends[1]);
}
