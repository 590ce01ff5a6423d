// SPDX-License-Identifier: GPL-2.0
/*
 * What changed with each format of the image:
 *   1   the first
 *   2   ACCT version 2: what was read and written
 */
#include "image/version.h"

#include <string.h>

#include "image/fields.h"

_Static_assert(offsetof(struct ckpt_acct, rchar) == sizeof(struct ckpt_acct_v1) &&
	       sizeof(struct ckpt_acct) <= CKPT_VERSIONED_MAX, "version 2 only adds");

static void acct_up(struct ckpt_converted *c)
{
	memset(c->payload + sizeof(struct ckpt_acct_v1), 0,
	       sizeof(struct ckpt_acct) - sizeof(struct ckpt_acct_v1));
}

static void acct_down(struct ckpt_converted *c)
{
	if (((const struct ckpt_acct *)c->payload)->flags & CKPT_ACCT_IO)
		c->lost = "what was read and written (ACCT)";
}

/* In the payload, where it lies; none of these types has anything behind its struct. */
static const struct change {
	uint16_t type, version;			/* that it brought */
	void (*up)(struct ckpt_converted *c);	/* from the version before */
	void (*down)(struct ckpt_converted *c);	/* to it */
} changes[] = {
	{ CKPT_ACCT, 2, acct_up, acct_down },
};

static const struct change *change_to(uint16_t type, uint16_t version)
{
	for (size_t i = 0; i < N_OF(changes); i++)
		if (changes[i].type == type && changes[i].version == version)
			return &changes[i];
	return NULL;
}

void ckpt_convert(struct ckpt_converted *c, const struct ckpt_rec *rec, uint32_t format)
{
	uint16_t want = ckpt_type_version(rec->h.type, format);
	const struct change *ch;

	c->rec = *rec;
	c->lost = NULL;
	if (rec->h.version == want || !ckpt_type_fields(rec->h.type))
		return;
	memcpy(c->payload, rec->payload, ckpt_type_layout(rec->h.type, rec->h.version)->size);
	while (c->rec.h.version < want) {
		ch = change_to(rec->h.type, ++c->rec.h.version);
		ch->up(c);
	}
	while (c->rec.h.version > want) {
		ch = change_to(rec->h.type, c->rec.h.version--);
		ch->down(c);
	}
	c->rec.h.len = ckpt_align8(ckpt_type_layout(rec->h.type, want)->size);
	c->rec.payload = c->payload;
}
