// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "cmd/cmd.h"
#include "cmd/job.h"
#include "cmd/options.h"
#include "flow/keeper.h"
#include "flow/restore.h"
#include "lib/fail.h"
#include "lib/interrupt.h"
#include "lib/reply.h"

static const char help[] =
"usage: ckptbpf restore [OPTIONS] FILE|-|--crid N\n"
"\n"
"      --detach          return when it runs; else stay, pass signals on, end as it ends\n"
"      --pidfile FILE    write its pid there\n"
"  -f, --force           do without what this machine or your rights do not allow,\n"
"                        each told by name: limits, priorities, speculation ...\n"
"      --wait S          for its pid to become free; default 10 from a pipe, else 0\n"
"      --clock MODE      auto: clocks do not go back; keep: no time has passed; host: the machine's\n"
"      --inherit-fd N=M  its descriptor N, which led out of the snapshot, is our M\n"
"      --file-validation none|default|strict\n"
"                        none: its files are there; default: what it maps is what it was,\n"
"                        ELF files by build-id; strict: no file has changed, open ones as well\n"
"      --crid N          the image that snapshot --keep holds in memory as N\n"
"      --engine NAME     auto, kmod or stock\n"
"      --stats FILE      times and sizes as JSON\n"
"  -q, --quiet           only errors\n"
"  -v, --verbose         each step\n";

enum { OPT_DETACH = 256, OPT_PIDFILE, OPT_WAIT, OPT_INHERIT_FD, OPT_CRID, OPT_CLOCK, OPT_FILE_VALIDATION,
       OPT_IMAGE_FD, OPT_REPLY, OPT_ATTEND };

static const struct option options[] = {
	{ "detach", no_argument, NULL, OPT_DETACH },
	{ "pidfile", required_argument, NULL, OPT_PIDFILE },
	{ "wait", required_argument, NULL, OPT_WAIT },
	{ "clock", required_argument, NULL, OPT_CLOCK },
	{ "inherit-fd", required_argument, NULL, OPT_INHERIT_FD },
	{ "file-validation", required_argument, NULL, OPT_FILE_VALIDATION },
	{ "crid", required_argument, NULL, OPT_CRID },
	/* Of libckptbpf alone: the image; where the pid goes, when it is on its own; then: wait for it. */
	{ "image-fd", required_argument, NULL, OPT_IMAGE_FD },
	{ "reply", required_argument, NULL, OPT_REPLY },
	{ "attend", required_argument, NULL, OPT_ATTEND },
	{ "force", no_argument, NULL, 'f' },
	OPTIONS_RUN
};

struct command {
	struct restore_args args;
	int crid;			/* 0: none */
	struct ckpt_reply_to to;
	pid_t attend;			/* 0: none */
};

static bool add_inherit(struct restore_args *a, const char *arg)
{
	struct restore_inherit it, *slot;

	if (!options_pair(arg, INT_MAX - 1, &it.fd, &it.from))
		return false;
	slot = vec_push(&a->res.inherit);
	if (slot)
		*slot = it;
	return slot;
}

static const char *const clocks[] = {
	[CLOCKS_AUTO] = "auto", [CLOCKS_KEEP] = "keep", [CLOCKS_HOST] = "host", NULL,
};

static const char *const validations[] = {
	[RES_VALIDATE_DEFAULT] = "default", [RES_VALIDATE_NONE] = "none", [RES_VALIDATE_STRICT] = "strict", NULL,
};

/* 0: go on; else the exit status plus one. */
static int parse(struct command *m, int argc, char **argv)
{
	struct restore_args *a = &m->args;
	unsigned int word;
	int c;

	while ((c = getopt_long(argc, argv, "fqvh", options, NULL)) != -1) {
		switch (c) {
		case OPT_DETACH: a->res.detach = true; break;
		case OPT_PIDFILE: a->pidfile = optarg; break;
		case OPT_WAIT:
			if (!options_number(optarg, 0, 86400, &a->wait_s))
				return options_usage(help);
			break;
		case OPT_INHERIT_FD:
			if (!add_inherit(a, optarg))
				return options_usage(help);
			break;
		case OPT_CLOCK:
			if (!options_word(optarg, clocks, &word))
				return options_usage(help);
			a->res.clock = (enum clocks_mode)word;
			break;
		case OPT_FILE_VALIDATION:
			if (!options_word(optarg, validations, &word))
				return options_usage(help);
			a->res.validation = (enum res_validation)word;
			break;
		case OPT_CRID:
		case OPT_IMAGE_FD:
		case OPT_ATTEND: {
			int *to = c == OPT_CRID ? &m->crid : c == OPT_ATTEND ? &m->attend : &a->image_fd;

			if (!options_number(optarg, c != OPT_IMAGE_FD, INT_MAX, to))
				return options_usage(help);
			break;
		}
		case OPT_REPLY:
			if (!ckpt_reply_parse(optarg, &m->to))
				return options_usage(help);
			break;
		case 'f': a->res.force = true; break;
		case 'h':
			return options_help(help);
		default:
			if (!options_run(c, &a->engine, &a->stats))
				return options_usage(help);
		}
	}
	if (argc - optind + !!m->crid + !!m->attend + (a->image_fd >= 0) != 1)
		return options_usage(help);
	a->image = argv[optind];
	return 0;
}

/*
 * Before we open anything: 0, 1 and 2 must not become a file of ours, which
 * the program would get, and what we are to pass on must be there.
 */
static int check_descriptors(const struct restore_args *a)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return ckpt_fail(-EBADF, 0, "descriptor %d", fd);
	for (size_t i = 0; i < a->res.inherit.n; i++)
		if (fcntl(a->res.inherit.v[i].from, F_GETFD) < 0)
			return ckpt_fail(-errno, 0, "--inherit-fd %d=%d: our descriptor %d",
					 a->res.inherit.v[i].fd, a->res.inherit.v[i].from,
					 a->res.inherit.v[i].from);
	return 0;
}

/* 0: it runs; 1: with losses. A caller that asked is told the pid, or why not. */
static int make(struct command *m, pid_t *pid)
{
	int err = check_descriptors(&m->args);

	if (!err && m->crid) {
		m->args.image_fd = keeper_fetch((uint32_t)m->crid);
		err = m->args.image_fd < 0 ? m->args.image_fd : 0;
	}
	if (!err)
		err = restore_run(&m->args, pid);
	if (m->to.pid) {
		ckpt_reply_send(&m->to, err < 0 ? err : *pid, ckpt_fail_text());
		ckpt_fail_clear();
	}
	return err;
}

/* It was restored by another of us, for the process that we were then. */
static int attend(pid_t pid)
{
	siginfo_t si;

	if (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT))
		return ckpt_fail(-errno, pid, "not our child"), CKPT_EXIT_RESTORE;
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	job_prepare();
	job_take_terminal(pid);
	return job_wait(pid);
}

static int run(struct command *m)
{
	bool foreground = !m->args.res.detach;
	pid_t pid;
	int err;

	if (m->attend)
		return attend(m->attend);
	ckpt_interrupt_catch();
	if (foreground) {
		job_prepare();
		m->args.ready = job_hand_terminal;
	}
	err = make(m, &pid);
	if (err < 0)
		return foreground ? CKPT_EXIT_RESTORE : CKPT_EXIT_FAILED;
	if (foreground && !m->to.pid)
		return job_wait(pid);
	return err ? CKPT_EXIT_LOSSES : CKPT_EXIT_OK;
}

int cmd_restore(int argc, char **argv)
{
	struct command m = { .args = { .engine = "auto", .wait_s = -1, .image_fd = -1 } };
	int status = parse(&m, argc, argv);

	if (!status)
		status = 1 + run(&m);
	vec_free(&m.args.res.inherit);
	return status - 1;
}
