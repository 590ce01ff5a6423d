// SPDX-License-Identifier: GPL-2.0
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/fail.h"

static const struct command {
	const char *name;
	int (*fn)(int argc, char **argv);
	const char *what;
} commands[] = {
	{ "snapshot", cmd_snapshot, "write the state of a running process into an image" },
	{ "restore",  cmd_restore,  "make processes from an image and let them go on" },
	{ "show",     cmd_show,     "what an image holds" },
	{ "verify",   cmd_verify,   "check every byte of an image" },
	{ "convert",  cmd_convert,  "make a core file for gdb, or an image of another version" },
	{ "check",    cmd_check,    "what this kernel offers, and what is lost without it" },
};

static void usage(FILE *f)
{
	fprintf(f, "usage: ckptbpf COMMAND [OPTIONS] ...\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		fprintf(f, "  %-9s %s\n", commands[i].name, commands[i].what);
	fprintf(f, "\n'ckptbpf COMMAND --help' lists the options; ckptbpf(8) explains them.\n");
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
		usage(stdout);
		return CKPT_EXIT_OK;
	}
	if (!strcmp(name, "--version")) {
		printf("ckptbpf %s\n", CKPT_VERSION);
		return CKPT_EXIT_OK;
	}
	/* A reader that goes away, a limit on files: errors to report, not reasons to vanish. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		int status;

		if (strcmp(name, commands[i].name))
			continue;
		ckpt_fail_command(commands[i].name);
		status = commands[i].fn(argc - 1, argv + 1);
		if (ckpt_fail_text())
			fprintf(stderr, "%s\n", ckpt_fail_text());
		return status;
	}
	usage(stderr);
	return CKPT_EXIT_USAGE;
}
