// SPDX-License-Identifier: GPL-2.0
/* Everything at once, and nonsense: the kernel must not care. */
#include "kmod_test.h"

#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
	int fd;
	pid_t pid;
	volatile bool stop;
	volatile unsigned long calls, clones;
} race;

static void *race_freeze(void *p)
{
	struct ckptbpf_freeze f;

	(void)p;
	while (!race.stop) {
		freeze(race.fd, race.pid, 1000, &f);
		thaw(race.fd, race.calls++ % 2 ? race.pid : 0);
	}
	return NULL;
}

static void *race_regs(void *p)
{
	uint8_t x[16384];	/* its own: garbage would kill the target */
	uint32_t note = (uint32_t)(uintptr_t)p;

	while (!race.stop) {
		uint32_t len = sizeof(x);

		if (!regset(race.fd, race.pid, 0, note, x, &len))
			regset(race.fd, race.pid, CKPTBPF_REGSET_SET, note, x, &len);
		race.calls++;
	}
	return NULL;
}

static void *race_list(void *p)
{
	static struct ckptbpf_thread t[16];

	(void)p;
	while (!race.stop) {
		list(race.fd, t, 16);
		race.calls++;
	}
	return NULL;
}

static void *race_memory(void *p)
{
	uint64_t addr = 0x10000;
	int out = open("/tmp/kmod-race", O_RDWR | O_CREAT | O_TRUNC, 0600);

	(void)p;
	while (!race.stop) {
		struct ckptbpf_pages a = {
			.size = sizeof(a), .tgid = race.pid, .fd = out, .addrs = (uintptr_t)&addr, .n = 1,
		};
		struct ckptbpf_mem_ctx m = {
			.size = sizeof(m), .tid = race.pid, .op = CKPTBPF_MEM_MUNMAP,
			.addr = 0x10000, .len = 4096,
		};

		call(race.fd, CKPTBPF_PAGES, &a);
		call(race.fd, CKPTBPF_MEM_CTX, &m);
		race.calls++;
	}
	close(out);
	return NULL;
}

static void *race_clone(void *p)
{
	(void)p;
	while (!race.stop) {
		struct ckptbpf_snapshot s = { .size = sizeof(s), .tid = race.pid };
		struct ckptbpf_reap r = { .size = sizeof(r), .timeout_ms = 20 };

		if (!call(race.fd, CKPTBPF_SNAPSHOT, &s)) {
			r.child = s.child;
			race.clones++;
			call(race.fd, CKPTBPF_REAP, &r);
		}
		race.calls++;
	}
	return NULL;
}

/* All commands of one session from many threads; it is closed under them. */
static void test_race(void)
{
	struct shared *sh = new_shared();
	pthread_t t[7];

	race.pid = start_target(spin_threads, sh, 3);
	for (int round = 0; round < 10; round++) {
		race.fd = open_session();
		race.stop = false;
		pthread_create(&t[0], NULL, race_freeze, NULL);
		pthread_create(&t[1], NULL, race_freeze, NULL);
		pthread_create(&t[2], NULL, race_regs, (void *)(uintptr_t)NT_PRSTATUS);
		pthread_create(&t[3], NULL, race_regs, (void *)(uintptr_t)NT_X86_XSTATE);
		pthread_create(&t[4], NULL, race_list, NULL);
		pthread_create(&t[5], NULL, race_memory, NULL);
		pthread_create(&t[6], NULL, race_clone, NULL);
		sleep_ms(300);
		close(race.fd);
		sleep_ms(20);
		race.stop = true;
		for (int i = 0; i < 7; i++)
			pthread_join(t[i], NULL);
		CHECK(all_advance(sh, 3));
	}
	CHECK(race.calls > 100);
	CHECK(race.clones > 0);
	unlink("/tmp/kmod-race");
}

/* The target is killed at any moment of a freeze, a read, a thaw. */
static void test_killed_anywhere(void)
{
	for (int i = 0; i < 60; i++) {
		struct shared *sh = new_shared();
		pid_t pid = start_target(i % 2 ? spin_threads : blocked_threads, sh, 8), killer;
		struct ckptbpf_freeze f;
		int fd = open_session(), status;
		uint64_t limit = now_ms() + 20000;

		killer = fork();
		if (!killer) {
			usleep((unsigned int)(i * 700));
			kill(pid, SIGKILL);
			_exit(0);
		}
		while (state_of(pid) != 'Z' && now_ms() < limit) {
			char regs[216];
			uint32_t len = sizeof(regs);
			int err = freeze(fd, pid, 5000, &f);

			if (err && err != -ESRCH)
				CHECK_EQ(err, 0);
			regset(fd, pid, 0, NT_PRSTATUS, regs, &len);
			thaw(fd, 0);
		}
		CHECK_EQ(state_of(pid), 'Z');
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(waitpid(killer, &status, 0), killer);
		close(fd);
		munmap(sh, sizeof(*sh));
	}
}

static uint64_t seed = 88172645463325252ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Sizes, flags, pointers and numbers of no meaning, but for pids: those are the target's. */
static void test_nonsense(void)
{
	static const uint64_t odd[] = {
		0, 1, 8, 16, 24, 32, 40, 48, 4096, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
		0x7fffffffffff, 0x800000000000, 0xffff800000000000, 0x7fffffffffffffff, -1, -4096,
	};
	struct shared *sh = new_shared();
	pid_t pid = start_target(blocked_threads, sh, 2);
	int fd = open_session();
	struct ckptbpf_freeze f;

	for (int i = 0; i < 30000; i++) {
		uint64_t a[16];
		uint32_t *w = (uint32_t *)a;
		unsigned long nr = rnd() % 10;

		for (int k = 0; k < 16; k++)
			a[k] = rnd() % 4 ? odd[rnd() % (sizeof(odd) / sizeof(*odd))] : rnd();
		if (rnd() % 8)
			w[0] = 8 * (uint32_t)(2 + rnd() % 5);
		if (rnd() % 8)
			w[1] = (uint32_t)rnd() % 2;
		w[2] = rnd() % 4 ? (uint32_t)pid : (uint32_t)-1;
		if (nr == 1)
			w[3] = (uint32_t)rnd() % 4;	/* a short timeout */
		call(fd, _IOC(_IOC_READ | _IOC_WRITE, 'K', nr, rnd() % 256), a);
	}
	close(fd);
	/* MEM_CTX may have taken its memory; if not, it runs. */
	if (state_of(pid) && state_of(pid) != 'Z') {
		fd = open_session();
		CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
		CHECK_EQ(f.nparked, 2);
	}
}

const struct kmod_test stress_tests[] = {
	{ "all commands at once, closed under them", test_race },
	{ "a target killed at any moment", test_killed_anywhere },
	{ "30000 calls without meaning", test_nonsense },
	{ NULL, NULL }
};
