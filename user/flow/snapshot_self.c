// SPDX-License-Identifier: GPL-2.0
/* A target that asked for its own image, and one whose output is the image. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow/snapshot.h"
#include "lib/fail.h"

int snapshot_self_placed(struct snapshot *s)
{
	const struct snapshot_caller *c = s->o->caller;
	struct ckpt_cpu cpu;
	size_t len = sizeof(cpu);
	int err;

	if (!c || !c->tid)
		return 0;
	err = s->engine.ops->get_regset(&s->engine, c->tid, NT_PRSTATUS, &cpu, &len);
	if (err)
		return err;
	/* Shorter for 32-bit code, which is refused by name later. */
	return len != sizeof(cpu) || cpu.ip == c->ip ? 0 : -EAGAIN;
}

void snapshot_self_mark(struct snapshot *s)
{
	for (size_t i = 0; i < s->d.threads.n && s->o->caller; i++)
		if (s->d.threads.v[i].g->h.tid == s->o->caller->tid)
			s->d.threads.v[i].returns_0 = true;
}

/*
 * "./ckpt > image": the image itself is one of the program's files, whose offset
 * lies at its begin when it is saved. Restored, every write would destroy it;
 * appended, nothing is lost.
 */
int snapshot_mark_output(struct snapshot *s)
{
	struct stat out, st;
	int err = 0;

	if (!s->o->out || strcmp(s->o->out, "-") || fstat(STDOUT_FILENO, &out) || !S_ISREG(out.st_mode))
		return 0;
	for (size_t i = 0; i < s->d.files.n && !err; i++) {
		struct dump_file *f = &s->d.files.v[i];
		char path[64];

		if (f->fd < 0 || f->rec.kind != CKPT_FILE_REG || (f->rec.flags & O_ACCMODE) == O_RDONLY)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)s->o->pid, f->fd);
		if (stat(path, &st) || st.st_dev != out.st_dev || st.st_ino != out.st_ino)
			continue;
		f->rec.flags |= O_APPEND;
		err = dump_lose(&s->d, "fd %d (%.*s): it is the image: what the restored program writes is added behind it",
				f->fd, (int)f->rec.path_len, f->path);
	}
	return err;
}
