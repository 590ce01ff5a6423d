// SPDX-License-Identifier: GPL-2.0
/* What belongs to an address space beside its mappings. */
#include "image/fields.h"

static const struct ckpt_word mmopt_flags[] = {
	{ CKPT_MMOPT_LOCK_FUTURE, "lock_future" }, { CKPT_MMOPT_LOCK_ONFAULT, "lock_onfault" },
	{ CKPT_MMOPT_NO_THP, "no_thp" }, { CKPT_MMOPT_THP_ADVISED, "thp_advised" },
	{ CKPT_MMOPT_KSM, "ksm" }, { CKPT_MMOPT_MDWE, "mdwe" },
	{ CKPT_MMOPT_MDWE_OWN, "mdwe_own" }, { CKPT_MMOPT_FUTEX_SLOTS, "futex_slots" }, { 0, NULL },
};
static const struct ckpt_word membarriers[] = {
	{ 1 << 2, "global_expedited" }, { 1 << 4, "private_expedited" }, { 1 << 6, "sync_core" },
	{ 1 << 8, "rseq" }, { 0, NULL },
};

#define S struct ckpt_mmopt
static const struct ckpt_field mmopt[] = {
	F_NAMED(S, flags, FMT_FLAGS, mmopt_flags), F(S, coredump_filter, FMT_HEX),
	F_NAMED(S, membarrier, FMT_FLAGS, membarriers), F(S, pkeys, FMT_HEX),
	F(S, exec_pkey, FMT_INT), F(S, tag_bits, FMT_DEC), F(S, futex_slots, FMT_DEC),
	F(S, pad0, FMT_PAD),
};
TYPE(MMOPT, S, mmopt);
#undef S

#define S struct ckpt_vmaname
static const struct ckpt_field vmaname[] = {
	F(S, start, FMT_HEX), F(S, name_len, FMT_LEN), F(S, pad0, FMT_PAD),
};
static const struct ckpt_trail vmaname_name[] = { T("name", S, name_len, 1, FMT_TEXT) };
TYPE_TRAIL(VMANAME, S, vmaname, vmaname_name);
#undef S

#define S struct ckpt_mempolicy
static const struct ckpt_field mempolicy[] = {
	F(S, start, FMT_HEX), F(S, mode, FMT_HEX), F(S, home_node, FMT_INT),
	F_ARRAY(S, nodes, mask, FMT_HEX, NULL),
};
TYPE(MEMPOLICY, S, mempolicy);
#undef S

#define S struct ckpt_guard
static const struct ckpt_field guard[] = {
	F(S, start, FMT_HEX), F(S, end, FMT_HEX),
};
TYPE(GUARD, S, guard);
#undef S
