/* SPDX-License-Identifier: GPL-2.0 */
/* What the subcommands' options have in common. */
#ifndef CKPT_CMD_OPTIONS_H
#define CKPT_CMD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* parse functions return 0: go on; else one of these: the exit status plus one. */
int options_usage(const char *help);	/* on stderr, CKPT_EXIT_USAGE */
int options_help(const char *help);	/* on stdout, CKPT_EXIT_OK */

/* A whole decimal number in [min, max], min >= 0. */
bool options_number(const char *s, long min, long max, int *ret);
/* Two of them with '=' between, each in [0, max]. */
bool options_pair(const char *s, long max, int *first, int *second);

/* "65536", "64M": bytes. */
bool options_size(const char *s, uint64_t *ret);

/* Which of words, that end with NULL, it is. */
bool options_word(const char *s, const char *const *words, unsigned int *ret);

/* --engine, --stats, -q, -v: of snapshot and restore. */
#define OPTIONS_RUN \
	{ "engine", required_argument, NULL, OPTION_ENGINE }, \
	{ "stats", required_argument, NULL, OPTION_STATS }, \
	{ "quiet", no_argument, NULL, 'q' }, \
	{ "verbose", no_argument, NULL, 'v' }, \
	{ "help", no_argument, NULL, 'h' }, \
	{ 0 }
enum { OPTION_ENGINE = 0x1000, OPTION_STATS };
/* Did getopt_long() find one of these? Then it has been taken. */
bool options_run(int c, const char **engine, const char **stats);

#endif
