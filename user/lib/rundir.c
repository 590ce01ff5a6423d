// SPDX-License-Identifier: GPL-2.0
#include "lib/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"

const char *ckpt_rundir_path(void)
{
	const char *env = secure_getenv("CKPTBPF_RUN");

	return env && *env ? env : "/run/ckptbpf";
}

int ckpt_rundir_open(void)
{
	const char *path = ckpt_rundir_path();
	cleanup_close int fd = -1;
	struct stat st;

	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (st.st_uid != geteuid() || st.st_mode & 022)
		return -EACCES;
	return take_fd(fd);
}
