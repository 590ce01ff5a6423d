/* SPDX-License-Identifier: GPL-2.0 */
/* Records as text and as JSON, from the tables of fields.h; no kind has code of its own here. */
#ifndef CKPT_SHOW_H
#define CKPT_SHOW_H

#include <json-c/json_object.h>
#include <stdio.h>

#include "image/image.h"

/*
 * What an image calls a text, made harmless: valid UTF-8 as it is, control
 * characters, backslashes and all other bytes as \xNN. Caller frees; NULL: no
 * memory.
 */
char *ckpt_show_escape(const void *text, size_t len);

/* One line, and one more for each element of an array; of a long one only those that are not all zero. */
void ckpt_show_text(FILE *f, const struct ckpt_rec *rec);

/* { "number", "type", "offset", "owner", "fields": { ... } } */
struct json_object *ckpt_show_json(const struct ckpt_rec *rec);
/* The fields alone. */
struct json_object *ckpt_show_json_fields(const struct ckpt_rec *rec);

#endif
