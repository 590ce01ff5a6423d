/* SPDX-License-Identifier: GPL-2.0 */
/* The subcommands. argv[0] is the subcommand's name; the exit status is returned. */
#ifndef CKPT_CMD_H
#define CKPT_CMD_H

enum ckpt_exit {
	CKPT_EXIT_OK = 0,
	CKPT_EXIT_FAILED = 1,		/* nothing changed */
	CKPT_EXIT_USAGE = 2,
	CKPT_EXIT_LOSSES = 3,		/* done, with losses that are listed */
	CKPT_EXIT_RESTORE = 125,	/* a restore in the foreground failed before the program ran */
};

int cmd_snapshot(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_check(int argc, char **argv);

#endif
