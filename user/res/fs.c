// SPDX-License-Identifier: GPL-2.0
/*
 * Where a task stands in the filesystem: current folder, root, umask.
 *
 * Saved: umask, path of the current folder and of the root.
 * Restored: chdir() and umask().
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fail.h"
#include "res/dump.h"
#include "res/res.h"

static const char *cwd_text(const struct gather_proc *p)
{
	return p->text + p->exe.path_len;
}

static const char *root_text(const struct gather_proc *p)
{
	return cwd_text(p) + p->fs.cwd_len;
}

int res_fs_check(struct ckpt_dump *d)
{
	const struct gather_proc *p = d->proc;

	if (p->fs.root_len != 1 || root_text(p)[0] != '/')
		return dump_refuse(d, "its root is %.*s", (int)p->fs.root_len, root_text(p));
	if (!p->fs.cwd_len || cwd_text(p)[0] != '/')
		return dump_refuse(d, "its current folder cannot be reached from its root");
	if (dump_path_deleted(cwd_text(p), p->fs.cwd_len))
		return dump_refuse(d, "its current folder is deleted: %.*s", (int)p->fs.cwd_len,
				   cwd_text(p));
	return 0;
}

int res_fs_write(struct ckpt_dump *d)
{
	const struct gather_proc *p = d->proc;

	return ckpt_write_record(d->w, CKPT_FS, d->task_id, &p->fs, sizeof(p->fs), cwd_text(p),
				 p->fs.cwd_len + p->fs.root_len);
}

int res_fs_restore(const struct ckpt_plan *p, const struct plan_task *t)
{
	(void)p;
	if (strcmp(t->root, "/"))
		return ckpt_fail(-EOPNOTSUPP, t->rec.pid, "root %s: only / can be restored", t->root);
	if (chdir(t->cwd))
		return ckpt_fail(-errno, t->rec.pid, "current folder %s", t->cwd);
	umask(t->fs.umask);
	return 0;
}
