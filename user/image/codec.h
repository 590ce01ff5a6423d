/* SPDX-License-Identifier: GPL-2.0 */
/* Page data made smaller: each chunk by itself, so that it is read as a stream. */
#ifndef CKPT_CODEC_H
#define CKPT_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ckptbpf/image.h"

/* How a writer packs: level is the library's own; what does not shrink is stored as it is. */
struct ckpt_packing {
	enum ckpt_codec codec;
	int level;
};

/* "none", "lz4", "zstd", "zstd:19". */
bool ckpt_packing_parse(const char *text, struct ckpt_packing *p);

/* Of a thread that packs: buffers of the library's, NULL for none. */
struct ckpt_packer;
struct ckpt_packer *ckpt_packer_new(const struct ckpt_packing *p);
void ckpt_packer_free(struct ckpt_packer *p);
enum ckpt_codec ckpt_packer_codec(const struct ckpt_packer *p);
/* Bytes that len bytes became in out, which has room for as many; 0: too few would be saved. */
size_t ckpt_pack(struct ckpt_packer *p, const void *data, size_t len, void *out);

/* Hostile input: out is filled to out_len exactly, else -EINVAL; -EOPNOTSUPP: an unknown codec. */
int ckpt_unpack(uint32_t codec, const void *data, size_t len, void *out, size_t out_len);

#endif
