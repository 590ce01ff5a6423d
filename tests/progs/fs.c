// SPDX-License-Identifier: GPL-2.0
/* fs DIR: current folder and umask. */
#include "prog.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

int main(int argc, char **argv)
{
	char path[PATH_MAX], before[PATH_MAX], after[PATH_MAX];
	struct stat st;
	int fd;

	CHECK(argc == 2);
	prog_init();
	snprintf(path, sizeof(path), "%s/a folder \xc3\xa4", argv[1]);
	CHECK(mkdir(path, 0755) == 0);
	CHECK(chdir(path) == 0);
	CHECK(getcwd(before, sizeof(before)) != NULL);
	umask(0137);
	prog_ready();
	CHECK(getcwd(after, sizeof(after)) != NULL);
	CHECK(!strcmp(before, after));
	fd = open("made", O_CREAT | O_EXCL | O_WRONLY, 0777);
	CHECK(fd >= 0);
	CHECK(fstat(fd, &st) == 0);
	CHECK((st.st_mode & 07777) == 0640);
	CHECK(stat(path, &st) == 0 && fchdir(open(path, O_DIRECTORY)) == 0);
	CHECK(access("made", F_OK) == 0);
	CHECK(umask(0) == 0137);
	prog_done();
}
