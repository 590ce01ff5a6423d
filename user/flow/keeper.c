// SPDX-License-Identifier: GPL-2.0
#include "flow/keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "flow/snapshot.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/rundir.h"

#define GIVE	'g'
#define FORGET	'f'
#define PREFIX	"image."
#define KEEPER_NAME 128

int keeper_memory(void)
{
	int fd = memfd_create("ckptbpf-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return fd < 0 ? ckpt_fail(-errno, 0, "image: memfd_create") : fd;
}

static int name_of(uint32_t crid, char name[KEEPER_NAME])
{
	char container[80];
	int err = crid_container(container, sizeof(container));

	snprintf(name, KEEPER_NAME, PREFIX "%s.%u", container, crid);
	return err;
}

/* Through the folder's descriptor: its own path may be longer than a socket's address. */
static struct sockaddr_un address(int dir, const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	snprintf(un.sun_path, sizeof(un.sun_path), "/proc/self/fd/%d/%.80s", dir, name);
	return un;
}

static int connect_to(int dir, const char *name)
{
	struct sockaddr_un un = address(dir, name);
	cleanup_close int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock < 0 || connect(sock, (struct sockaddr *)&un, sizeof(un)))
		return -errno;
	return take_fd(sock);
}

/* A description of its own for each: they share no offset. */
static void give(int sock, int memory)
{
	char path[40];
	cleanup_close int fd = -1;
	union { struct cmsghdr h; char buf[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	char byte = GIVE;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };

	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	control.h = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.h), &fd, sizeof(fd));
	sendmsg(sock, &m, MSG_NOSIGNAL);
}

static void serve(int sock, int fd)
{
	for (;;) {
		int c = accept4(sock, NULL, NULL, SOCK_CLOEXEC);
		struct timeval limit = { 1, 0 };
		struct ucred peer;
		socklen_t len = sizeof(peer);
		char ask = 0;

		if (c < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			return;
		}
		/* The folder lets nobody else in; whoever got in by other ways gets nothing. */
		setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		if (!getsockopt(c, SOL_SOCKET, SO_PEERCRED, &peer, &len) && peer.uid == geteuid() &&
		    read(c, &ask, 1) == 1 && ask == GIVE)
			give(c, fd);
		close(c);
		if (ask == FORGET)
			return;
	}
}

/* Of what we came from nothing is kept but the image and the socket. */
static void become(int sock, int fd)
{
	int null;

	signal(SIGCHLD, SIG_DFL);
	setsid();
	if (chdir("/"))
		return;
	prctl(PR_SET_NAME, "ckptbpf-keeper");
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	sock = fcntl(sock, F_DUPFD_CLOEXEC, 10);
	null = open("/dev/null", O_RDWR);
	if (fd < 0 || sock < 0 || null < 0)
		return;
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	for (int i = 3; i < 1024; i++)
		if (i != fd && i != sock)
			close(i);
	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGPIPE)
			signal(sig, SIG_DFL);
	serve(sock, fd);
}

int keeper_start(int fd, uint32_t crid)
{
	cleanup_close int dir = ckpt_rundir_open();
	cleanup_close int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un un;
	char name[KEEPER_NAME];
	pid_t pid;
	int err;

	if (dir < 0)
		return ckpt_fail(dir, 0, "%s", ckpt_rundir_path());
	err = name_of(crid, name);
	if (err)
		return err;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL))
		return ckpt_fail(-errno, 0, "image %u: seal", crid);
	un = address(dir, name);
	/* Left by one that was killed: its number came round again. */
	unlinkat(dir, name, 0);
	if (sock < 0 || bind(sock, (struct sockaddr *)&un, sizeof(un)) ||
	    fchmodat(dir, name, 0600, 0) || listen(sock, 16))
		return ckpt_fail(-errno, 0, "image %u: %s/%s", crid, ckpt_rundir_path(), name);
	pid = fork();
	if (pid < 0)
		return ckpt_fail(-errno, 0, "image %u: fork", crid);
	if (!pid) {
		become(sock, fd);
		_exit(0);
	}
	return 0;
}

int keeper_fetch(uint32_t crid)
{
	cleanup_close int dir = ckpt_rundir_open();
	cleanup_close int sock = -1;
	union { struct cmsghdr h; char buf[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	char name[KEEPER_NAME], byte = GIVE;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	int err, fd;

	if (dir < 0)
		return ckpt_fail(dir, 0, "%s", ckpt_rundir_path());
	err = name_of(crid, name);
	if (err)
		return err;
	sock = connect_to(dir, name);
	if (sock == -ENOENT || sock == -ECONNREFUSED)
		return ckpt_fail(-ENOENT, 0, "no image %u is kept in memory", crid);
	if (sock < 0)
		return ckpt_fail(sock, 0, "image %u", crid);
	if (send(sock, &byte, 1, MSG_NOSIGNAL) != 1 || recvmsg(sock, &m, MSG_CMSG_CLOEXEC) != 1 ||
	    control.h.cmsg_type != SCM_RIGHTS || control.h.cmsg_len != CMSG_LEN(sizeof(int)))
		return ckpt_fail(-EIO, 0, "image %u: its keeper does not answer", crid);
	memcpy(&fd, CMSG_DATA(&control.h), sizeof(fd));
	return fd;
}

int keeper_forget_all(void)
{
	cleanup_close int dir = ckpt_rundir_open();
	struct dirent *e;
	char path[40];
	DIR *d;

	if (dir < 0)
		return ckpt_fail(dir, 0, "%s", ckpt_rundir_path());
	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	d = opendir(path);
	if (!d)
		return ckpt_fail(-errno, 0, "%s", ckpt_rundir_path());
	while ((e = readdir(d))) {
		char byte = FORGET;
		int sock;

		if (strncmp(e->d_name, PREFIX, strlen(PREFIX)))
			continue;
		sock = connect_to(dir, e->d_name);
		if (sock >= 0) {
			/* It closes when it is about to end. */
			if (send(sock, &byte, 1, MSG_NOSIGNAL) == 1 && read(sock, &byte, 1) > 0)
				byte = 0;
			close(sock);
		}
		unlinkat(dir, e->d_name, 0);
	}
	closedir(d);
	return 0;
}
