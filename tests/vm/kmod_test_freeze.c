// SPDX-License-Identifier: GPL-2.0
/* FREEZE, THAW, LIST: who stops, who goes on, and that no program notices. */
#include "kmod_test.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void check_all_parked(int fd, pid_t pid, int n)
{
	struct ckptbpf_thread *t = calloc((size_t)n + 8, sizeof(*t));
	int got = list(fd, t, (unsigned int)n + 8);
	bool leader = false;

	CHECK_EQ(got, n);
	for (int i = 0; i < n; i++) {
		CHECK_EQ(t[i].state, CKPTBPF_ST_PARKED);
		CHECK_EQ(t[i].flags, 0);
		CHECK_EQ(t[i].tgid, pid);
		leader |= t[i].tid == pid;
	}
	CHECK(leader);
	free(t);
}

static void freeze_and_thaw(pid_t pid, struct shared *sh, int n)
{
	struct ckptbpf_freeze f;
	int fd = open_session();

	CHECK(all_advance(sh, n));
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(f.nthreads, n);
	CHECK_EQ(f.nparked, n);
	CHECK_EQ(f.nstuck, 0);
	CHECK_EQ(f.stuck_tid, 0);
	CHECK(f.ns > 0);
	CHECK(none_advances(sh, n));
	check_all_parked(fd, pid, n);
	/* Again: nothing changes. */
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(f.nparked, n);
	CHECK_EQ(thaw(fd, pid), 0);
	CHECK_EQ(list(fd, NULL, 0), 0);
	CHECK(all_advance(sh, n));
	close(fd);
}

static void test_spinning(void)
{
	struct shared *sh = new_shared();

	freeze_and_thaw(start_target(spin_threads, sh, 8), sh, 8);
}

static void test_blocked(void)
{
	struct shared *sh = new_shared();

	freeze_and_thaw(start_target(blocked_threads, sh, 200), sh, 200);
}

static void test_cycles(void)
{
	struct shared *sh[2] = { new_shared(), new_shared() };
	pid_t pid[2] = { start_target(spin_threads, sh[0], 4), start_target(blocked_threads, sh[1], 16) };
	int fd[2] = { open_session(), open_session() };
	struct ckptbpf_freeze f;

	for (int i = 0; i < 200; i++) {
		CHECK_EQ(freeze(fd[i % 2], pid[i % 2], 10000, &f), 0);
		CHECK_EQ(f.nparked, i % 2 ? 16 : 4);
		CHECK_EQ(thaw(fd[i % 2], i % 3 ? pid[i % 2] : 0), 0);
	}
	/* Without a moment between thaw and freeze, too. */
	for (int i = 0; i < 100; i++) {
		CHECK_EQ(freeze(fd[1], pid[1], 10000, &f), 0);
		CHECK_EQ(thaw(fd[1], 0), 0);
	}
	CHECK(all_advance(sh[0], 4));
	CHECK(all_advance(sh[1], 16));
}

/* Two processes in one session; one is thawed, the other is not. */
static void test_two_processes(void)
{
	struct shared *a = new_shared(), *b = new_shared();
	pid_t pa = start_target(spin_threads, a, 2), pb = start_target(blocked_threads, b, 3);
	struct ckptbpf_freeze f;
	int fd = open_session();

	CHECK_EQ(freeze(fd, pa, 10000, &f), 0);
	CHECK_EQ(freeze(fd, pb, 10000, &f), 0);
	CHECK_EQ(list(fd, NULL, 0), 5);
	CHECK_EQ(thaw(fd, pa), 0);
	CHECK_EQ(list(fd, NULL, 0), 3);
	CHECK(all_advance(a, 2));
	CHECK(none_advances(b, 3));
	CHECK_EQ(thaw(fd, 0), 0);
	CHECK(all_advance(b, 3));
}

/* --- threads and processes that come and go ------------------------------- */

static void *count_and_end(void *p)
{
	struct shared *sh = p;

	sh->count[0]++;
	return NULL;
}

static void storm_target(struct shared *sh, int n)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sh->ready = n;
	for (;;) {
		pthread_t t;

		pthread_create(&t, &attr, count_and_end, sh);
	}
}

static void test_thread_storm(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(storm_target, sh, 1);
	struct ckptbpf_freeze f;
	int fd = open_session();

	for (int i = 0; i < 20; i++) {
		CHECK(all_advance(sh, 1));
		CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
		CHECK(none_advances(sh, 1));
		CHECK_EQ(thaw(fd, 0), 0);
	}
}

static void *exec_thread(void *p)
{
	execv("/bin/sleep", p);
	return NULL;
}

/* A process whose other thread calls execve(), again and again. */
static void exec_target(struct shared *sh, int n)
{
	static char *argv[] = { "sleep", "0.01", NULL };

	sh->ready = n;
	for (;;) {
		pid_t pid = fork();

		if (!pid) {
			pthread_t t;

			pthread_create(&t, NULL, exec_thread, argv);
			for (;;)
				pause();
		}
		sh->fds[0] = pid;
		waitpid(pid, NULL, 0);
		sh->count[0]++;
	}
}

static void test_exec(void)
{
	struct shared *sh = new_shared();
	pid_t parent = start_target(exec_target, sh, 1);
	struct ckptbpf_freeze f;
	int fd = open_session(), frozen = 0;

	/* The first child may not be there yet. */
	while (!sh->fds[0])
		sleep_ms(1);
	for (int i = 0; i < 300; i++) {
		int err = freeze(fd, sh->fds[0], 5000, &f);

		/* It may have ended before; nothing else may happen. */
		if (err != -ESRCH)
			CHECK_EQ(err, 0);
		frozen += !err;
		thaw(fd, 0);
	}
	CHECK(frozen > 10);
	CHECK(all_advance(sh, 1));
	kill(parent, SIGKILL);
}

static void vfork_target(struct shared *sh, int n)
{
	sh->ready = n;
	if (!vfork()) {
		while (!sh->stop)
			sleep_ms(1);
		_exit(0);
	}
	for (;;)
		sh->count[0]++;
}

/* A parent that waits for its vfork child cannot park: the freeze says who. */
static void test_stuck(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(vfork_target, sh, 1);
	struct ckptbpf_freeze f;
	struct ckptbpf_thread t;
	int fd = open_session();

	for (int i = 0; i < 50; i++) {
		CHECK_EQ(freeze(fd, pid, 5, &f), -ETIMEDOUT);
		CHECK_EQ(f.stuck_tid, pid);
		CHECK_EQ(f.nstuck, 1);
		CHECK_EQ(list(fd, &t, 1), 1);
		CHECK_EQ(t.state, CKPTBPF_ST_QUEUED);
		CHECK_EQ(thaw(fd, pid), 0);
		CHECK_EQ(list(fd, &t, 1), 0);
	}
	CHECK_EQ(freeze(fd, pid, 5, &f), -ETIMEDOUT);
	sh->stop = 1;
	/* What is queued parks by itself. */
	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(list(fd, &t, 1), 1);
		if (t.state == CKPTBPF_ST_PARKED)
			break;
		sleep_ms(5);
	}
	CHECK_EQ(t.state, CKPTBPF_ST_PARKED);
	CHECK_EQ(sh->count[0], 0);
	CHECK_EQ(freeze(fd, pid, 1000, &f), 0);
	CHECK_EQ(thaw(fd, 0), 0);
	CHECK(all_advance(sh, 1));
}

/* --- signals ---------------------------------------------------------------- */

static void test_killed_while_parked(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(spin_threads, sh, 4);
	struct ckptbpf_freeze f;
	struct ckptbpf_thread t[4];
	int fd = open_session();
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(poll(&p, 1, 0), 0);
	kill(pid, SIGTERM);	/* fatal by default: as good as SIGKILL */
	CHECK_EQ(poll(&p, 1, 10000), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK(wait_dead(pid));
	/* That was the leader; the others are about to. */
	for (int i = 0, dead = 0; i < 2000 && dead < 4; i++) {
		CHECK_EQ(list(fd, t, 4), 4);
		dead = 0;
		for (int k = 0; k < 4; k++)
			dead += t[k].state == CKPTBPF_ST_DEAD;
		sleep_ms(2);
	}
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(t[i].state, CKPTBPF_ST_DEAD);
		CHECK_EQ(t[i].tgid, pid);
		CHECK(t[i].tid > 0);
	}
	CHECK_EQ(thaw(fd, pid), 0);
	CHECK_EQ(list(fd, t, 4), 0);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_EQ(freeze(fd, pid, 100, &f), -ESRCH);
}

static void test_job_control(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(spin_threads, sh, 3);
	struct ckptbpf_freeze f;
	struct ckptbpf_thread t[3];
	int fd = open_session(), status;
	char regs[512];
	uint32_t len = sizeof(regs);

	/* Stopped before: counts as parked, and cannot run before it parks. */
	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK_EQ(f.nparked, 3);
	CHECK_EQ(list(fd, t, 3), 3);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(t[i].state, CKPTBPF_ST_QUEUED);
		CHECK_EQ(t[i].flags, CKPTBPF_TF_STOPPED);
		CHECK_EQ(regset(fd, t[i].tid, 0, 1, regs, &len), 0);
		CHECK_EQ(len, 216);
		CHECK_EQ(regset(fd, t[i].tid, CKPTBPF_REGSET_SET, 1, regs, &len), -ESRCH);
	}
	kill(pid, SIGCONT);
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	CHECK(none_advances(sh, 3));
	CHECK_EQ(list(fd, t, 3), 3);
	CHECK_EQ(t[0].state, CKPTBPF_ST_PARKED);

	/* A stop that comes while it is parked waits for the thaw. */
	kill(pid, SIGSTOP);
	sleep_ms(100);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	CHECK_EQ(thaw(fd, 0), 0);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	CHECK(none_advances(sh, 3));
	kill(pid, SIGCONT);
	CHECK(all_advance(sh, 3));
}

/* --- the end of the session --------------------------------------------------- */

static void freeze_and_die(pid_t pid, int n, int fd, bool die)
{
	struct ckptbpf_freeze f;

	if (freeze(fd, pid, 20000, &f) || f.nparked != (unsigned int)n)
		_exit(1);
	if (die)
		kill(getpid(), SIGKILL);
	close(fd);
	_exit(0);
}

static void test_holder_dies(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(spin_threads, sh, 64), holder;
	int status;

	for (int die = 0; die < 2; die++) {
		holder = fork();
		if (!holder)
			freeze_and_die(pid, 64, open_session(), die);
		CHECK_EQ(waitpid(holder, &status, 0), holder);
		CHECK_EQ(status, die ? SIGKILL : 0);
		CHECK(all_advance(sh, 64));
	}
}

/* The target inherited the session's descriptor: it does not keep itself frozen. */
static void test_target_holds_session(void)
{
	struct shared *sh = new_shared();
	pid_t holder = fork();
	int status;

	if (!holder) {
		int fd = open_session();
		int second = dup(fd);
		pid_t pid = fork();

		if (!pid)
			spin_threads(sh, 2);
		sh->fds[0] = pid;
		while (sh->ready < 2)
			sleep_ms(1);
		close(fd);	/* not the last one: the session goes on */
		freeze_and_die(pid, 2, second, true);
	}
	CHECK_EQ(waitpid(holder, &status, 0), holder);
	CHECK_EQ(status, SIGKILL);
	CHECK(all_advance(sh, 2));
	kill(sh->fds[0], SIGKILL);
}

/* Nobody thaws it: it thaws itself, and he who did not is told. */
static void test_deadline(void)
{
	struct shared *sh = new_shared(), *sh2 = new_shared();
	pid_t pid = start_target(spin_threads, sh, 4), pid2 = start_target(blocked_threads, sh2, 4);
	int fd = open_session();
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct ckptbpf_freeze f = {
		.size = sizeof(f), .tgid = pid, .timeout_ms = 10000, .deadline_ms = 2000,
	};
	uint64_t start = now_ms();

	CHECK_EQ(call(fd, CKPTBPF_FREEZE, &f), 0);
	CHECK_EQ(freeze(fd, pid2, 10000, &f), 0);
	CHECK(none_advances(sh, 4));
	CHECK(none_advances(sh2, 4));
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_EQ(poll(&p, 1, 10000), 1);
	CHECK(now_ms() - start >= 2000);
	CHECK(all_advance(sh, 4));
	CHECK(all_advance(sh2, 4));
	CHECK_EQ(list(fd, NULL, 0), 0);
	CHECK_EQ(freeze(fd, pid, 10000, &f), -ETIME);
	CHECK_EQ(thaw(fd, 0), -ETIME);
	CHECK_EQ(thaw(fd, 0), 0);

	/* In time: it is no more. */
	f = (struct ckptbpf_freeze){
		.size = sizeof(f), .tgid = pid, .timeout_ms = 10000, .deadline_ms = 300,
	};
	CHECK_EQ(call(fd, CKPTBPF_FREEZE, &f), 0);
	CHECK_EQ(thaw(fd, pid), 0);
	CHECK_EQ(freeze(fd, pid, 10000, &f), 0);
	sleep_ms(500);
	CHECK(none_advances(sh, 4));
	CHECK_EQ(thaw(fd, pid), 0);

	f.deadline_ms = 60001;
	CHECK_EQ(call(fd, CKPTBPF_FREEZE, &f), -EINVAL);
	f = (struct ckptbpf_freeze){
		.size = sizeof(f), .flags = CKPTBPF_FREEZE_OWN, .tgid = pid, .timeout_ms = 100,
		.deadline_ms = 300,
	};
	CHECK_EQ(call(fd, CKPTBPF_FREEZE, &f), -EINVAL);
	/* A session that ends before it. */
	f.flags = 0;
	f.deadline_ms = 300;
	CHECK_EQ(call(fd, CKPTBPF_FREEZE, &f), 0);
	close(fd);
	CHECK(all_advance(sh, 4));
}

static int check_own(int fd, pid_t pid, unsigned int flags)
{
	struct ckptbpf_freeze f = {
		.size = sizeof(f), .flags = CKPTBPF_FREEZE_CHECK | flags, .tgid = pid, .timeout_ms = 1000,
	};

	return call(fd, CKPTBPF_FREEZE, &f);
}

/* What is being restored, its threads wherever they may be; and nothing else. */
static void test_own_dies(void)
{
	struct shared *sh = new_shared();
	pid_t pid = start_target(spin_threads, sh, 3);
	int fd = open_session(), other, status;

	/* Only claimed: the end of the session is nothing to it. */
	CHECK_EQ(check_own(fd, pid, 0), 0);
	close(fd);
	CHECK(all_advance(sh, 3));

	/* Nor is it once it was let go. */
	fd = open_session();
	CHECK_EQ(check_own(fd, pid, CKPTBPF_FREEZE_OWN), 0);
	other = open_session();
	CHECK_EQ(check_own(other, pid, CKPTBPF_FREEZE_OWN), -EBUSY);
	close(other);
	CHECK(all_advance(sh, 3));
	CHECK_EQ(thaw(fd, pid), 0);
	close(fd);
	CHECK(all_advance(sh, 3));

	fd = open_session();
	CHECK_EQ(check_own(fd, pid, CKPTBPF_FREEZE_OWN), 0);
	CHECK(all_advance(sh, 3));
	close(fd);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

const struct kmod_test freeze_tests[] = {
	{ "a deadline after which it thaws by itself", test_deadline },
	{ "freeze and thaw of 8 spinning threads", test_spinning },
	{ "freeze and thaw of 200 sleeping threads", test_blocked },
	{ "300 freezes and thaws of two targets", test_cycles },
	{ "two processes in one session", test_two_processes },
	{ "threads born during the freeze", test_thread_storm },
	{ "execve() by another thread during the freeze", test_exec },
	{ "a thread that cannot park is named, and parks later", test_stuck },
	{ "a fatal signal while parked", test_killed_while_parked },
	{ "job control stops before and during the freeze", test_job_control },
	{ "the holder closes or dies: 64 threads run again", test_holder_dies },
	{ "the holder dies, the target has its descriptor", test_target_holds_session },
	{ "its own dies with the session, until it is let go", test_own_dies },
	{ NULL, NULL }
};
