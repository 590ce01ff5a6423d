// SPDX-License-Identifier: GPL-2.0
/*
 * ghost FOLDER [MODE]: files that no path leads to any more, in FOLDER.
 *   (none)	deleted while open, with two descriptions, mapped private and shared,
 *		replaced by another of the same name, O_TMPFILE, 1 TiB with holes, a
 *		folder that is gone too, names that are left, a name that ends in
 *		" (deleted)"
 *   data N SUB	one deleted file of N MiB of data, in the folder SUB
 *   link	a deleted file that has another name in another folder
 *   share	a deleted file that its child has open for writing too
 *   read	the same, but nobody can write
 *   locks	a deleted file with locks of each kind and a lease for reading
 *   lease	a deleted file with a lease for writing
 *   memfd	the program runs from a memfd
 *   tmpfile SUB	O_TMPFILE alone, in SUB; `none` if the filesystem has no such thing
 */
#include "prog.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define PAGE 4096
#define HUGE_SIZE (1l << 40)
#define MAPPED (3 * PAGE + 100)

static int fd, dup_of_fd, app, ro, place, again, again_new, tmp, private_tmp, sparse, in_folder;
static int linked, ends_so, replaced, wo;
static char *map, *priv, *only_mapped;
static struct stat before;
static bool have_xattr, have_tmpfile;

static int make(const char *name, int flags)
{
	int f = open(name, O_RDWR | O_CREAT | O_EXCL | flags, 0640);

	CHECKF(f >= 0, "%s", name);
	return f;
}

static void put(int f, const char *text, off_t at)
{
	CHECK(pwrite(f, text, strlen(text), at) == (ssize_t)strlen(text));
}

static void holds(int f, const char *text, off_t at)
{
	char buf[64] = "";

	CHECKF(pread(f, buf, strlen(text), at) == (ssize_t)strlen(text) && !memcmp(buf, text, strlen(text)),
	       "%s at %ld: %s", text, (long)at, buf);
}

static struct stat stat_of(int f)
{
	struct stat st;

	CHECK(fstat(f, &st) == 0);
	return st;
}

static bool same(int a, int b)
{
	struct stat x = stat_of(a), y = stat_of(b);

	return x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

static void *map_it(int prot, int flags, int f, size_t len, off_t off)
{
	void *p = mmap(NULL, len, prot, flags, f, off);

	CHECK(p != MAP_FAILED);
	return p;
}

static int reopen(const char *name, int flags)
{
	int f = open(name, flags);

	CHECKF(f >= 0, "%s", name);
	return f;
}

/* Of one file two descriptions, one of them twice, two more to read and to write, a place, two mappings. */
static void set_deleted(void)
{
	const struct timespec times[2] = { { 1000000000, 123456789 }, { -5, 987654321 } };

	fd = make("deleted", 0);
	app = reopen("deleted", O_WRONLY | O_APPEND | O_CLOEXEC);
	ro = reopen("deleted", O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
	wo = reopen("deleted", O_WRONLY);
	place = reopen("deleted", O_PATH);
	dup_of_fd = dup(fd);
	put(fd, "begin", 0);
	CHECK(ftruncate(fd, MAPPED) == 0 && lseek(fd, 4242, SEEK_SET) == 4242);
	map = map_it(PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4 * PAGE, 0);
	priv = map_it(PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, PAGE, PAGE);
	map[2 * PAGE] = 'm';
	priv[1] = 'p';
	CHECK(unlink("deleted") == 0 && fchmod(fd, 02604) == 0);
	if (!geteuid())
		CHECK(fchown(fd, 12, 34) == 0 && fchmod(fd, 02604) == 0);
	have_xattr = !fsetxattr(fd, "user.ghost", "value", 5, 0);
	CHECK(futimens(fd, times) == 0);
	before = stat_of(fd);
}

static void check_deleted(void)
{
	struct stat st = stat_of(fd);
	char value[16];

	CHECK(same(fd, app) && same(fd, ro) && same(fd, wo) && same(fd, place));
	CHECK(st.st_nlink == 0 && st.st_size == MAPPED && st.st_mode == before.st_mode);
	CHECK(st.st_uid == before.st_uid && st.st_gid == before.st_gid);
	CHECKF(st.st_mtim.tv_sec == -5 && st.st_mtim.tv_nsec == before.st_mtim.tv_nsec, "%ld.%09ld",
	       (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	CHECK(st.st_atim.tv_sec == before.st_atim.tv_sec && st.st_atim.tv_nsec == before.st_atim.tv_nsec);
	if (have_xattr)
		CHECK(fgetxattr(fd, "user.ghost", value, sizeof(value)) == 5 && !memcmp(value, "value", 5));
	CHECK(lseek(fd, 0, SEEK_CUR) == 4242 && lseek(dup_of_fd, 1, SEEK_CUR) == 4243);
	CHECK(lseek(fd, 0, SEEK_CUR) == 4243 && lseek(fd, 4242, SEEK_SET) == 4242);
	CHECK(fcntl(fd, F_GETFD) == 0 && fcntl(app, F_GETFD) == FD_CLOEXEC);
	CHECK((fcntl(app, F_GETFL) & (O_ACCMODE | O_APPEND)) == (O_WRONLY | O_APPEND));
	CHECK((fcntl(ro, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == (O_RDONLY | O_NONBLOCK));
	CHECK((fcntl(wo, F_GETFL) & (O_ACCMODE | O_APPEND)) == O_WRONLY);
	CHECK(fcntl(place, F_GETFL) & O_PATH);

	holds(fd, "begin", 0);
	holds(ro, "m", 2 * PAGE);
	CHECK(!memcmp(map, "begin", 5) && map[2 * PAGE] == 'm' && map[PAGE + 1] == 0);
	CHECK(priv[1] == 'p' && priv[0] == 0);
	map[7] = 's';
	holds(ro, "s", 7);
	put(wo, "w", 2 * PAGE + 1);
	CHECK(map[2 * PAGE + 1] == 'w');
	CHECK(write(app, "end", 3) == 3);
	holds(fd, "end", MAPPED);
	CHECK(access("deleted", F_OK) < 0 && errno == ENOENT);
}

/* Another file has its name by now. */
static void set_replaced(void)
{
	again = make("again", 0);
	put(again, "the old one", 0);
	CHECK(unlink("again") == 0);
	again_new = make("again", 0);
	put(again_new, "a new one", 0);
	replaced = make("replaced", 0);
	put(replaced, "before", 0);
	put(make("new", 0), "after", 0);
	CHECK(rename("new", "replaced") == 0);
}

static void check_replaced(void)
{
	holds(again, "the old one", 0);
	holds(again_new, "a new one", 0);
	CHECK(!same(again, again_new) && stat_of(again).st_nlink == 0 && stat_of(again_new).st_nlink == 1);
	holds(replaced, "before", 0);
	holds(reopen("replaced", O_RDONLY), "after", 0);
}

static int unnamed(const char *folder, int flags)
{
	int f = open(folder, O_TMPFILE | O_RDWR | flags, 0600);

	CHECK(f >= 0 || errno == EOPNOTSUPP);
	if (f >= 0)
		put(f, "temporary", 0);
	return f;
}

static int link_at(int f, const char *to)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", f);
	return linkat(AT_FDCWD, path, AT_FDCWD, to, AT_SYMLINK_FOLLOW);
}

static void set_tmpfile(const char *folder)
{
	tmp = unnamed(folder, 0);
	private_tmp = unnamed(folder, O_EXCL);
	have_tmpfile = tmp >= 0;
}

static void check_tmpfile(void)
{
	if (!have_tmpfile)
		return;
	holds(tmp, "temporary", 0);
	holds(private_tmp, "temporary", 0);
	CHECK(link_at(private_tmp, "must not be") < 0 && errno == ENOENT);
	CHECK(link_at(tmp, "named") == 0);
	holds(reopen("named", O_RDONLY), "temporary", 0);
	CHECK(unlink("named") == 0 && stat_of(tmp).st_nlink == 0);
	CHECK(link_at(fd, "must not be") < 0 && errno == ENOENT);
}

static void set_sparse(void)
{
	sparse = make("sparse", 0);
	CHECK(ftruncate(sparse, HUGE_SIZE) == 0);
	put(sparse, "first", 0);
	put(sparse, "middle", HUGE_SIZE / 2 + 4000);
	put(sparse, "last", HUGE_SIZE - 4);
	CHECK(unlink("sparse") == 0);
}

static void check_sparse(void)
{
	struct stat st = stat_of(sparse);

	CHECK(st.st_size == HUGE_SIZE);
	CHECKF(st.st_blocks <= 256, "%ld", (long)st.st_blocks);
	holds(sparse, "first", 0);
	holds(sparse, "middle", HUGE_SIZE / 2 + 4000);
	holds(sparse, "last", HUGE_SIZE - 4);
}

static void set_names(void)
{
	int f;

	CHECK(mkdir("gone", 0700) == 0 && mkdir("gone/too", 0700) == 0);
	in_folder = make("gone/too/file", 0);
	put(in_folder, "in a folder", 0);
	CHECK(unlink("gone/too/file") == 0 && rmdir("gone/too") == 0 && rmdir("gone") == 0);

	/* Found by the other name. */
	linked = make("first name", 0);
	put(linked, "linked", 0);
	CHECK(link("first name", "second name") == 0 && unlink("first name") == 0);

	ends_so = make("this (deleted)", 0);
	put(ends_so, "is not", 0);
	f = make("this", 0);
	put(f, "is gone", 0);
	CHECK(close(f) == 0 && unlink("this") == 0);

	/* The descriptor is closed: only the mapping keeps it. */
	f = make("mapped", 0);
	CHECK(ftruncate(f, 2 * PAGE) == 0);
	only_mapped = map_it(PROT_READ | PROT_WRITE, MAP_SHARED, f, 2 * PAGE, 0);
	only_mapped[PAGE] = 'o';
	CHECK(close(f) == 0 && unlink("mapped") == 0);
}

static void check_names(void)
{
	holds(in_folder, "in a folder", 0);
	holds(linked, "linked", 0);
	CHECK(same(linked, reopen("second name", O_RDONLY)) && stat_of(linked).st_nlink == 1);
	put(linked, "seen", 10);
	holds(reopen("second name", O_RDONLY), "seen", 10);
	holds(ends_so, "is not", 0);
	CHECK(same(ends_so, reopen("this (deleted)", O_RDONLY)) && stat_of(ends_so).st_nlink == 1);
	CHECK(only_mapped[PAGE] == 'o' && only_mapped[0] == 0);
	only_mapped[0] = 'x';
	CHECK(mprotect(only_mapped, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
}

/* Nothing that restore made has a name. */
static void check_nothing_left(void)
{
	CHECK(system("ls -A | grep -vxE 'again|replaced|second name|this \\(deleted\\)' >&2") != 0);
}

static void all(void)
{
	set_deleted();
	set_replaced();
	set_tmpfile(".");
	set_sparse();
	set_names();
	prog_ready();
	check_nothing_left();
	check_deleted();
	check_replaced();
	check_tmpfile();
	check_sparse();
	check_names();
	check_nothing_left();
}

static void data(long mib, const char *folder)
{
	static char block[1 << 20];
	char name[300];

	snprintf(name, sizeof(name), "%s/large", folder);
	fd = make(name, 0);
	for (long i = 0; i < mib; i++) {
		memset(block, (int)(i % 251 + 1), sizeof(block));
		CHECK(write(fd, block, sizeof(block)) == (ssize_t)sizeof(block));
	}
	CHECK(unlink(name) == 0);
	prog_ready();
	for (long i = 0; i < mib; i++) {
		CHECK(pread(fd, block, sizeof(block), i << 20) == (ssize_t)sizeof(block));
		CHECKF(block[0] == (char)(i % 251 + 1) &&
		       !memcmp(block, block + 1, sizeof(block) - 1), "%ld", i);
	}
}

static void linked_elsewhere(void)
{
	CHECK(mkdir("here", 0700) == 0 && mkdir("there", 0700) == 0);
	fd = make("here/file", 0);
	put(fd, "linked", 0);
	CHECK(link("here/file", "there/file") == 0 && unlink("here/file") == 0);
	prog_ready();
	holds(fd, "linked", 0);
}

static void shared(bool write)
{
	pid_t pid;
	int f = make("shared", 0);

	put(f, "shared", 0);
	if (!write) {
		fd = reopen("shared", O_RDONLY);
		CHECK(close(f) == 0);
	}
	CHECK(unlink("shared") == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		prog_say("child %d", (int)getpid());
		prog_ready();
		holds(write ? f : fd, "shared", 0);
		_exit(0);
	}
	CHECK(waitpid(pid, NULL, 0) == pid);
}

static void tmpfile_alone(const char *folder)
{
	set_tmpfile(folder);
	if (!have_tmpfile)
		prog_say("none");
	prog_ready();
	if (have_tmpfile)
		holds(tmp, "temporary", 0);
}

/* Whether l could be had by somebody else: by another description. */
static bool is_free(int f, short type)
{
	struct flock l = { .l_type = type, .l_start = 10, .l_len = 10 };

	CHECK(fcntl(f, F_OFD_GETLK, &l) == 0);
	return l.l_type == F_UNLCK;
}

static void locks(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_start = 10, .l_len = 10 };

	fd = make("locked", 0);
	put(fd, "locked", 0);
	app = reopen("locked", O_RDWR);
	again = make("leased", 0);
	CHECK(close(again) == 0);
	ro = reopen("leased", O_RDONLY);
	CHECK(fcntl(fd, F_OFD_SETLK, &l) == 0 && flock(app, LOCK_SH) == 0);
	CHECK(fcntl(ro, F_SETLEASE, F_RDLCK) == 0);
	CHECK(unlink("locked") == 0 && unlink("leased") == 0);
	prog_ready();
	holds(app, "locked", 0);
	CHECK(!is_free(app, F_RDLCK) && is_free(fd, F_WRLCK));
	CHECK(flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	CHECK(fcntl(ro, F_GETLEASE) == F_RDLCK);
}

static void lease(void)
{
	fd = make("leased", 0);
	CHECK(unlink("leased") == 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0);
	prog_ready();
	CHECK(fcntl(fd, F_GETLEASE) == F_WRLCK);
}

/* Comes back with one argument more, out of a memfd. */
static void from_memfd(char **argv)
{
	char *args[] = { argv[0], argv[1], argv[2], "again", NULL };
	int from = reopen("/proc/self/exe", O_RDONLY), to = memfd_create("program", MFD_CLOEXEC);
	struct stat st = stat_of(from);
	char buf[65536];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0)
		CHECK(write(to, buf, (size_t)n) == n);
	CHECK(n == 0 && stat_of(to).st_size == st.st_size);
	fexecve(to, args, environ);
	CHECK(!"fexecve");
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[2] : "";

	prog_init();
	CHECK(argc > 1 && chdir(argv[1]) == 0);
	if (!strcmp(mode, "data"))
		data(strtol(argv[3], NULL, 10), argc > 4 ? argv[4] : ".");
	else if (!strcmp(mode, "link"))
		linked_elsewhere();
	else if (!strcmp(mode, "share") || !strcmp(mode, "read"))
		shared(mode[0] == 's');
	else if (!strcmp(mode, "locks"))
		locks();
	else if (!strcmp(mode, "lease"))
		lease();
	else if (!strcmp(mode, "memfd") && argc == 3)
		from_memfd(argv);
	else if (!strcmp(mode, "memfd"))
		prog_ready();
	else if (!strcmp(mode, "tmpfile"))
		tmpfile_alone(argc > 3 ? argv[3] : ".");
	else
		all();
	prog_done();
}
