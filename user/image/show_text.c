// SPDX-License-Identifier: GPL-2.0
#include "image/show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "image/fields.h"

#define SHORT_ARRAY 16

static void put_text(FILE *f, const void *text, size_t len)
{
	char *s = ckpt_show_escape(text, len);

	fprintf(f, "\"%s\"", s ? s : "");
	free(s);
}

static void put_bytes(FILE *f, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fprintf(f, "%02x", p[i]);
}

static void put_flags(FILE *f, uint64_t v, const struct ckpt_word *w)
{
	const char *sep = "";

	for (; w->word; w++) {
		if (!(v & w->value))
			continue;
		fprintf(f, "%s%s", sep, w->word);
		v &= ~w->value;
		sep = "|";
	}
	if (v || !*sep)
		fprintf(f, *sep ? "|0x%" PRIx64 : v ? "0x%" PRIx64 : "0", v);
}

static void put_enum(FILE *f, uint64_t v, const struct ckpt_word *w)
{
	for (; w->word; w++)
		if (w->value == v) {
			fputs(w->word, f);
			return;
		}
	fprintf(f, "%" PRIu64, v);
}

static int64_t sign_extend(uint64_t v, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (int64_t)(v << shift) >> shift;
}

static void put_value(FILE *f, const struct ckpt_field *d, const uint8_t *at)
{
	uint64_t v = d->size <= 8 ? ckpt_load(at, d->size) : 0;

	switch (d->fmt) {
	case FMT_DEC:
	case FMT_REF:
		fprintf(f, "%" PRIu64, v);
		break;
	case FMT_LIMIT:
		fprintf(f, v == UINT64_MAX ? "unlimited" : "%" PRIu64, v);
		break;
	case FMT_INT:
		fprintf(f, "%" PRId64, sign_extend(v, d->size));
		break;
	case FMT_HEX:
		fprintf(f, "0x%" PRIx64, v);
		break;
	case FMT_OCT:
		fprintf(f, "0%" PRIo64, v);
		break;
	case FMT_NS:
		fprintf(f, "%" PRIu64 ".%09" PRIu64 "s", v / 1000000000u, v % 1000000000u);
		break;
	case FMT_FLAGS:
		put_flags(f, v, d->words);
		break;
	case FMT_ENUM:
		put_enum(f, v, d->words);
		break;
	case FMT_DEV:
		fprintf(f, "%" PRIu64 ":%" PRIu64, v >> 20, v & 0xfffff);
		break;
	case FMT_TEXT:
		put_text(f, at, strnlen((const char *)at, d->size));
		break;
	case FMT_BYTES:
		put_bytes(f, at, d->size);
		break;
	}
}

static void put_trail(FILE *f, const struct ckpt_trail *t, const uint8_t *at, uint64_t count)
{
	fprintf(f, " %s=", t->name);
	switch (t->fmt) {
	case FMT_TEXT:
		put_text(f, at, (size_t)count);
		break;
	case FMT_BYTES:
		fprintf(f, "<%" PRIu64 " bytes>", count * t->unit);
		break;
	default:
		for (uint64_t i = 0; i < count; i++)
			fprintf(f, t->fmt == FMT_HEX ? "%s0x%" PRIx64 : "%s%" PRIu64, i ? "," : "",
				ckpt_load(at + i * t->unit, t->unit));
		if (!count)
			fputs("none", f);
	}
}

/* Element i of the array to which fields n... belong; returns how many fields those are. */
static unsigned int put_element(FILE *f, const struct ckpt_layout *t, unsigned int first,
				unsigned int i, const uint8_t *st)
{
	const struct ckpt_field *d = &t->fields[first];
	const uint8_t *at = st + d->off + i * (size_t)d->stride;
	/* Of 64 signals most have nothing to say; a limit of 0 says something. */
	bool zero = d->count > SHORT_ARRAY;
	unsigned int n = 0;

	for (unsigned int k = 0; k < d->stride; k++)
		zero = zero && !at[k];
	for (; first + n < t->nfields && t->fields[first + n].group == d->group; n++) {
		const struct ckpt_field *e = &t->fields[first + n];

		if (zero)
			continue;
		if (!n)
			fprintf(f, "\n      %s[%u]:", d->group, i);
		fprintf(f, " %s=", e->name);
		put_value(f, e, st + e->off + i * (size_t)e->stride);
	}
	return n;
}

void ckpt_show_text(FILE *f, const struct ckpt_rec *rec)
{
	const struct ckpt_layout *t = ckpt_type_layout(rec->h.type, rec->h.version);
	const uint8_t *st = rec->payload, *trail = st + t->size;

	fprintf(f, "%5" PRIu64 " %s", rec->number, ckpt_type_name(rec->h.type));
	if (rec->h.owner)
		fprintf(f, " of %u", rec->h.owner);
	fputc(':', f);
	for (unsigned int i = 0; i < t->nfields; i++) {
		const struct ckpt_field *d = &t->fields[i];
		unsigned int n = 1;

		if (d->fmt == FMT_PAD || d->fmt == FMT_LEN)
			continue;
		if (d->group) {
			for (unsigned int k = 0; k < d->count; k++)
				n = put_element(f, t, i, k, st);
			i += n - 1;
			continue;
		}
		fprintf(f, " %s=", d->name);
		put_value(f, d, st + d->off);
	}
	for (unsigned int i = 0; i < t->ntrails; i++) {
		const struct ckpt_trail *e = &t->trails[i];
		uint64_t count = ckpt_load(st + e->len_off, e->len_size);

		put_trail(f, e, trail, count);
		trail += count * e->unit;
	}
	fputc('\n', f);
}
