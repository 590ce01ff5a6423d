// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "cmd/cmd.h"
#include "engine/bpf.h"
#include "engine/engine.h"
#include "engine/feature.h"
#include "flow/keeper.h"
#include "lib/fail.h"
#include "lib/log.h"

static const char help[] =
"usage: ckptbpf check [OPTIONS]\n"
"\n"
"      --json      the same for programs\n"
"      --unload    remove what is kept between runs: loaded BPF programs, images in memory\n"
"  -v, --verbose   what the kernel says about programs it refuses\n"
"\n"
"Exit status 1 if no snapshot can be made here.\n";

enum { OPT_JSON = 256, OPT_UNLOAD };

static const struct option options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "unload", no_argument, NULL, OPT_UNLOAD },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static const struct {
	const struct ckpt_engine_ops *ops;
	const char *lost;
	const char *todo;
} engines[] = {
	{ &ckpt_engine_kmod,
	  "the target's parent and a debugger can notice the stop; traced targets are refused",
	  "make kmod && insmod build/kmod-$(uname -r)/ckptbpf.ko (wants linux-headers-$(uname -r))" },
	{ &ckpt_engine_stock,
	  "no way to stop a target without the module",
	  "see yama and CAP_SYS_PTRACE above" },
};
#define NENGINES (sizeof(engines) / sizeof(*engines))

struct report {
	struct utsname uts;
	struct ckpt_feature f[CKPT_FEATURES_MAX];
	size_t n;
	struct { bool usable; char why[256]; } engine[NENGINES];
	const char *chosen;	/* NULL: none */
	bool works;
};

static const char *have_word(enum ckpt_have have)
{
	static const char *const words[] = { "yes", "no", "partly" };

	return words[have];
}

static void gather(struct report *r)
{
	uname(&r->uts);
	r->n = ckpt_features(r->f, CKPT_FEATURES_MAX);
	r->works = true;
	for (size_t i = 0; i < r->n; i++)
		if (r->f[i].needed && r->f[i].have == CKPT_HAVE_NO)
			r->works = false;
	for (size_t i = 0; i < NENGINES; i++) {
		r->engine[i].usable = !engines[i].ops->probe(r->engine[i].why, sizeof(r->engine[i].why));
		ckpt_fail_clear();
		if (r->engine[i].usable && !r->chosen)
			r->chosen = engines[i].ops->name;
	}
	if (!r->chosen)
		r->works = false;
}

static void row(const char *name, const char *have, const char *detail)
{
	printf("%-24s %-7s %s\n", name, have, detail);
}

static void advice(const char *lost, const char *todo)
{
	printf("%-24s %-7s lost: %s\n", "", "", lost);
	printf("%-24s %-7s do:   %s\n", "", "", todo);
}

static void print_table(const struct report *r)
{
	printf("ckptbpf %s on Linux %s, %s\n\n", CKPT_VERSION, r->uts.release, r->uts.machine);
	row("FEATURE", "HERE", "DETAIL");
	for (size_t i = 0; i < r->n; i++) {
		const struct ckpt_feature *f = &r->f[i];

		row(f->name, have_word(f->have), f->detail);
		if (f->have != CKPT_HAVE_YES)
			advice(f->lost, f->todo);
	}
	for (size_t i = 0; i < NENGINES; i++) {
		const char *name = engines[i].ops->name;
		char label[32];

		snprintf(label, sizeof(label), "engine %s", name);
		if (r->engine[i].usable) {
			row(label, "yes", name == r->chosen ? "chosen by --engine auto" : "");
			continue;
		}
		row(label, "no", r->engine[i].why);
		advice(engines[i].lost, engines[i].todo);
	}
	printf("\n%s\n", r->works ? "Snapshot and restore work here." :
	       "No snapshot can be made here: the lines marked 'no' say why.");
}

static struct json_object *str(const char *s)
{
	return s && *s ? json_object_new_string(s) : NULL;
}

static void print_json(const struct report *r)
{
	struct json_object *top = json_object_new_object();
	struct json_object *list = json_object_new_array();
	struct json_object *eng = json_object_new_array();

	for (size_t i = 0; i < r->n; i++) {
		const struct ckpt_feature *f = &r->f[i];
		struct json_object *o = json_object_new_object();
		bool lacks = f->have != CKPT_HAVE_YES;

		json_object_object_add(o, "name", str(f->name));
		json_object_object_add(o, "have", str(have_word(f->have)));
		json_object_object_add(o, "needed", json_object_new_boolean(f->needed));
		json_object_object_add(o, "detail", str(f->detail));
		json_object_object_add(o, "lost", str(lacks ? f->lost : NULL));
		json_object_object_add(o, "do", str(lacks ? f->todo : NULL));
		json_object_array_add(list, o);
	}
	for (size_t i = 0; i < NENGINES; i++) {
		struct json_object *o = json_object_new_object();
		bool usable = r->engine[i].usable;

		json_object_object_add(o, "name", str(engines[i].ops->name));
		json_object_object_add(o, "usable", json_object_new_boolean(usable));
		json_object_object_add(o, "why", str(usable ? NULL : r->engine[i].why));
		json_object_object_add(o, "lost", str(usable ? NULL : engines[i].lost));
		json_object_object_add(o, "do", str(usable ? NULL : engines[i].todo));
		json_object_array_add(eng, o);
	}
	json_object_object_add(top, "version", str(CKPT_VERSION));
	json_object_object_add(top, "kernel", str(r->uts.release));
	json_object_object_add(top, "machine", str(r->uts.machine));
	json_object_object_add(top, "features", list);
	json_object_object_add(top, "engines", eng);
	json_object_object_add(top, "engine", str(r->chosen));
	json_object_object_add(top, "works", json_object_new_boolean(r->works));
	printf("%s\n", json_object_to_json_string_ext(top, JSON_C_TO_STRING_PRETTY |
						      JSON_C_TO_STRING_SPACED |
						      JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(top);
}

int cmd_check(int argc, char **argv)
{
	bool json = false, unload = false;
	struct report r = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "vh", options, NULL)) != -1) {
		switch (c) {
		case OPT_JSON: json = true; break;
		case OPT_UNLOAD: unload = true; break;
		case 'v': ckpt_log_level(CKPT_LOG_DEBUG); break;
		case 'h':
			printf("%s", help);
			return CKPT_EXIT_OK;
		default:
			fprintf(stderr, "%s", help);
			return CKPT_EXIT_USAGE;
		}
	}
	if (optind != argc || (json && unload)) {
		fprintf(stderr, "%s", help);
		return CKPT_EXIT_USAGE;
	}
	if (unload)
		return keeper_forget_all() || ckpt_bpf_unload() ? CKPT_EXIT_FAILED : CKPT_EXIT_OK;
	gather(&r);
	if (json)
		print_json(&r);
	else
		print_table(&r);
	if (fflush(stdout) || ferror(stdout)) {
		ckpt_fail(-errno, 0, "standard output");
		return CKPT_EXIT_FAILED;
	}
	return r.works ? CKPT_EXIT_OK : CKPT_EXIT_FAILED;
}
