// SPDX-License-Identifier: GPL-2.0
/* The restore side of filecheck.c: every file of the plan beside what is there now. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "lib/build_id.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "res/cookie.h"
#include "res/file_proc.h"
#include "res/file_restore.h"

/* What the program does with a file. */
struct use {
	bool mapped, code;
	uint64_t end;		/* of the part that is mapped */
};

struct finding {
	int err;
	char *text;
};

struct check {
	const struct ckpt_plan *p;
	enum res_validation how;
	struct use *uses;	/* by the plan's files */
	VEC(struct finding) found;
	struct cookie_map paths;	/* of these, by XXH3 */
};

/* One of each path; several descriptions of one file say the same. */
static __attribute__((format(printf, 4, 5))) int found(struct check *c, const char *path, int err,
						       const char *fmt, ...)
{
	uint64_t key = XXH3_64bits(path, strlen(path));
	struct finding *slot;
	va_list ap;

	if (cookie_get(&c->paths, key))
		return 0;
	slot = vec_push(&c->found);
	if (!slot || cookie_put(&c->paths, key, (uint32_t)c->found.n))
		return -ENOMEM;
	slot->err = err;
	va_start(ap, fmt);
	if (vasprintf(&slot->text, fmt, ap) < 0)
		slot->text = NULL;
	va_end(ap);
	return slot->text ? 0 : -ENOMEM;
}

static void hex(char *to, const uint8_t *id, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sprintf(to + 2 * i, "%02x", id[i]);
}

static int check_build_id(struct check *c, const struct plan_file *f, const struct stat *st)
{
	char was[2 * CKPT_MAX_BUILD_ID + 1], is[2 * CKPT_MAX_BUILD_ID + 1];
	uint8_t id[CKPT_BUILD_ID_MAX];
	cleanup_close int fd = res_file_open_seen(f, st);
	size_t len;

	if (fd < 0)
		return found(c, f->path, fd, "file %s: open", f->path);
	len = ckpt_build_id(fd, id);
	if (len == f->check.build_id_len && !memcmp(id, f->build_id, len))
		return 0;
	hex(was, f->build_id, f->check.build_id_len);
	hex(is, id, len);
	if (!len)
		return found(c, f->path, -EINVAL, "file %s: it has no build-id now, it was %s", f->path, was);
	return found(c, f->path, -EINVAL, "file %s: it is of another build: %s, it was %s", f->path, is, was);
}

static bool same_time(const struct plan_file *f, const struct stat *st)
{
	return st->st_mtim.tv_sec == f->check.mtime_sec &&
	       (uint32_t)st->st_mtim.tv_nsec == f->check.mtime_nsec;
}

static int check_unchanged(struct check *c, const struct plan_file *f, const struct stat *st)
{
	if (!f->have_check)
		return found(c, f->path, -EINVAL, "file %s: the image does not tell whether it has changed", f->path);
	if ((uint64_t)st->st_size != f->rec.size)
		return found(c, f->path, -EINVAL, "file %s: it has changed: %lld bytes, it had %llu", f->path,
			     (long long)st->st_size, (unsigned long long)f->rec.size);
	if (!same_time(f, st))
		return found(c, f->path, -EINVAL, "file %s: it has changed: it was written to since the snapshot", f->path);
	return 0;
}

static int check_content(struct check *c, const struct plan_file *f, const struct stat *st)
{
	const struct use *u = &c->uses[f - c->p->files.v];
	uint64_t size = (uint64_t)st->st_size;
	bool strict = c->how == RES_VALIDATE_STRICT;

	/* Beyond its end a mapping faults; where it did so already, nothing is lost. */
	if (size < f->rec.size && size < u->end)
		return found(c, f->path, -EINVAL, "file %s: it is too short: %llu bytes, %llu are mapped", f->path,
			     (unsigned long long)size, (unsigned long long)f->rec.size);
	if (f->rec.kind == CKPT_FILE_REG && size < f->rec.pos && f->rec.pos <= f->rec.size)
		return found(c, f->path, -EINVAL, "file %s: it is too short: %llu bytes, its offset is %llu", f->path,
			     (unsigned long long)size, (unsigned long long)f->rec.pos);
	if (f->have_check && f->check.build_id_len && (u->mapped || strict)) {
		int err = check_build_id(c, f, st);

		if (err || !strict)
			return err;
	} else if (!strict && !(u->code && f->have_check)) {
		return 0;
	}
	return check_unchanged(c, f, st);
}

static int check_file(struct check *c, const struct plan_file *f)
{
	struct proc_path own;
	const char *why;
	struct stat st;
	int err;

	switch (f->rec.kind) {
	case CKPT_FILE_REG:
	case CKPT_FILE_MAPPED:
	case CKPT_FILE_DEV:
	case CKPT_FILE_DIR:
	case CKPT_FILE_PATH:
	case CKPT_FILE_FIFO:
		break;
	case CKPT_FILE_PROC:
		/* Of the process itself it is there as soon as the process is. */
		if (proc_path_parse(f->path, strlen(f->path), &own) && !own.pid)
			break;
		return 0;
	default:
		return 0;
	}
	err = res_file_look(f, &st, &why);
	if (err)
		return found(c, f->path, err, "file %s%s%s", f->path, why ? ": " : "", why ? why : "");
	if (c->how == RES_VALIDATE_NONE || (f->rec.kind != CKPT_FILE_REG && f->rec.kind != CKPT_FILE_MAPPED))
		return 0;
	return check_content(c, f, &st);
}

/* Where a task stands: a folder, or it could not be put there. */
static int check_cwd(struct check *c, const struct plan_task *t)
{
	cleanup_close int fd = open(t->cwd, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? found(c, t->cwd, -errno, "current folder %s", t->cwd) : 0;
}

static struct use *use_of(const struct check *c, uint32_t file)
{
	return &c->uses[plan_file(c->p, file) - c->p->files.v];
}

static void find_uses(struct check *c)
{
	for (size_t i = 0; i < c->p->tasks.n; i++) {
		const struct plan_mm *mm = &c->p->tasks.v[i].mm;
		struct use *u = use_of(c, mm->rec.exe);

		u->mapped = u->code = true;
		for (size_t j = 0; j < mm->vmas.n; j++) {
			const struct ckpt_vma *v = &mm->vmas.v[j];
			uint64_t end = v->offset + (v->end - v->start);

			if (v->kind != CKPT_VMA_FILE)
				continue;
			u = use_of(c, v->file);
			u->mapped = true;
			u->code |= !!(v->flags & CKPT_VMA_EXEC);
			u->end = end > u->end ? end : u->end;
		}
	}
}

static int tell(const struct check *c)
{
	pid_t pid = c->p->tasks.v[0].rec.pid;

	if (c->found.n == 1)
		return ckpt_fail(c->found.v[0].err, pid, "%s", c->found.v[0].text);
	for (size_t i = 0; i < c->found.n; i++)
		ckpt_fail_line(c->found.v[i].err, pid, "%s", c->found.v[i].text);
	return ckpt_fail(-EINVAL, pid, "%zu of its files are missing or have changed", c->found.n);
}

int res_filecheck(const struct ckpt_plan *p, enum res_validation how)
{
	cleanup_free struct use *uses = calloc(p->files.n + 1, sizeof(*uses));
	struct check c = { .p = p, .how = how, .uses = uses };
	int err = uses ? 0 : -ENOMEM;

	if (!err)
		find_uses(&c);
	for (size_t i = 0; i < p->files.n && !err; i++)
		err = check_file(&c, &p->files.v[i]);
	for (size_t i = 0; i < p->tasks.n && !err; i++)
		err = check_cwd(&c, &p->tasks.v[i]);
	if (err)
		ckpt_fail(err, 0, "checking the files");
	else if (c.found.n)
		err = tell(&c);
	for (size_t i = 0; i < c.found.n; i++)
		free(c.found.v[i].text);
	vec_free(&c.found);
	cookie_free(&c.paths);
	return err;
}
