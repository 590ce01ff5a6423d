// SPDX-License-Identifier: GPL-2.0
#include "image/fields.h"
#include "image/image.h"

#include <string.h>

static const struct row {
	uint16_t type;
	uint8_t phase;
	const char *name;
	const struct ckpt_layout *fields;
} rows[] = {
#define CKPT_FRAME(n, id, st)		{ id, 0, #n, &ckpt_fields_##n },
#define CKPT_KIND(n, id, ph, stem)	{ id, CKPT_PHASE_##ph, #n, &ckpt_fields_##n },
#include "ckptbpf/kinds.def"
#undef CKPT_FRAME
#undef CKPT_KIND
};

static const struct row *row_of(uint16_t type)
{
	for (size_t i = 0; i < N_OF(rows); i++)
		if (rows[i].type == type)
			return &rows[i];
	return NULL;
}

const struct ckpt_layout *ckpt_type_fields(uint16_t type)
{
	const struct row *r = row_of(type);

	return r ? r->fields : NULL;
}

const struct ckpt_layout *ckpt_type_layout(uint16_t type, uint16_t version)
{
	const struct ckpt_layout *t = ckpt_type_fields(type);

	while (t && t->version != version)
		t = t->older;
	return t;
}

uint16_t ckpt_type_version(uint16_t type, uint32_t format)
{
	const struct ckpt_layout *t = ckpt_type_fields(type);

	while (t && t->format > format)
		t = t->older;
	return t ? t->version : 1;
}

unsigned int ckpt_type_phase(uint16_t type)
{
	const struct row *r = row_of(type);

	return r ? r->phase : 0;
}

size_t ckpt_type_size(uint16_t type)
{
	const struct row *r = row_of(type);

	return r ? r->fields->size : 0;
}

const char *ckpt_type_name(uint16_t type)
{
	const struct row *r = row_of(type);

	return r ? r->name : "unknown";
}

uint64_t ckpt_load(const void *p, unsigned int size)
{
	uint64_t v = 0;

	/* Little-endian like the image. */
	memcpy(&v, p, size);
	return v;
}

uint64_t ckpt_type_extra(const struct ckpt_layout *t, const void *payload)
{
	uint64_t sum = 0;

	/* At most five lengths of 32 bits times a unit of 16 bits. */
	for (unsigned int i = 0; i < t->ntrails; i++) {
		const struct ckpt_trail *e = &t->trails[i];

		sum += e->unit * ckpt_load((const char *)payload + e->len_off, e->len_size);
	}
	return sum;
}

const char *ckpt_type_bad_pad(const struct ckpt_layout *t, const void *payload)
{
	for (unsigned int i = 0; i < t->nfields; i++) {
		const struct ckpt_field *f = &t->fields[i];

		if (f->fmt != FMT_PAD)
			continue;
		for (unsigned int k = 0; k < f->size; k++)
			if (((const uint8_t *)payload)[f->off + k])
				return f->name;
	}
	return NULL;
}
