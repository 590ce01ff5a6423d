// SPDX-License-Identifier: GPL-2.0
/* What is written is what is read: by file, pipe and memory; and in which order the bytes lie. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include "tests/unit/image_sample.h"

static void write_sample(struct ckpt_writer *w, const char *name)
{
	for (size_t i = 0; i < GOLDEN_IMAGES; i++)
		if (!strcmp(golden_images[i].name, name))
			need(!golden_write(&golden_images[i], w));
}

/* Every record and every page from r equals the one in img. */
static bool same(struct ckpt_reader *r, const struct image *img)
{
	static uint8_t data[CKPT_CHUNK_PAGES * CKPT_PAGE_SIZE];
	struct ckpt_rec rec;
	size_t at = 0;
	int got;

	while ((got = ckpt_read_record(r, &rec)) >= 0) {
		struct ckpt_hdr h = image_hdr(img, at);
		size_t crc, digest;

		image_covered(img, at, &crc, &digest);
		if (rec.offset != at || memcmp(&rec.h, &h, sizeof(h)) ||
		    memcmp(rec.payload, img->p + at + sizeof(h), digest))
			return false;
		if (h.type == CKPT_PAGES && h.len > crc &&
		    (ckpt_read_data(r, data) || (at + sizeof(h) + crc) % CKPT_PAGE_SIZE ||
		     memcmp(data, img->p + at + sizeof(h) + crc, (size_t)h.len - crc)))
			return false;
		at = image_next(img, at);
		if (!got)
			break;
	}
	return got == 0 && at == img->len;
}

static void test_memory(const char *name)
{
	struct image img = sample(name);
	struct ckpt_reader *r;

	need(!ckpt_reader_open_mem(&r, img.p, img.len));
	ok(same(r, &img), "%s: from memory", name);
	ckpt_reader_close(r);
	ok(!sample_check(&img), "%s: the plan takes it", name);
	free(img.p);
}

static void test_file(const char *name)
{
	char path[] = "/tmp/ckptbpf-unit-XXXXXX";
	struct image img = sample(name);
	struct ckpt_writer *w;
	struct ckpt_reader *r;
	int fd = mkstemp(path);

	need(fd >= 0 && !close(fd));
	need(!ckpt_writer_open_path(&w, path, true));
	ok(!ckpt_writer_is_stream(w), "a file is no stream");
	write_sample(w, name);
	ok(ckpt_writer_bytes(w) == img.len, "%s: its length is known", name);
	ok(!ckpt_writer_finish(w), "%s: finished", name);
	need(!ckpt_reader_open_path(&r, path));
	ok(same(r, &img), "%s: from a file", name);
	ok(!memcmp(ckpt_reader_digest(r), ckpt_writer_digest(w), 32), "%s: same digest", name);
	ckpt_reader_close(r);
	ckpt_writer_close(w);
	unlink(path);
	free(img.p);
}

struct job {
	const char *name;
	int fd;
	int err;
};

static void *write_to_pipe(void *arg)
{
	struct job *j = arg;
	struct ckpt_writer *w;

	need(!ckpt_writer_open_fd(&w, j->fd));
	ok(ckpt_writer_is_stream(w), "a pipe is a stream");
	write_sample(w, j->name);
	j->err = ckpt_writer_finish(w);
	ckpt_writer_close(w);
	return NULL;
}

static void test_pipe(const char *name)
{
	struct image img = sample(name);
	struct job j = { .name = name };
	struct ckpt_reader *r;
	pthread_t t;
	int fds[2];

	need(!pipe2(fds, O_CLOEXEC));
	/* The least a pipe can hold: the writer must wait for the reader all the time. */
	fcntl(fds[1], F_SETPIPE_SZ, 4096);
	j.fd = fds[1];
	need(!pthread_create(&t, NULL, write_to_pipe, &j));
	need(!ckpt_reader_open(&r, fds[0]));
	ok(same(r, &img), "%s: through a pipe of one page", name);
	pthread_join(t, NULL);
	ok(!j.err, "%s: the writer saw that all was taken", name);
	ckpt_reader_close(r);
	close(fds[1]);
	free(img.p);
}

/* The example of the first design, record by record. */
static void test_two_vmas(void)
{
	static const uint16_t want[] = {
		CKPT_HEADER, CKPT_HEADER_ARCH, CKPT_TASK, CKPT_RLIMITS, CKPT_THREAD, CKPT_CPU, CKPT_FILE,
		CKPT_MM, CKPT_VMA, CKPT_VMA, CKPT_FS, CKPT_SIGHAND, CKPT_CREDS, CKPT_PAGES, CKPT_PAGES,
		CKPT_PAGES, CKPT_TAIL,
	};
	static const uint32_t npages[] = { 2, 3, 0 };
	struct image img = sample("two-vmas");
	size_t at = 0, n = 0, chunk = 0;
	bool good = true;

	for (; image_whole(&img, at) && n < sizeof(want) / sizeof(*want); at = image_next(&img, at), n++) {
		struct ckpt_hdr h = image_hdr(&img, at);
		struct ckpt_pages pg;
		uint64_t addr, first;

		good = good && h.type == want[n];
		if (h.type != CKPT_PAGES)
			continue;
		memcpy(&pg, img.p + at + sizeof(h), sizeof(pg));
		good = good && pg.npages == npages[chunk++];
		for (uint32_t i = 0; i < pg.npages; i++) {
			memcpy(&addr, img.p + at + sizeof(h) + sizeof(pg) + 8 * i, 8);
			memcpy(&first, img.p + image_next(&img, at) - (pg.npages - i) * CKPT_PAGE_SIZE, 8);
			good = good && addr == first;
		}
	}
	ok(good && n == sizeof(want) / sizeof(*want) && at == img.len && chunk == 3,
	   "two VMAs, 2 and 3 pages: header, addresses, pages, and an empty chunk at the end");
	free(img.p);
}

static void test_interleaved(void)
{
	struct image img = sample("family");
	uint32_t owner[6] = { 0 };

	for (unsigned int i = 0; i < 6; i++) {
		size_t at = image_find(&img, CKPT_PAGES, i);

		need(at != SIZE_MAX);
		owner[i] = image_hdr(&img, at).owner;
	}
	ok(owner[0] == owner[2] && owner[1] == owner[4] && owner[0] != owner[1] && !sample_check(&img),
	   "chunks of two mm's lie between each other");
	free(img.p);
}

/* A record nobody knows, anywhere before the tail: skipped unless it is required. */
static void test_unknown(void)
{
	struct { struct ckpt_hdr h; uint64_t x[3]; } rec = {
		{ .type = 7777, .version = 9, .len = 24 }, { 1, 2, 3 },
	};
	struct image img = sample("family");
	unsigned int n = 0, bad = 0;

	for (size_t at = 0; image_whole(&img, at) && image_hdr(&img, at).type != CKPT_PAGES; n++) {
		struct image with = image_copy(&img, sizeof(rec));

		at = image_next(&img, at);
		rec.h.flags = 0;
		image_splice(&with, at, 0, &rec, sizeof(rec));
		image_fix(&with);
		/* What follows lies elsewhere: chunks no longer begin where they must. */
		if (!sample_refused(&with, "(PAGES)") ||
		    !strstr(ckpt_fail_text(), "does not fit its content"))
			bad++;
		rec.h.flags = CKPT_F_REQUIRED;
		memcpy(with.p + at, &rec, sizeof(rec));
		image_fix(&with);
		if (!sample_refused(&with, "type 7777 is required and not known"))
			bad++;
		free(with.p);
	}
	ok(n > 50 && !bad, "a required record that is not known is refused by number, in %u places", n);
	free(img.p);

	img = sample("bare");
	rec.h.flags = 0;
	n = bad = 0;
	for (size_t at = 0; image_whole(&img, at) && image_hdr(&img, at).type != CKPT_TAIL; n++) {
		struct image with = image_copy(&img, sizeof(rec));

		at = image_next(&img, at);
		image_splice(&with, at, 0, &rec, sizeof(rec));
		image_fix(&with);
		bad += sample_check(&with) != 0;
		free(with.p);
	}
	ok(n == 12 && !bad, "an optional one is skipped, in %u places", n);
	free(img.p);
}

int main(void)
{
	for (size_t i = 0; i < GOLDEN_IMAGES; i++) {
		test_memory(golden_images[i].name);
		test_file(golden_images[i].name);
		test_pipe(golden_images[i].name);
	}
	test_two_vmas();
	test_interleaved();
	test_unknown();
	return tap_done();
}
