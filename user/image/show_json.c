// SPDX-License-Identifier: GPL-2.0
/* Addresses, masks and modes are strings, as JSON's readers lose bits above 2^53. */
#include "image/show.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "image/fields.h"

static json_object *text(const void *p, size_t len)
{
	char *s = ckpt_show_escape(p, len);
	json_object *o = s ? json_object_new_string(s) : NULL;

	free(s);
	return o;
}

static json_object *printed(const char *fmt, uint64_t v)
{
	char s[40];

	/* fmt is one of three constants, each for one uint64_t. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(s, sizeof(s), fmt, v);
#pragma GCC diagnostic pop
	return json_object_new_string(s);
}

static json_object *bytes(const uint8_t *p, size_t len)
{
	char *s = malloc(2 * len + 1);
	json_object *o;

	if (!s)
		return NULL;
	for (size_t i = 0; i < len; i++)
		sprintf(s + 2 * i, "%02x", p[i]);
	o = json_object_new_string_len(s, (int)(2 * len));
	free(s);
	return o;
}

static json_object *flags(uint64_t v, const struct ckpt_word *w)
{
	json_object *a = json_object_new_array();

	for (; w->word; w++) {
		if (!(v & w->value))
			continue;
		json_object_array_add(a, json_object_new_string(w->word));
		v &= ~w->value;
	}
	if (v)
		json_object_array_add(a, printed("0x%" PRIx64, v));
	return a;
}

static json_object *enumerated(uint64_t v, const struct ckpt_word *w)
{
	for (; w->word; w++)
		if (w->value == v)
			return json_object_new_string(w->word);
	return json_object_new_uint64(v);
}

static json_object *value(const struct ckpt_field *d, const uint8_t *at)
{
	uint64_t v = d->size <= 8 ? ckpt_load(at, d->size) : 0;
	unsigned int shift = d->size <= 8 ? 64 - 8 * d->size : 0;
	char dev[32];

	switch (d->fmt) {
	case FMT_INT:
		return json_object_new_int64((int64_t)(v << shift) >> shift);
	case FMT_LIMIT:
		if (v == UINT64_MAX)
			return json_object_new_string("unlimited");
		break;
	case FMT_HEX:
		return printed("0x%" PRIx64, v);
	case FMT_OCT:
		return printed("0%" PRIo64, v);
	case FMT_FLAGS:
		return flags(v, d->words);
	case FMT_ENUM:
		return enumerated(v, d->words);
	case FMT_DEV:
		snprintf(dev, sizeof(dev), "%u:%u", (unsigned int)(v >> 20), (unsigned int)(v & 0xfffff));
		return json_object_new_string(dev);
	case FMT_TEXT:
		return text(at, strnlen((const char *)at, d->size));
	case FMT_BYTES:
		return bytes(at, d->size);
	}
	return json_object_new_uint64(v);
}

static json_object *trail(const struct ckpt_trail *t, const uint8_t *at, uint64_t count)
{
	json_object *a;

	if (t->fmt == FMT_TEXT)
		return text(at, (size_t)count);
	if (t->fmt == FMT_BYTES)
		return bytes(at, (size_t)count * t->unit);
	a = json_object_new_array();
	for (uint64_t i = 0; i < count; i++) {
		uint64_t v = ckpt_load(at + i * t->unit, t->unit);

		json_object_array_add(a, t->fmt == FMT_HEX ? printed("0x%" PRIx64, v) :
							     json_object_new_uint64(v));
	}
	return a;
}

/* The array of structs that begins with field *i; *i becomes its last field. */
static json_object *array(const struct ckpt_layout *t, unsigned int *i, const uint8_t *st)
{
	const struct ckpt_field *first = &t->fields[*i];
	json_object *a = json_object_new_array();
	unsigned int end = *i;

	while (end < t->nfields && t->fields[end].group == first->group)
		end++;
	for (unsigned int k = 0; k < first->count; k++) {
		json_object *o = json_object_new_object();

		for (unsigned int n = *i; n < end; n++) {
			const struct ckpt_field *d = &t->fields[n];

			json_object_object_add(o, d->name, value(d, st + d->off + k * (size_t)d->stride));
		}
		json_object_array_add(a, o);
	}
	*i = end - 1;
	return a;
}

json_object *ckpt_show_json_fields(const struct ckpt_rec *rec)
{
	const struct ckpt_layout *t = ckpt_type_layout(rec->h.type, rec->h.version);
	const uint8_t *st = rec->payload, *at = st + t->size;
	json_object *o = json_object_new_object();

	for (unsigned int i = 0; i < t->nfields; i++) {
		const struct ckpt_field *d = &t->fields[i];

		if (d->fmt == FMT_PAD || d->fmt == FMT_LEN)
			continue;
		json_object_object_add(o, d->group ? d->group : d->name,
				       d->group ? array(t, &i, st) : value(d, st + d->off));
	}
	for (unsigned int i = 0; i < t->ntrails; i++) {
		const struct ckpt_trail *e = &t->trails[i];
		uint64_t count = ckpt_load(st + e->len_off, e->len_size);

		json_object_object_add(o, e->name, trail(e, at, count));
		at += count * e->unit;
	}
	return o;
}

json_object *ckpt_show_json(const struct ckpt_rec *rec)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "number", json_object_new_uint64(rec->number));
	json_object_object_add(o, "type", json_object_new_string(ckpt_type_name(rec->h.type)));
	json_object_object_add(o, "offset", json_object_new_uint64(rec->offset));
	json_object_object_add(o, "owner", json_object_new_uint64(rec->h.owner));
	json_object_object_add(o, "fields", ckpt_show_json_fields(rec));
	return o;
}
