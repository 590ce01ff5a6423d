// SPDX-License-Identifier: GPL-2.0
/*
 * task [session|group]: limits, oom_score_adj, ids, group and session.
 * session: it leads one of its own; group: it leads a group; else it is a
 * member of the group it was started in.
 */
#include "prog.h"

#include <fcntl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>

struct state {
	struct rlimit lim[RLIM_NLIMITS];
	pid_t pid, sid, pgid;
	int personality, dumpable;
	char comm[16], oom[16];
};

static void read_text(const char *path, char *buf, size_t len)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, len - 1);

	CHECK(n > 0);
	buf[n] = 0;
	close(fd);
}

static void read_state(struct state *s)
{
	for (int i = 0; i < RLIM_NLIMITS; i++)
		CHECK(getrlimit((__rlimit_resource_t)i, &s->lim[i]) == 0);
	s->pid = getpid();
	s->sid = getsid(0);
	s->pgid = getpgid(0);
	s->personality = personality(0xffffffff);
	s->dumpable = prctl(PR_GET_DUMPABLE);
	CHECK(prctl(PR_GET_NAME, s->comm) == 0);
	read_text("/proc/self/oom_score_adj", s->oom, sizeof(s->oom));
}

static void set_limit(int which, rlim_t cur, rlim_t max)
{
	struct rlimit r = { cur, max };

	CHECK(setrlimit((__rlimit_resource_t)which, &r) == 0);
}

static void set_oom(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	/* Raising it needs no right; a system may deny even that. */
	if (fd >= 0 && write(fd, "321", 3) != 3)
		prog_say("oom_score_adj cannot be set here");
	close(fd);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "member";
	static struct state before, after;

	prog_init();
	if (!strcmp(mode, "session"))
		CHECK(setsid() == getpid());
	if (!strcmp(mode, "group"))
		CHECK(setpgid(0, 0) == 0);
	set_limit(RLIMIT_CORE, 0, 12345);
	set_limit(RLIMIT_NOFILE, 333, 999);
	set_limit(RLIMIT_STACK, 4 << 20, 64 << 20);
	set_limit(RLIMIT_FSIZE, 1 << 30, RLIM_INFINITY);
	CHECK(prctl(PR_SET_NAME, "a new name") == 0);
	CHECK(prctl(PR_SET_DUMPABLE, 0) == 0);
	set_oom();
	read_state(&before);
	prog_ready();
	read_state(&after);
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		CHECKF(after.lim[i].rlim_cur == before.lim[i].rlim_cur &&
		       after.lim[i].rlim_max == before.lim[i].rlim_max, "limit %d: %llu %llu, before %llu %llu",
		       i, (unsigned long long)after.lim[i].rlim_cur,
		       (unsigned long long)after.lim[i].rlim_max,
		       (unsigned long long)before.lim[i].rlim_cur,
		       (unsigned long long)before.lim[i].rlim_max);
	}
	CHECK(after.pid == before.pid);
	CHECK(after.personality == before.personality);
	CHECK(after.dumpable == before.dumpable);
	CHECK(!strcmp(after.comm, before.comm));
	CHECKF(!strcmp(after.oom, before.oom), "%s, before %s", after.oom, before.oom);
	if (!strcmp(mode, "session"))
		CHECK(after.sid == before.pid);
	if (strcmp(mode, "member"))
		CHECK(after.pgid == before.pid);
	prog_done();
}
