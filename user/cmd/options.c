// SPDX-License-Identifier: GPL-2.0
#include "cmd/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/log.h"

int options_usage(const char *help)
{
	fputs(help, stderr);
	return 1 + CKPT_EXIT_USAGE;
}

int options_help(const char *help)
{
	fputs(help, stdout);
	return 1 + CKPT_EXIT_OK;
}

/* Up to the character stop; *s is set behind it. */
static bool take_number(const char **s, long min, long max, char stop, int *ret)
{
	char *end;
	long v;

	/* strtol() would take a sign and spaces. */
	if (**s < '0' || **s > '9')
		return false;
	errno = 0;
	v = strtol(*s, &end, 10);
	if (errno || *end != stop || v < min || v > max)
		return false;
	*s = end + !!stop;
	*ret = (int)v;
	return true;
}

bool options_number(const char *s, long min, long max, int *ret)
{
	return take_number(&s, min, max, 0, ret);
}

bool options_pair(const char *s, long max, int *first, int *second)
{
	return take_number(&s, 0, max, '=', first) && take_number(&s, 0, max, 0, second);
}

bool options_size(const char *s, uint64_t *ret)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*ret = strtoull(s, &end, 10);
	if (errno || !*end)
		return !errno;
	unit = strchr(units, *end);
	if (!unit || end[1])
		return false;
	for (const char *u = units; u <= unit; u++)
		if (__builtin_mul_overflow(*ret, 1024u, ret))
			return false;
	return true;
}

bool options_word(const char *s, const char *const *words, unsigned int *ret)
{
	for (unsigned int i = 0; words[i]; i++) {
		if (strcmp(s, words[i]))
			continue;
		*ret = i;
		return true;
	}
	return false;
}

bool options_run(int c, const char **engine, const char **stats)
{
	switch (c) {
	case OPTION_ENGINE: *engine = optarg; return true;
	case OPTION_STATS: *stats = optarg; return true;
	case 'q': ckpt_log_level(CKPT_LOG_ERR); return true;
	case 'v': ckpt_log_level(CKPT_LOG_DEBUG); return true;
	}
	return false;
}
