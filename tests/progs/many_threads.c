// SPDX-License-Identifier: GPL-2.0
/* many_threads N: as many threads that wait; each has its own value, and all come back to be joined. */
#include "prog.h"

#include <pthread.h>
#include <sys/syscall.h>

#define MAX 4000

static pthread_t threads[MAX];
static pid_t tids[MAX];
static pthread_barrier_t begun;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static bool go;
static __thread long mine;

static void *run(void *arg)
{
	long n = (long)arg;

	mine = n;
	tids[n] = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&begun);
	pthread_mutex_lock(&lock);
	while (!go)
		pthread_cond_wait(&cond, &lock);
	pthread_mutex_unlock(&lock);
	CHECK(mine == n && syscall(SYS_gettid) == tids[n]);
	return arg;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 300;
	pthread_attr_t attr;

	CHECK(n > 0 && n <= MAX);
	prog_init();
	pthread_attr_init(&attr);
	CHECK(pthread_attr_setstacksize(&attr, 64 << 10) == 0);
	CHECK(pthread_barrier_init(&begun, NULL, (unsigned int)n + 1) == 0);
	for (long i = 0; i < n; i++)
		CHECK(pthread_create(&threads[i], &attr, run, (void *)i) == 0);
	pthread_barrier_wait(&begun);
	prog_ready();
	pthread_mutex_lock(&lock);
	go = true;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&lock);
	for (long i = 0; i < n; i++) {
		void *ret = NULL;

		CHECK(pthread_join(threads[i], &ret) == 0 && ret == (void *)i);
	}
	prog_done();
}
