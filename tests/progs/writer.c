// SPDX-License-Identifier: GPL-2.0
/*
 * Two threads that write all the time, so that memory saved at two moments
 * shows. Each numbers its writes and puts the number at a place that follows
 * from it; the second also notes how far it saw the first. On SIGUSR1 they
 * stop, and every place must hold the last number that belongs there.
 *
 * writer [MIB]: so much memory for each of the two; 32 if not given. A third
 * area is kept from children (MADV_DONTFORK), a fourth empty in them
 * (MADV_WIPEONFORK), a fifth shared: they move along with the second's.
 */
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#include "prog.h"

#define PAGE	4096u
#define KEPT	64u	/* pages of each area besides */

struct area {
	volatile uint64_t *mem;
	size_t pages;
	volatile uint64_t seq;
};

static struct area area[2];
static volatile uint64_t *kept[3];	/* DONTFORK, WIPEONFORK, shared */
static volatile uint64_t seen;
static volatile bool stop;
static size_t pages;

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= 0x7fb5d329728ea185ull;
	x ^= x >> 27;
	x *= 0x81dadef4bc2dd44dull;
	return x ^ x >> 33;
}

static size_t place(const struct area *a, uint64_t n)
{
	return mix(n) % a->pages;
}

static void *run(void *arg)
{
	struct area *a = arg;
	bool second = a == &area[1];

	while (!stop) {
		uint64_t n = a->seq + 1;

		if (second)
			seen = area[0].seq;
		a->mem[place(a, n) * (PAGE / 8)] = n;
		if (second)
			for (int i = 0; i < 3; i++)
				kept[i][n % KEPT * (PAGE / 8)] = n;
		a->seq = n;
		for (volatile int i = 0; i < 200; i++)
			;
	}
	return NULL;
}

/* They have stopped: what is counted is stored. */
static void check_area(const struct area *a, int which)
{
	uint64_t *want = calloc(a->pages, sizeof(*want));

	CHECK(want != NULL);
	for (uint64_t n = 1; n <= a->seq; n++)
		want[place(a, n)] = n;
	for (size_t i = 0; i < a->pages; i++) {
		uint64_t have = a->mem[i * (PAGE / 8)];

		CHECKF(have == want[i], "area %d, page %zu: %llu, not %llu", which, i,
		       (unsigned long long)have, (unsigned long long)want[i]);
	}
	free(want);
}

static void check_kept(uint64_t seq)
{
	for (int i = 0; i < 3; i++)
		for (uint64_t n = seq < KEPT ? 1 : seq - KEPT + 1; n <= seq; n++)
			CHECKF(kept[i][n % KEPT * (PAGE / 8)] == n, "area kept %d, write %llu: %llu", i,
			       (unsigned long long)n,
			       (unsigned long long)kept[i][n % KEPT * (PAGE / 8)]);
}

static void *map(size_t n, int flags, int advice)
{
	void *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	CHECK(p != MAP_FAILED);
	CHECK(!advice || madvise(p, n * PAGE, advice) == 0);
	return p;
}

int main(int argc, char **argv)
{
	pthread_t t[2];

	prog_init();
	pages = (argc > 1 ? strtoul(argv[1], NULL, 10) : 32) * ((1u << 20) / PAGE);
	kept[0] = map(KEPT, MAP_PRIVATE, MADV_DONTFORK);
	kept[1] = map(KEPT, MAP_PRIVATE, MADV_WIPEONFORK);
	kept[2] = map(KEPT, MAP_SHARED, 0);
	for (int i = 0; i < 2; i++) {
		area[i].pages = pages;
		area[i].mem = map(pages, MAP_PRIVATE, 0);
		for (size_t j = 0; j < pages; j++)
			area[i].mem[j * (PAGE / 8)] = 0;
	}
	for (int i = 0; i < 2; i++)
		CHECK(pthread_create(&t[i], NULL, run, &area[i]) == 0);
	prog_ready();
	stop = true;
	for (int i = 0; i < 2; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	CHECKF(seen <= area[0].seq, "%llu of %llu", (unsigned long long)seen,
	       (unsigned long long)area[0].seq);
	for (int i = 0; i < 2; i++)
		check_area(&area[i], i);
	check_kept(area[1].seq);
	prog_done();
}
