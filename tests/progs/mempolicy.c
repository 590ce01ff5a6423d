// SPDX-License-Identifier: GPL-2.0
/*
 * mempolicy: memory policies of mappings (private, shared, of a memfd) and of
 * threads, with every mode and flag that one node is enough for. A kernel without
 * them: `unsupported`.
 */
#include "prog.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define PAGE 4096ul
#define NODES 1024ul
#define STATIC (1 << 15)
#define RELATIVE (1 << 14)
#define F_ADDR 2
#ifndef SYS_set_mempolicy_home_node	/* since 5.17 */
#define SYS_set_mempolicy_home_node 450
#endif

enum { DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL, PREFERRED_MANY };

/* node: of the mask, -1: none. Relative: any number; the kernel shows the first 64. */
static const struct { int mode, node; } policies[] = {
	{ BIND, 0 }, { PREFERRED, 0 }, { INTERLEAVE, 0 }, { LOCAL, -1 }, { PREFERRED_MANY, 0 },
	{ BIND | STATIC, 0 }, { INTERLEAVE | RELATIVE, 5 }, { PREFERRED | RELATIVE, 40 },
};
#define N (sizeof(policies) / sizeof(policies[0]))

static char *maps[N], *plain, *shared, *part;
static pthread_barrier_t ready, go;

static void mask_of(unsigned long *mask, int node)
{
	memset(mask, 0, NODES / 8);
	if (node >= 0)
		mask[node / 64] = 1ul << node % 64;
}

static char *map(size_t len, int flags)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void bind_to(char *p, size_t len, int mode, int node)
{
	unsigned long mask[NODES / 64];

	mask_of(mask, node);
	CHECKF(syscall(SYS_mbind, p, len, mode, mask, NODES + 1, 0) == 0, "mode %x", mode);
}

static void check_policy(char *addr, int mode, int node)
{
	unsigned long mask[NODES / 64], want[NODES / 64];
	int now = -1;

	mask_of(want, node);
	memset(mask, 0, sizeof(mask));
	CHECK(syscall(SYS_get_mempolicy, &now, mask, NODES, addr, addr ? F_ADDR : 0) == 0);
	CHECKF(now == mode, "%x, was %x", now, mode);
	CHECKF(!memcmp(mask, want, sizeof(mask)), "mode %x: first word %lx", mode, mask[0]);
}

static void *thread(void *arg)
{
	unsigned long mask[NODES / 64];

	(void)arg;
	mask_of(mask, 0);
	CHECK(syscall(SYS_set_mempolicy, BIND | STATIC, mask, NODES + 1) == 0);
	pthread_barrier_wait(&ready);
	pthread_barrier_wait(&go);
	check_policy(NULL, BIND | STATIC, 0);
	return NULL;
}

static void *without(void *arg)
{
	(void)arg;
	CHECK(syscall(SYS_set_mempolicy, DEFAULT, NULL, 0) == 0);
	pthread_barrier_wait(&ready);
	pthread_barrier_wait(&go);
	check_policy(NULL, DEFAULT, -1);
	return NULL;
}

static void set_up(void)
{
	unsigned long mask[NODES / 64];

	for (size_t i = 0; i < N; i++) {
		maps[i] = map(2 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS);
		bind_to(maps[i], 2 * PAGE, policies[i].mode, policies[i].node);
		maps[i][0] = (char)('a' + i);
	}
	plain = map(PAGE, MAP_PRIVATE | MAP_ANONYMOUS);
	shared = map(4 * PAGE, MAP_SHARED | MAP_ANONYMOUS);
	bind_to(shared, 4 * PAGE, INTERLEAVE, 0);
	shared[0] = 's';
	/* The middle of one mapping: three of them. */
	part = map(9 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS);
	bind_to(part + 3 * PAGE, 3 * PAGE, BIND, 0);
	CHECK(syscall(SYS_set_mempolicy_home_node, part + 3 * PAGE, 3 * PAGE, 0, 0) == 0 || errno == ENOSYS);
	mask_of(mask, 0);
	CHECK(syscall(SYS_set_mempolicy, INTERLEAVE, mask, NODES + 1) == 0);
}

int main(void)
{
	pthread_t t[2];

	prog_init();
	if (syscall(SYS_get_mempolicy, NULL, NULL, 0, NULL, 0) && errno == ENOSYS) {
		prog_say("unsupported");
		return 0;
	}
	CHECK(pthread_barrier_init(&ready, NULL, 3) == 0 && pthread_barrier_init(&go, NULL, 3) == 0);
	CHECK(pthread_create(&t[0], NULL, thread, NULL) == 0);
	CHECK(pthread_create(&t[1], NULL, without, NULL) == 0);
	pthread_barrier_wait(&ready);
	set_up();
	prog_ready();
	for (size_t i = 0; i < N; i++) {
		check_policy(maps[i], policies[i].mode, policies[i].node);
		check_policy(maps[i] + PAGE, policies[i].mode, policies[i].node);
		CHECK(maps[i][0] == (char)('a' + i));
	}
	check_policy(shared, INTERLEAVE, 0);
	CHECK(shared[0] == 's');
	check_policy(part + 3 * PAGE, BIND, 0);
	check_policy(NULL, INTERLEAVE, 0);
	check_policy(plain, DEFAULT, -1);
	check_policy(part, DEFAULT, -1);
	pthread_barrier_wait(&go);
	CHECK(pthread_join(t[0], NULL) == 0 && pthread_join(t[1], NULL) == 0);
	prog_done();
}
