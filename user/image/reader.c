// SPDX-License-Identifier: GPL-2.0
/*
 * The frame of each record is checked here, what it says by user/res/plan.c.
 * Nothing read is believed before its sum has been compared, and no length is
 * used before it has been bounded.
 */
#include "image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/codec.h"
#include "image/digest.h"
#include "image/fields.h"
#include "image/in.h"
#include "lib/fail.h"

enum state { AT_START, IN_META, IN_PAGES, AT_END, FAILED };

struct ckpt_reader {
	struct ckpt_in in;
	enum state state;
	int err;		/* of FAILED */
	uint64_t records, pages;
	uint32_t format;	/* as the HEADER says; before it 1 */
	uint64_t data_left;	/* of the PAGES record read last, not fetched yet */
	struct ckpt_pages chunk;
	struct ckpt_rec rec;	/* read last */
	struct sha256_ctx sha;
	uint8_t digest[SHA256_DIGEST_SIZE];
	uint8_t *buf;		/* payload */
	size_t cap;
	uint8_t *scratch;	/* data nobody fetched */
	uint8_t *packed;	/* data before it is unpacked */
};

static struct ckpt_reader *reader_new(void)
{
	struct ckpt_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	sha256_init(&r->sha);
	r->format = 1;
	return r;
}

int ckpt_reader_open(struct ckpt_reader **ret, int fd)
{
	struct ckpt_reader *r = reader_new();
	int err;

	if (!r)
		return ckpt_fail(-ENOMEM, 0, "image: open");
	err = in_open(&r->in, fd);
	if (err) {
		ckpt_reader_close(r);
		return ckpt_fail(err, 0, "image: open");
	}
	*ret = r;
	return 0;
}

int ckpt_reader_open_path(struct ckpt_reader **ret, const char *path)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) :
				     fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

	return fd < 0 ? ckpt_fail(-errno, 0, "image: open") : ckpt_reader_open(ret, fd);
}

int ckpt_reader_open_mem(struct ckpt_reader **ret, const void *buf, size_t len)
{
	struct ckpt_reader *r = reader_new();

	if (!r)
		return ckpt_fail(-ENOMEM, 0, "image: open");
	in_open_mem(&r->in, buf, len);
	*ret = r;
	return 0;
}

void ckpt_reader_close(struct ckpt_reader *r)
{
	if (!r)
		return;
	in_close(&r->in);
	free(r->buf);
	free(r->scratch);
	free(r->packed);
	free(r);
}

const uint8_t *ckpt_reader_digest(const struct ckpt_reader *r)
{
	return r->digest;
}

static int take(struct ckpt_reader *r, void *buf, size_t len)
{
	int err = in_read(&r->in, buf, len);

	if (err == -ENODATA)
		return ckpt_rec_refuse(&r->rec, -EINVAL, "the image ends here");
	if (err)
		return ckpt_rec_refuse(&r->rec, err, "read");
	return 0;
}

/* Append len bytes of the stream to the payload, of which have are there. */
static int take_payload(struct ckpt_reader *r, size_t have, size_t len)
{
	if (have + len > r->cap) {
		uint8_t *p = realloc(r->buf, have + len);

		if (!p)
			return ckpt_fail(-ENOMEM, 0, "image: read");
		r->buf = p;
		r->cap = have + len;
	}
	return take(r, r->buf + have, len);
}

static int check_crc(struct ckpt_reader *r, size_t len)
{
	if (ckpt_record_crc(&r->rec.h, r->buf, len) != r->rec.h.crc)
		return ckpt_rec_refuse(&r->rec, -EINVAL, "its checksum is wrong");
	return 0;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	while (len--)
		if (*p++)
			return false;
	return true;
}

static int read_header(struct ckpt_reader *r)
{
	struct ckpt_hdr *h = &r->rec.h;
	int err;

	r->rec.offset = r->in.pos;
	r->rec.number = r->records;
	memset(h, 0, sizeof(*h));
	err = in_read(&r->in, h, sizeof(*h));
	if (err == -ENODATA && !r->records)
		return ckpt_fail(-EINVAL, 0, "not an image of ckptbpf: too short");
	if (err == -ENODATA)
		return ckpt_fail(-EINVAL, 0, "the image ends after %llu records without its tail",
				 (unsigned long long)r->records);
	if (err)
		return ckpt_rec_refuse(&r->rec, err, "read");
	return 0;
}

/* Before a sum is computed: may this be a record at all, here? */
static int check_frame(struct ckpt_reader *r, const struct ckpt_layout *t)
{
	const struct ckpt_rec *rec = &r->rec;
	const struct ckpt_hdr *h = &rec->h;
	uint64_t max = h->type == CKPT_PAGES ?
		       sizeof(struct ckpt_pages) + CKPT_PAGE_SIZE +
		       CKPT_CHUNK_PAGES * (uint64_t)(CKPT_PAGE_SIZE + sizeof(uint64_t)) :
		       CKPT_MAX_META;

	if (r->state == AT_START && h->type != CKPT_HEADER && h->type != CKPT_ERROR)
		return ckpt_fail(-EINVAL, 0, "not an image of ckptbpf");
	if (h->flags & ~CKPT_F_REQUIRED)
		return ckpt_rec_refuse(rec, -EOPNOTSUPP, "flags 0x%x are unknown", h->flags);
	if (h->len % 8)
		return ckpt_rec_refuse(rec, -EINVAL, "its length is not a multiple of 8");
	if (h->len > max)
		return ckpt_rec_refuse(rec, -EINVAL, "a length of %llu is too long",
				       (unsigned long long)h->len);
	if (!t && h->flags & CKPT_F_REQUIRED)
		return ckpt_rec_refuse(rec, -EOPNOTSUPP,
				       "type %u is required and not known to this version", h->type);
	if (!t)
		return 0;
	if (!ckpt_type_layout(h->type, h->version))
		return ckpt_rec_refuse(rec, -EOPNOTSUPP, "version %u is not known to this version",
				       h->version);
	if (h->version != ckpt_type_version(h->type, r->format))
		return ckpt_rec_refuse(rec, -EINVAL, "version %u is not that of format %u", h->version,
				       r->format);
	if (h->len < ckpt_type_layout(h->type, h->version)->size)
		return ckpt_rec_refuse(rec, -EINVAL, "shorter than its struct");
	return 0;
}

static int check_order(struct ckpt_reader *r)
{
	const struct ckpt_rec *rec = &r->rec;

	switch (rec->h.type) {
	case CKPT_HEADER:
		if (r->state != AT_START)
			return ckpt_rec_refuse(rec, -EINVAL, "a second header");
		r->state = IN_META;
		return 0;
	case CKPT_PAGES:
		r->state = IN_PAGES;
		return 0;
	case CKPT_TAIL:
	case CKPT_ERROR:
		return 0;
	}
	return r->state == IN_PAGES ? ckpt_rec_refuse(rec, -EINVAL, "metadata behind pages") : 0;
}

/* Struct, trailing parts and fill of a record that is wholly in the buffer. */
static int check_layout(struct ckpt_reader *r, const struct ckpt_layout *t)
{
	const struct ckpt_rec *rec = &r->rec;
	uint64_t extra = ckpt_type_extra(t, r->buf);
	const char *pad = ckpt_type_bad_pad(t, r->buf);

	if (pad)
		return ckpt_rec_refuse(rec, -EINVAL, "%s is not zero", pad);
	if (rec->h.len != ckpt_align8(t->size + extra))
		return ckpt_rec_refuse(rec, -EINVAL, "its length does not fit its content");
	if (!all_zero(r->buf + t->size + extra, (size_t)(rec->h.len - t->size - extra)))
		return ckpt_rec_refuse(rec, -EINVAL, "the fill at its end is not zero");
	return 0;
}

static int check_header(struct ckpt_reader *r)
{
	const struct ckpt_header *h = (const void *)r->buf;

	if (h->magic != CKPT_MAGIC)
		return ckpt_fail(-EINVAL, 0, "not an image of ckptbpf");
	if (h->format > CKPT_FORMAT)
		return ckpt_rec_refuse(&r->rec, -EOPNOTSUPP, "format %u is newer than %u, the last one known",
				       h->format, CKPT_FORMAT);
	if (!h->format)
		return ckpt_rec_refuse(&r->rec, -EINVAL, "format %u never was", h->format);
	if (h->required)
		return ckpt_rec_refuse(&r->rec, -EOPNOTSUPP, "features 0x%llx are required and not known to this version",
				       (unsigned long long)h->required);
	if (h->page_size != CKPT_PAGE_SIZE)
		return ckpt_rec_refuse(&r->rec, -EOPNOTSUPP, "pages of %u bytes", h->page_size);
	r->format = h->format;
	return 0;
}

/* The snapshot itself says that it failed. */
static int report_error(struct ckpt_reader *r)
{
	const struct ckpt_error *e = (const void *)r->buf;

	return ckpt_fail(-EINVAL, 0, "the image holds no snapshot but its failure: %.*s",
			 (int)e->text_len, (const char *)(e + 1));
}

static int check_tail(struct ckpt_reader *r)
{
	const struct ckpt_tail *t = (const void *)r->buf;

	if (t->magic != CKPT_TAIL_MAGIC)
		return ckpt_rec_refuse(&r->rec, -EINVAL, "its magic is wrong");
	if (t->records != r->records)
		return ckpt_rec_refuse(&r->rec, -EINVAL, "%llu records were read, %llu written",
				       (unsigned long long)r->records,
				       (unsigned long long)t->records);
	if (t->pages != r->pages)
		return ckpt_rec_refuse(&r->rec, -EINVAL, "%llu pages were read, %llu written",
				       (unsigned long long)r->pages, (unsigned long long)t->pages);
	sha256_digest(&r->sha, sizeof(r->digest), r->digest);
	if (memcmp(t->digest, r->digest, sizeof(r->digest)))
		return ckpt_rec_refuse(&r->rec, -EINVAL, "the digest of the image is wrong");
	if (in_more(&r->in))
		return ckpt_rec_refuse(&r->rec, -EINVAL, "bytes behind the end of the image");
	r->state = AT_END;
	return 0;
}

/* The addresses and the fill of a chunk; its struct is in the buffer. */
static int read_chunk(struct ckpt_reader *r)
{
	const struct ckpt_rec *rec = &r->rec;
	size_t size = sizeof(struct ckpt_pages), head, fill;
	struct ckpt_pages *pg = &r->chunk;
	int err;

	memcpy(pg, r->buf, size);
	if (pg->npages > CKPT_CHUNK_PAGES)
		return ckpt_rec_refuse(rec, -EINVAL, "%u pages are too many", pg->npages);
	if (pg->codec > CKPT_CODEC_ZSTD)
		return ckpt_rec_refuse(rec, -EOPNOTSUPP, "codec %u is not known to this version",
				       pg->codec);
	if (pg->codec == CKPT_CODEC_NONE ? pg->data_len != (uint64_t)pg->npages * CKPT_PAGE_SIZE :
	    !pg->data_len || pg->data_len >= (uint64_t)pg->npages * CKPT_PAGE_SIZE)
		return ckpt_rec_refuse(rec, -EINVAL, "its data_len does not fit npages");
	head = size + pg->npages * sizeof(uint64_t);
	fill = pg->npages && pg->codec == CKPT_CODEC_NONE ?
		-(rec->offset + sizeof(rec->h) + head) % CKPT_PAGE_SIZE : 0;
	if (rec->h.len != head + fill + ckpt_align8(pg->data_len))
		return ckpt_rec_refuse(rec, -EINVAL, "its length does not fit its content");
	err = take_payload(r, size, head - size + fill);
	if (!err)
		err = check_crc(r, head + fill);
	if (err)
		return err;
	if (!all_zero(r->buf + head, fill))
		return ckpt_rec_refuse(rec, -EINVAL, "the fill before its data is not zero");
	if (!pg->npages && !all_zero(pg->xxh3, sizeof(pg->xxh3)))
		return ckpt_rec_refuse(rec, -EINVAL, "a sum of no data");
	sha256_update(&r->sha, sizeof(rec->h), (const uint8_t *)&rec->h);
	sha256_update(&r->sha, head, r->buf);
	r->data_left = pg->data_len;
	r->pages += pg->npages;
	return 0;
}

static int read_meta(struct ckpt_reader *r, const struct ckpt_layout *t)
{
	int err = take_payload(r, 0, (size_t)r->rec.h.len);

	if (!err)
		err = check_crc(r, (size_t)r->rec.h.len);
	if (!err && t)
		err = check_layout(r, t);
	if (err || r->rec.h.type == CKPT_TAIL)
		return err;
	sha256_update(&r->sha, sizeof(r->rec.h), (const uint8_t *)&r->rec.h);
	sha256_update(&r->sha, (size_t)r->rec.h.len, r->buf);
	return 0;
}

/* 1: a record for the caller; 2: one to skip; 0: the tail. */
static int next(struct ckpt_reader *r)
{
	const struct ckpt_layout *t;
	int err = read_header(r);

	if (err)
		return err;
	t = ckpt_type_fields(r->rec.h.type);
	err = check_frame(r, t);
	if (!err && t)
		err = check_order(r);
	if (err)
		return err;
	if (t)
		t = ckpt_type_layout(r->rec.h.type, r->rec.h.version);
	if (r->rec.h.type == CKPT_PAGES) {
		err = take_payload(r, 0, sizeof(struct ckpt_pages));
		if (!err)
			err = read_chunk(r);
	} else {
		err = read_meta(r, t);
	}
	if (err)
		return err;
	switch (r->rec.h.type) {
	case CKPT_HEADER:
		err = check_header(r);
		break;
	case CKPT_ERROR:
		return report_error(r);
	case CKPT_TAIL:
		return check_tail(r);
	}
	r->records++;
	return err ? err : t ? 1 : 2;
}

int ckpt_read_record(struct ckpt_reader *r, struct ckpt_rec *rec)
{
	int n = 0;

	if (r->state == FAILED)
		return r->err;
	if (r->state == AT_END)
		return 0;
	if (r->data_left) {
		if (!r->scratch)
			r->scratch = malloc(CKPT_CHUNK_PAGES * (size_t)CKPT_PAGE_SIZE);
		n = r->scratch ? ckpt_read_data(r, r->scratch) :
				 ckpt_fail(-ENOMEM, 0, "image: read");
	}
	while (n >= 0) {
		n = next(r);
		if (n != 2)
			break;
	}
	if (n < 0) {
		r->state = FAILED;
		r->err = n;
		return n;
	}
	r->rec.payload = r->buf;
	*rec = r->rec;
	return n;
}

/* What the stream has, packed or not, and the zeros behind it; its sum is right. */
static int take_data(struct ckpt_reader *r, uint8_t *buf, size_t len)
{
	uint8_t sum[16], behind[8];
	size_t pad = ckpt_align8(len) - len;
	int err = take(r, buf, len);

	if (err)
		return err;
	ckpt_xxh3(sum, buf, len);
	if (memcmp(sum, r->chunk.xxh3, sizeof(sum)))
		return ckpt_rec_refuse(&r->rec, -EINVAL, "the checksum of its data is wrong");
	err = take(r, behind, pad);
	if (!err && !all_zero(behind, pad))
		err = ckpt_rec_refuse(&r->rec, -EINVAL, "the fill behind its data is not zero");
	return err;
}

static int take_packed(struct ckpt_reader *r, void *buf, size_t len)
{
	int err;

	if (!r->packed)
		r->packed = malloc(CKPT_CHUNK_PAGES * (size_t)CKPT_PAGE_SIZE);
	if (!r->packed)
		return ckpt_fail(-ENOMEM, 0, "image: read");
	err = take_data(r, r->packed, len);
	if (!err && ckpt_unpack(r->chunk.codec, r->packed, len, buf, r->chunk.npages * (size_t)CKPT_PAGE_SIZE))
		err = ckpt_rec_refuse(&r->rec, -EINVAL, "its data cannot be unpacked");
	return err;
}

int ckpt_read_data(struct ckpt_reader *r, void *buf)
{
	size_t len = (size_t)r->data_left;
	int err;

	if (!len || r->state == FAILED)
		return r->state == FAILED ? r->err : 0;
	err = r->chunk.codec == CKPT_CODEC_NONE ? take_data(r, buf, len) : take_packed(r, buf, len);
	r->data_left = 0;
	if (err) {
		r->state = FAILED;
		r->err = err;
	}
	return err;
}
