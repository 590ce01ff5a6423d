/* SPDX-License-Identifier: GPL-2.0 */
/* TAP for the unit tests: ok(condition, "what") any number of times, then return tap_done(). */
#ifndef TEST_TAP_H
#define TEST_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/fail.h"

static int tap_count, tap_bad;

__attribute__((format(printf, 4, 5), unused))
static bool tap_ok(bool good, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", good ? "" : "not ", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	if (!good) {
		tap_bad++;
		printf("# %s:%d\n", file, line);
		if (ckpt_fail_text())
			printf("# %s\n", ckpt_fail_text());
	}
	return good;
}

#define ok(good, ...) tap_ok(good, __FILE__, __LINE__, __VA_ARGS__)

/* What a test needs to go on at all. */
#define need(good) do { if (!(good)) { \
	printf("Bail out! %s:%d: %s\n", __FILE__, __LINE__, #good); exit(1); } } while (0)

__attribute__((unused)) static int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_bad != 0;
}

#endif
