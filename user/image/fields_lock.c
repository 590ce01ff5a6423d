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

static const struct ckpt_word owner_types[] = {
	{ 0, "thread" }, { 1, "process" }, { 2, "group" }, { 0, NULL },
};

#define S struct ckpt_fowner
static const struct ckpt_field fowner[] = {
	F(S, file, FMT_REF), F_NAMED(S, type, FMT_ENUM, owner_types), F(S, pid, FMT_INT),
	F(S, signum, FMT_INT), F(S, uid, FMT_DEC), F(S, euid, FMT_DEC), F(S, async_fd, FMT_INT),
	F(S, pad0, FMT_PAD),
};
TYPE(FOWNER, S, fowner);
#undef S

#define S struct ckpt_lease
static const struct ckpt_field lease[] = {
	F(S, file, FMT_REF), F_NAMED(S, type, FMT_ENUM, lock_types), F(S, fd, FMT_INT),
	F(S, pad0, FMT_PAD),
};
TYPE(LEASE, S, lease);
#undef S

#define S struct ckpt_pipe_packets
static const struct ckpt_field pipe_packets[] = { F(S, obj, FMT_REF), F(S, n, FMT_LEN) };
static const struct ckpt_trail pipe_packets_parts[] = { T("parts", S, n, 4, FMT_HEX) };
TYPE_TRAIL(PIPE_PACKETS, S, pipe_packets, pipe_packets_parts);
#undef S
