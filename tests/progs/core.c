// SPDX-License-Identifier: GPL-2.0
/*
 * Threads in calls of known depth, with known registers and strings, for a
 * debugger to find in a core file: in a loop, in a call, in a mutex, in a
 * signal handler; memory of each kind. `core GB` also reserves and touches a large
 * sparse range.
 */
#include "prog.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define NTHREADS 4

char core_bss[3 * 4096];
char core_data[] = "a string of core_data";
const char core_rodata[] = "a string of core_rodata";
char *core_heap, *core_map, *core_zero, *core_file, *core_secret;
char *core_shared, *core_memfd, *core_private, *core_gone;
static volatile int stop, ready;
static sem_t wait_for;
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

/* Known values in registers of each kind, in a loop without a call. */
static __attribute__((noinline)) void spin(void)
{
	static const unsigned char wide[64] = "sixty-four bytes that are in a register of AVX-512 all the time";
	static const double d[4] = { 1.5, -2.25, 1e300, 0.1 };

	/* Nothing else uses these: this is not compiled for AVX-512. */
	if (__builtin_cpu_supports("avx512f"))
		asm volatile("vmovdqu64 %0, %%zmm17\n\tkmovw %1, %%k3" :: "m"(wide), "m"(wide));
	if (__builtin_cpu_supports("avx"))
		asm volatile("vmovupd %0, %%ymm9" :: "m"(d));
	asm volatile("mov $0x1122334455667788,%%r12\n\tmov $0x0123456789abcdef,%%r13\n\t"
		     "movupd %0,%%xmm8\n\tfldpi\n1:\tpause\n\tcmpl $0,%1; je 1b\n\tfstp %%st(0)"
		     : : "m"(d), "m"(stop) : "r12", "r13", "xmm8", "xmm9", "st", "memory");
}

static __attribute__((noinline)) int depth(int n, void (*fn)(void))
{
	volatile char local[64];

	snprintf((char *)local, sizeof(local), "frame %d", n);
	if (n)
		return depth(n - 1, fn) + local[6];
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	fn();
	return local[0];
}

static void in_call(void)
{
	CHECK(sem_wait(&wait_for) == 0);
}

static void in_mutex(void)
{
	CHECK(pthread_mutex_lock(&held) == 0);
	CHECK(pthread_mutex_unlock(&held) == 0);
}

static void on_usr2(int sig)
{
	(void)sig;
	depth(2, in_call);
}

static void in_handler(void)
{
	CHECK(pthread_kill(pthread_self(), SIGUSR2) == 0);
}

static void *run(void *arg)
{
	void (*const fns[NTHREADS])(void) = { spin, in_call, in_mutex, in_handler };
	long n = (long)arg;

	depth((int)n + 3, fns[n]);
	return NULL;
}

/* Memory that no file could give: shared without a name, and a memfd, mapped in both ways. */
static void set_up_objects(void)
{
	const size_t page = 4096;
	int fd = memfd_create("core-memfd", MFD_CLOEXEC);

	core_shared = mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(core_shared != MAP_FAILED);
	strcpy(core_shared + 3 * page, "a string of core_shared");
	CHECK(fd >= 0 && ftruncate(fd, 6 * page) == 0);
	core_memfd = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * page);
	core_private = mmap(NULL, 6 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(core_memfd != MAP_FAILED && core_private != MAP_FAILED && close(fd) == 0);
	strcpy(core_memfd, "page 2 of the memfd");
	strcpy(core_memfd + page, "page 3 of the memfd");
	strcpy(core_memfd + 2 * page, "page 4 of the memfd");
	strcpy(core_private + 3 * page, "page 3 as only one sees it");
	/* Not even zeros come from the object then. */
	memset(core_private + 4 * page, 0, page);
	fd = open("core.gone", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && write(fd, "a file without a name", 22) == 22 && unlink("core.gone") == 0);
	core_gone = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(core_gone != MAP_FAILED && close(fd) == 0);
}

static void set_up_memory(const char *file, const char *gb)
{
	const size_t page = 4096;
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0);
	for (int i = 0; i < 4; i++) {
		char buf[4096] = "";

		snprintf(buf, sizeof(buf), "page %d of the file", i);
		CHECK(write(fd, buf, sizeof(buf)) == sizeof(buf));
	}
	core_file = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(core_file != MAP_FAILED && close(fd) == 0);
	strcpy(core_file + 2 * page, "page 2 as the program wrote it");
	core_heap = malloc(100);
	CHECK(core_heap);
	strcpy(core_heap, "a string of core_heap");
	strcpy(core_bss + page, "a string of core_bss");
	core_map = mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(core_map != MAP_FAILED);
	strcpy(core_map + 5 * page, "a string of core_map");
	core_zero = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(core_zero != MAP_FAILED);
	core_secret = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(core_secret != MAP_FAILED && madvise(core_secret, 2 * page, MADV_DONTDUMP) == 0);
	memset(core_secret, 'S', 1000);	/* longer than any register that fills it */
	if (gb) {
		size_t len = strtoul(gb, NULL, 10) << 30;
		char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		CHECK(p != MAP_FAILED);
		strcpy(p + len / 2, "in the middle");
	}
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_usr2 };
	pthread_t t[NTHREADS];
	sigset_t hup;

	prog_init();
	/* One that stays pending for this thread. */
	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	CHECK(sigprocmask(SIG_BLOCK, &hup, NULL) == 0 && pthread_kill(pthread_self(), SIGHUP) == 0);
	CHECK(sem_init(&wait_for, 0, 0) == 0 && sigaction(SIGUSR2, &sa, NULL) == 0);
	CHECK(pthread_mutex_lock(&held) == 0);
	set_up_memory("core.map", argc > 1 ? argv[1] : NULL);
	set_up_objects();
	for (long i = 0; i < NTHREADS; i++)
		CHECK(pthread_create(&t[i], NULL, run, (void *)i) == 0);
	/* The handler is entered from a depth of its own. */
	while (ready < NTHREADS + 1)
		usleep(1000);
	usleep(50000);
	prog_ready();
	stop = 1;
	CHECK(sem_post(&wait_for) == 0 && sem_post(&wait_for) == 0);
	CHECK(pthread_mutex_unlock(&held) == 0);
	for (int i = 0; i < NTHREADS; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	CHECK(!strcmp(core_heap, "a string of core_heap"));
	CHECK(!strcmp(core_map + 5 * 4096, "a string of core_map") && !core_zero[0]);
	prog_done();
}
