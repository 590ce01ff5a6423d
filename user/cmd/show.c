// SPDX-License-Identifier: GPL-2.0
/*
 * What an image holds, record by record as it is read. A damaged one is shown
 * up to its damage, which is the exit status; JSON is whole even then.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "image/show.h"
#include "lib/fail.h"
#include "lib/vec.h"
#include "res/clocks.h"

static const char help[] =
"usage: ckptbpf show [OPTIONS] FILE|-\n"
"\n"
"  -j, --json     one JSON object\n"
"      --losses   only what the program had and the image does not hold\n";

enum { OPT_LOSSES = 256 };

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "losses", no_argument, NULL, OPT_LOSSES },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct mm_pages {
	uint32_t mm;
	bool complete;
	uint64_t pages, chunks;
};

struct show {
	bool json, losses;
	uint8_t boot_id[16];	/* of the header */
	bool header;		/* has been printed */
	uint64_t listed;	/* elements of the JSON array so far */
	VEC(struct mm_pages) mms;
	VEC(uint32_t) place;	/* by objref: 1 + place in mms, 0: none */
};

/* Where the pages of rec's owner are counted; NULL: refused. */
static struct mm_pages *pages_of(struct show *s, const struct ckpt_rec *rec)
{
	uint32_t mm = rec->h.owner;
	struct mm_pages *m;

	/* Each object had a record of its own. */
	if (mm >= rec->number) {
		ckpt_rec_refuse(rec, -EINVAL, "its owner %u is no MM", mm);
		return NULL;
	}
	while (s->place.n <= mm)
		if (!vec_push(&s->place))
			goto nomem;
	if (!s->place.v[mm]) {
		m = vec_push(&s->mms);
		if (!m)
			goto nomem;
		m->mm = mm;
		s->place.v[mm] = (uint32_t)s->mms.n;
	}
	return &s->mms.v[s->place.v[mm] - 1];
nomem:
	ckpt_rec_refuse(rec, -ENOMEM, "reading");
	return NULL;
}

static int count_pages(struct show *s, const struct ckpt_rec *rec)
{
	const struct ckpt_pages *pg = rec->payload;
	struct mm_pages *m = pages_of(s, rec);

	if (!m)
		return ckpt_fail_err();
	m->pages += pg->npages;
	m->chunks += !!pg->npages;
	m->complete |= !pg->npages;
	return 0;
}

static int put_json(json_object *o)
{
	const char *s = o ? json_object_to_json_string_ext(o, JSON_C_TO_STRING_SPACED |
						     JSON_C_TO_STRING_NOSLASHESCAPE) : NULL;

	if (s)
		fputs(s, stdout);
	json_object_put(o);
	return s ? 0 : ckpt_fail(-ENOMEM, 0, "JSON");
}

static int show_loss(struct show *s, const struct ckpt_rec *rec)
{
	const struct ckpt_loss *l = rec->payload;
	char *text;

	if (s->json) {
		printf("%s\n  ", s->listed++ ? "," : "");
		return put_json(ckpt_show_json_fields(rec));
	}
	text = ckpt_show_escape(l + 1, l->text_len);
	if (!text)
		return ckpt_rec_refuse(rec, -ENOMEM, "reading");
	if (l->pid > 0)
		printf("pid %d: ", l->pid);
	printf("%s\n", text);
	free(text);
	return 0;
}

/* What a restore would do here and now. */
static int show_clocks(const struct show *s, const struct ckpt_clocks *saved)
{
	struct clocks_choice c;
	int err;

	if (saved->monotonic_ns < 0 || saved->boottime_ns < 0)
		return 0;	/* no image of ours: verify and restore refuse it */
	err = res_clocks_choose(saved, s->boot_id, CLOCKS_AUTO, &c);
	if (err)
		return err;
	if (!c.own)
		printf("      here its clocks would go on as ours\n");
	else if (c.back_ns)
		printf("      ours are %.3f s behind: here it would have a time namespace of its own\n",
		       (double)c.back_ns / 1e9);
	else
		printf("      here it would have a time namespace of its own\n");
	return 0;
}

static int show_record(struct show *s, const struct ckpt_rec *rec)
{
	if (rec->h.type == CKPT_HEADER)
		memcpy(s->boot_id, ((const struct ckpt_header *)rec->payload)->boot_id, sizeof(s->boot_id));
	if (rec->h.type == CKPT_PAGES)
		return s->losses ? 0 : count_pages(s, rec);
	if (s->losses)
		return rec->h.type == CKPT_LOSS ? show_loss(s, rec) : 0;
	if (!s->json) {
		ckpt_show_text(stdout, rec);
		return rec->h.type == CKPT_CLOCKS ? show_clocks(s, rec->payload) : 0;
	}
	if (!s->header) {
		int err;

		s->header = true;
		printf("{\n\"header\": ");
		err = put_json(ckpt_show_json_fields(rec));
		printf(",\n\"records\": [");
		return err;
	}
	printf("%s\n  ", s->listed++ ? "," : "");
	return put_json(ckpt_show_json(rec));
}

static void end_text(struct show *s, const struct ckpt_rec *tail)
{
	for (size_t i = 0; i < s->mms.n; i++)
		printf("      PAGES of %u: %" PRIu64 " pages in %" PRIu64 " chunks%s\n", s->mms.v[i].mm,
		       s->mms.v[i].pages, s->mms.v[i].chunks, s->mms.v[i].complete ? "" : ", without end");
	if (tail)
		ckpt_show_text(stdout, tail);
}

static void end_json(struct show *s, const struct ckpt_rec *tail)
{
	if (!s->header)
		printf("{\n\"records\": [");
	printf("\n],\n\"pages\": [");
	for (size_t i = 0; i < s->mms.n; i++)
		printf("%s\n  { \"mm\": %u, \"pages\": %" PRIu64 ", \"chunks\": %" PRIu64
		       ", \"complete\": %s }", i ? "," : "", s->mms.v[i].mm, s->mms.v[i].pages,
		       s->mms.v[i].chunks, s->mms.v[i].complete ? "true" : "false");
	printf("\n]");
	if (tail) {
		printf(",\n\"tail\": ");
		put_json(ckpt_show_json_fields(tail));
	} else {
		char *why = ckpt_show_escape(ckpt_fail_text(), strlen(ckpt_fail_text()));

		printf(",\n\"error\": ");
		put_json(json_object_new_string(why ? why : ""));
		free(why);
	}
	printf("\n}\n");
}

static int show_image(struct show *s, struct ckpt_reader *r)
{
	struct ckpt_rec rec;
	int got = 1, err = 0;

	if (s->losses && s->json)
		putchar('[');
	while (got > 0 && !err) {
		got = ckpt_read_record(r, &rec);
		err = got > 0 ? show_record(s, &rec) : got;
	}
	if (!s->losses && s->json)
		end_json(s, err ? NULL : &rec);
	else if (!s->losses)
		end_text(s, err ? NULL : &rec);
	else if (s->json)
		puts(s->listed ? "\n]" : "]");
	return err;
}

static int parse(int argc, char **argv, struct show *s)
{
	int c;

	while ((c = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		switch (c) {
		case 'j': s->json = true; break;
		case OPT_LOSSES: s->losses = true; break;
		case 'h': fputs(help, stdout); return CKPT_EXIT_OK;
		default: fputs(help, stderr); return CKPT_EXIT_USAGE;
		}
	}
	if (optind + 1 == argc)
		return -1;
	fputs(help, stderr);
	return CKPT_EXIT_USAGE;
}

int cmd_show(int argc, char **argv)
{
	struct show s = { 0 };
	struct ckpt_reader *r = NULL;
	int status = parse(argc, argv, &s), err;

	if (status >= 0)
		return status;
	ckpt_fail_step(argv[optind]);
	err = ckpt_reader_open_path(&r, argv[optind]);
	if (!err)
		err = show_image(&s, r);
	vec_free(&s.mms);
	vec_free(&s.place);
	ckpt_reader_close(r);
	if ((fflush(stdout) || ferror(stdout)) && !err)
		err = ckpt_fail(errno ? -errno : -EIO, 0, "standard output: write");
	return err ? CKPT_EXIT_FAILED : CKPT_EXIT_OK;
}
