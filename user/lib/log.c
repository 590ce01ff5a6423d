// SPDX-License-Identifier: GPL-2.0
#include "lib/log.h"

#include <stdarg.h>
#include <stdio.h>

static enum ckpt_level shown = CKPT_LOG_INFO;

void ckpt_log_level(enum ckpt_level level)
{
	shown = level;
}

void ckpt_log(enum ckpt_level level, const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	if (level > shown)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* One write per line, so that two of us do not mix on one terminal. */
	fprintf(stderr, "%s\n", line);
}
