// SPDX-License-Identifier: GPL-2.0
/*
 * What the iterators gather of a stopped program, held against /proc, ptrace,
 * system calls and what the program knows of itself (tests/oracles.tsv): once
 * in this pid namespace and once, all of it, inside a new one. Then what only
 * the reader is to blame for: zombies, foreign namespaces, names too long,
 * a second run at the same time, and what is left behind.
 */
#include <bpf/bpf.h>
#include <limits.h>
#include <sys/mount.h>

#include "engine/bpf_pin.h"
#include "lib/fail.h"
#include "oracle_files.h"
#include "oracle_signals.h"
#include "oracle_threads.h"

static char base[64];		/* a tmpfs of our own */
static char cgroup2[80];
static struct ckpt_bpf *bpf;

struct pass {
	pid_t pid;
	size_t nthreads, threads, procs, groups, xstates, queues;
	uint32_t map_count;
};

static int on_thread(const struct gather_hdr *h, void *arg)
{
	struct pass *p = arg;

	switch (h->type) {
	case GATHER_THREAD:
		check("gather_thread.order", p->threads || h->tid == p->pid, "%d comes first", h->tid);
		p->threads++;
		check_thread(p->pid, (const void *)h, p->nthreads);
		break;
	case GATHER_XSTATE:
		p->xstates++;
		check_xstate((const void *)h);
		break;
	case GATHER_GROUPS:
		p->groups++;
		check_groups(p->pid, (const void *)h);
		break;
	case GATHER_PROC:
		p->procs++;
		p->map_count = ((const struct gather_proc *)h)->map_count;
		check_proc(p->pid, (const void *)h, p->nthreads, cgroup2);
		break;
	}
	return 0;
}

static int on_vma(const struct gather_hdr *h, void *arg)
{
	(void)arg;
	check_vma((const void *)h);
	return 0;
}

static int on_fd(const struct gather_hdr *h, void *arg)
{
	struct pass *p = arg;

	if (h->type != GATHER_FD) {
		check_anon(p->pid, (const void *)h);
		return 0;
	}
	p->threads++;
	check_fd(p->pid, (const void *)h);
	return 0;
}

static int on_signal_queue(const struct gather_hdr *h, void *arg)
{
	struct pass *p = arg;

	if (h->type == GATHER_POSIXTIMERS) {
		check_timers(p->pid, (const void *)h);
		return 0;
	}
	p->queues++;
	check_sigpending(p->pid, (const void *)h);
	return 0;
}

static size_t entries(const char *what, pid_t pid)
{
	char path[64];
	size_t n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));)
		n += *e->d_name != '.';
	if (d)
		closedir(d);
	return n;
}

static int on_zombie(const struct gather_hdr *h, void *arg)
{
	const struct gather_proc *g = (const void *)h;
	const char *st = slurp("/proc/%d/stat", h->tid);

	(void)arg;
	if (h->type != GATHER_PROC)
		return 0;
	check("ckpt_task.exit_state", g->task.exit_state == 0x20 && stat_field(st, 3) == 'Z', "%#x, '%c'",
	      g->task.exit_state, (char)stat_field(st, 3));
	equal("ckpt_task.exit_code", h->tid, (uint32_t)g->task.exit_code, stat_field(st, 52));
	equal("ckpt_task.ppid", h->tid, (uint64_t)g->task.ppid, stat_field(st, 4));
	return 0;
}

/* The target lives by other clocks than we do, where the kernel can do that. */
static pid_t fork_target(void)
{
	static const char offsets[] = "monotonic 100000 5\nboottime -1 999999999\n";
	int ours = open("/proc/self/ns/time", O_RDONLY), fd;
	pid_t pid;

	if (ours < 0)
		return fork();
	check("gather.time namespace", !unshare(CLONE_NEWTIME), "%s", strerror(errno));
	fd = open("/proc/self/timens_offsets", O_WRONLY);
	check("gather.time namespace", write(fd, offsets, sizeof(offsets) - 1) > 0, "%s", strerror(errno));
	close(fd);
	pid = fork();
	if (pid)
		check("gather.time namespace", !setns(ours, CLONE_NEWTIME), "%s", strerror(errno));
	close(ours);
	return pid;
}

/* A whole pass over one target. */
static void look_at_target(void)
{
	struct pass p = { 0 };
	pid_t tids[64];
	int err;

	p.pid = fork_target();
	if (!p.pid)
		target(base);
	while (atomic_load(&info->ready) < T_N) {
		if (atomic_load(&info->failed) || waitpid(p.pid, NULL, WNOHANG) == p.pid) {
			check("target", false, "did not get ready");
			return;
		}
		usleep(2000);
	}
	usleep(50000);
	p.nthreads = tids_of(p.pid, tids, 64);
	equal("gather.threads", p.pid, p.nthreads, T_N);
	nstat_before = 0;
	for (size_t i = 0; i < p.nthreads && i < 32; i++) {
		err = stop_by_ptrace(tids[i]);
		check("gather.stopped", !err, "%d: %s", tids[i], strerror(-err));
		stat_before[nstat_before].tid = tids[i];
		snprintf(stat_before[nstat_before++].stat, sizeof(stat_before[0].stat), "%s",
			 slurp("/proc/%d/task/%d/stat", p.pid, tids[i]));
	}
	read_smaps(p.pid);

	sum_utime = sum_stime = 0;
	err = ckpt_bpf_threads(bpf, p.pid, on_thread, &p);
	check("gather.walk threads", !err, "%s", ckpt_fail_text());
	equal("gather.threads", p.pid, p.threads, p.nthreads);
	check_cpu_clocks(p.pid);
	equal("gather.xstates", p.pid, p.xstates, p.nthreads);
	equal("gather.processes", p.pid, p.procs, 1);
	check("gather.groups", p.groups > 0, "none");
	err = ckpt_bpf_signals(bpf, p.pid, on_signal_queue, &p);
	check("gather.walk signals", !err, "%s", ckpt_fail_text());
	equal("gather.queues", p.pid, p.queues, 2);
	err = ckpt_bpf_vmas(bpf, p.pid, on_vma, NULL);
	check("gather.walk mappings", !err, "%s", ckpt_fail_text());
	check_vmas_done(p.pid, p.map_count);
	p.threads = 0;
	err = ckpt_bpf_fds(bpf, p.pid, on_fd, &p);
	check("gather.walk descriptors", !err, "%s", ckpt_fail_text());
	equal("gather.descriptors", p.pid, p.threads, entries("fd", p.pid));
	check_fds_done(p.pid);
	err = ckpt_bpf_threads(bpf, info->zombie, on_zombie, NULL);
	check("gather.walk zombie", !err, "%s", ckpt_fail_text());

	kill(p.pid, SIGKILL);
	/* A leader can be waited for only when every traced thread has been. */
	for (size_t i = 0; i < p.nthreads; i++) {
		if (tids[i] != p.pid)
			waitpid(tids[i], NULL, __WALL);
	}
	waitpid(p.pid, NULL, __WALL);
}

static int on_nested(const struct gather_hdr *h, void *arg)
{
	const struct gather_thread *g = (const void *)h;

	if (h->type != GATHER_THREAD)
		return 0;
	equal("gather_thread.h.tid", 0, (uint64_t)h->tid, (uint64_t)*(pid_t *)arg);
	equal("gather_thread.ns_nr", h->tid, g->ns_nr, 1);
	equal("gather_thread.pidns_level", h->tid, g->pidns_level, 1);
	return 0;
}

/* A target in a pid namespace below ours; the fork between may unshare. */
static void look_at_nested(void)
{
	int up[2], hold[2], err;
	pid_t mid, pid = 0;
	char c;

	if (pipe(up) || pipe(hold))
		return;
	mid = fork();
	if (!mid) {
		if (unshare(CLONE_NEWPID))
			_exit(1);
		pid = fork();
		if (!pid) {
			close(hold[1]);
			err = (int)read(hold[0], &c, 1);
			_exit(err < 0);
		}
		err = (int)write(up[1], &pid, sizeof(pid));
		_exit(err != sizeof(pid));
	}
	waitpid(mid, NULL, 0);
	close(up[1]);
	if (read(up[0], &pid, sizeof(pid)) == sizeof(pid)) {
		err = ckpt_bpf_threads(bpf, pid, on_nested, &pid);
		check("gather.nested", !err, "%s", ckpt_fail_text());
		kill(pid, SIGKILL);
	} else {
		check("gather.nested", false, "no pid namespace");
	}
	close(up[0]);
	close(hold[0]);
	close(hold[1]);
}

static int ignore(const struct gather_hdr *h, void *arg)
{
	(void)h; (void)arg;
	return 0;
}

static int stop_at_once(const struct gather_hdr *h, void *arg)
{
	(void)h;
	return ++*(int *)arg == 2 ? 4711 : 0;
}

/* A path of more than a page must be an error that names its descriptor. */
static void look_at_long_path(void)
{
	char part[201];
	int fd = open(base, O_PATH | O_DIRECTORY), next, err;

	memset(part, 'x', 200);
	part[200] = '\0';
	for (int i = 0; i < 22 && fd >= 0; i++) {
		mkdirat(fd, part, 0700);
		next = openat(fd, part, O_PATH | O_DIRECTORY);
		close(fd);
		fd = next;
	}
	ckpt_fail_clear();
	err = ckpt_bpf_fds(bpf, getpid(), ignore, NULL);
	snprintf(part, sizeof(part), "fd %d: path", fd);
	check("gather.long path", err == -ENAMETOOLONG && ckpt_fail_text() && strstr(ckpt_fail_text(), part),
	      "%d: %s", err, ckpt_fail_text() ? ckpt_fail_text() : "");
	close(fd);
	ckpt_fail_clear();
	err = ckpt_bpf_fds(bpf, getpid(), ignore, NULL);
	check("gather.long path", !err, "%s", ckpt_fail_text());
}

/* Every scratch map of the pinned programs: how many bytes are not zero. */
static long residue(void)
{
	char cmd[160], path[256];
	long n = 0, maps = 0;
	FILE *list;

	snprintf(cmd, sizeof(cmd), "ls -d %s/run/bpf/*/* 2>/dev/null", base);
	list = popen(cmd, "r");
	while (list && fgets(path, sizeof(path), list)) {
		struct bpf_prog_info pi = { 0 };
		struct bpf_map_info mi = { 0 };
		uint32_t ids[8] = { 0 }, len = sizeof(pi), zero = 0;
		int fd, map;
		char *v;

		path[strcspn(path, "\n")] = '\0';
		if (strstr(path, "/epoll_from"))
			continue;	/* a map, which its program names too */
		fd = bpf_obj_get(path);
		pi.nr_map_ids = 8;
		pi.map_ids = (uint64_t)ids;
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &pi, &len))
			continue;
		for (uint32_t i = 0; i < pi.nr_map_ids; i++) {
			map = bpf_map_get_fd_by_id(ids[i]);
			len = sizeof(mi);
			if (map < 0 || bpf_obj_get_info_by_fd(map, &mi, &len))
				continue;
			v = calloc(1, mi.value_size);
			if (v && !bpf_map_lookup_elem(map, &zero, v))
				maps++;
			for (uint32_t k = 0; v && k < mi.value_size; k++)
				n += v[k] != 0;
			free(v);
			close(map);
		}
		close(fd);
	}
	if (list)
		pclose(list);
	/* Each program's own, two of the epoll emitter, one of the locks, and where orders come from. */
	return maps == CKPT_PROGS + 4 ? n : -1;
}

static void look_at_reader(void)
{
	struct ckpt_bpf *second = NULL;
	int err, n = 0;
	pid_t dead;

	check("gather.callback ends walk", ckpt_bpf_vmas(bpf, getpid(), stop_at_once, &n) == 4711 && n == 2, "%d", n);
	check("gather.nothing stays", residue() == 0, "%ld bytes", residue());
	dead = fork();
	if (!dead)
		_exit(0);
	waitpid(dead, NULL, 0);
	err = ckpt_bpf_threads(bpf, dead, ignore, NULL);
	check("gather.no such process", err == -ESRCH, "%d", err);
	err = ckpt_bpf_vmas(bpf, dead, ignore, NULL);
	check("gather.no such process", err == -ESRCH, "%d", err);
	err = ckpt_bpf_fds(bpf, dead, ignore, NULL);
	check("gather.no such process", err == -ESRCH, "%d", err);
	ckpt_fail_clear();

	err = ckpt_bpf_open(&second);
	check("gather.second run loads its own", !err && ckpt_bpf_source(second) == CKPT_BPF_LOADED, "%d", err);
	if (!err)
		check("gather.second run reads", !ckpt_bpf_threads(second, getpid(), ignore, NULL), "%s", ckpt_fail_text());
	ckpt_bpf_close(second);
	check("gather.unload while in use", ckpt_bpf_unload() == -EBUSY, "it went");
	ckpt_fail_clear();
	ckpt_bpf_close(bpf);
	err = ckpt_bpf_open(&bpf);
	check("gather.third run is warm", !err && ckpt_bpf_source(bpf) == CKPT_BPF_PINNED, "%d", err);
	ckpt_bpf_close(bpf);
	check("gather.unload", !ckpt_bpf_unload(), "%s", ckpt_fail_text());
	check("gather.unload leaves nothing", access(getenv("CKPTBPF_RUN"), F_OK) && errno == ENOENT, "still there");
}

static void make_overlay(void)
{
	static const char *const dirs[] = { "lower", "upper", "work", "merged" };
	char path[128], opts[512];
	int fd;

	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", base, dirs[i]);
		mkdir(path, 0755);
	}
	snprintf(path, sizeof(path), "%s/lower/below", base);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || ftruncate(fd, 12288))
		perror(path);
	close(fd);
	snprintf(path, sizeof(path), "%s/merged", base);
	snprintf(opts, sizeof(opts), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", base, base, base);
	if (mount("oracle", path, "overlay", 0, opts))
		perror("# overlay");
}

static void clear_base(void)
{
	umount2(base, MNT_DETACH);
	if (mount("oracle", base, "tmpfs", 0, "mode=0755")) {
		perror("tmpfs");
		exit(2);
	}
	snprintf(cgroup2, sizeof(cgroup2), "%s/cgroup2", base);
	mkdir(cgroup2, 0755);
	if (mount("oracle", cgroup2, "cgroup2", 0, NULL))
		perror("# cgroup2");
	make_overlay();
}

static void run_pass(const char *name, const char *table, bool last)
{
	int err;

	clear_base();
	memset(info, 0, sizeof(*info));
	all_flags = 0;
	overlaid = 0;
	tap_begin(table);
	err = ckpt_bpf_open(&bpf);
	check("gather.open", !err, "%s", ckpt_fail_text());
	if (!err) {
		look_at_target();
		look_at_nested();
		look_at_long_path();
		if (last)
			look_at_reader();
		else
			ckpt_bpf_close(bpf);
	}
	tap_end(name);
}

/* All of it once more as pid 1's child in a new pid namespace, /proc with it. */
static void run_inside(const char *table)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID)) {
		check("gather.pid namespace", false, "%s", strerror(errno));
		return;
	}
	fflush(stdout);
	pid = fork();
	if (!pid) {
		/* So that our own number is not 1, and differs from the one outside. */
		pid = fork();
		if (pid) {
			waitpid(pid, &status, 0);
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 3);
		}
		if (unshare(CLONE_NEWNS) || mount("proc", "/proc", "proc", 0, NULL)) {
			perror("# /proc");
			_exit(3);
		}
		run_pass("inside", table, true);
		info->tap_n = tap_n;
		_exit(tap_bad > 254 ? 254 : (int)tap_bad);
	}
	waitpid(pid, &status, 0);
	tap_n = info->tap_n ? info->tap_n + 1 : tap_n + 1;
	if (WIFEXITED(status) && !WEXITSTATUS(status)) {
		printf("ok %u inside a pid namespace\n", tap_n);
	} else {
		tap_bad++;
		printf("not ok %u inside a pid namespace\n# status %#x\n", tap_n, status);
	}
}

int main(void)
{
	char table[PATH_MAX], run[80], probe[8];
	int n;

	if (!realpath("tests/oracles.tsv", table)) {
		perror("tests/oracles.tsv");
		return 2;
	}
	n = bpf_obj_get_info_by_fd(-1, probe, &(uint32_t){ 0 });
	if (geteuid() || (n && errno == EPERM)) {
		puts("1..0 # skip needs root and BPF");
		return 0;
	}
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		puts("1..0 # skip needs a mount namespace");
		return 0;
	}
	snprintf(base, sizeof(base), "/tmp/gather_oracle.XXXXXX");
	if (!mkdtemp(base))
		return 2;
	snprintf(run, sizeof(run), "%s/run", base);
	setenv("CKPTBPF_RUN", run, 1);
	info = mmap(NULL, sizeof(*info), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	run_pass("outside", table, false);
	run_inside(table);
	printf("1..%u\n", tap_n);
	umount2(base, MNT_DETACH);
	rmdir(base);
	return tap_bad != 0;
}
