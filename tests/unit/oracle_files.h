/* SPDX-License-Identifier: GPL-2.0 */
/* Mappings and descriptors, held against their oracles. */
#ifndef ORACLE_FILES_H
#define ORACLE_FILES_H

#include <linux/magic.h>
#include <sys/statfs.h>

#include "engine/bpf.h"
#include "oracle_proc.h"
#include "oracle_tap.h"
#include "oracle_target.h"

struct smap {
	uint64_t start, end, offset, ino, flags;
	uint32_t dev;
	char path[512];
	bool used;
};

static struct smap smaps[512];
static size_t nsmaps;
static uint64_t all_flags;
static unsigned int overlaid;

static uint64_t vm_flags_of(const char *s)
{
	static const struct { char name[3]; uint64_t flag; } known[] = {
		{ "rd", CKPT_VMA_READ }, { "wr", CKPT_VMA_WRITE }, { "ex", CKPT_VMA_EXEC },
		{ "sh", CKPT_VMA_SHARED }, { "ms", CKPT_VMA_SHARED }, { "gd", CKPT_VMA_GROWSDOWN },
		{ "ac", CKPT_VMA_ACCOUNT }, { "nr", CKPT_VMA_NORESERVE }, { "hg", CKPT_VMA_HUGEPAGE },
		{ "nh", CKPT_VMA_NOHUGEPAGE }, { "dc", CKPT_VMA_DONTFORK }, { "wf", CKPT_VMA_WIPEONFORK },
		{ "dd", CKPT_VMA_DONTDUMP }, { "sr", CKPT_VMA_SEQ_READ }, { "rr", CKPT_VMA_RAND_READ },
		{ "lo", CKPT_VMA_LOCKED }, { "lf", CKPT_VMA_LOCKONFAULT }, { "mg", CKPT_VMA_MERGEABLE },
	};
	uint64_t f = 0;

	for (; s[0] && s[1] && s[0] != '\n'; s += 3) {
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
			/* "ms" stands for may share too, which a private mapping has not. */
			if (!strncmp(s, known[i].name, 2))
				f |= known[i].flag;
		}
		/* In the order of the bits: 6.1 has no letters for VM_LOCKONFAULT. */
		if (!strncmp(s, "??", 2) && f & CKPT_VMA_LOCKED)
			f |= CKPT_VMA_LOCKONFAULT;
	}
	return f;
}

static void read_smaps(pid_t pid)
{
	unsigned int major, minor;
	struct smap *s = NULL;
	char *line, *save;
	int at;

	nsmaps = 0;
	for (line = strtok_r(slurp("/proc/%d/smaps", pid), "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "VmFlags: ", 9) && s) {
			s->flags = vm_flags_of(line + 9);
			continue;
		}
		if (!isxdigit((unsigned char)*line) || !memchr(line, '-', 17) || nsmaps == 512)
			continue;
		s = &smaps[nsmaps++];
		memset(s, 0, sizeof(*s));
		sscanf(line, "%lx-%lx %*s %lx %x:%x %lu %n", &s->start, &s->end, &s->offset, &major, &minor, &s->ino, &at);
		s->dev = major << 20 | minor;
		snprintf(s->path, sizeof(s->path), "%s", line + at);
	}
	/* The page at the end of the address space is nobody's mapping. */
	if (nsmaps && !strcmp(smaps[nsmaps - 1].path, "[vsyscall]"))
		nsmaps--;
}

static void check_vma(const struct gather_vma *g)
{
	struct smap *s = NULL;
	const char *special = "";
	struct statfs fs;
	struct stat st;
	char link[96];

	for (size_t i = 0; i < nsmaps; i++) {
		if (smaps[i].start == g->rec.start)
			s = &smaps[i];
	}
	check("ckpt_vma.start", s && !s->used, "%#llx: not in smaps", (unsigned long long)g->rec.start);
	if (!s)
		return;
	s->used = true;
	equal("ckpt_vma.end", (long long)s->start, g->rec.end, s->end);
	equal("ckpt_vma.offset", (long long)s->start, g->rec.offset, s->offset);
	equal("ckpt_vma.flags", (long long)s->start, g->rec.flags, s->flags);
	all_flags |= g->rec.flags;
	snprintf(link, sizeof(link), "/proc/%d/map_files/%lx-%lx", g->h.tgid, s->start, s->end);
	if (g->vm_file && !statfs(link, &fs) && fs.f_type == OVERLAYFS_SUPER_MAGIC && !stat(link, &st)) {
		/* smaps has the inode of one layer or the other, as the kernel is. */
		overlaid++;
		s->ino = st.st_ino;
		s->dev = kernel_dev(st.st_dev);
	}
	equal("gather_vma.file.ino", (long long)s->start, g->file.ino, s->ino);
	equal("gather_vma.file.dev", (long long)s->start, g->file.dev, s->dev);
	if (g->vm_file)
		same_text("gather_vma.path", (long long)s->start, g->path, g->path_len, s->path);
	else
		check("gather_vma.path", *s->path != '/', "%#llx: has a path", (unsigned long long)s->start);
	if (!strncmp(s->path, "[v", 2))
		special = s->path;
	same_text("gather_vma.special", (long long)s->start, g->special, strlen(g->special), special);
	if (g->rec.start == info->map_rw) {
		equal("gather_vma.file.flags", (long long)s->start, g->file.flags & O_ACCMODE, O_RDWR);
		equal("gather_vma.file.size", (long long)s->start, g->file.size, 1 << 20);
		equal("gather_vma.nlink", (long long)s->start, g->nlink, 1);
		equal("gather_vma.s_magic", (long long)s->start, g->s_magic, 0x01021994 /* TMPFS_MAGIC */);
	}
	if (g->rec.start == info->map_ro) {
		equal("gather_vma.file.flags", (long long)s->start, g->file.flags & O_ACCMODE, O_RDONLY);
		check("gather_vma.anon_vma", g->anon_vma != 0, "written, but no private page");
	}
}

static void check_vmas_done(pid_t pid, uint32_t map_count)
{
	size_t unused = 0;

	for (size_t i = 0; i < nsmaps; i++)
		unused += !smaps[i].used;
	check("gather_vma.overlaid", overlaid >= 2, "%u mappings of files on overlayfs", overlaid);
	check("ckpt_vma.start", !unused, "%zu mappings were not gathered", unused);
	equal("gather_proc.map_count", pid, map_count, nsmaps);
	/* Nothing may be right only because the target never had it. */
	if (access("/sys/kernel/mm/transparent_hugepage", F_OK))
		all_flags |= CKPT_VMA_HUGEPAGE | CKPT_VMA_NOHUGEPAGE;
	/* A protection key needs a CPU that has them, huge pages someone who sets them aside. */
	all_flags |= CKPT_VMA_PKEY | CKPT_VMA_HUGETLB | CKPT_VMA_HUGE;
	if (access("/sys/kernel/mm/ksm", F_OK))
		all_flags |= CKPT_VMA_MERGEABLE;
	equal("gather_vma.every flag seen", pid, all_flags, CKPT_VMA_ALL);
}

static void check_file(int fd, const struct gather_fd *g, const struct stat *st, uint64_t flags, uint64_t pos)
{
	equal("ckpt_file.flags", fd, g->file.flags, flags & ~(uint64_t)O_CLOEXEC);
	equal("ckpt_file.pos", fd, g->file.pos, pos);
	/* stat() hides the type of pidfs' inodes. */
	equal("ckpt_file.mode", fd, st->st_mode & S_IFMT ? g->file.mode : g->file.mode & ~(uint32_t)S_IFMT,
	      st->st_mode);
	equal("ckpt_file.ino", fd, g->file.ino, st->st_ino);
	equal("ckpt_file.dev", fd, g->file.dev, kernel_dev(st->st_dev));
	equal("ckpt_file.rdev", fd, g->file.rdev, kernel_dev(st->st_rdev));
	equal("ckpt_file.size", fd, g->file.size, (uint64_t)st->st_size);
	equal("gather_fd.nlink", fd, g->nlink, st->st_nlink);
}

/* Lines of fdinfo, and those that a record was found for. */
static size_t locks_shown, locks_found, fowners;

/* "1: POSIX  ADVISORY  WRITE 4711 fe:00:12 0 EOF" */
static bool is_lock(const char *line, const struct gather_lock *l)
{
	static const struct { const char *name; uint32_t flags; } kinds[] = {
		{ "POSIX", 1 }, { "FLOCK", 2 }, { "LEASE", 32 }, { "OFDLCK", 1025 },
	};
	char kind[16], how[16], type[16], from[24], to[24];

	if (sscanf(line, "lock: %*d: %15s %15s %15s %*s %*s %23s %23s", kind, how, type, from, to) != 5)
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kind, kinds[i].name) && (l->flags & 1059) != kinds[i].flags)
			return false;
	if (l->type != (strcmp(type, "READ") ? F_WRLCK : F_RDLCK))
		return false;
	return !strcmp(kind, "LEASE") ||
	       (l->start == strtoull(from, NULL, 10) &&
		l->end == (strcmp(to, "EOF") ? strtoull(to, NULL, 10) : INT64_MAX));
}

static bool is_lock_of(const char *line, const char *want)
{
	char kind[16];

	return sscanf(line, "lock: %*d: %15s", kind) == 1 && !strcmp(kind, want);
}

static void check_locks(const struct gather_locks *g, const char *fi)
{
	static const char *const rows[] = { "ckpt_lock.kind", "ckpt_lock.type", "ckpt_lock.start",
					    "ckpt_lock.end" };

	check("gather_locks.more", !g->more, "fd %d", g->a.fd);
	for (uint32_t i = 0; i < g->a.n; i++) {
		bool found = false;

		for (const char *at = fi; !found && (at = strstr(at, "\nlock:\t")); at++)
			found = is_lock(at + 1, &g->items[i]);
		for (size_t row = 0; row < sizeof(rows) / sizeof(*rows); row++)
			check(rows[row], found, "fd %d: %u, type %u, %llu to %llu: not in fdinfo", g->a.fd,
			      g->items[i].flags, g->items[i].type,
			      (unsigned long long)g->items[i].start, (unsigned long long)g->items[i].end);
		locks_found += found;
		if (g->items[i].fd < 0)
			continue;
		equal("ckpt_lease.fd", g->a.fd, (uint64_t)g->items[i].fd, (uint64_t)info->leased);
		check("ckpt_lease.type", found && g->items[i].flags & 32, "fd %d: no lease", g->a.fd);
	}
}

/* Asked of the description itself. */
static void check_fowner(pid_t pid, const struct gather_fowner *g)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, g->a.fd, 0), n = g->a.fd;
	uid_t uids[2] = { 0 };
	struct f_owner_ex ex;

	check("gather_fowner.fd", fd >= 0 && !fcntl(fd, F_GETOWN_EX, &ex), "fd %d", n);
	equal("ckpt_fowner.type", n, g->rec.type, ex.type);
	equal("ckpt_fowner.pid", n, (uint64_t)g->rec.pid, (uint64_t)ex.pid);
	equal("ckpt_fowner.signum", n, (uint64_t)g->rec.signum, (uint64_t)fcntl(fd, F_GETSIG));
	/* A kernel without CONFIG_CHECKPOINT_RESTORE does not tell. */
	if (fcntl(fd, 17 /* F_GETOWNER_UIDS */, uids)) {
		uids[0] = g->rec.uid;
		uids[1] = g->rec.euid;
	}
	equal("ckpt_fowner.uid", n, g->rec.uid, uids[0]);
	equal("ckpt_fowner.euid", n, g->rec.euid, uids[1]);
	equal("ckpt_fowner.async_fd", n, (uint64_t)g->rec.async_fd, n == info->pipe_r ? (uint64_t)n : (uint64_t)-1);
	check("gather_fowner.dead", !g->dead && !g->outside, "fd %d", n);
	fowners++;
	close(fd);
	close(pidfd);
}

static void check_fds_done(pid_t pid)
{
	/* The socket's, the lease's, the pipe's. */
	equal("gather_fowner.how many", pid, fowners, 3);
	fowners = 0;
	equal("gather_locks.items", pid, locks_found, locks_shown);
	check("gather_locks.items", locks_found >= 5, "%zu locks", locks_found);
	locks_found = locks_shown = 0;
}

static void check_fd(pid_t pid, const struct gather_fd *g)
{
	int fd = g->rec.fd;
	char *fi = slurp("/proc/%d/fdinfo/%d", pid, fd);
	const char *text = link_of("/proc/%d/fd/%d", pid, fd);
	uint64_t flags = number(fi, "flags", 8, 0);
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	check("ckpt_fd.fd", *fi && !stat(path, &st), "%d: not there", fd);
	if (!*fi)
		return;
	equal("ckpt_fd.flags", fd, g->rec.flags, flags & O_CLOEXEC ? CKPT_FD_CLOEXEC : 0);
	equal("ckpt_fd.pad0", fd, g->rec.pad0, 0);
	check_file(fd, g, &st, flags, number(fi, "pos", 10, 0));
	same_text("ckpt_file.path_len", fd, g->path, g->path_len, text);
	if (!strncmp(text, "anon_inode:[", 12) && g->s_magic == ANON_INODE_FS_MAGIC)
		same_text("gather_fd.name", fd, g->name, strlen(g->name), text + 11);
	if (fd == info->pipe_r) {
		equal("gather_fd.pipe.bytes", fd, g->pipe.bytes, PIPE_BYTES);
		equal("gather_fd.pipe.nbufs", fd, g->pipe.nbufs, (PIPE_BYTES + 4095) / 4096);
		equal("gather_fd.pipe.ring_size", fd, g->pipe.ring_size, 16);
		equal("gather_fd.pipe.readers", fd, g->pipe.readers, 1);
		equal("gather_fd.pipe.writers", fd, g->pipe.writers, 1);
	}
	if (fd == info->duped || fd == 200)
		equal("gather_fd.refs", fd, g->refs, 3);
	if (fd == info->leased)
		equal("gather_fd.refs", fd, g->refs, 1);
	check("gather_fd.cookie", g->cookie != 0, "%d", fd);
	/* A POSIX lock is shown with each descriptor of its file; ours names the one it was taken by. */
	for (const char *at = fi; (at = strstr(at, "\nlock:\t")); at++)
locks_shown += fd == info->posix_locked || !is_lock_of(at + 1, "POSIX");
}

/* "(4000, 5)": seconds and nanoseconds. */
static int64_t time_of(const char *fi, const char *key)
{
	const char *at = strstr(fi, key);
	long long s = -1, ns = 0;

	if (at)
		sscanf(at + strlen(key), ": (%lld, %lld)", &s, &ns);
	return s * 1000000000 + ns;
}

static void check_timerfd(const struct gather_timerfd *g, const char *fi)
{
	int64_t left = time_of(fi, "it_value"), ours = g->rec.expires_ns - g->now_ns;
	int fd = g->a.fd;

	equal("ckpt_timerfd.clockid", fd, (uint64_t)g->rec.clockid, number(fi, "clockid", 10, 0));
	equal("ckpt_timerfd.settime_flags", fd, g->rec.settime_flags, number(fi, "settime flags", 8, 0));
	equal("ckpt_timerfd.ticks", fd, g->rec.ticks, number(fi, "ticks", 10, 0));
	equal("ckpt_timerfd.interval_ns", fd, (uint64_t)g->rec.interval_ns,
	      (uint64_t)time_of(fi, "it_interval"));
	equal("gather_timerfd.armed", fd, g->armed, left > 0);
	/* fdinfo was read a little later or a little before. */
	if (g->armed)
		check("ckpt_timerfd.expires_ns", llabs(left - ours) < 1000000000ll, "%d: %lld, %lld left",
		      fd, (long long)ours, (long long)left);
}

static void check_epoll(const struct gather_epoll *g, char *fi)
{
	uint32_t n = 0;

	for (const char *at = fi; (at = strstr(at, "tfd:")); at++, n++) {
		unsigned long long data = 0;
		unsigned int events = 0;
		int fd = -1;

		sscanf(at, "tfd: %d events: %x data: %llx", &fd, &events, &data);
		if (n >= g->a.n)
			continue;
		equal("ckpt_epoll.nitems", g->a.fd, (uint64_t)g->items[n].fd, (uint64_t)fd);
		equal("ckpt_epoll.nitems", fd, g->items[n].events, events);
		equal("ckpt_epoll.nitems", fd, g->items[n].data, data);
	}
	equal("ckpt_epoll.nitems", g->a.fd, g->a.n, n);
}

static void check_anon(pid_t pid, const struct gather_anon *a)
{
	const struct gather_eventfd *e = (const void *)a;
	const struct gather_signalfd *s = (const void *)a;
	char *fi = slurp("/proc/%d/fdinfo/%d", pid, a->fd);

	switch (a->h.type) {
	case GATHER_EVENTFD:
		equal("ckpt_eventfd.count", a->fd, e->rec.count, number(fi, "eventfd-count", 16, 0));
		break;
	case GATHER_TIMERFD:
		check_timerfd((const void *)a, fi);
		break;
	case GATHER_PIDFD:
		equal("ckpt_pidfd.pid", a->fd, (uint64_t)((const struct gather_pidfd *)a)->rec.pid,
		      number(fi, "Pid", 10, 0));
		equal("gather_pidfd.own", a->fd, ((const struct gather_pidfd *)a)->own, 1);
		break;
	case GATHER_EPOLL:
		check_epoll((const void *)a, fi);
		break;
	case GATHER_FOWNER:
		check_fowner(pid, (const void *)a);
		break;
	case GATHER_LOCKS:
		check_locks((const void *)a, fi);
		break;
	case GATHER_SIGNALFD:
		equal("ckpt_signalfd.mask", a->fd, s->rec.mask, number(fi, "sigmask", 16, 0));
		break;
	}
}

#endif
