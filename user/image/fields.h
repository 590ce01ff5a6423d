/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every field of every record: where it lies and how it is shown. The reader
 * takes lengths and pads from here, show its output; tests/unit proves that no
 * byte of a struct is missing.
 */
#ifndef CKPT_FIELDS_H
#define CKPT_FIELDS_H

#include <stddef.h>
#include <stdint.h>
#include "ckptbpf/image.h"

enum ckpt_fmt {
	FMT_DEC, FMT_INT, FMT_HEX, FMT_OCT,
	FMT_REF,	/* objref */
	FMT_NS,		/* nanoseconds */
	FMT_LIMIT,	/* a number, all ones: unlimited */
	FMT_FLAGS,	/* names of bits */
	FMT_ENUM,	/* name of a value */
	FMT_TEXT,	/* NUL-padded bytes */
	FMT_BYTES,	/* sum, id: hexadecimal */
	FMT_DEV,	/* major:minor of a kernel dev_t */
	FMT_LEN,	/* length of a trailing part: not shown by itself */
	FMT_PAD,	/* zero */
};

struct ckpt_word {
	uint64_t value;
	const char *word;
};

struct ckpt_field {
	const char *name;
	uint16_t off;		/* of the first element */
	uint16_t size;		/* bytes of one element */
	uint16_t count;		/* elements, stride bytes apart; 1 if not in an array of structs */
	uint16_t stride;
	uint8_t fmt;
	const char *group;	/* name of the array it belongs to */
	const struct ckpt_word *words;	/* FLAGS, ENUM; ends with a NULL word */
};

/* What follows the struct: unit * (value of the length field) bytes. */
struct ckpt_trail {
	const char *name;
	uint16_t len_off, len_size;
	uint16_t unit;
	uint8_t fmt;		/* TEXT, BYTES; DEC or HEX: a list of units */
};

struct ckpt_layout {
	uint32_t size;		/* of the struct */
	const struct ckpt_field *fields;
	uint16_t nfields, ntrails;
	const struct ckpt_trail *trails;
	uint16_t version;
	uint16_t format;	/* of the image, since which it is so */
	const struct ckpt_layout *older;	/* the version before, NULL: none */
};

/* One for each row of kinds.def, its newest version: ckpt_fields_VMA. */
#define CKPT_FRAME(name, id, st)		extern const struct ckpt_layout ckpt_fields_##name;
#define CKPT_KIND(name, id, phase, stem)	extern const struct ckpt_layout ckpt_fields_##name;
#include "ckptbpf/kinds.def"
#undef CKPT_FRAME
#undef CKPT_KIND

/* Its newest version; NULL: no such type. */
const struct ckpt_layout *ckpt_type_fields(uint16_t type);

/* NULL: no such version. */
const struct ckpt_layout *ckpt_type_layout(uint16_t type, uint16_t version);

/* Which version of a type an image of this format holds. */
uint16_t ckpt_type_version(uint16_t type, uint32_t format);

/* enum ckpt_phase of a kind, 0 of a frame. */
unsigned int ckpt_type_phase(uint16_t type);

/* Bytes that follow the struct at payload, without the fill; cannot overflow. */
uint64_t ckpt_type_extra(const struct ckpt_layout *t, const void *payload);

/* Name of the first pad of the struct at payload that is not zero, or NULL. */
const char *ckpt_type_bad_pad(const struct ckpt_layout *t, const void *payload);

/* An unsigned integer of 1, 2, 4 or 8 bytes. */
uint64_t ckpt_load(const void *p, unsigned int size);

static inline uint64_t ckpt_align8(uint64_t n)
{
	return (n + 7) & ~7ull;
}

/* ---- for the tables ---- */
#define F_SIZE(st, m)		sizeof(((st *)0)->m)
#define F(st, m, f)		{ #m, offsetof(st, m), F_SIZE(st, m), 1, 0, f, NULL, NULL }
#define F_NAMED(st, m, f, w)	{ #m, offsetof(st, m), F_SIZE(st, m), 1, 0, f, NULL, w }
#define F_ARRAY(st, arr, m, f, w) \
	{ #m, offsetof(st, arr[0].m), F_SIZE(st, arr[0].m), \
	  F_SIZE(st, arr) / F_SIZE(st, arr[0]), F_SIZE(st, arr[0]), f, #arr, w }
#define T(name, st, len, unit, f) { name, offsetof(st, len), F_SIZE(st, len), unit, f }
#define N_OF(a)			(sizeof(a) / sizeof((a)[0]))
#define TYPE(id, st, f) \
	const struct ckpt_layout ckpt_fields_##id = { sizeof(st), f, N_OF(f), 0, NULL, 1, 1, NULL }
#define TYPE_TRAIL(id, st, f, t) \
	const struct ckpt_layout ckpt_fields_##id = { sizeof(st), f, N_OF(f), N_OF(t), t, 1, 1, NULL }
/* Since which format it has this version; older: the layout before. */
#define TYPE_VERSION(id, st, f, version, format, older) \
	const struct ckpt_layout ckpt_fields_##id = { sizeof(st), f, N_OF(f), 0, NULL, version, format, older }

#endif
