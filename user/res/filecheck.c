// SPDX-License-Identifier: GPL-2.0
/*
 * Whether the files of an image are still what they were. The program has code
 * of its libraries in its registers and tables: another build in their place
 * would run, and crash later. A file that is only open is another matter: its
 * path is what counts, an editor may have put a new one there.
 *
 * Saved: time of the last change, and of ELF files the build-id. The time comes
 * with the stop's records; build-ids are read from the running process before.
 * Restored: nothing is made of it; it is compared, as --file-validation says.
 * Refused: at the restore, all at once, files that are missing, of another type,
 * too short for what is mapped, or of another build-id (executable ones without
 * any: of another size or time); strict: any that changed.
 */
#include "res/filecheck.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <xxhash.h>

#include "lib/build_id.h"
#include "lib/cleanup.h"
#include "lib/io.h"
#include "res/dump.h"

#define PROC_MAGIC	0x9fa0
#define SYSFS_MAGIC	0x62656572
#define ELF_MIN		64

_Static_assert(CKPT_BUILD_ID_MAX == CKPT_MAX_BUILD_ID, "what is read fits the record");

uint32_t filecheck_dev(dev_t dev)
{
	return ((uint32_t)((dev >> 8) & 0xfff) << 20) | (uint32_t)(dev & 0xff) |
	       (uint32_t)((dev >> 12) & 0xfff00);
}

static uint64_t key_of(const char *path, size_t len)
{
	return XXH3_64bits(path, len);
}

/* Opening what has a write lease would break it: inode numbers from /proc/locks. */
static bool is_leased(const char *locks, ino_t ino)
{
	char text[32];

	snprintf(text, sizeof(text), ":%lu ", (unsigned long)ino);
	for (const char *l = locks; l && (l = strstr(l, "LEASE")); l += 5) {
		const char *end = strchrnul(l, '\n'), *at = strstr(l, text);

		if (at && at < end)
			return true;
	}
	return false;
}

/* The build-id of what the link in /proc leads to; its path has been seen under this key for the first time. */
static int take_link(struct ckpt_dump *d, const char *link, uint64_t key, const char *locks)
{
	cleanup_close int at = open(link, O_PATH | O_CLOEXEC), fd = -1;
	struct dump_build_id *slot;
	char self[32];
	struct statfs fs;
	struct stat st;

	/* It may be gone, and nobody need tell us: the file is compared by less then. */
	if (at < 0 || fstat(at, &st) || fstatfs(at, &fs) || !S_ISREG(st.st_mode) ||
	    st.st_size < ELF_MIN || fs.f_type == PROC_MAGIC || fs.f_type == SYSFS_MAGIC ||
	    is_leased(locks, st.st_ino))
		return 0;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", at);
	fd = open(self, O_RDONLY | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
	if (fd < 0)
		return 0;
	slot = vec_push(&d->build_ids);
	if (!slot || cookie_put(&d->build_id_of, key, (uint32_t)d->build_ids.n))
		return -ENOMEM;
	slot->dev = filecheck_dev(st.st_dev);
	slot->ino = st.st_ino;
	slot->len = (uint32_t)ckpt_build_id(fd, slot->id);
	return 0;
}

static int scan_maps(struct ckpt_dump *d, const char *locks)
{
	cleanup_free char *maps = NULL;
	char path[96];
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)d->pid);
	if (ckpt_slurp(path, &maps, NULL))
		return 0;
	for (char *save = NULL, *l = strtok_r(maps, "\n", &save); l && !err; l = strtok_r(NULL, "\n", &save)) {
		const char *name = strchr(l, '/');
		unsigned long start, end;
		uint64_t key;

		if (!name || sscanf(l, "%lx-%lx ", &start, &end) != 2)
			continue;
		key = key_of(name, strlen(name));
		if (cookie_get(&d->build_id_of, key))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", (int)d->pid, start, end);
		err = take_link(d, path, key, locks);
	}
	return err;
}

static int scan_fds(struct ckpt_dump *d, const char *locks)
{
	char folder[32], path[64], name[CKPT_MAX_PATH];
	const struct dirent *e;
	int err = 0;
	DIR *dir;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", (int)d->pid);
	dir = opendir(folder);
	while (dir && !err && (e = readdir(dir))) {
		ssize_t n;
		uint64_t key;

		snprintf(path, sizeof(path), "%s/%.20s", folder, e->d_name);
		n = readlink(path, name, sizeof(name));
		if (n <= 0 || name[0] != '/')
			continue;
		key = key_of(name, (size_t)n);
		if (!cookie_get(&d->build_id_of, key))
			err = take_link(d, path, key, locks);
	}
	if (dir)
		closedir(dir);
	return err;
}

#define FEW_FDS 256

/*
 * Has it a lease? Who has a file open besides keeps others from a write lease,
 * so that only its own matter. True too if it has more descriptors than are
 * worth looking at.
 */
static bool may_have_leases(pid_t pid)
{
	char folder[32], path[64];
	const struct dirent *e;
	bool found = false;
	int n = 0;
	DIR *dir;

	snprintf(folder, sizeof(folder), "/proc/%d/fdinfo", (int)pid);
	dir = opendir(folder);
	if (!dir)
		return true;
	while (!found && (e = readdir(dir))) {
		cleanup_free char *info = NULL;

		snprintf(path, sizeof(path), "%s/%.20s", folder, e->d_name);
		found = ++n > FEW_FDS || (e->d_name[0] != '.' && !ckpt_slurp(path, &info, NULL) &&
					  strstr(info, "LEASE"));
	}
	closedir(dir);
	return found;
}

int res_filecheck_predump(struct ckpt_dump *d)
{
	cleanup_free char *locks = NULL;
	int err;

	/* 5 to 20 ms, in which nobody on the machine can take a lock: not for nothing. */
	if (may_have_leases(d->pid) && ckpt_slurp("/proc/locks", &locks, NULL))
		return 0;
	err = scan_maps(d, locks);
	return err ? err : scan_fds(d, locks);
}

/* What has this path, if it is the same file as in the stop; NULL: not seen. */
static const struct dump_build_id *build_id_of(const struct ckpt_dump *d, const struct ckpt_file *f,
					       const char *path)
{
	uint32_t at = cookie_get(&d->build_id_of, key_of(path, f->path_len));
	const struct dump_build_id *b = at ? &d->build_ids.v[at - 1] : NULL;

	/* Filesystems on others show other devices and numbers: there the path has to do. */
	return b && b->dev == f->dev && b->ino != f->ino ? NULL : b;
}

int res_filecheck_write(struct ckpt_dump *d, const struct ckpt_file *f, const char *path,
			const struct gather_mtime *mtime)
{
	struct ckpt_filecheck rec = { .mtime_sec = mtime->sec, .mtime_nsec = mtime->nsec };
	const struct dump_build_id *b;

	if (f->kind != CKPT_FILE_REG && f->kind != CKPT_FILE_MAPPED)
		return 0;
	b = build_id_of(d, f, path);
	rec.build_id_len = b ? b->len : 0;
	return ckpt_write_record(d->w, CKPT_FILECHECK, f->id, &rec, sizeof(rec), b ? b->id : NULL,
				 rec.build_id_len);
}
