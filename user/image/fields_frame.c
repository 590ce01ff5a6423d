// SPDX-License-Identifier: GPL-2.0
/* The frames of the stream, and what of them the architecture lays out. */
#include "image/fields.h"

#define S struct ckpt_header
static const struct ckpt_field header[] = {
	F(S, magic, FMT_HEX), F(S, format, FMT_DEC), F(S, crid, FMT_DEC),
	F(S, required, FMT_HEX), F(S, optional, FMT_HEX),
	F(S, realtime_ns, FMT_NS), F(S, monotonic_ns, FMT_NS), F(S, boottime_ns, FMT_NS),
	F(S, page_size, FMT_DEC),
	F(S, kernel_major, FMT_DEC), F(S, kernel_minor, FMT_DEC), F(S, kernel_patch, FMT_DEC),
	F(S, pad0, FMT_PAD), F(S, pad1, FMT_PAD), F(S, boot_id, FMT_BYTES),
	F(S, release_len, FMT_LEN), F(S, version_len, FMT_LEN), F(S, machine_len, FMT_LEN),
	F(S, host_len, FMT_LEN), F(S, tool_len, FMT_LEN), F(S, pad2, FMT_PAD),
};
static const struct ckpt_trail header_texts[] = {
	T("release", S, release_len, 1, FMT_TEXT), T("version", S, version_len, 1, FMT_TEXT),
	T("machine", S, machine_len, 1, FMT_TEXT), T("host", S, host_len, 1, FMT_TEXT),
	T("tool", S, tool_len, 1, FMT_TEXT),
};
TYPE_TRAIL(HEADER, S, header, header_texts);
#undef S

static const struct ckpt_word archs[] = {
	{ CKPT_ARCH_X86_32, "x86_32" }, { CKPT_ARCH_X86_64, "x86_64" }, { 0, NULL },
};
static const struct ckpt_word xfeatures[] = {
	{ 1u << 0, "x87" }, { 1u << 1, "sse" }, { 1u << 2, "avx" }, { 1u << 3, "bndregs" },
	{ 1u << 4, "bndcsr" }, { 1u << 5, "opmask" }, { 1u << 6, "zmm_hi256" },
	{ 1u << 7, "hi16_zmm" }, { 1u << 9, "pkru" }, { 1u << 17, "tilecfg" },
	{ 1u << 18, "tiledata" }, { 1u << 19, "apx" }, { 0, NULL },
};

#define S struct ckpt_header_arch
static const struct ckpt_field header_arch[] = {
	F_NAMED(S, arch, FMT_ENUM, archs), F(S, xstate_size, FMT_DEC),
	F_NAMED(S, xfeatures, FMT_FLAGS, xfeatures), F(S, vdso_len, FMT_DEC),
	F(S, vdso_xxh3, FMT_BYTES),
};
TYPE(HEADER_ARCH, S, header_arch);
#undef S

#define S struct ckpt_container
static const struct ckpt_field container[] = {
	F(S, ns_pid, FMT_DEC), F(S, ns_mnt, FMT_DEC), F(S, ns_net, FMT_DEC),
	F(S, ns_user, FMT_DEC), F(S, ns_uts, FMT_DEC), F(S, ns_ipc, FMT_DEC),
	F(S, ns_time, FMT_DEC), F(S, ns_cgroup, FMT_DEC), F(S, cgroup_id, FMT_DEC),
};
TYPE(CONTAINER, S, container);
#undef S

#define S struct ckpt_loss
static const struct ckpt_field loss[] = { F(S, pid, FMT_INT), F(S, text_len, FMT_LEN) };
static const struct ckpt_trail loss_text[] = { T("text", S, text_len, 1, FMT_TEXT) };
TYPE_TRAIL(LOSS, S, loss, loss_text);
#undef S

static const struct ckpt_word codecs[] = {
	{ CKPT_CODEC_NONE, "none" }, { CKPT_CODEC_LZ4, "lz4" }, { CKPT_CODEC_ZSTD, "zstd" }, { 0, NULL },
};

#define S struct ckpt_pages
static const struct ckpt_field pages[] = {
	F(S, npages, FMT_DEC), F_NAMED(S, codec, FMT_ENUM, codecs), F(S, data_len, FMT_DEC),
	F(S, xxh3, FMT_BYTES),
};
static const struct ckpt_trail pages_addrs[] = { T("addrs", S, npages, 8, FMT_HEX) };
TYPE_TRAIL(PAGES, S, pages, pages_addrs);
#undef S

#define S struct ckpt_tail
static const struct ckpt_field tail[] = {
	F(S, magic, FMT_HEX), F(S, records, FMT_DEC), F(S, pages, FMT_DEC), F(S, digest, FMT_BYTES),
};
TYPE(TAIL, S, tail);
#undef S

#define S struct ckpt_error
static const struct ckpt_field error[] = {
	F(S, pid, FMT_INT), F(S, err, FMT_INT), F(S, text_len, FMT_LEN), F(S, pad0, FMT_PAD),
};
static const struct ckpt_trail error_text[] = { T("text", S, text_len, 1, FMT_TEXT) };
TYPE_TRAIL(ERROR, S, error, error_text);
#undef S

#define S struct ckpt_cpu
static const struct ckpt_field cpu[] = {
	F(S, r15, FMT_HEX), F(S, r14, FMT_HEX), F(S, r13, FMT_HEX), F(S, r12, FMT_HEX),
	F(S, bp, FMT_HEX), F(S, bx, FMT_HEX), F(S, r11, FMT_HEX), F(S, r10, FMT_HEX),
	F(S, r9, FMT_HEX), F(S, r8, FMT_HEX), F(S, ax, FMT_HEX), F(S, cx, FMT_HEX),
	F(S, dx, FMT_HEX), F(S, si, FMT_HEX), F(S, di, FMT_HEX), F(S, orig_ax, FMT_INT),
	F(S, ip, FMT_HEX), F(S, cs, FMT_HEX), F(S, flags, FMT_HEX), F(S, sp, FMT_HEX),
	F(S, ss, FMT_HEX), F(S, fs_base, FMT_HEX), F(S, gs_base, FMT_HEX), F(S, ds, FMT_HEX),
	F(S, es, FMT_HEX), F(S, fs, FMT_HEX), F(S, gs, FMT_HEX),
};
TYPE(CPU, S, cpu);
#undef S

#define S struct ckpt_xstate
static const struct ckpt_field xstate[] = {
	F(S, size, FMT_LEN), F(S, pad0, FMT_PAD), F_NAMED(S, features, FMT_FLAGS, xfeatures),
};
static const struct ckpt_trail xstate_data[] = { T("xstate", S, size, 1, FMT_BYTES) };
TYPE_TRAIL(XSTATE, S, xstate, xstate_data);
#undef S
