// SPDX-License-Identifier: GPL-2.0
/*
 * Pinned programs: loading takes a tenth of a second, taking a pinned program
 * some microseconds. They lie in RUN/bpf/HASH/, where RUN is
 * ckpt_rundir_open()'s, and HASH is of the object, the kernel's build and this boot.
 *
 * A program's scratch map serves one reader at a time, so a run that uses
 * pinned programs holds RUN/bpf.lock by flock() from open to close.
 */
#include "engine/bpf_pin.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <xxhash.h>

#include "engine/bpf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/rundir.h"

#define LOCK		"bpf.lock"
#define MOUNT_SOURCE	"ckptbpf"	/* tells our mount from another's */

static const char *const prog_name[CKPT_PROGS] = { "task", "vma", "file", "signal", "epoll_from" };

/* Take RUN/bpf.lock. Whoever removes the file holds it, so the one locked must still be there. */
static int take_lock(int run)
{
	struct stat held, there;
	int fd, err;

	for (int tries = 0; tries < 8; tries++) {
		fd = openat(run, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			err = errno == EWOULDBLOCK ? -EBUSY : -errno;
			close(fd);
			return err;
		}
		if (!fstat(fd, &held) && !fstatat(run, LOCK, &there, AT_SYMLINK_NOFOLLOW) &&
		    held.st_ino == there.st_ino && held.st_dev == there.st_dev)
			return fd;
		close(fd);
	}
	return -EBUSY;
}

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == BPF_FS_MAGIC;
}

static int ensure_bpffs(const char *path)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	if (is_bpffs(path))
		return 0;
	if (mount(MOUNT_SOURCE, path, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		return -errno;
	return 0;
}

/* Object, kernel build and boot: programs are fitted to a kernel's types when they are loaded. */
static int place_name(char name[33], const void *obj, size_t len)
{
	struct {
		XXH128_hash_t obj;
		struct utsname uts;
		__u64 btf_size;
		char boot_id[40];
	} key;
	cleanup_close int fd = -1;
	XXH128_hash_t h;
	struct stat st;

	memset(&key, 0, sizeof(key));
	key.obj = XXH3_128bits(obj, len);
	if (uname(&key.uts))
		return -errno;
	memset(key.uts.nodename, 0, sizeof(key.uts.nodename));
	if (stat("/sys/kernel/btf/vmlinux", &st))
		return -errno;
	key.btf_size = (__u64)st.st_size;
	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, key.boot_id, sizeof(key.boot_id)) <= 0)
		return -errno;
	h = XXH3_128bits(&key, sizeof(key));
	snprintf(name, 33, "%016llx%016llx", (unsigned long long)h.high64, (unsigned long long)h.low64);
	return 0;
}

int ckpt_pin_take(struct ckpt_pin *p, const void *obj, size_t len)
{
	cleanup_close int run = -1;
	char name[33];
	int err;

	p->lock = -1;
	run = ckpt_rundir_open();
	if (run < 0)
		return run;
	if (snprintf(p->base, sizeof(p->base), "%s/bpf", ckpt_rundir_path()) >= PATH_MAX - 64)
		return -ENAMETOOLONG;
	err = place_name(name, obj, len);
	if (err)
		return err;
	p->lock = take_lock(run);
	if (p->lock < 0)
		return p->lock;
	err = ensure_bpffs(p->base);
	if (err) {
		ckpt_pin_release(p);
		return err;
	}
	memcpy(p->dir, p->base, strlen(p->base) + 1);
	strcat(strcat(p->dir, "/"), name);
	return 0;
}

void ckpt_pin_release(struct ckpt_pin *p)
{
	if (p->lock < 0)
		return;
	/* A child that inherited the descriptor must not keep the place. */
	flock(p->lock, LOCK_UN);
	close(p->lock);
	p->lock = -1;
}

int ckpt_pin_get(const struct ckpt_pin *p, int progs[CKPT_PROGS])
{
	char path[PATH_MAX + 8];

	for (int i = 0; i < CKPT_PROGS; i++) {
		snprintf(path, sizeof(path), "%s/%s", p->dir, prog_name[i]);
		progs[i] = bpf_obj_get(path);
		if (progs[i] >= 0)
			continue;
		while (i--)
			close(progs[i]);
		return -ENOENT;
	}
	return 0;
}

static int remove_set(int base, const char *name)
{
	cleanup_close int dir = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return -errno;
	for (int i = 0; i < CKPT_PROGS; i++) {
		if (unlinkat(dir, prog_name[i], 0) && errno != ENOENT)
			return -errno;
	}
	return unlinkat(base, name, AT_REMOVEDIR) ? -errno : 0;
}

/* Only folders are ours; a bpffs that was there before us may hold other things. */
static int remove_sets(const char *base)
{
	cleanup_close int fd = open(base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int err = 0, e, again;
	struct dirent *d;
	DIR *dir;

	if (fd < 0)
		return -errno;
	again = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	dir = again < 0 ? NULL : fdopendir(again);
	if (!dir) {
		e = -errno;
		if (again >= 0)
			close(again);
		return e;
	}
	while ((d = readdir(dir))) {
		if (d->d_name[0] == '.' || d->d_type != DT_DIR ||
		    (strlen(d->d_name) != 32 && strcmp(d->d_name, "new")))
			continue;
		e = remove_set(fd, d->d_name);
		if (e && !err)
			err = e;
	}
	closedir(dir);
	return err;
}

int ckpt_pin_put(const struct ckpt_pin *p, const int progs[CKPT_PROGS])
{
	char new[PATH_MAX + 8], path[PATH_MAX + 16];
	int err = 0;

	remove_sets(p->base);
	snprintf(new, sizeof(new), "%s/new", p->base);
	if (mkdir(new, 0700))
		return -errno;
	for (int i = 0; i < CKPT_PROGS && !err; i++) {
		snprintf(path, sizeof(path), "%s/%s", new, prog_name[i]);
		err = bpf_obj_pin(progs[i], path) ? -errno : 0;
	}
	/* The name appears with everything in it: a run that dies here leaves no half set. */
	if (!err && rename(new, p->dir))
		err = -errno;
	if (err)
		remove_sets(p->base);
	return err;
}

/* Is the bpffs at path one that ensure_bpffs() mounted? */
static bool mounted_by_us(const char *path)
{
	cleanup_free char *real = realpath(path, NULL), *line = NULL;
	cleanup_fclose FILE *f = fopen("/proc/self/mountinfo", "re");
	char at[PATH_MAX], type[64], source[256];
	const char *rest;
	size_t room = 0;
	bool ours = false;

	while (real && f && getline(&line, &room, f) > 0) {
		rest = strstr(line, " - ");
		if (!rest || sscanf(line, "%*s %*s %*s %*s %4095s", at) != 1 ||
		    sscanf(rest, " - %63s %255s", type, source) != 2)
			continue;
		/* Of mounts on one another the last one counts. */
		if (!strcmp(at, real))
			ours = !strcmp(type, "bpf") && !strcmp(source, MOUNT_SOURCE);
	}
	return ours;
}

int ckpt_bpf_unload(void)
{
	cleanup_close int run = ckpt_rundir_open(), lock = -1;
	char base[PATH_MAX];
	int err;

	if (run < 0)
		return ckpt_fail(run, 0, "%s", ckpt_rundir_path());
	lock = take_lock(run);
	if (lock < 0)
		return ckpt_fail(lock, 0, "%s/" LOCK "%s", ckpt_rundir_path(),
				 lock == -EBUSY ? ": a snapshot is under way" : "");
	if (snprintf(base, sizeof(base), "%s/bpf", ckpt_rundir_path()) >= PATH_MAX - 64)
		return ckpt_fail(-ENAMETOOLONG, 0, "%s", ckpt_rundir_path());
	if (is_bpffs(base)) {
		err = remove_sets(base);
		if (err)
			return ckpt_fail(err, 0, "%s: remove the pinned programs", base);
		if (mounted_by_us(base) && umount2(base, UMOUNT_NOFOLLOW))
			return ckpt_fail(-errno, 0, "%s: unmount", base);
	}
	/* The rest may be in use for other things. */
	unlinkat(run, "bpf", AT_REMOVEDIR);
	unlinkat(run, LOCK, 0);
	rmdir(ckpt_rundir_path());
	return 0;
}
