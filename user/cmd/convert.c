// SPDX-License-Identifier: GPL-2.0
/* An image as something else: a core file, or an image again. Read once, as it comes. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/options.h"
#include "core/core.h"
#include "image/version.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/interrupt.h"
#include "lib/log.h"
#include "res/plan.h"

static const char help[] =
"usage: ckptbpf convert --to core|vN [OPTIONS] [FILE|-]\n"
"\n"
"Make a core file for debuggers of an image, or write it in another version.\n"
"\n"
"      --to core|vN     core: a core file of one process; v1, v2: an image of that version\n"
"  -o, --output FILE|-  default core.PID, whose name is printed; of an image standard output\n"
"      --pid PID        core: of this process, not of the first one of the image\n"
"  -f, --force          replace an existing file\n";

enum { OPT_TO = 256, OPT_PID };

static const struct option options[] = {
	{ "to", required_argument, NULL, OPT_TO },
	{ "output", required_argument, NULL, 'o' },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "force", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct convert {
	const char *to, *in, *out;
	bool force, to_core;
	uint32_t format;		/* of the new image */
	const char *lost;		/* what that has no place for, of nlost records */
	size_t nlost;
	int32_t pid;
	struct ckpt_plan plan;
	struct ckpt_reader *reader;
	struct core *core;		/* one of these two */
	struct ckpt_writer *writer;
	void *data;			/* of a chunk */
};

/* With all metadata read and found whole: a core file can be begun. */
static int end_metadata(struct convert *c)
{
	int err = plan_complete(&c->plan);

	if (err)
		return err;
	c->data = malloc((size_t)CKPT_CHUNK_PAGES * CKPT_PAGE_SIZE);
	if (!c->data)
		return ckpt_fail(-ENOMEM, 0, "page buffer");
	return c->to_core ? core_open(&c->core, &c->plan, c->pid, c->out, c->force) : 0;
}

/* The texts behind it go out as they are. */
static int write_header(struct convert *c, const struct ckpt_rec *rec)
{
	struct ckpt_header h;

	memcpy(&h, rec->payload, sizeof(h));
	h.format = c->format;
	return ckpt_write_record(c->writer, CKPT_HEADER, 0, &h, sizeof(h),
				 (const char *)rec->payload + sizeof(h), (size_t)rec->h.len - sizeof(h));
}

static int write_metadata(struct convert *c, const struct ckpt_rec *rec)
{
	struct ckpt_converted as;

	if (rec->h.type == CKPT_HEADER)
		return write_header(c, rec);
	ckpt_convert(&as, rec, c->format);
	if (as.lost) {
		c->lost = as.lost;
		c->nlost++;
	}
	return ckpt_write_record(c->writer, rec->h.type, rec->h.owner, as.rec.payload, (size_t)as.rec.h.len,
				 NULL, 0);
}

static int take_metadata(struct convert *c, const struct ckpt_rec *rec)
{
	int err = plan_add(&c->plan, rec);

	return err || c->to_core ? err : write_metadata(c, rec);
}

static int take_pages(struct convert *c, const struct ckpt_rec *rec)
{
	const struct ckpt_pages *pg = rec->payload;
	const uint64_t *addrs = (const uint64_t *)(pg + 1);
	int err = plan_pages(&c->plan, rec);

	if (!err && pg->npages)
		err = ckpt_read_data(c->reader, c->data);
	if (err)
		return err;
	return c->to_core ? core_pages(c->core, rec->h.owner, addrs, pg->npages, c->data) :
			    ckpt_write_pages(c->writer, rec->h.owner, addrs, pg->npages, c->data);
}

static int finish(struct convert *c)
{
	int err = plan_pages_complete(&c->plan);

	if (err)
		return err;
	if (c->to_core)
		return core_finish(c->core);
	err = ckpt_writer_tail(c->writer);
	return err ? err : ckpt_writer_finish(c->writer);
}

static int convert_all(struct convert *c)
{
	struct ckpt_rec rec;
	bool metadata = true;
	int got, err;

	do {
		err = ckpt_interrupt_check();
		got = err ? err : ckpt_read_record(c->reader, &rec);
		if (got < 0)
			return got;
		if (metadata && (!got || rec.h.type == CKPT_PAGES)) {
			metadata = false;
			err = end_metadata(c);
		}
		if (!err && got)
			err = metadata ? take_metadata(c, &rec) : take_pages(c, &rec);
	} while (got && !err);
	return err ? err : finish(c);
}

static int convert(struct convert *c)
{
	int err = ckpt_reader_open_path(&c->reader, c->in);

	if (!err && !c->to_core)
		err = ckpt_writer_open_path(&c->writer, c->out ? c->out : "-", c->force);
	if (!err)
		err = convert_all(c);
	if (!err && c->nlost)
		pr_warn("convert: %s: version %u of the image has no place for %s: of %zu record%s", c->in,
			c->format, c->lost, c->nlost, c->nlost == 1 ? "" : "s");
	if (err && c->writer) {
		ckpt_writer_fail(c->writer, ckpt_fail_pid(), err, ckpt_fail_text());
		c->writer = NULL;
	}
	if (!err && c->to_core && !c->out) {
		puts(core_path(c->core));
		if (fflush(stdout))
			err = ckpt_fail(-errno, 0, "standard output: write");
	}
	return err;
}

static int check_target(struct convert *c)
{
	int version;

	c->to_core = !strcmp(c->to, "core");
	if (c->to_core)
		return 0;
	if (c->to[0] != 'v' || c->to[1] == '0' || !options_number(c->to + 1, 1, INT_MAX, &version)) {
		ckpt_fail(-EINVAL, 0, "--to %s: neither core nor a version of the image", c->to);
		return 1 + CKPT_EXIT_USAGE;
	}
	if (version > CKPT_FORMAT) {
		ckpt_fail(-EOPNOTSUPP, 0, "--to v%d: the newest version of the image is v%d", version,
			  CKPT_FORMAT);
		return 1 + CKPT_EXIT_FAILED;
	}
	c->format = (uint32_t)version;
	return 0;
}

/* 0: go on; else the exit status plus one. */
static int parse(struct convert *c, int argc, char **argv)
{
	int o;

	while ((o = getopt_long(argc, argv, "o:fh", options, NULL)) != -1) {
		switch (o) {
		case OPT_TO: c->to = optarg; break;
		case 'o': c->out = optarg; break;
		case 'f': c->force = true; break;
		case OPT_PID:
			if (!options_number(optarg, 1, INT_MAX, &c->pid))
				return options_usage(help);
			break;
		case 'h':
			return options_help(help);
		default:
			return options_usage(help);
		}
	}
	if (!c->to || optind + 1 < argc)
		return options_usage(help);
	c->in = optind < argc ? argv[optind] : "-";
	return check_target(c);
}

int cmd_convert(int argc, char **argv)
{
	struct convert c = { 0 };
	int status = parse(&c, argc, argv), err;
	unsigned int losses;

	if (status)
		return status - 1;
	ckpt_fail_step(c.in);
	ckpt_interrupt_catch();
	plan_init(&c.plan);
	err = convert(&c);
	losses = c.core ? core_losses(c.core) : 0;
	core_close(c.core);
	ckpt_writer_close(c.writer);
	ckpt_reader_close(c.reader);
	plan_free(&c.plan);
	free(c.data);
	if (err)
		return CKPT_EXIT_FAILED;
	return losses || c.nlost ? CKPT_EXIT_LOSSES : CKPT_EXIT_OK;
}
