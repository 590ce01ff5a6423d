// SPDX-License-Identifier: GPL-2.0
/* Paths, open files, descriptors and pipes of an image. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "res/file_proc.h"
#include "res/plan_int.h"

/* f_flags of an open file: what open() acts on and forgets is never there. */
#define OPEN_ONCE	(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC)
#define OPEN_KNOWN	037777777u
#define PIPE_MAX	(1u << 31)
/* In the kernel's own numbers, all that a descriptor with O_PATH can have. */
#define PATH_FLAGS	(O_PATH | O_DIRECTORY | O_NOFOLLOW | 0100000)

int plan_take_fs(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_fs *f = rec->payload;
	const char *text = (const char *)(f + 1);
	struct plan_task *t = &p->tasks.v[p->cur];
	int err;

	if (t->have_fs)
		return bad(rec, "a second one of pid %d", t->rec.pid);
	if (f->umask & ~0777u)
		return bad(rec, "umask 0%o", f->umask);
	t->have_fs = true;
	t->fs = *f;
	err = plan_text(rec, text, f->cwd_len, true, "cwd", &t->cwd);
	return err ? err : plan_text(rec, text + f->cwd_len, f->root_len, true, "root", &t->root);
}

/* null, zero, full, random, urandom: they hold nothing that could be lost. */
static bool is_plain_device(uint32_t rdev)
{
	uint32_t minor = rdev & 0xfffff;

	return rdev >> 20 == 1 && (minor == 3 || minor == 5 || (minor >= 7 && minor <= 9));
}

/* A pipe has a name or it has none. */
static int check_pipe(struct ckpt_plan *p, const struct ckpt_rec *rec, const struct ckpt_file *f)
{
	struct plan_pipe *pipe = plan_pipe(p, f->obj);
	bool fifo = f->kind == CKPT_FILE_FIFO;

	if (!S_ISFIFO(f->mode))
		return bad(rec, "mode 0%o is not a pipe's", f->mode);
	if (!pipe)
		return bad(rec, "obj %u is no PIPE that came before", f->obj);
	if (fifo ? pipe->plain : pipe->fifo != NULL)
		return bad(rec, "obj %u is a pipe without a name and a fifo", f->obj);
	pipe->plain = !fifo;
	if (fifo && ((f->flags & O_ACCMODE) != O_RDONLY || f->pos || pipe->rec.nbytes))
		pipe->had_writer = true;
	return 0;
}

static int check_kind(struct ckpt_plan *p, const struct ckpt_rec *rec, const struct ckpt_file *f)
{
	switch (f->kind) {
	case CKPT_FILE_REG:
	case CKPT_FILE_MAPPED:
		if (!S_ISREG(f->mode))
			return bad(rec, "mode 0%o is not a regular file's", f->mode);
		break;
	case CKPT_FILE_DEV:
		if (!S_ISCHR(f->mode) || (!is_plain_device(f->rdev) && f->rdev != CKPT_RDEV_TTY))
			return bad(rec, "device 0x%x is none that can be reopened", f->rdev);
		break;
	case CKPT_FILE_PIPE:
		return check_pipe(p, rec, f);
	case CKPT_FILE_FIFO:
		if (f->pos > 1)
			return bad(rec, "pos %llu", (unsigned long long)f->pos);
		return check_pipe(p, rec, f);
	case CKPT_FILE_ANON:
		return plan_check_anon(p, rec, f);
	case CKPT_FILE_DIR:
		if (!S_ISDIR(f->mode))
			return bad(rec, "mode 0%o is not a folder's", f->mode);
		if ((f->flags & O_ACCMODE) != O_RDONLY)
			return bad(rec, "a folder cannot be written");
		break;
	case CKPT_FILE_PATH:
		if (!(f->flags & O_PATH) || f->flags & ~(uint32_t)PATH_FLAGS)
			return bad(rec, "flags 0%o are not those of a place", f->flags);
		if (f->pos)
			return bad(rec, "a place has no offset, but pos is %llu",
				   (unsigned long long)f->pos);
		break;
	case CKPT_FILE_SHMEM:
		if (!S_ISREG(f->mode))
			return bad(rec, "mode 0%o is not a memory object's", f->mode);
		return plan_shmem(p, f->obj) ? 0 : bad(rec, "obj %u is no SHMEM that came before", f->obj);
	case CKPT_FILE_GHOST:
		if (f->flags & O_PATH && (f->flags & ~(uint32_t)PATH_FLAGS || f->pos))
			return bad(rec, "flags 0%o or pos are not those of a place", f->flags);
		return plan_check_ghost(p, rec, f);
	case CKPT_FILE_PROC:
		if (f->flags & O_PATH && (f->flags & ~(uint32_t)PATH_FLAGS || f->pos))
			return bad(rec, "flags 0%o or pos are not those of a place", f->flags);
		if (!S_ISREG(f->mode) && !S_ISDIR(f->mode) && !(S_ISLNK(f->mode) && f->flags & O_PATH))
			return bad(rec, "mode 0%o is not of a file of /proc", f->mode);
		break;
	case CKPT_FILE_EXTERNAL:
		break;
	default:
		return unknown(rec, "kind %u", f->kind);
	}
	return f->obj ? bad(rec, "obj %u, but it is no pipe", f->obj) : 0;
}

/* Only of a process that is in the image, and only what is there before its threads are. */
static int check_proc(struct ckpt_plan *p, const struct ckpt_rec *rec, const char *path)
{
	struct proc_path of;

	if (!proc_path_parse(path, strlen(path), &of))
		return bad(rec, "path %s is not below /proc", path);
	if (of.tid && of.tid != of.pid)
		return bad(rec, "path %s: thread %d is not there yet", path, of.tid);
	for (size_t i = 0; of.pid && i <= p->tasks.n; i++) {
		if (i == p->tasks.n)
			return bad(rec, "path %s: process %d is not in the image", path, of.pid);
		if (p->tasks.v[i].rec.pid == of.pid)
			break;
	}
	return 0;
}

int plan_take_file(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_file *f = rec->payload;
	struct plan_file *slot;
	bool path;
	int err = check_kind(p, rec, f);

	if (err)
		return err;
	if (f->flags & (OPEN_ONCE | ~OPEN_KNOWN) || (f->flags & O_ACCMODE) == O_ACCMODE)
		return bad(rec, "flags 0%o", f->flags);
	if (f->mode & ~0177777u)
		return bad(rec, "mode 0%o", f->mode);
	if (f->pos > INT64_MAX || f->size > INT64_MAX)
		return bad(rec, "pos or size is beyond any file");
	slot = vec_push(&p->files);
	if (!slot)
		return plan_nomem(rec);
	slot->rec = *f;
	path = f->kind != CKPT_FILE_PIPE && f->kind != CKPT_FILE_EXTERNAL && f->kind != CKPT_FILE_ANON;
	err = plan_text(rec, (const char *)(f + 1), f->path_len, path, "path", &slot->path);
	if (!err && f->kind == CKPT_FILE_FIFO)
		plan_pipe(p, f->obj)->fifo = slot->path;
	if (!err && f->kind == CKPT_FILE_PROC)
		err = check_proc(p, rec, slot->path);
	return err ? err : plan_new_object(p, rec, f->id, (uint32_t)p->files.n - 1, 0);
}

int plan_take_filecheck(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_filecheck *c = rec->payload;
	const struct plan_index *ix = plan_owner(p, rec, CKPT_FILE);
	struct plan_file *f;

	if (!ix)
		return -EINVAL;
	f = &p->files.v[ix->at];
	if (f->rec.kind != CKPT_FILE_REG && f->rec.kind != CKPT_FILE_MAPPED)
		return bad(rec, "file %u is none that is opened by its path", f->rec.id);
	if (f->have_check)
		return bad(rec, "a second one of file %u", f->rec.id);
	if (c->mtime_nsec >= 1000000000)
		return bad(rec, "%u nanoseconds", c->mtime_nsec);
	if (c->build_id_len > CKPT_MAX_BUILD_ID)
		return bad(rec, "a build-id of %u bytes is too long", c->build_id_len);
	f->check = *c;
	memcpy(f->build_id, c + 1, c->build_id_len);
	f->have_check = true;
	return 0;
}

int plan_take_fd(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_fd *f = rec->payload;
	struct plan_task *t = &p->tasks.v[p->cur];
	const struct plan_file *file = plan_file(p, f->file);
	struct ckpt_fd *slot;

	if (f->fd < 0 || f->fd > PLAN_FD_MAX)
		return bad(rec, "descriptor %d", f->fd);
	if (t->fds.n && f->fd <= t->fds.v[t->fds.n - 1].fd)
		return bad(rec, "descriptor %d does not ascend", f->fd);
	if (f->flags & ~CKPT_FD_CLOEXEC)
		return bad(rec, "flags 0x%x", f->flags);
	if (!file)
		return bad(rec, "file %u is no FILE that came before", f->file);
	if (file->rec.kind == CKPT_FILE_MAPPED)
		return bad(rec, "file %u is only mapped", f->file);
	if (p->nfds == CKPT_MAX_FDS)
		return bad(rec, "more than %u descriptors", CKPT_MAX_FDS);
	slot = vec_push(&t->fds);
	if (!slot)
		return plan_nomem(rec);
	*slot = *f;
	p->nfds++;
	return 0;
}

int plan_take_terminal(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_terminal *f = rec->payload;
	struct plan_task *t = &p->tasks.v[p->cur];

	if (t->have_terminal)
		return bad(rec, "a second one of pid %d", t->rec.pid);
	if (f->iflag & ~CKPT_TERMINAL_IFLAGS || f->oflag & ~CKPT_TERMINAL_OFLAGS ||
	    f->lflag & ~CKPT_TERMINAL_LFLAGS)
		return unknown(rec, "modes 0%o 0%o 0%o", f->iflag, f->oflag, f->lflag);
	t->terminal = *f;
	t->have_terminal = true;
	return 0;
}

int plan_take_pipe(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_pipe *f = rec->payload;
	struct plan_pipe *slot;

	if (f->capacity < CKPT_PAGE_SIZE || f->capacity > PIPE_MAX || f->capacity & (f->capacity - 1))
		return bad(rec, "capacity %u", f->capacity);
	if (f->nbytes > f->capacity)
		return bad(rec, "%u bytes are more than its capacity", f->nbytes);
	slot = vec_push(&p->pipes);
	if (!slot)
		return plan_nomem(rec);
	slot->rec = *f;
	if (f->nbytes) {
		slot->content = malloc(f->nbytes);
		if (!slot->content)
			return plan_nomem(rec);
		memcpy(slot->content, f + 1, f->nbytes);
	}
	return plan_new_object(p, rec, f->id, (uint32_t)p->pipes.n - 1, 0);
}

int plan_take_packets(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_pipe_packets *f = rec->payload;
	const uint32_t *parts = (const void *)(f + 1);
	struct plan_pipe *pipe = plan_pipe(p, f->obj);
	uint64_t sum = 0;

	if (!pipe || pipe->nparts)
		return bad(rec, "pipe %u is no PIPE before it, or has packets already", f->obj);
	if (!f->n || f->n > pipe->rec.capacity / CKPT_PAGE_SIZE)
		return bad(rec, "%u parts of a pipe with %u bytes of room", f->n, pipe->rec.capacity);
	for (uint32_t i = 0; i < f->n; i++) {
		uint32_t len = parts[i] & ~CKPT_PIPE_PACKET;

		if (!len || (len > CKPT_PAGE_SIZE && parts[i] & CKPT_PIPE_PACKET))
			return bad(rec, "part %u has %u bytes", i, len);
		sum += len;
	}
	if (sum != pipe->rec.nbytes)
		return bad(rec, "%llu bytes in parts, %u in the pipe", (unsigned long long)sum,
			   pipe->rec.nbytes);
	pipe->parts = malloc(f->n * sizeof(*parts));
	if (!pipe->parts)
		return plan_nomem(rec);
	memcpy(pipe->parts, parts, f->n * sizeof(*parts));
	pipe->nparts = f->n;
	return 0;
}

int plan_take_shmem(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_shmem *f = rec->payload;
	unsigned int huge = f->flags >> CKPT_SHMEM_HUGE_SHIFT;
	bool memfd = f->flags & CKPT_SHMEM_MEMFD;
	struct plan_shmem *slot;
	int err;

	if (f->flags & ~(CKPT_SHMEM_MEMFD | CKPT_SHMEM_NORESERVE | CKPT_SHMEM_HUGETLB | CKPT_SHMEM_HUGE))
		return bad(rec, "flags 0x%x", f->flags);
	if (f->flags & CKPT_SHMEM_HUGETLB ? huge != 21 && huge != 30 : huge)
		return unknown(rec, "flags 0x%x: the size of its pages", f->flags);
	if (huge && f->size & ((1ull << huge) - 1))
		return bad(rec, "size %llu", (unsigned long long)f->size);
	if (f->seals & ~CKPT_SEALS_ALL)
		return unknown(rec, "seals 0x%x", f->seals);
	if (!memfd && (f->seals || f->name_len))
		return bad(rec, "only a memfd has seals and a name");
	if (f->size > INT64_MAX - CKPT_PAGE_SIZE || (!memfd && (!f->size || !plan_is_page(f->size))))
		return bad(rec, "size %llu", (unsigned long long)f->size);
	if (f->name_len > CKPT_MAX_SHMEM_NAME)
		return bad(rec, "a name of %u bytes is too long", f->name_len);
	slot = vec_push(&p->shmems);
	if (!slot)
		return plan_nomem(rec);
	slot->mode = 0777;
	slot->rec = *f;
	slot->fd = -1;
	err = plan_text(rec, (const char *)(f + 1), f->name_len, false, "name", &slot->name);
	return err ? err : plan_new_object(p, rec, f->id, (uint32_t)p->shmems.n - 1, 0);
}
