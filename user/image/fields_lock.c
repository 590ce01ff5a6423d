// SPDX-License-Identifier: GPL-2.0
/* What processes and open files hold on files. */
#include "image/fields.h"

static const struct ckpt_word lock_kinds[] = {
	{ CKPT_LOCK_POSIX, "posix" }, { CKPT_LOCK_OFD, "ofd" }, { CKPT_LOCK_FLOCK, "flock" },
	{ 0, NULL },
};
static const struct ckpt_word lock_types[] = { { 0, "read" }, { 1, "write" }, { 0, NULL } };

#define S struct ckpt_lock
static const struct ckpt_field lock[] = {
	F(S, file, FMT_REF), F_NAMED(S, kind, FMT_ENUM, lock_kinds),
	F_NAMED(S, type, FMT_ENUM, lock_types), F(S, pad0, FMT_PAD), F(S, start, FMT_DEC),
	F(S, end, FMT_DEC),
};
TYPE(LOCK, S, lock);
#undef S
