/* SPDX-License-Identifier: GPL-2.0 */
/* Writing and reading the record stream; knows frames, not resources. */
#ifndef CKPT_IMAGE_IO_H
#define CKPT_IMAGE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "ckptbpf/image.h"

/* ---- writer ---- */
struct ckpt_writer;
struct ckpt_packing;		/* image/codec.h */

/*
 * To path: into a temporary name beside it (mode 0600), which commit() fsyncs
 * and renames; an existing path needs force (-EEXIST). path "-" or fd >= 0: a
 * stream. deadline_ns (CLOCK_MONOTONIC, 0: none) bounds every write while it
 * is set: a slow reader gives -ETIMEDOUT.
 */
int ckpt_writer_open_path(struct ckpt_writer **ret, const char *path, bool force);
int ckpt_writer_open_fd(struct ckpt_writer **ret, int fd);
void ckpt_writer_deadline(struct ckpt_writer *w, uint64_t deadline_ns);
/* True for a pipe or socket: commit() there waits until the reader took everything. */
bool ckpt_writer_is_stream(const struct ckpt_writer *w);

/*
 * One metadata record: st of st_len bytes, then extra_len bytes of extra (may
 * be NULL), zero-filled to 8. version is what the HEADER's format wants and
 * CKPT_F_REQUIRED is set unless type is LOSS, ACCT, CONTAINER or FILECHECK. Small
 * records are buffered (64 KiB).
 */
int ckpt_write_record(struct ckpt_writer *w, uint16_t type, uint32_t owner,
		      const void *st, size_t st_len, const void *extra, size_t extra_len);

/* One chunk: n addresses and n * 4096 bytes of data. n == 0 ends the mm. */
int ckpt_write_pages(struct ckpt_writer *w, uint32_t mm, const uint64_t *addrs, uint32_t n,
		     const void *data);
/* The same of data that somebody has packed already: data_len bytes, fewer than n * 4096. */
int ckpt_write_packed(struct ckpt_writer *w, uint32_t mm, const uint64_t *addrs, uint32_t n,
		      enum ckpt_codec codec, const void *data, size_t data_len);
/* From now on ckpt_write_pages() packs, where it saves something. */
int ckpt_writer_packing(struct ckpt_writer *w, const struct ckpt_packing *how);

/*
 * Write the TAIL. finish() makes it durable and visible: file: fsync, rename;
 * pipe: wait until the reader has taken it all (-EPIPE: it went away first).
 */
int ckpt_writer_tail(struct ckpt_writer *w);
int ckpt_writer_finish(struct ckpt_writer *w);
/* A stream gets an ERROR record, a file is unlinked. Then as close(). */
void ckpt_writer_fail(struct ckpt_writer *w, int pid, int err, const char *text);
/* Bytes written so far. */
uint64_t ckpt_writer_bytes(const struct ckpt_writer *w);
/* SHA-256 of the tail, after tail(). */
const uint8_t *ckpt_writer_digest(const struct ckpt_writer *w);
/* Frees; without a finish() before, a file is unlinked and a stream left without a tail. */
void ckpt_writer_close(struct ckpt_writer *w);

/* ---- reader ---- */
struct ckpt_reader;

/* One record. payload is the reader's, valid until the next call. Of PAGES only the struct and the addresses. */
struct ckpt_rec {
	struct ckpt_hdr h;
	const void *payload;
	uint64_t offset;	/* of the header in the stream */
	uint64_t number;	/* of records before it */
};

/*
 * Tell ckpt_fail(): "record 17 (VMA) at 0x4a8: end is not page-aligned". err is
 * -EINVAL (damaged) or -EOPNOTSUPP (not known here) or the errno of a read; it
 * is returned.
 */
int ckpt_rec_refuse(const struct ckpt_rec *rec, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Takes over fd. A pipe or a regular file; never seeks. */
int ckpt_reader_open(struct ckpt_reader **ret, int fd);
/* "-" is standard input; a folder or what cannot be opened is refused. */
int ckpt_reader_open_path(struct ckpt_reader **ret, const char *path);
/* From memory, for tests and the fuzzer; buf stays the caller's. */
int ckpt_reader_open_mem(struct ckpt_reader **ret, const void *buf, size_t len);
void ckpt_reader_close(struct ckpt_reader *r);

/*
 * Next record, framing checked: known type or not REQUIRED (those are skipped
 * silently), version, length, crc, zero fill, frame order (HEADER first, no
 * metadata after PAGES, nothing after TAIL). 1: a record; 0: the TAIL has been
 * read and verified; -errno: ckpt_fail() has been told. An ERROR record is
 * returned as failure with its text. Data of a PAGES record not fetched with
 * ckpt_read_data() is read and verified by the next call all the same.
 */
int ckpt_read_record(struct ckpt_reader *r, struct ckpt_rec *rec);

/* Data of the PAGES record just read into buf (npages * 4096 bytes), its XXH3 verified. */
int ckpt_read_data(struct ckpt_reader *r, void *buf);

/* SHA-256 of the tail, after ckpt_read_record() returned 0. */
const uint8_t *ckpt_reader_digest(const struct ckpt_reader *r);

/* Size of the newest struct of a type, 0 if unknown; its name "VMA". */
size_t ckpt_type_size(uint16_t type);
const char *ckpt_type_name(uint16_t type);

#endif
