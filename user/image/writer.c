// SPDX-License-Identifier: GPL-2.0
#include "image/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/codec.h"
#include "image/digest.h"
#include "image/fields.h"
#include "image/out.h"
#include "lib/fail.h"
#include "lib/io.h"

#define BUF_SIZE (64u << 10)
/* Longest part of a PAGES record before its data. */
#define PAGES_HEAD (sizeof(struct ckpt_hdr) + sizeof(struct ckpt_pages) + \
		    CKPT_CHUNK_PAGES * sizeof(uint64_t) + CKPT_PAGE_SIZE)
/* How long a stream may take for the record that says why it failed. */
#define ERROR_WAIT_NS 1000000000ull

_Static_assert(PAGES_HEAD <= BUF_SIZE, "the head of a chunk is put together in the buffer");

struct ckpt_writer {
	struct ckpt_out out;
	uint64_t pos;		/* in the stream, buffered bytes included */
	uint64_t records, pages;
	uint32_t format;	/* as the HEADER says */
	struct sha256_ctx sha;
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct ckpt_packer *packer;	/* NULL: data goes out as it is */
	uint8_t *packed;
	bool ended;		/* TAIL or ERROR is in the buffer */
	size_t fill;
	uint8_t buf[BUF_SIZE];
};

static struct ckpt_writer *writer_new(void)
{
	struct ckpt_writer *w = malloc(sizeof(*w));

	if (!w)
		return NULL;
	/* The buffer needs no zeroes: what goes out has been put there. */
	memset(w, 0, offsetof(struct ckpt_writer, buf));
	sha256_init(&w->sha);
	w->format = CKPT_FORMAT;
	return w;
}

static int writer_opened(struct ckpt_writer **ret, struct ckpt_writer *w, int err)
{
	if (err) {
		out_close(&w->out);
		free(w);
		return err;
	}
	*ret = w;
	return 0;
}

int ckpt_writer_open_path(struct ckpt_writer **ret, const char *path, bool force)
{
	struct ckpt_writer *w = writer_new();
	int err;

	if (!w)
		return ckpt_fail(-ENOMEM, 0, "image: open");
	err = strcmp(path, "-") ? out_open_path(&w->out, path, force) :
				  out_open_fd(&w->out, STDOUT_FILENO);
	return writer_opened(ret, w, err);
}

int ckpt_writer_open_fd(struct ckpt_writer **ret, int fd)
{
	struct ckpt_writer *w = writer_new();

	if (!w)
		return ckpt_fail(-ENOMEM, 0, "image: open");
	return writer_opened(ret, w, out_open_fd(&w->out, fd));
}

void ckpt_writer_deadline(struct ckpt_writer *w, uint64_t deadline_ns)
{
	w->out.deadline = deadline_ns;
}

bool ckpt_writer_is_stream(const struct ckpt_writer *w)
{
	return w->out.kind == OUT_PIPE || w->out.kind == OUT_SOCKET;
}

uint64_t ckpt_writer_bytes(const struct ckpt_writer *w)
{
	return w->pos;
}

const uint8_t *ckpt_writer_digest(const struct ckpt_writer *w)
{
	return w->digest;
}

/* The buffer and, without copying them, len more bytes. */
static int flush_with(struct ckpt_writer *w, const void *data, size_t len)
{
	struct iovec iov[2] = { { w->buf, w->fill }, { (void *)data, len } };

	w->fill = 0;
	return out_writev(&w->out, iov, 2);
}

/* len bytes of room in the buffer, or NULL and *err. len is at most BUF_SIZE. */
static uint8_t *room(struct ckpt_writer *w, size_t len, int *err)
{
	uint8_t *p;

	*err = w->fill + len > BUF_SIZE ? flush_with(w, NULL, 0) : 0;
	if (*err)
		return NULL;
	p = w->buf + w->fill;
	w->fill += len;
	w->pos += len;
	return p;
}

static bool is_optional(uint16_t type)
{
	return type == CKPT_LOSS || type == CKPT_ACCT || type == CKPT_CONTAINER || type == CKPT_FILECHECK;
}

/* A record too long for the buffer: its parts go out as they are. */
static int write_long(struct ckpt_writer *w, struct ckpt_hdr *h, const void *st, size_t st_len,
		      const void *extra, size_t extra_len)
{
	static const uint8_t zero[8];
	size_t fill = (size_t)h->len - st_len - extra_len;
	struct iovec iov[5] = {
		{ w->buf, w->fill }, { h, sizeof(*h) }, { (void *)st, st_len },
		{ (void *)extra, extra_len }, { (void *)zero, fill },
	};

	h->crc = ckpt_record_crc(h, st, st_len);
	h->crc = ckpt_crc32c(h->crc, extra, extra_len);
	h->crc = ckpt_crc32c(h->crc, zero, fill);
	for (int i = 1; i < 5; i++)
		sha256_update(&w->sha, iov[i].iov_len, iov[i].iov_base);
	w->fill = 0;
	w->pos += sizeof(*h) + h->len;
	w->records++;
	return out_writev(&w->out, iov, 5);
}

int ckpt_write_record(struct ckpt_writer *w, uint16_t type, uint32_t owner,
		      const void *st, size_t st_len, const void *extra, size_t extra_len)
{
	struct ckpt_hdr h = {
		.type = type, .version = ckpt_type_version(type, w->format), .owner = owner,
		.flags = is_optional(type) ? 0 : CKPT_F_REQUIRED,
		.len = ckpt_align8((uint64_t)st_len + extra_len),
	};
	uint8_t *p;
	int err;

	/* Those behind it are of its format. */
	if (type == CKPT_HEADER)
		w->format = ((const struct ckpt_header *)st)->format;
	if (h.len > CKPT_MAX_META)
		return ckpt_fail(-EOPNOTSUPP, 0, "image: a %s record of %llu bytes is too long",
				 ckpt_type_name(type), (unsigned long long)h.len);
	if (sizeof(h) + h.len > BUF_SIZE)
		return write_long(w, &h, st, st_len, extra, extra_len);
	p = room(w, sizeof(h) + (size_t)h.len, &err);
	if (!p)
		return err;
	memcpy(p + sizeof(h), st, st_len);
	if (extra_len)
		memcpy(p + sizeof(h) + st_len, extra, extra_len);
	memset(p + sizeof(h) + st_len + extra_len, 0, (size_t)h.len - st_len - extra_len);
	h.crc = ckpt_record_crc(&h, p + sizeof(h), (size_t)h.len);
	memcpy(p, &h, sizeof(h));
	sha256_update(&w->sha, sizeof(h) + (size_t)h.len, p);
	w->records++;
	return 0;
}

int ckpt_writer_packing(struct ckpt_writer *w, const struct ckpt_packing *how)
{
	if (how->codec == CKPT_CODEC_NONE)
		return 0;
	w->packer = ckpt_packer_new(how);
	w->packed = malloc(CKPT_CHUNK_PAGES * (size_t)CKPT_PAGE_SIZE);
	return w->packer && w->packed ? 0 : ckpt_fail(-ENOMEM, 0, "image: buffers to compress");
}

int ckpt_write_pages(struct ckpt_writer *w, uint32_t mm, const uint64_t *addrs, uint32_t n,
		     const void *data)
{
	size_t len = 0;

	if (n > CKPT_CHUNK_PAGES)
		return ckpt_fail(-EINVAL, 0, "image: %u pages are too many for one chunk", n);
	if (n && w->packer)
		len = ckpt_pack(w->packer, data, (size_t)n * CKPT_PAGE_SIZE, w->packed);
	if (len)
		return ckpt_write_packed(w, mm, addrs, n, ckpt_packer_codec(w->packer), w->packed, len);
	return ckpt_write_packed(w, mm, addrs, n, CKPT_CODEC_NONE, data, (size_t)n * CKPT_PAGE_SIZE);
}

int ckpt_write_packed(struct ckpt_writer *w, uint32_t mm, const uint64_t *addrs, uint32_t n,
		      enum ckpt_codec codec, const void *data, size_t data_len)
{
	static const uint8_t zero[8];
	size_t head = sizeof(struct ckpt_hdr) + sizeof(struct ckpt_pages) + n * sizeof(*addrs);
	struct ckpt_pages pg = { .npages = n, .codec = codec, .data_len = data_len };
	struct ckpt_hdr h = {
		.type = CKPT_PAGES, .version = 1, .owner = mm, .flags = CKPT_F_REQUIRED,
	};
	size_t fill, behind = -data_len % 8;
	uint8_t *p;
	int err;

	if (n > CKPT_CHUNK_PAGES)
		return ckpt_fail(-EINVAL, 0, "image: %u pages are too many for one chunk", n);
	fill = n && codec == CKPT_CODEC_NONE ? -(w->pos + head) % CKPT_PAGE_SIZE : 0;
	h.len = head - sizeof(h) + fill + data_len + behind;
	if (n)
		ckpt_xxh3(pg.xxh3, data, data_len);
	p = room(w, head + fill, &err);
	if (!p)
		return err;
	memcpy(p + sizeof(h), &pg, sizeof(pg));
	if (n)
		memcpy(p + sizeof(h) + sizeof(pg), addrs, n * sizeof(*addrs));
	memset(p + head, 0, fill);
	h.crc = ckpt_record_crc(&h, p + sizeof(h), head - sizeof(h) + fill);
	memcpy(p, &h, sizeof(h));
	sha256_update(&w->sha, head, p);
	w->records++;
	w->pages += n;
	if (!n)
		return 0;
	w->pos += data_len;
	err = flush_with(w, data, data_len);
	if (!err && behind) {
		p = room(w, behind, &err);
		if (p)
			memcpy(p, zero, behind);
	}
	return err;
}

int ckpt_writer_tail(struct ckpt_writer *w)
{
	struct ckpt_tail t = {
		.magic = CKPT_TAIL_MAGIC, .records = w->records, .pages = w->pages,
	};
	int err;

	sha256_digest(&w->sha, sizeof(t.digest), t.digest);
	memcpy(w->digest, t.digest, sizeof(t.digest));
	err = ckpt_write_record(w, CKPT_TAIL, 0, &t, sizeof(t), NULL, 0);
	w->ended = true;
	return err ? err : flush_with(w, NULL, 0);
}

int ckpt_writer_finish(struct ckpt_writer *w)
{
	return out_finish(&w->out);
}

void ckpt_writer_fail(struct ckpt_writer *w, int pid, int err, const char *text)
{
	struct ckpt_error e = { .pid = pid, .err = err < 0 ? -err : err };
	uint64_t limit = ckpt_now_ns() + ERROR_WAIT_NS;

	/* Behind half a record nobody would find it. */
	if (ckpt_writer_is_stream(w) && !w->out.torn && !w->ended) {
		e.text_len = (uint32_t)strnlen(text, CKPT_MAX_PATH);
		w->out.deadline = limit;
		w->out.last_words = true;
		if (!ckpt_write_record(w, CKPT_ERROR, 0, &e, sizeof(e), text, e.text_len))
			flush_with(w, NULL, 0);
	}
	ckpt_writer_close(w);
}

void ckpt_writer_close(struct ckpt_writer *w)
{
	if (!w)
		return;
	out_close(&w->out);
	ckpt_packer_free(w->packer);
	free(w->packed);
	free(w);
}
