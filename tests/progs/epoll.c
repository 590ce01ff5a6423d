// SPDX-License-Identifier: GPL-2.0
/*
 * Epolls: level and edge, oneshot on and off, exclusive, what was seen and what
 * was not, one within another, items whose number is closed or leads elsewhere,
 * a thread that waits. With a number: that many items more.
 */
#include "prog.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#define DATA(n) (0xabcd000000000000ull + (n))

static int ep, edges, off, nested, exclusive, odd, crowd, waited;
static int level, p[2], seen, unseen, once_on, once_off, once_quiet[2], in_nested, shared, lost, taken;
static int waited_on, *many, nmany;
static struct epoll_event waited_event;

static int counter(unsigned int n)
{
	int fd = eventfd(n, EFD_NONBLOCK);

	CHECK(fd >= 0);
	return fd;
}

static void watch(int e, int fd, uint32_t events, uint64_t n)
{
	struct epoll_event ev = { .events = events, .data.u64 = DATA(n) };

	CHECKF(epoll_ctl(e, EPOLL_CTL_ADD, fd, &ev) == 0, "%d", fd);
}

static void bump(int fd)
{
	uint64_t one = 1;

	CHECK(write(fd, &one, sizeof(one)) == sizeof(one));
}

/* Exactly these events are there, in any order; n of them as pairs of number and event. */
static void expect_(int e, int n, const uint64_t (*want)[2], int line)
{
	struct epoll_event ev[16];
	int got = epoll_wait(e, ev, 16, 0);

	CHECKF(got == n, "line %d: %d events, not %d; first %llx %x", line, got, n,
	       got > 0 ? (unsigned long long)ev[0].data.u64 : 0, got > 0 ? ev[0].events : 0);
	for (int i = 0; i < n; i++) {
		int k = 0;

		while (k < n && (ev[k].data.u64 != DATA(want[i][0]) || ev[k].events != want[i][1]))
			k++;
		CHECKF(k < n, "line %d: %llu", line, (unsigned long long)want[i][0]);
	}
}
#define expect(e, n, ...) expect_(e, n, (const uint64_t[][2]){ __VA_ARGS__ }, __LINE__)
#define expect_none(e) expect_(e, 0, NULL, __LINE__)

static void *wait_for_event(void *arg)
{
	CHECK(epoll_wait(waited, &waited_event, 1, -1) == 1);
	return arg;
}

static int make(void)
{
	int e = epoll_create1(0);

	CHECK(e >= 0);
	return e;
}

static void set_up_off(void)
{
	off = make();
	once_on = counter(0);
	once_off = counter(1);
	CHECK(pipe2(once_quiet, O_NONBLOCK) == 0);
	watch(off, once_on, EPOLLIN | EPOLLONESHOT, 10);
	watch(off, once_off, EPOLLIN | EPOLLONESHOT, 11);
	watch(off, once_quiet[0], EPOLLIN | EPOLLONESHOT | EPOLLET, 12);
	/* Both are switched off; one has nothing to report at the freeze. */
	CHECK(write(once_quiet[1], "x", 1) == 1);
	expect(off, 2, { 11, EPOLLIN }, { 12, EPOLLIN });
	expect_none(off);
}

static void set_up_odd(void)
{
	odd = make();
	lost = counter(0);
	watch(odd, lost, EPOLLIN, 20);
	CHECK(dup2(lost, 150) == 150);
	close(lost);
	lost = 150;
	taken = counter(0);
	watch(odd, taken, EPOLLIN | EPOLLET, 21);
	CHECK(dup2(taken, 151) == 151);
	/* The number leads to another file now, which is watched by it as well. */
	CHECK(dup2(counter(0), taken) == taken);
	watch(odd, taken, EPOLLIN, 22);
}

static void set_up_crowd(void)
{
	struct rlimit lim;

	crowd = make();
	CHECK(getrlimit(RLIMIT_NOFILE, &lim) == 0);
	lim.rlim_cur = lim.rlim_max;
	CHECK(setrlimit(RLIMIT_NOFILE, &lim) == 0);
	many = calloc((size_t)nmany + 1, sizeof(*many));
	for (int i = 0; i < nmany; i++) {
		many[i] = counter(0);
		watch(crowd, many[i], EPOLLIN, 1000 + (uint64_t)i);
	}
}

static void set_up(pthread_t *t)
{
	ep = make();
	level = counter(1);
	CHECK(pipe(p) == 0 && write(p[1], "abc", 3) == 3);
	watch(ep, level, EPOLLIN, 1);
	watch(ep, p[0], EPOLLIN | EPOLLRDHUP, 2);
	watch(ep, p[1], EPOLLOUT, 3);
	edges = make();
	seen = counter(1);
	watch(edges, seen, EPOLLIN | EPOLLET, 4);
	expect(edges, 1, { 4, EPOLLIN });
	unseen = counter(1);
	watch(edges, unseen, EPOLLIN | EPOLLET, 5);
	set_up_off();
	nested = make();
	in_nested = make();
	watch(nested, in_nested, EPOLLIN, 6);
	watch(nested, ep, EPOLLIN | EPOLLET, 7);
	shared = counter(0);
	watch(in_nested, shared, EPOLLIN, 8);
	exclusive = make();
	watch(exclusive, shared, EPOLLIN | EPOLLEXCLUSIVE, 9);
	set_up_odd();
	set_up_crowd();
	waited = make();
	waited_on = counter(0);
	watch(waited, waited_on, EPOLLIN, 30);
	CHECK(pthread_create(t, NULL, wait_for_event, NULL) == 0);
	usleep(50000);
}

static void check_off(void)
{
	struct epoll_event again = { .events = EPOLLIN | EPOLLONESHOT, .data.u64 = DATA(13) };

	expect_none(off);
	bump(once_on);
	expect(off, 1, { 10, EPOLLIN });
	bump(once_on);
	bump(once_off);
	expect_none(off);
	CHECK(epoll_ctl(off, EPOLL_CTL_MOD, once_off, &again) == 0);
	expect(off, 1, { 13, EPOLLIN });
	expect_none(off);
	close(once_quiet[1]);
	expect_none(off);
}

static void check_odd(void)
{
	expect_none(odd);
	bump(150);
	bump(151);
	expect(odd, 2, { 20, EPOLLIN }, { 21, EPOLLIN });
	expect(odd, 1, { 20, EPOLLIN });
	bump(taken);
	expect(odd, 2, { 20, EPOLLIN }, { 22, EPOLLIN });
	/* Of the two behind this number, the one that it leads to now. */
	CHECK(epoll_ctl(odd, EPOLL_CTL_DEL, taken, NULL) == 0);
	expect(odd, 1, { 20, EPOLLIN });
}

int main(int argc, char **argv)
{
	struct epoll_event ev = { .events = EPOLLIN };
	pthread_t t;

	prog_init();
	nmany = argc > 1 ? atoi(argv[1]) : 3;
	set_up(&t);
	prog_ready();
	expect(nested, 1, { 7, EPOLLIN });
	expect(ep, 3, { 1, EPOLLIN }, { 2, EPOLLIN }, { 3, EPOLLOUT });
	expect(ep, 3, { 1, EPOLLIN }, { 2, EPOLLIN }, { 3, EPOLLOUT });
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, level, &ev) == -1 && errno == EEXIST);
	close(p[1]);
	expect(ep, 2, { 1, EPOLLIN }, { 2, EPOLLIN | EPOLLHUP });
	expect(nested, 1, { 7, EPOLLIN });
	/* What was seen does not come again, what was not does once. */
	expect(edges, 1, { 5, EPOLLIN });
	expect_none(edges);
	bump(seen);
	expect(edges, 1, { 4, EPOLLIN });
	expect_none(edges);
	check_off();
	expect_none(in_nested);
	expect_none(exclusive);
	bump(shared);
	expect(nested, 1, { 6, EPOLLIN });
	expect(in_nested, 1, { 8, EPOLLIN });
	expect(exclusive, 1, { 9, EPOLLIN });
	/* Only a mode that an exclusive one has not. */
	CHECK(epoll_ctl(exclusive, EPOLL_CTL_MOD, shared, &ev) == -1 && errno == EINVAL);
	check_odd();
	expect_none(crowd);
	for (int i = 0; i < nmany; i += 7) {
		bump(many[i]);
		expect(crowd, 1, { 1000 + (uint64_t)i, EPOLLIN });
		CHECK(epoll_ctl(crowd, EPOLL_CTL_DEL, many[i], NULL) == 0);
	}
	bump(waited_on);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(waited_event.data.u64 == DATA(30) && waited_event.events == EPOLLIN);
	prog_done();
}
