// SPDX-License-Identifier: GPL-2.0
#include "kmod_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TEST_SECONDS 120

void fail_at(const char *file, int line, const char *what, long got, long want)
{
	const char *base = strrchr(file, '/');

	printf("# %s:%d: %s: %ld, not %ld (%s)\n", base ? base + 1 : file, line, what, got, want,
	       got < 0 ? strerror((int)-got) : "");
	fflush(stdout);
	_exit(1);
}

void sleep_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct shared *new_shared(void)
{
	void *p = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

pid_t start_target(void (*fn)(struct shared *sh, int n), struct shared *sh, int n)
{
	uint64_t limit = now_ms() + 30000;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fn(sh, n);
		_exit(99);
	}
	while (sh->ready < n && now_ms() < limit)
		sleep_ms(2);
	CHECK_EQ(sh->ready, n);
	return pid;
}

struct thread_arg {
	struct shared *sh;
	int index;
};

static void *spin(void *p)
{
	struct thread_arg *a = p;

	__atomic_add_fetch(&a->sh->ready, 1, __ATOMIC_SEQ_CST);
	for (;;)
		a->sh->count[a->index]++;
	return NULL;
}

static void *blink(void *p)
{
	struct thread_arg *a = p;

	__atomic_add_fetch(&a->sh->ready, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		a->sh->count[a->index]++;
		sleep_ms(5);
	}
	return NULL;
}

static void run_threads(struct shared *sh, int n, void *(*fn)(void *))
{
	struct thread_arg *args = calloc((size_t)n, sizeof(*args));
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 0; i < n; i++) {
		pthread_t t;

		args[i] = (struct thread_arg){ sh, i };
		if (i == n - 1)
			fn(&args[i]);
		if (pthread_create(&t, &attr, fn, &args[i]))
			_exit(98);
	}
}

void spin_threads(struct shared *sh, int n)
{
	run_threads(sh, n, spin);
}

void blocked_threads(struct shared *sh, int n)
{
	run_threads(sh, n, blink);
}

int open_session(void)
{
	int fd = open(CKPTBPF_DEVICE, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

int call(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

int freeze(int fd, pid_t pid, unsigned int timeout_ms, struct ckptbpf_freeze *f)
{
	*f = (struct ckptbpf_freeze){ .size = sizeof(*f), .tgid = pid, .timeout_ms = timeout_ms };
	return call(fd, CKPTBPF_FREEZE, f);
}

int thaw(int fd, pid_t pid)
{
	struct ckptbpf_thaw t = { .size = sizeof(t), .tgid = pid };

	return call(fd, CKPTBPF_THAW, &t);
}

int list(int fd, struct ckptbpf_thread *t, unsigned int room)
{
	struct ckptbpf_list l = { .size = sizeof(l), .buf = (uintptr_t)t, .n = room };
	int err = call(fd, CKPTBPF_LIST, &l);

	return err ? err : (int)l.n;
}

int regset(int fd, pid_t tid, unsigned int flags, unsigned int note, void *buf, uint32_t *len)
{
	struct ckptbpf_regset r = {
		.size = sizeof(r), .flags = flags, .tid = tid, .note = note,
		.buf = (uintptr_t)buf, .len = *len,
	};
	int err = call(fd, CKPTBPF_REGSET, &r);

	*len = r.len;
	return err;
}

static bool advances(struct shared *sh, int n, bool wanted)
{
	uint64_t *was = malloc((size_t)n * sizeof(*was));
	uint64_t limit = now_ms() + (wanted ? 20000 : 150);
	bool all = false, any = false;

	for (int i = 0; i < n; i++)
		was[i] = sh->count[i];
	do {
		sleep_ms(10);
		all = true;
		any = false;
		for (int i = 0; i < n; i++) {
			if (sh->count[i] == was[i])
				all = false;
			else
				any = true;
		}
	} while (!all && now_ms() < limit);
	free(was);
	return wanted ? all : any;
}

bool all_advance(struct shared *sh, int n)
{
	return advances(sh, n, true);
}

bool none_advances(struct shared *sh, int n)
{
	return !advances(sh, n, false);
}

char state_of(pid_t pid)
{
	char path[64], buf[512], *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	buf[n] = 0;
	p = strrchr(buf, ')');
	return p ? p[2] : 0;
}

bool wait_dead(pid_t pid)
{
	uint64_t limit = now_ms() + 10000;

	do {
		char s = state_of(pid);

		if (!s || s == 'Z' || s == 'X')
			return true;
		sleep_ms(5);
	} while (now_ms() < limit);
	return false;
}

static bool run(const struct kmod_test *t)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		alarm(TEST_SECONDS);
		t->fn();
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	kill(-pid, SIGKILL);
	if (WIFSIGNALED(status))
		printf("# killed by SIG%s\n", sigabbrev_np(WTERMSIG(status)));
	return status == 0;
}

/* kmod_test [NAME]...: all, or those whose name begins so. */
int main(int argc, char **argv)
{
	static const struct kmod_test *const sets[] = {
		freeze_tests, calls_tests, refuse_tests, regs_tests, pages_tests, clone_tests,
		park_tests, stress_tests,
	};
	int n = 0, failed = 0;

	for (size_t s = 0; s < sizeof(sets) / sizeof(*sets); s++) {
		for (const struct kmod_test *t = sets[s]; t->name; t++) {
			bool wanted = argc < 2, ok;

			for (int i = 1; i < argc; i++)
				wanted |= !strncmp(t->name, argv[i], strlen(argv[i]));
			if (!wanted)
				continue;
			ok = run(t);
			printf("%sok %d kmod: %s\n", ok ? "" : "not ", ++n, t->name);
			failed += !ok;
		}
	}
	printf("1..%d\n", n);
	return failed || !n;
}
