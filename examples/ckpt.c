// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Saves itself to standard output, and goes on: once as the original and once
 * more for every restart. What it does is written to a file that it has open
 * twice, as descriptors 0 and 2, to show that they still are one file later.
 *
 *	./ckpt > out.1		ctrl-c ends it
 *	./rstr < out.1
 */
#include <ckptbpf/ckptbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OUTFILE "/tmp/cr-test.out"

/* To the terminal, if there still is one: 2 is the file now, which is no place for complaints. */
static int complain(int tty, const char *what, const char *why)
{
	dprintf(tty, "ckpt: %s: %s\n", what, why);
	return 1;
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : OUTFILE;
	/* Closed before the checkpoint: a terminal beyond 0, 1 and 2 is not saved. */
	int tty = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	FILE *file;
	int crid;

	unlink(path);
	close(0);
	file = fopen(path, "w+");
	if (!file)
		return complain(tty, path, strerror(errno));
	if (fileno(file) != 0 || dup2(0, 2) < 0)
		return complain(tty, "descriptors", strerror(errno));
	close(tty);

	fprintf(file, "hello, world!\n");
	fflush(file);

	crid = ckpt_checkpoint(getpid(), STDOUT_FILENO, 0);
	if (crid < 0) {
		fprintf(file, "checkpoint: %s: %s\n", strerror(errno), ckpt_reason());
		fclose(file);
		return 2;
	}

	fprintf(file, "world, hello!\n");
	fprintf(file, "(ret = %d)\n", crid);
	fflush(file);

	for (;;)
		pause();
}
