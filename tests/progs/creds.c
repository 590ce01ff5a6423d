// SPDX-License-Identifier: GPL-2.0
/*
 * creds [own]: ids, groups, capabilities and securebits, of the process and of
 * a second thread; own: of which that thread has others. Needs root.
 */
#include "prog.h"

#include <grp.h>
#include <linux/securebits.h>
#include <linux/capability.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

struct state {
	uid_t uid[4];
	gid_t gid[4];
	int ngroups, securebits, nnp;
	gid_t groups[256];
	unsigned long long bounding, ambient;
	struct __user_cap_data_struct cap[2];
};

static sem_t look, looked;
static struct state thread_before, in_thread;

static void read_state(struct state *s)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };

	memset(s, 0, sizeof(*s));
	CHECK(getresuid(&s->uid[0], &s->uid[1], &s->uid[2]) == 0);
	CHECK(getresgid(&s->gid[0], &s->gid[1], &s->gid[2]) == 0);
	s->uid[3] = (uid_t)syscall(SYS_setfsuid, -1);
	s->gid[3] = (gid_t)syscall(SYS_setfsgid, -1);
	s->ngroups = getgroups(256, s->groups);
	CHECK(s->ngroups >= 0);
	s->securebits = prctl(PR_GET_SECUREBITS);
	s->nnp = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	for (int c = 0; c < 64; c++) {
		if (prctl(PR_CAPBSET_READ, c) == 1)
			s->bounding |= 1ull << c;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, c, 0, 0) == 1)
			s->ambient |= 1ull << c;
	}
	CHECK(syscall(SYS_capget, &h, s->cap) == 0);
}

/* By the kernel's own calls: libc would change them for all threads. */
static void become_another(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];
	gid_t gid[200];

	for (unsigned int i = 0; i < 200; i++)
		gid[i] = 70000 + 3 * i;
	CHECK(syscall(SYS_setgroups, 200, gid) == 0);
	CHECK(syscall(SYS_setresgid, 101, 102, 103) == 0);
	CHECK(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NOROOT | SECBIT_NOROOT_LOCKED) == 0);
	CHECK(syscall(SYS_capget, &h, d) == 0);
	d[0].inheritable = 1u << CAP_CHOWN | 1u << CAP_KILL | 1u << CAP_SYS_TIME;
	CHECK(syscall(SYS_capset, &h, d) == 0);
	CHECK(prctl(PR_CAPBSET_DROP, CAP_SYS_TIME) == 0);
	CHECK(prctl(PR_CAPBSET_DROP, CAP_SYSLOG) == 0);
	CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0) == 0);
	CHECK(syscall(SYS_setresuid, 201, 202, 203) == 0);
	syscall(SYS_setfsuid, 204);
	d[0].permitted = d[0].effective = 1u << CAP_CHOWN | 1u << CAP_KILL | 1u << CAP_NET_RAW;
	d[0].effective &= ~(1u << CAP_NET_RAW);
	d[1].permitted = d[1].effective = 0;
	CHECK(syscall(SYS_capset, &h, d) == 0);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

static void *thread(void *arg)
{
	if (arg)
		become_another();
	read_state(&thread_before);
	sem_post(&looked);
	while (sem_wait(&look))
		;
	read_state(&in_thread);
	sem_post(&looked);
	return arg;
}

int main(int argc, char **argv)
{
	static struct state before, after;
	pthread_t t;

	prog_init();
	CHECK(sem_init(&look, 0, 0) == 0 && sem_init(&looked, 0, 0) == 0);
	CHECK(pthread_create(&t, NULL, thread, argc > 1 ? argv[1] : NULL) == 0);
	while (sem_wait(&looked))
		;
	read_state(&before);
	prog_ready();
	read_state(&after);
	CHECK(!memcmp(&before, &after, sizeof(before)));
	sem_post(&look);
	while (sem_wait(&looked))
		;
	CHECK(!memcmp(&thread_before, &in_thread, sizeof(before)));
	CHECK(argc > 1 || !memcmp(&before, &in_thread, sizeof(before)));
	prog_done();
}
