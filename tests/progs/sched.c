// SPDX-License-Identifier: GPL-2.0
/* Threads that differ in how they are scheduled; afterwards each is as it was. */
#include "prog.h"

#include <linux/ioprio.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define N 4

struct how {
	int policy, nice, priority, ioprio;
	cpu_set_t cpus;
};

static struct how before[N];
static pthread_barrier_t set, check;

static void read_how(struct how *h)
{
	struct sched_param p;

	memset(h, 0, sizeof(*h));
	h->policy = sched_getscheduler(0);
	CHECK(sched_getparam(0, &p) == 0);
	h->priority = p.sched_priority;
	h->nice = getpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid));
	h->ioprio = (int)syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
	CHECK(sched_getaffinity(0, sizeof(h->cpus), &h->cpus) == 0);
}

static void become(long i)
{
	struct sched_param p = { 0 };
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	switch (i) {
	case 1:
		CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
		CHECK(setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 7) == 0);
		break;
	case 2:
		CHECK(sched_setscheduler(0, SCHED_BATCH, &p) == 0);
		CHECK(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 6)) == 0);
		break;
	case 3:
		p.sched_priority = 3;
		/* Not everywhere allowed, to root either. */
		if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &p))
			CHECK(sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 }) == 0);
		break;
	}
}

static void *run(void *arg)
{
	long i = (long)arg;
	struct how now;

	become(i);
	read_how(&before[i]);
	pthread_barrier_wait(&set);
	pthread_barrier_wait(&check);
	read_how(&now);
	CHECKF(now.policy == before[i].policy && now.priority == before[i].priority,
	       "thread %ld: policy %#x/%d, was %#x/%d", i, now.policy, now.priority, before[i].policy,
	       before[i].priority);
	CHECKF(now.nice == before[i].nice, "thread %ld: nice %d, was %d", i, now.nice, before[i].nice);
	CHECKF(now.ioprio == before[i].ioprio, "thread %ld: ioprio %#x, was %#x", i, now.ioprio, before[i].ioprio);
	CHECKF(CPU_EQUAL(&now.cpus, &before[i].cpus), "thread %ld: its CPUs", i);
	return NULL;
}

int main(void)
{
	pthread_t t[N];

	prog_init();
	CHECK(pthread_barrier_init(&set, NULL, N + 1) == 0);
	CHECK(pthread_barrier_init(&check, NULL, N + 1) == 0);
	for (long i = 0; i < N; i++)
		CHECK(pthread_create(&t[i], NULL, run, (void *)i) == 0);
	pthread_barrier_wait(&set);
	prog_ready();
	pthread_barrier_wait(&check);
	for (int i = 0; i < N; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	prog_done();
}
