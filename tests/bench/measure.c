// SPDX-License-Identifier: GPL-2.0
/*
 * measure [-a] SECONDS COMMAND ARG...: runs COMMAND, killed after SECONDS, and
 * prints "STATUS WALL_US MAXRSS_KIB RSSANON_KIB". -a watches its anonymous
 * memory, which costs a processor: RSSANON_KIB is the highest seen, else 0.
 * The time is from before the fork until it has been waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static pid_t child;

static void on_alarm(int sig)
{
	(void)sig;
	if (child > 0)
		kill(child, SIGKILL);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* RssAnon in KiB, 0 once it has no memory any more. */
static long anon_of(pid_t pid)
{
	char path[40], text[4096], *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	at = strstr(text, "\nRssAnon:");
	return at ? strtol(at + 9, NULL, 10) : 0;
}

int main(int argc, char **argv)
{
	int watch = argc > 1 && !strcmp(argv[1], "-a"), status, err;
	const struct timespec nap = { 0, 50000 };
	struct rusage ru;
	long anon = 0;
	uint64_t start;

	argv += watch;
	argc -= watch;
	if (argc < 3) {
		fprintf(stderr, "usage: measure [-a] SECONDS COMMAND ARG...\n");
		return 2;
	}
	signal(SIGALRM, on_alarm);
	alarm((unsigned int)atoi(argv[1]));
	start = now_ns();
	err = posix_spawnp(&child, argv[2], NULL, NULL, argv + 2, environ);
	if (err) {
		fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(err));
		return 1;
	}
	while (watch) {
		siginfo_t si = { 0 };
		long kib;

		if (waitid(P_PID, (id_t)child, &si, WEXITED | WNOHANG | WNOWAIT) || si.si_pid)
			break;
		kib = anon_of(child);
		if (kib > anon)
			anon = kib;
		nanosleep(&nap, NULL);
	}
	while (wait4(child, &status, 0, &ru) < 0)
		if (errno != EINTR)
			return 1;
	start = now_ns() - start;
	printf("%d %.1f %ld %ld\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
	       (double)start / 1e3, ru.ru_maxrss, anon);
	return 0;
}
