// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that count; a test stops the whole process. While it is stopped none
 * may count on, whatever is done to it; the numbers lie in a file that it maps,
 * for the test to read: stopped FILE.
 */
#include "prog.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>

#define THREADS 4

static volatile uint64_t *counts;	/* one of each thread, in the file */
static volatile int ending;

static void *count(void *arg)
{
	volatile uint64_t *mine = &counts[(uintptr_t)arg];
	struct timespec nap = { 0, 100000 };

	/* Half of them always run, half mostly sleep. */
	while (!ending) {
		(*mine)++;
		if ((uintptr_t)arg % 2)
			CHECK(nanosleep(&nap, NULL) == 0);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[THREADS];
	uint64_t before[THREADS];
	int fd;

	prog_init();
	CHECK(argc == 2);
	fd = open(argv[1], O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0 && ftruncate(fd, 4096) == 0);
	counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(counts != MAP_FAILED && close(fd) == 0);
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(pthread_create(&t[i], NULL, count, (void *)i) == 0);
	prog_ready();
	for (int i = 0; i < THREADS; i++)
		before[i] = counts[i];
	usleep(200000);
	for (int i = 0; i < THREADS; i++)
		CHECKF(counts[i] > before[i], "thread %d", i);
	ending = 1;
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	prog_done();
}
