/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests of the module's own interface, without the tool. Each test runs in a
 * process group of its own, with an alarm; what it leaves behind is killed.
 */
#ifndef KMOD_TEST_H
#define KMOD_TEST_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "ckptbpf/kmod_abi.h"

struct kmod_test {
	const char *name;
	void (*fn)(void);
};

/* Ended by an entry without a name. */
extern const struct kmod_test freeze_tests[], calls_tests[], refuse_tests[], regs_tests[],
	pages_tests[], clone_tests[], park_tests[], stress_tests[];

void fail_at(const char *file, int line, const char *what, long got, long want)
	__attribute__((noreturn));

#define CHECK(cond) do {							\
	if (!(cond))								\
		fail_at(__FILE__, __LINE__, #cond, -errno, 0);			\
} while (0)
#define CHECK_EQ(got, want) do {						\
	long got_ = (long)(got), want_ = (long)(want);				\
	if (got_ != want_)							\
		fail_at(__FILE__, __LINE__, #got, got_, want_);			\
} while (0)

/* What a target and its test share. */
#define MAX_THREADS 600
struct shared {
	volatile int ready;
	volatile int stop;
	volatile int done;
	volatile uint64_t count[MAX_THREADS];
	volatile long result[64];
	volatile uint64_t took_ms[64];
	volatile int fds[64];
};
struct shared *new_shared(void);

/* Fork; the child runs fn(sh, n) and dies with the test. Returns when sh->ready is n. */
pid_t start_target(void (*fn)(struct shared *sh, int n), struct shared *sh, int n);
void spin_threads(struct shared *sh, int n);
void blocked_threads(struct shared *sh, int n);

int open_session(void);
/* ioctl(): 0 or -errno. */
int call(int fd, unsigned long cmd, void *arg);
int freeze(int fd, pid_t pid, unsigned int timeout_ms, struct ckptbpf_freeze *f);
int thaw(int fd, pid_t pid);
int list(int fd, struct ckptbpf_thread *t, unsigned int room);
int regset(int fd, pid_t tid, unsigned int flags, unsigned int note, void *buf, uint32_t *len);

void sleep_ms(unsigned int ms);
uint64_t now_ms(void);
/* All n threads of a spinning target advance (or none does) within a while. */
bool all_advance(struct shared *sh, int n);
bool none_advances(struct shared *sh, int n);
/* Wait until pid is gone or a zombie, 10 s at most. */
bool wait_dead(pid_t pid);
/* The character of the state in /proc/PID/stat, 0: no such process. */
char state_of(pid_t pid);

#endif
