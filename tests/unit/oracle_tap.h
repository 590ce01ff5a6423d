/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the oracle test counts: each field of tests/oracles.tsv that is marked
 * "gather", and checks of its own. A field passes when it was compared at
 * least once, was never wrong, and was not zero all the time (zero may be what
 * nobody filled in) unless it is listed as such.
 */
#ifndef ORACLE_TAP_H
#define ORACLE_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct field {
	char name[64];
	bool table, other_than_zero;
	unsigned int n, bad;
	char why[256];
};

static struct field fields[320];
static size_t nfields;
static unsigned int tap_n, tap_bad;

/* Zero on a 64-bit x86 machine without a guest, a swap or a fault from disk. */
static const char *const zero_is_fine[] = {
	".pad0", "ckpt_acct.gtime", "ckpt_acct.maj_flt", "ckpt_acct.utimescaled",
	"ckpt_acct.stimescaled", "ckpt_acct.read_bytes", "ckpt_acct.write_bytes",
	"ckpt_acct.cancelled_write_bytes",
};

static inline struct field *field_of(const char *name)
{
	for (size_t i = 0; i < nfields; i++) {
		if (!strcmp(fields[i].name, name))
			return &fields[i];
	}
	if (nfields == sizeof(fields) / sizeof(fields[0])) {
		fprintf(stderr, "too many fields\n");
		exit(2);
	}
	snprintf(fields[nfields].name, sizeof(fields[0].name), "%.63s", name);
	return &fields[nfields++];
}

__attribute__((format(printf, 3, 4)))
static inline void check(const char *name, bool good, const char *fmt, ...)
{
	struct field *f = field_of(name);
	va_list ap;

	f->n++;
	f->other_than_zero = true;
	if (good || f->bad++)
		return;
	va_start(ap, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
}

/* id: which thread, address or descriptor. */
static inline void equal(const char *name, long long id, uint64_t got, uint64_t want)
{
	struct field *f = field_of(name);

	f->n++;
	f->other_than_zero |= got || want;
	if (got != want && !f->bad++)
		snprintf(f->why, sizeof(f->why), "%#llx: gathered %#llx, oracle %#llx",
			 (unsigned long long)id, (unsigned long long)got, (unsigned long long)want);
}

static inline void same_text(const char *name, long long id, const char *got, size_t len, const char *want)
{
	check(name, len == strlen(want) && !memcmp(got, want, len),
	      "%#llx: gathered '%.*s', oracle '%s'", (unsigned long long)id, (int)len, got, want);
}

/* Begin a pass: every row of the table that is ours. */
static inline void tap_begin(const char *table)
{
	char line[1024], *tab;
	FILE *f = fopen(table, "re");

	memset(fields, 0, sizeof(fields));
	nfields = 0;
	if (!f) {
		perror(table);
		exit(2);
	}
	while (fgets(line, sizeof(line), f)) {
		if (*line == '#' || !strstr(line, "\tgather\n"))
			continue;
		tab = strchr(line, '\t');
		*tab = '\0';
		field_of(line)->table = true;
	}
	fclose(f);
}

static inline void tap_end(const char *pass)
{
	for (size_t i = 0; i < nfields; i++) {
		struct field *f = &fields[i];
		bool zero = !f->other_than_zero;

		for (size_t k = 0; k < sizeof(zero_is_fine) / sizeof(zero_is_fine[0]); k++)
			zero &= !strstr(f->name, zero_is_fine[k]);
		if (!f->n || zero)
			snprintf(f->why, sizeof(f->why), f->n ? "always zero" : "never compared");
		tap_n++;
		if (f->n && !f->bad && !zero) {
			printf("ok %u %s: %s (%u)\n", tap_n, pass, f->name, f->n);
			continue;
		}
		tap_bad++;
		printf("not ok %u %s: %s\n# wrong %u of %u; %s\n", tap_n, pass, f->name, f->bad, f->n, f->why);
	}
	fflush(stdout);
}

#endif
