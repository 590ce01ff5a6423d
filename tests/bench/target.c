// SPDX-License-Identifier: GPL-2.0
/*
 * target spin|tick MIB THREADS REPORT: the program the bench snapshots.
 *
 * It touches MIB MiB of private memory, one 4 KiB page at a time, starts
 * THREADS - 1 threads that sleep, and then looks at the clock without end:
 * spin all the time, tick each millisecond. The longest time between two looks
 * (tick: beyond its millisecond) is what a stop cost as the program sees it.
 *
 *   SIGUSR1   report it, and start anew
 *   SIGUSR2   report whether the memory still is what was written
 *
 * A report replaces the file REPORT: "ready", "gap NS NS", "memory good|bad".
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE		4096ul
#define TICK_NS		1000000l
/* A shorter one is no stop, and not worth asking why. */
#define LONG_NS		20000u

static volatile sig_atomic_t want_gap, want_check;
static uint64_t *memory;
static size_t pages;

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		want_gap = 1;
	else
		want_check = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* How long we ever waited for a processor. */
static uint64_t queued_ns(void)
{
	char text[80] = "";
	unsigned long long delay = 0;
	int fd = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) > 0)
		sscanf(text, "%*u %llu", &delay);
	close(fd);
	return delay;
}

/* Renamed into place: who waits for the file never reads half of it. */
static void report(const char *path, const char *text)
{
	char temp[4096];
	int fd;

	snprintf(temp, sizeof(temp), "%s.new", path);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) ||
	    rename(temp, path))
		_exit(3);
}

static void *sleeper(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* No two words of the memory are alike, so that a page in a wrong place shows. */
static uint64_t word(size_t i)
{
	return (i + 1) * 0x9e3779b97f4a7c15ull;
}

static int fill(size_t mib)
{
	pages = mib * 256;
	memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || madvise(memory, pages * PAGE, MADV_NOHUGEPAGE))
		return -1;
	for (size_t i = 0; i < pages * PAGE / 8; i++)
		memory[i] = word(i);
	return 0;
}

static int memory_good(void)
{
	for (size_t i = 0; i < pages * PAGE / 8; i++)
		if (memory[i] != word(i))
			return 0;
	return 1;
}

static int start_threads(int n)
{
	pthread_attr_t attr;
	pthread_t t;

	if (pthread_attr_init(&attr) || pthread_attr_setstacksize(&attr, 64 << 10))
		return -1;
	while (--n > 0)
		if (pthread_create(&t, &attr, sleeper, NULL))
			return -1;
	return pthread_attr_destroy(&attr);
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	uint64_t last, queued, gap = 0, stop = 0, floor_ns;
	const struct timespec tick = { 0, TICK_NS };
	int ticking;

	if (argc != 5 || (strcmp(argv[1], "spin") && strcmp(argv[1], "tick"))) {
		fprintf(stderr, "usage: target spin|tick MIB THREADS REPORT\n");
		return 2;
	}
	ticking = !strcmp(argv[1], "tick");
	floor_ns = ticking ? TICK_NS : 0;
	if (fill(strtoul(argv[2], NULL, 10)) || start_threads(atoi(argv[3])) ||
	    sigaction(SIGUSR1, &sa, NULL) || sigaction(SIGUSR2, &sa, NULL)) {
		perror("target");
		return 1;
	}
	report(argv[4], "ready\n");
	queued = queued_ns();
	for (last = now_ns();;) {
		uint64_t now, d;

		if (ticking)
			clock_nanosleep(CLOCK_MONOTONIC, 0, &tick, NULL);
		now = now_ns();
		d = now - last > floor_ns ? now - last - floor_ns : 0;
		last = now;
		if (d > LONG_NS) {
			uint64_t q = queued_ns(), waited = q - queued;

			queued = q;
			if (d > gap)
				gap = d;
			if (d > stop + waited)
				stop = d - waited;
			last = now_ns();
		}
		if (want_gap) {
			char text[60];

			want_gap = 0;
			snprintf(text, sizeof(text), "gap %llu %llu\n", (unsigned long long)gap,
				 (unsigned long long)stop);
			report(argv[4], text);
			gap = stop = 0;
			queued = queued_ns();
			last = now_ns();
		}
		if (want_check) {
			want_check = 0;
			report(argv[4], memory_good() ? "memory good\n" : "memory bad\n");
			last = now_ns();
		}
	}
}
