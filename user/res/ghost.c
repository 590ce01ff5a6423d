// SPDX-License-Identifier: GPL-2.0
/*
 * Regular files that no path leads to any more: deleted while they were open or
 * mapped, made by O_TMPFILE, replaced by another of the same name. One record for
 * each, however many descriptions lead to it; its pages are in the image like
 * those of an mm, by their offset in the file. Inodes are compared, never names:
 * a new file of the old name is another file, and a file whose name really ends
 * in " (deleted)" is none of these. The restore side is ghost_restore.c.
 *
 * Who watches such a file, or the folder it lay in, by inotify sees that the
 * snapshot opens and reads it.
 *
 * Saved: content with its holes, size, permissions, owner, times of access and
 * change, extended attributes; whether linkat() may give it a name.
 * Restored: O_TMPFILE in the folder where it lay, or in what is left of the way
 * there; made and deleted under a name of its own where the filesystem lacks
 * that; every description and mapping leads to the one file again, opened
 * through /proc/self/fd. Where it has another name, in the same folder or among
 * what is open, that is opened instead.
 * Refused: more data than --ghost-limit; its filesystem cannot be reached any
 * more; at the restore, a folder that is gone, a filesystem that is full or has
 * not what the file needs.
 * Lost: the number of its inode and the name that /proc shows, O_NOFOLLOW and
 * O_TMPFILE among its flags, what chattr() set, its quota project, pages that
 * were only reserved by fallocate(), what was written into a mapping behind the
 * end of the file.
 */
#include "res/ghost.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"
#include "res/shmem.h"

#define DELETED		" (deleted)"
#define PAGE		((uint64_t)CKPT_PAGE_SIZE)
/* Entries of a folder that are looked at, in the stop. */
#define NAMES_MAX	16384
#define MQUEUE_MAGIC	0x19800202u	/* ipc/mqueue.c */

bool dump_is_gone(uint32_t mode, uint32_t nlink, const char *path, uint32_t len)
{
	return S_ISREG(mode) && (!nlink || dump_path_deleted(path, len));
}

/* Filesystems in which a file is a way to speak with the kernel. */
static bool is_of_kernel(int fd)
{
	static const uint32_t magics[] = {
		SYSFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,
		SECURITYFS_MAGIC, BINFMTFS_MAGIC, BPF_FS_MAGIC, PSTOREFS_MAGIC, EFIVARFS_MAGIC,
		HUGETLBFS_MAGIC, PROC_SUPER_MAGIC, MQUEUE_MAGIC,
	};
	struct statfs st;

	if (fstatfs(fd, &st))
		return true;
	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++)
		if ((uint32_t)st.f_type == magics[i])
			return true;
	return false;
}

static bool leads_to(const char *path, const struct stat *st)
{
	struct stat now;

	return !lstat(path, &now) && now.st_dev == st->st_dev && now.st_ino == st->st_ino;
}

static int rename_to(struct ckpt_dump *d, struct dump_file *f, const char *path)
{
	size_t len = strlen(path);
	char *copy = dump_alloc(d, len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, path, len + 1);
	f->path = copy;
	f->rec.path_len = (uint32_t)len;
	return 0;
}

/* 1: some other open file knows a name that leads to it; f has it now. */
static int name_among_open(struct ckpt_dump *d, struct dump_file *f, const struct stat *st)
{
	for (size_t i = 0; i < d->fds.n + d->vmas.n; i++) {
		const struct gather_fd *g = i < d->fds.n ? d->fds.v[i] : NULL;
		const struct gather_vma *v = g ? NULL : d->vmas.v[i - d->fds.n];
		const char *text = g ? g->path : v->path;
		uint32_t len = g ? g->path_len : v->path_len;
		char path[CKPT_MAX_PATH];

		if ((g ? g->file.ino : v->file.ino) != f->rec.ino || !len || len >= sizeof(path) ||
		    text[0] != '/')
			continue;
		memcpy(path, text, len);
		path[len] = 0;
		if (leads_to(path, st))
			return rename_to(d, f, path) ? -ENOMEM : 1;
	}
	return 0;
}

/* 1: a name in the folder where it lay leads to it; f has it now. */
static int name_in_folder(struct ckpt_dump *d, struct dump_file *f, const char *folder,
			  const struct stat *st)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	int found = 0;

	if (!dir)
		return 0;
	for (int i = 0; !found && i < NAMES_MAX && (e = readdir(dir)); i++) {
		char path[CKPT_MAX_PATH];
		int n;

		if (e->d_ino != st->st_ino)
			continue;
		n = snprintf(path, sizeof(path), "%s/%s", strcmp(folder, "/") ? folder : "", e->d_name);
		if (n < (int)sizeof(path) && leads_to(path, st))
			found = rename_to(d, f, path) ? -ENOMEM : 1;
	}
	closedir(dir);
	return found;
}

static int mount_of(int fd, const char *path, uint64_t *id)
{
	struct statx st;

	if (statx(fd, path, path[0] ? 0 : AT_EMPTY_PATH, STATX_MNT_ID | STATX_TYPE, &st))
		return -errno;
	*id = st.stx_mnt_id;
	return path[0] && !S_ISDIR(st.stx_mode) ? -ENOTDIR : 0;
}

/*
 * Where a file of this path lay, in buf: its folder, or the nearest above that is
 * still there. NULL: what can be reached there is another filesystem.
 */
static const char *folder_of(const struct dump_file *f, int fd, char buf[CKPT_MAX_PATH])
{
	uint64_t mnt, at;
	char *slash;

	if (f->rec.path_len >= CKPT_MAX_PATH || mount_of(fd, "", &mnt))
		return NULL;
	memcpy(buf, f->path, f->rec.path_len);
	buf[f->rec.path_len] = 0;
	while ((slash = strrchr(buf, '/'))) {
		slash[slash == buf] = 0;
		if (!mount_of(AT_FDCWD, buf, &at))
			return at == mnt ? buf : NULL;
		if (slash == buf)
			break;
	}
	return NULL;
}

/* What restore cannot set, or what the filesystem makes up, is not the file's own. */
static bool is_own_xattr(const char *name)
{
	return !strncmp(name, "user.", 5) || !strcmp(name, "security.capability") ||
	       !strcmp(name, "system.posix_acl_access") ||
	       (!strncmp(name, "trusted.", 8) && strncmp(name, "trusted.overlay.", 16));
}

/* All of them as the record has them; -E2BIG: too many. */
static int read_xattrs(struct ckpt_dump *d, struct dump_ghost *g)
{
	cleanup_free char *names = malloc(XATTR_LIST_MAX), *value = malloc(XATTR_SIZE_MAX);
	ssize_t len = names && value ? flistxattr(g->fd, names, XATTR_LIST_MAX) : -1;
	cleanup_free uint8_t *all = malloc(CKPT_MAX_XATTRS);
	size_t used = 0;

	if (!names || !value || !all)
		return -ENOMEM;
	if (len < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	for (char *name = names; name < names + len; name += strlen(name) + 1) {
		struct ckpt_xattr x = { .name_len = (uint32_t)strlen(name) };
		ssize_t n;

		if (!is_own_xattr(name))
			continue;
		n = fgetxattr(g->fd, name, value, XATTR_SIZE_MAX);
		if (n < 0)
			return -errno;
		x.value_len = (uint32_t)n;
		if (used + sizeof(x) + x.name_len + x.value_len > CKPT_MAX_XATTRS)
			return -E2BIG;
		memcpy(all + used, &x, sizeof(x));
		memcpy(all + used + sizeof(x), name, x.name_len);
		memcpy(all + used + sizeof(x) + x.name_len, value, x.value_len);
		used += sizeof(x) + x.name_len + x.value_len;
	}
	if (!used)
		return 0;
	g->xattrs = dump_alloc(d, used);
	if (!g->xattrs)
		return -ENOMEM;
	memcpy(g->xattrs, all, used);
	g->rec.xattrs_len = (uint32_t)used;
	return 0;
}

static void take_inode(struct dump_ghost *g, const struct stat *st, uint32_t linkable)
{
	g->dev = st->st_dev;
	g->ino = st->st_ino;
	g->rec = (struct ckpt_ghost){
		.flags = linkable ? CKPT_GHOST_LINKABLE : 0,
		.size = (uint64_t)st->st_size, .mode = st->st_mode & 07777,
		.uid = st->st_uid, .gid = st->st_gid, .nlink = (uint32_t)st->st_nlink,
		.atime_sec = st->st_atim.tv_sec, .atime_nsec = (uint32_t)st->st_atim.tv_nsec,
		.mtime_sec = st->st_mtim.tv_sec, .mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
	};
}

static int refuse(struct ckpt_dump *d, const struct dump_file *f, const char *who, const char *why)
{
	return dump_refuse(d, "%s (%.*s): %s", who, (int)f->rec.path_len, f->path, why);
}

int res_ghost_data(const struct dump_ghost *g, uint64_t at, uint64_t *start, uint64_t *end)
{
	uint64_t limit = (g->rec.size + PAGE - 1) & ~(PAGE - 1);
	int got = at < limit ? ckpt_next_data(g->fd, at, start, end) : 0;

	/* Another process may have made it longer meanwhile. */
	if (got > 0 && *end > limit)
		*end = limit;
	return got > 0 && *start >= limit ? 0 : got;
}

static int check_size(struct ckpt_dump *d, const struct dump_file *f, const struct dump_ghost *g,
		      const char *who)
{
	uint64_t at = 0, start, end, bytes = 0;
	int got;

	while ((got = res_ghost_data(g, at, &start, &end)) > 0) {
		bytes += end - start;
		at = end;
	}
	if (got < 0)
		return refuse(d, f, who, strerror(-got));
	if (bytes <= d->ghost_limit)
		return 0;
	return dump_refuse(d, "%s (%.*s): its file is deleted and holds %llu KiB of data, more than --ghost-limit (%llu KiB)",
			   who, (int)f->rec.path_len, f->path, (unsigned long long)bytes / 1024,
			   (unsigned long long)d->ghost_limit / 1024);
}

/* A new one, whose content is read through fd. */
static int add(struct ckpt_dump *d, struct dump_file *f, int fd, const struct stat *st,
	       uint32_t linkable, const char *folder, const char *who)
{
	struct dump_ghost *g = vec_push(&d->ghosts);
	size_t len = strlen(folder);
	int err;

	if (!g) {
		close(fd);
		return -ENOMEM;
	}
	g->fd = fd;
	take_inode(g, st, linkable);
	g->rec.folder_len = (uint32_t)len;
	g->folder = dump_alloc(d, len + 1);
	if (!g->folder)
		return -ENOMEM;
	memcpy(g->folder, folder, len + 1);
	f->ghost = (uint32_t)d->ghosts.n;
	f->rec.kind = CKPT_FILE_GHOST;
	err = read_xattrs(d, g);
	if (err == -ENOMEM)
		return err;
	if (err)
		return refuse(d, f, who, "its extended attributes cannot be read");
	if (st->st_nlink)
		err = dump_lose(d, "%s (%.*s): the name it has elsewhere: it becomes a file of its own",
				who, (int)f->rec.path_len, f->path);
	return err ? err : check_size(d, f, g, who);
}

static bool has_write_lease(const struct ckpt_dump *d, const struct dump_file *f)
{
	for (size_t i = 0; i < d->locks.n; i++) {
		const struct gather_fd *fd = dump_fd_of(d, d->locks.v[i].cookie);
		const struct gather_locks *g = d->locks.v[i].g;

		for (uint32_t k = 0; fd && k < g->a.n; k++)
			if (fd->file.ino == f->rec.ino && fd->file.dev == f->rec.dev &&
			    res_lease_is(&g->items[k]) && g->items[k].type == F_WRLCK)
				return true;
	}
	return false;
}

int res_ghost_take(struct ckpt_dump *d, struct dump_file *f, uint32_t linkable, const char *what,
		   const char *who)
{
	char path[CKPT_MAX_PATH], buf[CKPT_MAX_PATH];
	cleanup_close int fd = -1;
	const char *folder;
	struct stat st;
	int found;

	if (f->ghost) {
		f->rec.kind = CKPT_FILE_GHOST;
		return 0;
	}
	if (f->rec.path_len >= CKPT_MAX_PATH)
		return refuse(d, f, who, "its file is deleted, and its path is too long");
	/* Opening it would break the lease, for which nobody could answer now. */
	if (has_write_lease(d, f))
		return refuse(d, f, who, "its file is deleted, and it has a lease for writing");
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)d->pid, what);
	/* Its time of access is the program's own; only an owner may ask to leave it. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
	if (fd < 0 && errno == EPERM)
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return refuse(d, f, who, "its file is deleted, and its content cannot be read");
	if (is_of_kernel(fd))
		return refuse(d, f, who, "its file is deleted, and not one that holds data");
	for (size_t i = 0; i < d->ghosts.n; i++) {
		if (d->ghosts.v[i].dev != st.st_dev || d->ghosts.v[i].ino != st.st_ino)
			continue;
		f->ghost = (uint32_t)i + 1;
		f->rec.kind = CKPT_FILE_GHOST;
		return 0;
	}
	memcpy(path, f->path, f->rec.path_len);
	path[f->rec.path_len] = 0;
	/* It is no mark, but how its name ends. */
	if (st.st_nlink && leads_to(path, &st))
		return 0;
	folder = folder_of(f, fd, buf);
	found = st.st_nlink ? name_among_open(d, f, &st) : 0;
	if (!found && st.st_nlink && folder)
		found = name_in_folder(d, f, folder, &st);
	if (found)
		return found < 0 ? found : 0;
	if (!folder)
		return refuse(d, f, who, "its file is deleted, and its filesystem cannot be reached");
	return add(d, f, take_fd(fd), &st, linkable, folder, who);
}

int res_ghost_take_vma(struct ckpt_dump *d, const struct gather_vma *v)
{
	struct dump_file *f = dump_file_of(d, v->vm_file, &v->file, v->path);
	char what[64], who[40];

	if (!f)
		return -ENOMEM;
	snprintf(what, sizeof(what), "map_files/%llx-%llx", (unsigned long long)v->rec.start,
		 (unsigned long long)v->rec.end);
	snprintf(who, sizeof(who), "mapping %llx", (unsigned long long)v->rec.start);
	return res_ghost_take(d, f, v->linkable, what, who);
}

/* The kernel counts descriptions by name: of ours, those that have f's. */
static uint32_t of_this_name(const struct ckpt_dump *d, const struct dump_file *f)
{
	uint32_t n = 0;

	for (size_t i = 0; i < d->files.n; i++) {
		const struct dump_file *o = &d->files.v[i];

		n += o->ghost == f->ghost && o->rec.path_len == f->rec.path_len &&
		     !memcmp(o->path, f->path, f->rec.path_len);
	}
	return n;
}

/* What nobody can write is the same for everybody. */
int res_ghost_check(struct ckpt_dump *d)
{
	int err = 0;

	for (size_t i = 0; i < d->files.n; i++) {
		const struct dump_file *f = &d->files.v[i];

		if (!f->ghost || f->writers <= 0)
			continue;
		if ((f->refs && f->refs != f->known) ||
		    (f->dentry_refs && f->dentry_refs != of_this_name(d, f)))
			d->ghosts.v[f->ghost - 1].shared = f;
	}
	for (size_t i = 0; i < d->ghosts.n && !err; i++) {
		const struct dump_file *f = d->ghosts.v[i].shared;

		if (f)
			err = dump_lose(d, "deleted file (%.*s): another process has it too, and keeps its own",
					(int)f->rec.path_len, f->path);
	}
	return err;
}

void dump_ghost_free(struct ckpt_dump *d)
{
	for (size_t i = 0; i < d->ghosts.n; i++)
		close(d->ghosts.v[i].fd);
	d->ghosts.n = 0;
}

int res_ghost_write_one(struct ckpt_dump *d, uint32_t ghost, uint32_t *id)
{
	struct dump_ghost *g = &d->ghosts.v[ghost - 1];
	cleanup_free char *text = NULL;

	*id = g->rec.id;
	if (g->rec.id)
		return 0;
	text = malloc((size_t)g->rec.folder_len + g->rec.xattrs_len);
	if (!text)
		return -ENOMEM;
	memcpy(text, g->folder, g->rec.folder_len);
	if (g->rec.xattrs_len)
		memcpy(text + g->rec.folder_len, g->xattrs, g->rec.xattrs_len);
	*id = g->rec.id = d->next_id++;
	return ckpt_write_record(d->w, CKPT_GHOST, 0, &g->rec, sizeof(g->rec), text,
				 g->rec.folder_len + g->rec.xattrs_len);
}

int res_ghost_read(const struct dump_ghost *g, const uint64_t *addrs, uint32_t n, uint8_t *to)
{
	for (uint32_t i = 0, run; i < n; i += run) {
		size_t len, done = 0;

		for (run = 1; i + run < n && addrs[i + run] == addrs[i] + run * PAGE; run++)
			;
		len = run * PAGE;
		while (done < len) {
			ssize_t got = pread(g->fd, to + i * PAGE + done, len - done,
					    (off_t)(addrs[i] + done));

			if (got < 0 && errno == EINTR)
				continue;
			if (got < 0)
				return -errno;
			if (!got)
				break;
			done += (size_t)got;
		}
		memset(to + i * PAGE + done, 0, len - done);
	}
	return 0;
}
