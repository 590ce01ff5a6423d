// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <limits.h>

#include "cmd/asked.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "flow/snapshot.h"
#include "res/ghost.h"

static const char help[] =
"usage: ckptbpf snapshot [OPTIONS] PID\n"
"\n"
"  -o, --output FILE|-   the image; default ckpt.PID.CRID.img, whose name is printed\n"
"      --keep            keep the image in memory instead, and print its number\n"
"  -k, --kill            kill the process once the image is complete\n"
"      --leave-stopped   leave it stopped (SIGSTOP) instead of running\n"
"      --only            this process alone, without its children\n"
"  -n, --dry-run         only tell what cannot be saved, what would be lost, how long it takes\n"
"  -f, --force           replace an existing file\n"
"      --engine NAME     auto, kmod or stock\n"
"      --capture HOW     auto, copy (in the stop) or cow (from a clone, after it)\n"
"      --compress HOW    none, lz4 or zstd[:LEVEL]\n"
"      --max-frozen MS   give up, and let it go, when it is stopped for longer\n"
"      --ghost-limit SIZE  most data of one deleted file, in bytes or with K, M, G; default 64M\n"
"      --strict          fail if anything would be lost\n"
"      --stats FILE      times and sizes as JSON\n"
"  -q, --quiet           only errors\n"
"  -v, --verbose         each step\n";

enum { OPT_LEAVE_STOPPED = 256, OPT_ONLY, OPT_MAX_FROZEN, OPT_STRICT, OPT_KEEP, OPT_SELF, OPT_REPLY,
       OPT_CAPTURE, OPT_COMPRESS, OPT_GHOST_LIMIT };

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "kill", no_argument, NULL, 'k' },
	{ "leave-stopped", no_argument, NULL, OPT_LEAVE_STOPPED },
	{ "only", no_argument, NULL, OPT_ONLY },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "force", no_argument, NULL, 'f' },
	{ "capture", required_argument, NULL, OPT_CAPTURE },
	{ "compress", required_argument, NULL, OPT_COMPRESS },
	{ "max-frozen", required_argument, NULL, OPT_MAX_FROZEN },
	{ "ghost-limit", required_argument, NULL, OPT_GHOST_LIMIT },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "keep", no_argument, NULL, OPT_KEEP },
	/* Of libckptbpf alone: the thread that waits and where it does; where the answer goes. */
	{ "self", required_argument, NULL, OPT_SELF },
	{ "reply", required_argument, NULL, OPT_REPLY },
	OPTIONS_RUN
};

/* What goes beyond the snapshot itself. */
struct asked {
	struct snapshot_caller caller;
	struct ckpt_reply_to to;
	bool keep;
};

/* "TID:ADDR", as the library has it. */
static bool parse_self(struct snapshot_caller *c, const char *arg)
{
	struct ckpt_reply_to at;

	if (!ckpt_reply_parse(arg, &at))
		return false;
	c->tid = at.pid;
	c->ip = at.addr;
	return true;
}

static const char *const captures[] = {
	[CAPTURE_AUTO] = "auto", [CAPTURE_COPY] = "copy", [CAPTURE_COW] = "cow", NULL,
};

/* 0: go on; else the exit status plus one. */
static int parse(struct snapshot_opts *o, struct asked *a, int argc, char **argv)
{
	unsigned int word;
	int c, ms;

	while ((c = getopt_long(argc, argv, "o:knfqvh", options, NULL)) != -1) {
		switch (c) {
		case 'o': o->out = optarg; break;
		case 'k': o->end = SNAPSHOT_KILL; break;
		case OPT_LEAVE_STOPPED: o->end = SNAPSHOT_STOP; break;
		case OPT_ONLY: o->only = true; break;
		case 'n': o->dry_run = true; break;
		case 'f': o->force = true; break;
		case OPT_CAPTURE:
			if (!options_word(optarg, captures, &word))
				return options_usage(help);
			o->capture = (enum snapshot_capture)word;
			break;
		case OPT_COMPRESS:
			if (!ckpt_packing_parse(optarg, &o->packing))
				return options_usage(help);
			break;
		case OPT_MAX_FROZEN:
			if (!options_number(optarg, 1, 3600000, &ms))
				return options_usage(help);
			o->max_frozen_ms = (unsigned int)ms;
			break;
		case OPT_GHOST_LIMIT:
			if (!options_size(optarg, &o->ghost_limit))
				return options_usage(help);
			break;
		case OPT_STRICT: o->strict = true; break;
		case OPT_KEEP: a->keep = true; break;
		case OPT_SELF:
			if (!parse_self(&a->caller, optarg))
				return options_usage(help);
			o->caller = &a->caller;
			break;
		case OPT_REPLY:
			if (!ckpt_reply_parse(optarg, &a->to))
				return options_usage(help);
			break;
		case 'h':
			return options_help(help);
		default:
			if (!options_run(c, &o->engine, &o->stats))
				return options_usage(help);
		}
	}
	if (optind + 1 != argc || (a->keep && (o->out || o->dry_run)))
		return options_usage(help);
	return options_number(argv[optind], 1, INT_MAX, &o->pid) ? 0 : options_usage(help);
}

int cmd_snapshot(int argc, char **argv)
{
	struct snapshot_opts o = { .engine = "auto", .ghost_limit = GHOST_LIMIT };
	struct asked a = { 0 };
	int status = parse(&o, &a, argc, argv);
	int err;

	if (status)
		return status - 1;
	err = a.keep || a.to.pid ? asked_run(&o, &a.to, a.keep) : snapshot_run(&o);
	if (err < 0)
		return CKPT_EXIT_FAILED;
	return err ? CKPT_EXIT_LOSSES : CKPT_EXIT_OK;
}
