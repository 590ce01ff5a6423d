// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Becomes the program whose image is on standard input; or, given the number
 * of an image that is kept in memory, that one.
 */
#include <ckptbpf/ckptbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc > 1)
		ckpt_restart(atoi(argv[1]), -1, 0);
	else
		ckpt_restart(0, STDIN_FILENO, 0);
	/* It came back: there was no restart. */
	fprintf(stderr, "rstr: %s: %s\n", strerror(errno), ckpt_reason());
	return 1;
}
