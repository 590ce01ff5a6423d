// SPDX-License-Identifier: GPL-2.0
#include "engine/bpf.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ckptbpf.skel.h"
#include "engine/bpf_pin.h"
#include "engine/bpf_walk.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/interrupt.h"
#include "lib/io.h"
#include "lib/log.h"

#define BTF_PATH	"/sys/kernel/btf/vmlinux"
#define LOCKDOWN_PATH	"/sys/kernel/security/lockdown"

struct ckpt_bpf {
	int prog[CKPT_PROGS];		/* the last one is a map */
	struct ckpt_pin pin;
	enum ckpt_bpf_source source;
};

#define LOG_LINES 24	/* of the verifier's log: the end tells */

/* libbpf explains a refused program in many lines: for -v only. */
static int to_log(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	cleanup_free char *text = NULL;
	unsigned int lines = 0;
	char *p, *save;

	if (level == LIBBPF_DEBUG || vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		return 0;
	}
	for (p = text + strlen(text); p > text; p--) {
		if (*p == '\n' && ++lines > LOG_LINES)
			break;
	}
	for (p = strtok_r(p, "\n", &save); p; p = strtok_r(NULL, "\n", &save))
		pr_debug("%s", p);
	return 0;
}

static bool locked_down(void)
{
	cleanup_free char *text = NULL;
	size_t len;

	return !ckpt_slurp(LOCKDOWN_PATH, &text, &len) && strstr(text, "[confidentiality]");
}

static int explain(int err)
{
	/* The verifier gives up with -EAGAIN when a signal waits. */
	if (ckpt_interrupted())
		return ckpt_interrupt_check();
	if (access(BTF_PATH, R_OK))
		return ckpt_fail(-EOPNOTSUPP, 0,
				 "BPF: this kernel tells nothing of its types (" BTF_PATH
				 " is missing): it needs CONFIG_DEBUG_INFO_BTF=y");
	/* The verifier misses the helpers that read: not always -EPERM. */
	if (locked_down())
		return ckpt_fail(-EPERM, 0,
				 "BPF: kernel lockdown is in confidentiality mode: boot with lockdown=integrity");
	if (err == -EPERM || err == -EACCES) {
		if (geteuid())
			return ckpt_fail(err, 0, "BPF: needs root, or CAP_BPF and CAP_PERFMON");
		return ckpt_fail(err, 0,
				 "BPF: refused: is CAP_BPF or CAP_PERFMON taken away (container)? -v shows what the kernel says");
	}
	if (err == -ENOSYS)
		return ckpt_fail(-EOPNOTSUPP, 0, "BPF: this kernel has no bpf(): it needs CONFIG_BPF_SYSCALL=y");
	return ckpt_fail(err, 0, "BPF: load the programs (-v shows what the kernel says)");
}

static int load(struct ckpt_bpf *b)
{
	libbpf_print_fn_t before = libbpf_set_print(to_log);
	struct ckptbpf_bpf *skel;
	int err = 0, fd[CKPT_PROGS];

	skel = ckptbpf_bpf__open();
	if (!skel)
		err = -errno;
	if (!err)
		err = ckptbpf_bpf__load(skel);
	libbpf_set_print(before);
	if (err) {
		ckptbpf_bpf__destroy(skel);
		return explain(err);
	}
	/* The descriptors are all that is needed; the rest of the skeleton goes. */
	fd[CKPT_PROG_TASK] = bpf_program__fd(skel->progs.ckpt_task);
	fd[CKPT_PROG_VMA] = bpf_program__fd(skel->progs.ckpt_vma);
	fd[CKPT_PROG_FILE] = bpf_program__fd(skel->progs.ckpt_file);
	fd[CKPT_PROG_SIGNAL] = bpf_program__fd(skel->progs.ckpt_signal);
	fd[CKPT_MAP_EPOLL] = bpf_map__fd(skel->maps.epoll_from);
	for (int i = 0; i < CKPT_PROGS; i++) {
		b->prog[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, 3);
		if (b->prog[i] < 0)
			err = -errno;
	}
	ckptbpf_bpf__destroy(skel);
	return err ? ckpt_fail(err, 0, "BPF: programs: dup") : 0;
}

int ckpt_bpf_open(struct ckpt_bpf **ret)
{
	struct ckpt_bpf *b = calloc(1, sizeof(*b));
	const void *obj;
	size_t len;
	int err;

	if (!b)
		return ckpt_fail(-ENOMEM, 0, "BPF");
	for (int i = 0; i < CKPT_PROGS; i++)
		b->prog[i] = -1;
	obj = ckptbpf_bpf__elf_bytes(&len);
	err = ckpt_pin_take(&b->pin, obj, len);
	if (err)
		pr_debug("BPF: programs are not pinned: %s", ckpt_errname(err));
	if (!err && !ckpt_pin_get(&b->pin, b->prog)) {
		b->source = CKPT_BPF_PINNED;
		*ret = b;
		return 0;
	}
	b->source = CKPT_BPF_LOADED;
	err = load(b);
	if (err) {
		ckpt_bpf_close(b);
		return err;
	}
	if (b->pin.lock >= 0) {
		err = ckpt_pin_put(&b->pin, b->prog);
		if (err)
			pr_debug("BPF: pin in %s: %s", b->pin.base, ckpt_errname(err));
	}
	*ret = b;
	return 0;
}

void ckpt_bpf_close(struct ckpt_bpf *b)
{
	if (!b)
		return;
	for (int i = 0; i < CKPT_PROGS; i++) {
		if (b->prog[i] >= 0)
			close(b->prog[i]);
	}
	ckpt_pin_release(&b->pin);
	free(b);
}

enum ckpt_bpf_source ckpt_bpf_source(const struct ckpt_bpf *b)
{
	return b->source;
}

int ckpt_bpf_threads(struct ckpt_bpf *b, pid_t pid, ckpt_bpf_cb cb, void *arg)
{
	return ckpt_walk(b->prog[CKPT_PROG_TASK], -1, CKPT_WALK_THREADS, pid, cb, arg);
}

int ckpt_bpf_vmas(struct ckpt_bpf *b, pid_t pid, ckpt_bpf_cb cb, void *arg)
{
	return ckpt_walk(b->prog[CKPT_PROG_VMA], -1, CKPT_WALK_VMAS, pid, cb, arg);
}

int ckpt_bpf_fds(struct ckpt_bpf *b, pid_t pid, ckpt_bpf_cb cb, void *arg)
{
	struct gather_epoll_from none = { 0 };
	__u32 zero = 0;

	/* A run that was killed may have left its orders. */
	if (bpf_map_update_elem(b->prog[CKPT_MAP_EPOLL], &zero, &none, BPF_ANY))
		return ckpt_fail(-errno, pid, "BPF: descriptors: map");
	return ckpt_walk(b->prog[CKPT_PROG_FILE], b->prog[CKPT_MAP_EPOLL], CKPT_WALK_FDS, pid, cb, arg);
}

int ckpt_bpf_signals(struct ckpt_bpf *b, pid_t pid, ckpt_bpf_cb cb, void *arg)
{
	return ckpt_walk(b->prog[CKPT_PROG_SIGNAL], -1, CKPT_WALK_SIGNALS, pid, cb, arg);
}
