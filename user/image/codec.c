// SPDX-License-Identifier: GPL-2.0
#include "image/codec.h"

#include <errno.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* What saves less is not worth unpacking. */
#define WORTH(len) ((len) - (len) / 16)

struct ckpt_packer {
	struct ckpt_packing how;
	ZSTD_CCtx *zstd;	/* NULL: another codec */
};

bool ckpt_packing_parse(const char *text, struct ckpt_packing *p)
{
	const char *at = text + 4;
	char *end;
	long level;

	*p = (struct ckpt_packing){ CKPT_CODEC_NONE, 0 };
	if (!strcmp(text, "none"))
		return true;
	if (!strcmp(text, "lz4")) {
		*p = (struct ckpt_packing){ CKPT_CODEC_LZ4, 1 };
		return true;
	}
	if (strncmp(text, "zstd", 4))
		return false;
	*p = (struct ckpt_packing){ CKPT_CODEC_ZSTD, 1 };
	if (!*at)
		return true;
	if (*at != ':')
		return false;
	errno = 0;
	level = strtol(at + 1, &end, 10);
	p->level = (int)level;
	return !errno && end != at + 1 && !*end && level >= 1 && level <= ZSTD_maxCLevel();
}

struct ckpt_packer *ckpt_packer_new(const struct ckpt_packing *p)
{
	struct ckpt_packer *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->how = *p;
	if (p->codec == CKPT_CODEC_ZSTD) {
		k->zstd = ZSTD_createCCtx();
		if (!k->zstd) {
			free(k);
			return NULL;
		}
	}
	return k;
}

void ckpt_packer_free(struct ckpt_packer *p)
{
	if (!p)
		return;
	ZSTD_freeCCtx(p->zstd);
	free(p);
}

enum ckpt_codec ckpt_packer_codec(const struct ckpt_packer *p)
{
	return p->how.codec;
}

size_t ckpt_pack(struct ckpt_packer *p, const void *data, size_t len, void *out)
{
	size_t n;

	switch (p->how.codec) {
	case CKPT_CODEC_LZ4:
		return (size_t)LZ4_compress_fast(data, out, (int)len, (int)WORTH(len), p->how.level);
	case CKPT_CODEC_ZSTD:
		n = ZSTD_compressCCtx(p->zstd, out, WORTH(len), data, len, p->how.level);
		return ZSTD_isError(n) ? 0 : n;
	default:
		return 0;
	}
}

int ckpt_unpack(uint32_t codec, const void *data, size_t len, void *out, size_t out_len)
{
	switch (codec) {
	case CKPT_CODEC_LZ4:
		return LZ4_decompress_safe(data, out, (int)len, (int)out_len) == (int)out_len ? 0 : -EINVAL;
	case CKPT_CODEC_ZSTD:
		return ZSTD_decompress(out, out_len, data, len) == out_len ? 0 : -EINVAL;
	default:
		return -EOPNOTSUPP;
	}
}
