// SPDX-License-Identifier: GPL-2.0
#include "engine/feature.h"

#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "engine/bpf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"

/* Inode numbers of the first namespaces: PROC_PID_INIT_INO and PROC_USER_INIT_INO. */
#define FIRST_PID_NS	0xEFFFFFFCu
#define FIRST_USER_NS	0xEFFFFFFDu

/* Since 6.7; Debian 12's headers are older. */
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif

#define say(f, ...) snprintf((f)->detail, sizeof((f)->detail), __VA_ARGS__)

static char *first_line(const char *path)
{
	char *text;

	if (ckpt_slurp(path, &text, NULL))
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void probe_btf(struct ckpt_feature *f)
{
	if (!access("/sys/kernel/btf/vmlinux", R_OK)) {
		say(f, "/sys/kernel/btf/vmlinux");
		return;
	}
	f->have = CKPT_HAVE_NO;
	say(f, "/sys/kernel/btf/vmlinux: %s", strerror(errno));
}

/* Loading is the only answer that counts: rights, lockdown and the verifier all have a say. */
static void probe_programs(struct ckpt_feature *f)
{
	struct ckpt_bpf *b;

	if (!ckpt_bpf_open(&b)) {
		say(f, ckpt_bpf_source(b) == CKPT_BPF_PINNED ? "already loaded and pinned" : "loaded");
		ckpt_bpf_close(b);
		return;
	}
	f->have = CKPT_HAVE_NO;
	say(f, "%s", ckpt_fail_text() ? ckpt_fail_text() : "do not load");
	ckpt_fail_clear();
}

static bool have_cap(unsigned int cap)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d))
		return false;
	return d[cap / 32].effective & (1u << cap % 32);
}

static void probe_cap(struct ckpt_feature *f, unsigned int cap)
{
	if (have_cap(cap) || have_cap(CAP_SYS_ADMIN)) {
		say(f, have_cap(cap) ? "effective" : "by CAP_SYS_ADMIN");
		return;
	}
	f->have = CKPT_HAVE_NO;
	say(f, "not effective (user id %d)", (int)geteuid());
}

static void probe_cap_bpf(struct ckpt_feature *f) { probe_cap(f, CAP_BPF); }
static void probe_cap_perfmon(struct ckpt_feature *f) { probe_cap(f, CAP_PERFMON); }
static void probe_cap_restore(struct ckpt_feature *f) { probe_cap(f, CAP_CHECKPOINT_RESTORE); }

static void probe_cap_ptrace(struct ckpt_feature *f)
{
	/* CAP_SYS_ADMIN does not stand in for this one. */
	if (have_cap(CAP_SYS_PTRACE)) {
		say(f, "effective");
		return;
	}
	f->have = CKPT_HAVE_PART;
	say(f, "not effective: only processes of user id %d", (int)geteuid());
}

/* -1: no yama. */
static int yama_scope(void)
{
	cleanup_free char *text = first_line("/proc/sys/kernel/yama/ptrace_scope");

	return text ? atoi(text) : -1;
}

const char *ckpt_feature_no_access(void)
{
	if (yama_scope() >= 3)
		return "kernel.yama.ptrace_scope is 3: nobody may, root neither, until a boot without it";
	if (!have_cap(CAP_SYS_PTRACE))
		return "CAP_SYS_PTRACE is missing: run as root, in a container with --cap-add SYS_PTRACE";
	return "a security module, or a user namespace above ours: run ckptbpf outside of the container";
}

static void probe_yama(struct ckpt_feature *f)
{
	int scope = yama_scope();

	if (scope < 0) {
		say(f, "no yama");
		return;
	}
	if (scope >= 3)
		f->have = CKPT_HAVE_NO;
	else if (scope > 0 && !have_cap(CAP_SYS_PTRACE))
		f->have = CKPT_HAVE_PART;
	say(f, "ptrace_scope %d", scope);
}

static void probe_lockdown(struct ckpt_feature *f)
{
	cleanup_free char *text = first_line("/sys/kernel/security/lockdown");

	if (!text) {
		say(f, "not built in, or securityfs is not mounted");
		return;
	}
	if (strstr(text, "[confidentiality]"))
		f->have = CKPT_HAVE_NO;
	else if (strstr(text, "[integrity]"))
		f->have = CKPT_HAVE_PART;
	say(f, "%s", text);
}

static void probe_bpffs(struct ckpt_feature *f)
{
	struct statfs s;

	if (!statfs("/sys/fs/bpf", &s) && s.f_type == BPF_FS_MAGIC) {
		say(f, "/sys/fs/bpf");
		return;
	}
	if (have_cap(CAP_SYS_ADMIN)) {
		say(f, "none at /sys/fs/bpf: ours is mounted under /run/ckptbpf");
		return;
	}
	f->have = CKPT_HAVE_PART;
	say(f, "none at /sys/fs/bpf, and mounting needs CAP_SYS_ADMIN");
}

static void probe_userfaultfd(struct ckpt_feature *f)
{
	struct uffdio_api api = { .api = UFFD_API };
	cleanup_close int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		f->have = CKPT_HAVE_NO;
		say(f, "%s", strerror(errno));
		return;
	}
	/* With features 0 the kernel tells which it has. */
	if (ioctl(fd, UFFDIO_API, &api)) {
		f->have = CKPT_HAVE_NO;
		say(f, "UFFDIO_API: %s", strerror(errno));
		return;
	}
	if (api.features & UFFD_FEATURE_WP_ASYNC) {
		say(f, "with asynchronous write protection");
		return;
	}
	f->have = CKPT_HAVE_PART;
	say(f, "without asynchronous write protection (since 6.7)");
}

static bool first_ns(const char *path, unsigned int first)
{
	struct stat st;

	return stat(path, &st) || st.st_ino == first;
}

static void probe_namespaces(struct ckpt_feature *f)
{
	bool pid = first_ns("/proc/self/ns/pid", FIRST_PID_NS);
	bool user = first_ns("/proc/self/ns/user", FIRST_USER_NS);

	if (pid && user) {
		say(f, "outside of any container");
		return;
	}
	f->have = CKPT_HAVE_PART;
	say(f, "inside a container: own %s%s%s namespace", pid ? "" : "pid",
	    pid || user ? "" : " and ", user ? "" : "user");
}

/* Our own vdso is there already, so a kernel that has the call answers EEXIST. */
static void probe_vdso(struct ckpt_feature *f)
{
	long err = syscall(SYS_arch_prctl, ARCH_MAP_VDSO_64, 0x10000000UL) < 0 ? errno : 0;

	if (!err || err == EEXIST) {
		say(f, "arch_prctl(ARCH_MAP_VDSO_64)");
		return;
	}
	f->have = CKPT_HAVE_NO;
	say(f, "arch_prctl(ARCH_MAP_VDSO_64): %s", strerror((int)err));
}

static void probe_set_mm(struct ckpt_feature *f)
{
	unsigned int size = 0;

	if (!prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0)) {
		say(f, "prctl(PR_SET_MM_MAP), %u bytes", size);
		return;
	}
	f->have = CKPT_HAVE_NO;
	say(f, "prctl(PR_SET_MM_MAP): %s", strerror(errno));
}

/* Number 1 is always taken: EEXIST means that we might have had any other. Nothing is made. */
static void probe_set_tid(struct ckpt_feature *f)
{
	pid_t tid = 1;
	struct clone_args a = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&tid, .set_tid_size = 1 };
	long pid = syscall(SYS_clone3, &a, sizeof(a));

	if (pid == 0)
		_exit(0);
	if (pid < 0 && errno == EEXIST) {
		say(f, "clone3(set_tid)");
		return;
	}
	f->have = CKPT_HAVE_NO;
	say(f, "clone3(set_tid): %s", strerror(pid < 0 ? errno : EPROTO));
}

static const struct {
	const char *name;
	void (*probe)(struct ckpt_feature *f);
	bool needed;
	const char *lost, *todo;
} features[] = {
	{ "kernel types (BTF)", probe_btf, true,
	  "snapshot: no state can be read",
	  "use a kernel with CONFIG_DEBUG_INFO_BTF=y (Debian's, Ubuntu's and Fedora's are)" },
	{ "CAP_BPF", probe_cap_bpf, true,
	  "snapshot: the programs that read the state cannot be loaded",
	  "run as root; in a container start it with --cap-add BPF or run ckptbpf outside" },
	{ "CAP_PERFMON", probe_cap_perfmon, true,
	  "snapshot: BPF may not read kernel memory",
	  "run as root; in a container start it with --cap-add PERFMON or run ckptbpf outside" },
	{ "CAP_SYS_PTRACE", probe_cap_ptrace, false,
	  "processes of other users, and those that changed their credentials",
	  "run as root; in a container start it with --cap-add SYS_PTRACE" },
	{ "CAP_CHECKPOINT_RESTORE", probe_cap_restore, false,
	  "restore: a process cannot get its own number back",
	  "run as root; in a container start it with --cap-add CHECKPOINT_RESTORE" },
	{ "BPF programs", probe_programs, true,
	  "snapshot: no state can be read",
	  "see the lines above; 'ckptbpf check -v' shows what the kernel says" },
	{ "lockdown", probe_lockdown, false,
	  "confidentiality: BPF reads nothing, so no snapshot; integrity: only a signed module",
	  "boot with lockdown=integrity or none (lockdown cannot be lowered while running)" },
	{ "bpffs", probe_bpffs, false,
	  "programs do not stay loaded between runs: each snapshot is slower, the stop is not",
	  "mount -t bpf bpf /sys/fs/bpf" },
	{ "yama", probe_yama, true,
	  "3: no process may be looked into, by either engine; 1, 2: only with CAP_SYS_PTRACE",
	  "run as root, or sysctl kernel.yama.ptrace_scope=0; from 3 only a boot leads back" },
	{ "userfaultfd", probe_userfaultfd, false,
	  "memory cannot be followed while the program runs: it is copied in the stop",
	  "kernel 6.7 or newer; sysctl vm.unprivileged_userfaultfd does not matter to root" },
	{ "namespaces", probe_namespaces, false,
	  "processes outside of the container cannot be seen",
	  "run ckptbpf on the host to reach them all" },
	{ "vdso mapping", probe_vdso, false,
	  "restore: the vdso cannot be put where it was",
	  "use a kernel with CONFIG_CHECKPOINT_RESTORE=y" },
	{ "mm layout", probe_set_mm, false,
	  "restore: brk, auxv, arguments and exe cannot be set",
	  "use a kernel with CONFIG_CHECKPOINT_RESTORE=y" },
	{ "chosen process numbers", probe_set_tid, false,
	  "restore: a process cannot get its own number back",
	  "kernel 5.5 or newer, as root or with CAP_CHECKPOINT_RESTORE" },
};

_Static_assert(sizeof(features) / sizeof(*features) <= CKPT_FEATURES_MAX, "room for every feature");

size_t ckpt_features(struct ckpt_feature *f, size_t max)
{
	size_t n = sizeof(features) / sizeof(*features);

	for (size_t i = 0; i < n && i < max; i++) {
		f[i] = (struct ckpt_feature){
			.name = features[i].name, .needed = features[i].needed,
			.lost = features[i].lost, .todo = features[i].todo,
		};
		features[i].probe(&f[i]);
	}
	return n < max ? n : max;
}
