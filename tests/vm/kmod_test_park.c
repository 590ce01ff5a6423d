// SPDX-License-Identifier: GPL-2.0
/* PARK_SELF: how a restored task comes to life, or does not. */
#include "kmod_test.h"

#include <elf.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul

static int park(int fd, int close_fd, uint64_t sigmask)
{
	struct ckptbpf_park_self p = { .size = sizeof(p), .fd = close_fd, .sigmask = sigmask };

	return call(fd, CKPTBPF_PARK_SELF, &p);
}

/* Wait until n threads are parked by themselves. */
static void wait_parked(int fd, struct ckptbpf_thread *t, int n)
{
	for (int i = 0; i < 4000; i++) {
		int parked = 0;

		if (list(fd, t, (unsigned int)n) == n)
			for (int k = 0; k < n; k++)
				parked += t[k].state == CKPTBPF_ST_PARKED;
		if (parked == n)
			break;
		sleep_ms(2);
	}
	for (int k = 0; k < n; k++) {
		CHECK_EQ(t[k].state, CKPTBPF_ST_PARKED);
		CHECK_EQ(t[k].flags, CKPTBPF_TF_SELF);
	}
}

static uint64_t status_mask(pid_t pid, const char *field)
{
	char path[64], line[256];
	uint64_t mask = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, field, strlen(field)))
			mask = strtoull(line + strlen(field), NULL, 16);
	fclose(f);
	return mask;
}

/*
 * The child's last own code calls PARK_SELF. From outside it gets the
 * registers of a thread that was interrupted in read(), its scaffold is
 * unmapped, and the kernel enters the call again; then it stores what came
 * and exits with it.
 */
asm(
"	.text\n"
"park_insn:\n"
"	syscall\n"
"park_after:\n"
"	movq %rax, 8(%rbx)\n"
"	movq %r15, 16(%rbx)\n"
"	movq $60, %rax\n"
"	movq $7, %rdi\n"
"	syscall\n"
);
extern char park_after[];

static void test_new_life(void)
{
	struct shared *sh = new_shared();
	int fd = open_session(), p[2], status;
	void *scaffold = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t mask = 1ull << (SIGUSR1 - 1) | 1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1);
	struct ckptbpf_mem_ctx m = {
		.size = sizeof(m), .op = CKPTBPF_MEM_MUNMAP, .addr = (uintptr_t)scaffold, .len = 4 * PAGE,
	};
	struct user_regs_struct r;
	struct ckptbpf_thread t;
	uint32_t len = sizeof(r);
	char path[64];
	pid_t pid;

	CHECK(!pipe(p));
	pid = fork();
	if (!pid) {
		sigset_t all;

		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		_exit(100 - park(fd, fd, mask));
	}
	wait_parked(fd, &t, 1);
	CHECK_EQ(t.tid, pid);
	/* Its descriptor is gone, and it has no other of the session. */
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
	CHECK(access(path, F_OK) && errno == ENOENT);

	CHECK_EQ(regset(fd, pid, 0, NT_PRSTATUS, &r, &len), 0);
	CHECK_EQ(r.orig_rax, SYS_ioctl);
	CHECK_EQ(r.rax, 0);
	r.orig_rax = SYS_read;
	r.rax = (unsigned long long)-512;	/* ERESTARTSYS */
	r.rip = (unsigned long)park_after;
	r.rdi = (unsigned int)p[0];
	r.rsi = (uintptr_t)&sh->count[0];
	r.rdx = 1;
	r.rbx = (uintptr_t)sh->count;
	r.r15 = 0xfeedfacecafebeef;
	CHECK_EQ(regset(fd, pid, CKPTBPF_REGSET_SET, NT_PRSTATUS, &r, &len), 0);
	m.tid = pid;
	CHECK_EQ(call(fd, CKPTBPF_MEM_CTX, &m), 0);
	CHECK_EQ(m.ret, 0);
	CHECK_EQ(sh->count[1], 0);

	CHECK_EQ(thaw(fd, 0), 0);
	close(fd);	/* now it lives without us */
	sleep_ms(200);
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	CHECK_EQ(status_mask(pid, "SigBlk:"), 1ull << (SIGUSR1 - 1));
	CHECK_EQ(write(p[1], "Z", 1), 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 7);
	CHECK_EQ(sh->count[0], 'Z');
	CHECK_EQ(sh->count[1], 1);
	CHECK_EQ(sh->count[2], 0xfeedfacecafebeef);
}

/* A signal that is pending and unblocked by the new mask comes with the first return. */
static void on_usr2(int sig)
{
	(void)sig;
	_exit(42);
}

static void test_pending_signal(void)
{
	int fd = open_session(), status;
	struct ckptbpf_thread t;
	pid_t pid = fork();

	if (!pid) {
		sigset_t all;

		signal(SIGUSR2, on_usr2);
		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		raise(SIGUSR2);
		park(fd, fd, 0);
		_exit(1);
	}
	wait_parked(fd, &t, 1);
	sleep_ms(50);
	CHECK_EQ(list(fd, &t, 1), 1);
	CHECK_EQ(t.state, CKPTBPF_ST_PARKED);
	CHECK_EQ(thaw(fd, pid), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 42);
}

static int park_session;

static void *park_thread(void *p)
{
	struct shared *sh = p;
	int mine = dup(park_session);

	park(park_session, mine, 0);
	__atomic_add_fetch(&sh->done, 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
	return NULL;
}

static pid_t fork_parkers(struct shared *sh, int fd, int n)
{
	pid_t pid = fork();

	if (!pid) {
		park_session = fd;
		for (int i = 1; i < n; i++) {
			pthread_t t;

			if (pthread_create(&t, NULL, park_thread, sh))
				_exit(1);
		}
		park_thread(sh);
	}
	return pid;
}

/* All threads of two processes go on with one call. */
static void test_many(void)
{
	struct shared *sh = new_shared();
	static struct ckptbpf_thread t[40];
	int fd = open_session();
	pid_t a = fork_parkers(sh, fd, 20), b = fork_parkers(sh, fd, 20);
	struct ckptbpf_freeze f;

	wait_parked(fd, t, 40);
	CHECK_EQ(sh->done, 0);
	CHECK_EQ(thaw(fd, 0), 0);
	for (int i = 0; i < 2000 && sh->done < 40; i++)
		sleep_ms(5);
	CHECK_EQ(sh->done, 40);
	CHECK_EQ(list(fd, t, 40), 0);
	CHECK_EQ(freeze(fd, a, 10000, &f), 0);
	CHECK_EQ(f.nparked, 20);
	kill(a, SIGKILL);
	kill(b, SIGKILL);
}

/* What parked itself and nobody let go dies with the session, before its next instruction. */
static void parkers_of_dying_holder(struct shared *sh, bool half, bool by_kill)
{
	static struct ckptbpf_thread t[4];
	pid_t holder = fork();
	int status;

	if (!holder) {
		int fd = open_session();
		pid_t pid = fork_parkers(sh, fd, 4);

		sh->fds[0] = pid;
		if (half)	/* another process that has not come so far */
			sh->fds[1] = fork_parkers(sh, fd, 1);
		wait_parked(fd, t, half ? 5 : 4);
		if (by_kill)
			kill(getpid(), SIGKILL);
		close(fd);
		_exit(wait_dead(pid) ? 0 : 1);
	}
	CHECK_EQ(waitpid(holder, &status, 0), holder);
	CHECK_EQ(status, by_kill ? SIGKILL : 0);
	CHECK(wait_dead(sh->fds[0]));
	CHECK(!half || wait_dead(sh->fds[1]));
	CHECK_EQ(sh->done, 0);
}

static void test_holder_closes(void)
{
	parkers_of_dying_holder(new_shared(), false, false);
}

static void test_holder_killed(void)
{
	parkers_of_dying_holder(new_shared(), true, true);
}

static void test_bad(void)
{
	struct shared *sh = new_shared();
	struct ckptbpf_park_self p = { .size = sizeof(p), .fd = -2 };
	int one = open_session(), two = open_session(), status;
	struct ckptbpf_thread t[2];
	struct ckptbpf_freeze f;
	uint32_t len = 216;
	char regs[216];
	pid_t pid;

	CHECK_EQ(call(one, CKPTBPF_PARK_SELF, &p), -EINVAL);
	p.fd = -1;
	p.pad0 = 1;
	CHECK_EQ(call(one, CKPTBPF_PARK_SELF, &p), -EINVAL);
	CHECK_EQ(list(one, NULL, 0), 0);

	/* Another session can neither freeze nor see it. */
	pid = fork_parkers(sh, one, 2);
	wait_parked(one, t, 2);
	CHECK_EQ(freeze(two, pid, 1000, &f), -EBUSY);
	CHECK_EQ(regset(two, pid, 0, NT_PRSTATUS, regs, &len), -ESRCH);
	/* A FREEZE of it by its own session has nothing to do. */
	CHECK_EQ(freeze(one, pid, 1000, &f), 0);
	CHECK_EQ(f.nparked, 2);
	/* It dies in between: LIST tells. */
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(list(one, t, 2), 2);
	CHECK_EQ(t[0].state, CKPTBPF_ST_DEAD);
	CHECK_EQ(t[1].state, CKPTBPF_ST_DEAD);
	CHECK_EQ(regset(one, pid, 0, NT_PRSTATUS, regs, &len), -ESRCH);
	CHECK_EQ(sh->done, 0);
}

const struct kmod_test park_tests[] = {
	{ "park, registers, munmap, thaw: a restarted read", test_new_life },
	{ "a pending signal comes with the new mask", test_pending_signal },
	{ "40 threads of two processes go on together", test_many },
	{ "the holder closes: the half-made die", test_holder_closes },
	{ "the holder is killed: the half-made die", test_holder_killed },
	{ "parking that must be refused", test_bad },
	{ NULL, NULL }
};
