// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/fail.h"
#include "res/plan.h"

static const char help[] =
"usage: ckptbpf verify [OPTIONS] FILE|-\n"
"\n"
"Read every byte of an image, check every sum and every value as restore would.\n"
"\n"
"  -q, --quiet   print nothing when it is good\n";

static const struct option options[] = {
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void print_good(const char *path, const struct ckpt_reader *r, const struct ckpt_tail *t)
{
	const uint8_t *sum = ckpt_reader_digest(r);

	printf("verify: %s: ok (%llu records, %llu pages, sha256:", path,
	       (unsigned long long)t->records, (unsigned long long)t->pages);
	for (int i = 0; i < 32; i++)
		printf("%02x", sum[i]);
	printf(")\n");
}

int cmd_verify(int argc, char **argv)
{
	struct ckpt_reader *r = NULL;
	struct ckpt_plan plan;
	struct ckpt_rec rec;
	bool quiet = false;
	int c, err;

	while ((c = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return CKPT_EXIT_OK;
		}
		if (c != 'q') {
			fputs(help, stderr);
			return CKPT_EXIT_USAGE;
		}
		quiet = true;
	}
	if (optind + 1 != argc) {
		fputs(help, stderr);
		return CKPT_EXIT_USAGE;
	}
	ckpt_fail_step(argv[optind]);
	plan_init(&plan);
	err = ckpt_reader_open_path(&r, argv[optind]);
	if (!err)
		err = plan_read_all(&plan, r, &rec);
	if (!err && !quiet)
		print_good(argv[optind], r, rec.payload);
	plan_free(&plan);
	ckpt_reader_close(r);
	if (!err && fflush(stdout))
		err = ckpt_fail(-errno, 0, "standard output: write");
	return err ? CKPT_EXIT_FAILED : CKPT_EXIT_OK;
}
