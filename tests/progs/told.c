// SPDX-License-Identifier: GPL-2.0
/*
 * told MODE: a state that no record holds, of which a snapshot tells. It does the
 * program no harm. Where this kernel does not have it: `unsupported`.
 */
#include "prog.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#ifndef PR_TIMER_CREATE_RESTORE_IDS	/* since 6.15 */
#define PR_TIMER_CREATE_RESTORE_IDS 77
#endif

static void may(long r)
{
	if (r < 0) {
		prog_say("unsupported");
		_exit(0);
	}
}

static void set_none(void) { }
static void set_children(void) { may(unshare(CLONE_NEWPID)); }
static void set_restore_ids(void) { may(prctl(PR_TIMER_CREATE_RESTORE_IDS, 1, 0, 0, 0)); }

static void set_keyring(void)
{
	may(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_THREAD_KEYRING, 1));
}

static void set_reqkey(void)
{
	may(syscall(SYS_keyctl, KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_USER_KEYRING));
}

static void *keyring_too(void *arg)
{
	set_keyring();
	pthread_barrier_wait(arg);
	for (;;)
		pause();
	return arg;
}

/* Three threads have one. */
static void set_keyrings(void)
{
	static pthread_barrier_t all;
	pthread_t t;

	set_keyring();
	CHECK(pthread_barrier_init(&all, NULL, 3) == 0);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_create(&t, NULL, keyring_too, &all) == 0);
	pthread_barrier_wait(&all);
}

static void set_session(void)
{
	may(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
}

static int make_file(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0644);

	CHECK(fd == 3 && ftruncate(fd, 65536) == 0);
	return fd;
}

/* Where nothing is read ahead the kernel does not even note it (mm/fadvise.c, noop_backing_dev_info). */
static void advise(int advice)
{
	int fd = make_file();
	struct statfs st;

	CHECK(fstatfs(fd, &st) == 0);
	may(st.f_type == TMPFS_MAGIC || st.f_type == RAMFS_MAGIC ? -1 : 0);
	CHECK(posix_fadvise(fd, 0, 0, advice) == 0);
}

static void set_random(void) { advise(POSIX_FADV_RANDOM); }
static void set_sequential(void) { advise(POSIX_FADV_SEQUENTIAL); }

static void set_opener(void)
{
	may(syscall(SYS_setfsuid, 1234));
	CHECK(open("/dev/null", O_RDWR) == 3);
	syscall(SYS_setfsuid, 0);
}

static void set_autogroup(void)
{
	int fd = open("/proc/self/autogroup", O_WRONLY);

	may(fd);
	may(write(fd, "5", 1));
	close(fd);
}

static const struct { const char *name; void (*set)(void); } modes[] = {
	{ "none", set_none }, { "children", set_children }, { "restore_ids", set_restore_ids },
	{ "keyring", set_keyring }, { "keyrings", set_keyrings }, { "reqkey", set_reqkey },
	{ "session", set_session }, { "random", set_random },
	{ "sequential", set_sequential }, { "opener", set_opener }, { "autogroup", set_autogroup },
};

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	prog_init();
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(modes[i].name, argv[1]))
			continue;
		modes[i].set();
		prog_ready();
		prog_done();
	}
	prog_say("FAIL no mode '%s'", argv[1]);
	return 1;
}
