/* SPDX-License-Identifier: GPL-2.0 */
/* The same record in another version of the image's format. */
#ifndef CKPT_IMAGE_VERSION_H
#define CKPT_IMAGE_VERSION_H

#include "image/image.h"

/* Longest struct that ever was of a type with more than one version. */
#define CKPT_VERSIONED_MAX 256u

struct ckpt_converted {
	struct ckpt_rec rec;
	const char *lost;	/* what this one held that the other version has no place for; NULL: nothing */
	_Alignas(8) uint8_t payload[CKPT_VERSIONED_MAX];
};

/*
 * rec as it is in this format, which is known: c->rec leads to rec's own payload or
 * to c's. Records whose struct has not changed, and of unknown types, stay as they are.
 */
void ckpt_convert(struct ckpt_converted *c, const struct ckpt_rec *rec, uint32_t format);

#endif
