// SPDX-License-Identifier: GPL-2.0
/* inotify FOLDER: watches on folders and files with their numbers, once, dups. FOLDER: where handles lead to paths. */
#include "prog.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/inotify.h>
#include <sys/stat.h>

static int in, idle, twice;

static void touch(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT, 0600);

	CHECKF(fd >= 0, "%s", name);
	CHECK(write(fd, "x", 1) == 1);
	close(fd);
}

static int watch(int fd, const char *name, uint32_t mask)
{
	int wd = inotify_add_watch(fd, name, mask);

	CHECKF(wd > 0, "%s", name);
	return wd;
}

/* The next event; one read() may bring several. */
static void expect(int wd, uint32_t mask, const char *name)
{
	static char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	static ssize_t at, end;
	const struct inotify_event *e;

	if (at == end) {
		at = 0;
		end = read(in, buf, sizeof(buf));
		CHECKF(end > 0, "wd %d", wd);
	}
	e = (const void *)(buf + at);
	at += (ssize_t)(sizeof(*e) + e->len);
	CHECKF(e->wd == wd && e->mask == mask && (e->len ? !strcmp(e->name, name) : !*name),
	       "wd %d mask %x %s", e->wd, e->mask, e->len ? e->name : "");
}

int main(int argc, char **argv)
{
	int a, b, c, d;
	char byte;

	prog_init();
	CHECK(argc == 2 && chdir(argv[1]) == 0);
	CHECK(mkdir("a folder", 0700) == 0 && mkdir("b", 0700) == 0);
	touch("file");
	touch("once");
	in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	idle = inotify_init1(0);
	CHECK(in >= 0 && idle >= 0);
	a = watch(in, "a folder", IN_CREATE | IN_DELETE);
	b = watch(in, "b", IN_CREATE);
	c = watch(in, "file", IN_MODIFY);
	d = watch(in, "once", IN_MODIFY | IN_ONESHOT);
	CHECK(a == 1 && b == 2 && c == 3 && d == 4);
	/* A gap, and a number that is spent. */
	CHECK(inotify_rm_watch(in, b) == 0 && watch(in, ".", IN_MOVED_TO) == 5);
	CHECK(inotify_rm_watch(in, 5) == 0);
	expect(b, IN_IGNORED, "");
	expect(5, IN_IGNORED, "");
	twice = dup(in);
	CHECK(twice >= 0);
	prog_ready();
	CHECK(read(in, &byte, 1) == -1 && errno == EAGAIN);
	CHECK(fcntl(in, F_GETFL) == (O_RDONLY | O_NONBLOCK) && fcntl(idle, F_GETFL) == O_RDONLY);
	CHECK((fcntl(in, F_GETFD) & FD_CLOEXEC) && !(fcntl(idle, F_GETFD) & FD_CLOEXEC));
	touch("a folder/new");
	expect(a, IN_CREATE, "new");
	touch("b/unseen");
	touch("file");
	expect(c, IN_MODIFY, "");
	touch("once");
	expect(d, IN_MODIFY, "");
	expect(d, IN_IGNORED, "");
	touch("once");
	CHECK(unlink("a folder/new") == 0);
	expect(a, IN_DELETE, "new");
	/* No number comes a second time. */
	CHECK(watch(twice, "b", IN_CREATE) == 6);
	touch("b/seen");
	expect(6, IN_CREATE, "seen");
	CHECK(read(in, &byte, 1) == -1 && errno == EAGAIN);
	CHECK(watch(idle, "b", IN_CREATE) == 1);
	prog_done();
}
