// SPDX-License-Identifier: GPL-2.0
#include "engine/kmod.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/interrupt.h"
#include "lib/io.h"

#define CAPS_NEEDED (CKPTBPF_CAP_FREEZE | CKPTBPF_CAP_REGSET | CKPTBPF_CAP_PARK_SELF | \
		     CKPTBPF_CAP_PAGES | CKPTBPF_CAP_MEM_CTX | CKPTBPF_CAP_SIGMASK)
#define MAX_FREEZE_MS	1000u	/* one FREEZE, which only SIGKILL breaks; then it is called again */
#define MAX_DEADLINE_MS	60000u
#define IN_CALL_TRIES	5	/* a call that ends in ENOSYS looks like one that lasts */

int kmod_call(struct kmod *k, unsigned long cmd, void *arg)
{
	return ioctl(k->fd, cmd, arg) < 0 ? -errno : 0;
}

struct kmod_proc *kmod_find(struct kmod *k, pid_t pid)
{
	for (size_t i = 0; i < k->procs.n; i++)
		if (k->procs.v[i].pid == pid)
			return &k->procs.v[i];
	return NULL;
}

struct kmod_proc *kmod_add(struct kmod *k, pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct kmod_proc *p;

	if (fd < 0) {
		ckpt_fail(errno == EINVAL ? -ESRCH : -errno, pid, "no such process");
		return NULL;
	}
	p = vec_push(&k->procs);
	if (!p) {
		close(fd);
		ckpt_fail(-ENOMEM, pid, "attach");
		return NULL;
	}
	p->pid = pid;
	p->pidfd = fd;
	return p;
}

static bool has_ended(const struct kmod_proc *p)
{
	struct pollfd fd = { .fd = p->pidfd, .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

static int open_device(char *why, size_t why_len)
{
	int fd = open(CKPTBPF_DEVICE, O_RDWR | O_CLOEXEC);
	int err = fd < 0 ? -errno : 0;

	switch (err) {
	case 0:
		return fd;
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
		snprintf(why, why_len, "the module is not loaded: modprobe ckptbpf");
		return -EOPNOTSUPP;
	case -EACCES:
	case -EPERM:
		snprintf(why, why_len, "%s: no permission: root or CAP_CHECKPOINT_RESTORE is needed",
			 CKPTBPF_DEVICE);
		return err;
	default:
		snprintf(why, why_len, "%s: %s", CKPTBPF_DEVICE, strerror(-err));
		return err;
	}
}

static int kmod_probe(char *why, size_t why_len)
{
	struct ckptbpf_info info = { .size = sizeof(info) };
	cleanup_close int fd = open_device(why, why_len);

	if (fd < 0)
		return fd;
	if (ioctl(fd, CKPTBPF_GET_INFO, &info) < 0) {
		int err = -errno;

		snprintf(why, why_len, "%s: GET_INFO: %s", CKPTBPF_DEVICE, strerror(-err));
		return err;
	}
	if (info.abi_major != CKPTBPF_ABI_MAJOR) {
		snprintf(why, why_len, "the loaded module speaks ABI %u, this tool %u: load the module that belongs to it",
			 info.abi_major, CKPTBPF_ABI_MAJOR);
		return -EOPNOTSUPP;
	}
	if ((info.caps & CAPS_NEEDED) != CAPS_NEEDED) {
		snprintf(why, why_len, "the loaded module lacks abilities %#llx (it has ABI %u.%u): load a newer one",
			 (unsigned long long)(CAPS_NEEDED & ~info.caps), info.abi_major, info.abi_minor);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int kmod_open(struct ckpt_engine *e)
{
	struct ckptbpf_info info = { .size = sizeof(info) };
	struct kmod *k = calloc(1, sizeof(*k));
	char why[256] = "";

	if (!k)
		return ckpt_fail(-ENOMEM, 0, "engine kmod");
	k->fd = open_device(why, sizeof(why));
	if (k->fd < 0) {
		int err = k->fd;

		free(k);
		return ckpt_fail(err, 0, "engine kmod: %s", why);
	}
	if (!kmod_call(k, CKPTBPF_GET_INFO, &info))
		k->caps = info.caps;
	e->priv = k;
	return 0;
}

int kmod_list(struct kmod *k)
{
	struct ckptbpf_list arg = { .size = sizeof(arg) };
	int err;

	do {
		if (vec_grow((void **)&k->list.v, &k->list.cap, arg.n + 16, sizeof(*k->list.v)))
			return -ENOMEM;
		arg.buf = (uintptr_t)k->list.v;
		arg.n = (uint32_t)k->list.cap;
		err = kmod_call(k, CKPTBPF_LIST, &arg);
	} while (!err && arg.n > k->list.cap);
	k->list.n = err ? 0 : arg.n;
	return err;
}

static int freeze_failed(int err, pid_t pid, pid_t stuck)
{
	switch (err) {
	case -ETIME:
		return ckpt_fail(-ETIMEDOUT, pid, "it was frozen for longer than it may be, and has gone on");
	case -ETIMEDOUT:
		return ckpt_fail(err, pid, "thread %d does not stop", (int)stuck);
	case -EBUSY:
		if (stuck)
			return ckpt_fail(err, pid, "thread %d sits in a ptrace stop of its tracer", (int)stuck);
		return ckpt_fail(err, pid, "another snapshot of it is being taken");
	case -EOPNOTSUPP:
		return ckpt_fail(err, pid, "thread %d is a kernel worker (io_uring, vhost), which cannot be saved",
				 (int)stuck);
	case -EPERM:
		return ckpt_fail(err, pid, "may not be attached to");
	case -ESRCH:
		return ckpt_fail(err, pid, "no such process");
	case -EINVAL:
		return ckpt_fail(err, pid, "it is a kernel thread, or we ourselves");
	default:
		return ckpt_fail(err, pid, "freeze");
	}
}

static int kmod_attach(struct ckpt_engine *e, pid_t pid)
{
	struct kmod *k = e->priv;
	struct kmod_proc *p = kmod_add(k, pid);
	struct ckptbpf_freeze arg = {
		.size = sizeof(arg), .flags = CKPTBPF_FREEZE_CHECK, .tgid = pid, .timeout_ms = 1,
	};
	int err;

	if (!p)
		return ckpt_fail_err();
	err = kmod_call(k, CKPTBPF_FREEZE, &arg);
	if (!err && has_ended(p))
		err = -ESRCH;
	return err ? freeze_failed(err, pid, arg.stuck_tid) : 0;
}

/* The thread of p that waits inside a system call, 0: none. */
static pid_t in_call(const struct kmod *k, const struct kmod_proc *p)
{
	for (size_t i = 0; i < k->list.n; i++)
		if (k->list.v[i].tgid == p->pid && (k->list.v[i].flags & CKPTBPF_TF_IN_SYSCALL))
			return k->list.v[i].tid;
	return 0;
}

static int freeze_once(struct kmod *k, struct kmod_proc *p, uint64_t deadline_ns)
{
	struct ckptbpf_freeze arg = { .size = sizeof(arg), .tgid = p->pid };
	int err;

	p->frozen = true;
	do {
		uint64_t now = ckpt_now_ns(), left = MAX_FREEZE_MS;

		if (ckpt_interrupt_check())
			return ckpt_fail_err();
		if (deadline_ns)
			left = deadline_ns > now ? (deadline_ns - now + 999999) / 1000000 : 1;
		/* Should we be late, the program is not. */
		if (deadline_ns && left <= MAX_DEADLINE_MS && (k->caps & CKPTBPF_CAP_DEADLINE)) {
			arg.deadline_ms = (uint32_t)left;
			k->deadline = true;
		}
		arg.timeout_ms = left < MAX_FREEZE_MS ? (uint32_t)left : MAX_FREEZE_MS;
		err = kmod_call(k, CKPTBPF_FREEZE, &arg);
	} while (err == -ETIMEDOUT && (!deadline_ns || ckpt_now_ns() < deadline_ns));
	return err ? freeze_failed(err, p->pid, arg.stuck_tid) : 0;
}

/* The end of the stop is now ours alone, unless the deadline was before. */
static int hold(struct kmod *k)
{
	for (size_t i = 0; i < k->procs.n && k->deadline; i++) {
		struct ckptbpf_freeze arg = {
			.size = sizeof(arg), .tgid = k->procs.v[i].pid,
			.timeout_ms = MAX_FREEZE_MS, .deadline_ms = MAX_DEADLINE_MS,
		};
		int err = k->procs.v[i].frozen ? kmod_call(k, CKPTBPF_FREEZE, &arg) : 0;

		if (err)
			return freeze_failed(err, k->procs.v[i].pid, arg.stuck_tid);
	}
	return 0;
}

static int thaw_proc(struct kmod *k, struct kmod_proc *p)
{
	struct ckptbpf_thaw arg = { .size = sizeof(arg), .tgid = p->pid };
	int err = p->frozen ? kmod_call(k, CKPTBPF_THAW, &arg) : 0;

	p->frozen = false;
	return err == -ESRCH ? 0 : err;
}

static int freeze_proc(struct kmod *k, struct kmod_proc *p, uint64_t deadline_ns)
{
	for (int try = 1; ; try++) {
		struct timespec nap = { 0, 1000000 * try };
		int err = freeze_once(k, p, deadline_ns);
		pid_t tid;

		if (err)
			return err;
		err = kmod_list(k);
		if (err)
			return ckpt_fail(err, p->pid, "list of its threads");
		tid = in_call(k, p);
		if (!tid)
			break;
		if (try == IN_CALL_TRIES)
			return ckpt_fail(-EOPNOTSUPP, p->pid, "thread %d waits in io_uring, which cannot be saved",
					 (int)tid);
		err = thaw_proc(k, p);
		if (err)
			return ckpt_fail(err, p->pid, "thaw");
		nanosleep(&nap, NULL);
	}
	/* The number may be another's by now; what is parked cannot end. */
	if (has_ended(p))
		return ckpt_fail(-ESRCH, p->pid, "it ended during the freeze");
	return 0;
}

static int kmod_freeze(struct ckpt_engine *e, uint64_t deadline_ns)
{
	struct kmod *k = e->priv;
	int err = 0;

	for (size_t i = 0; i < k->procs.n && !err; i++)
		err = freeze_proc(k, &k->procs.v[i], deadline_ns);
	return err;
}

static int kmod_threads(struct ckpt_engine *e, pid_t pid, const pid_t **tids, size_t *n)
{
	struct kmod *k = e->priv;
	struct kmod_proc *p = kmod_find(k, pid);
	int err = p ? kmod_list(k) : -ESRCH;

	if (err)
		return ckpt_fail(err, pid, "list of its threads");
	p->tids.n = 0;
	for (size_t i = 0; i < k->list.n; i++) {
		pid_t *slot;

		if (k->list.v[i].tgid != pid || k->list.v[i].state == CKPTBPF_ST_DEAD)
			continue;
		slot = vec_push(&p->tids);
		if (!slot)
			return ckpt_fail(-ENOMEM, pid, "threads");
		*slot = k->list.v[i].tid;
		if (*slot == pid) {
			*slot = p->tids.v[0];
			p->tids.v[0] = pid;
		}
	}
	if (!p->tids.n || p->tids.v[0] != pid)
		return ckpt_fail(-ESRCH, pid, "its first thread has ended");
	*tids = p->tids.v;
	*n = p->tids.n;
	return 0;
}

static int kmod_thaw(struct ckpt_engine *e)
{
	struct kmod *k = e->priv;
	int err = 0;

	for (size_t i = 0; i < k->procs.n; i++) {
		int one = thaw_proc(k, &k->procs.v[i]);

		if (one && !err)
			err = one == -ETIME ? freeze_failed(one, k->procs.v[i].pid, 0) :
			      ckpt_fail(one, k->procs.v[i].pid, "thaw");
	}
	return err;
}

static int kmod_kill(struct ckpt_engine *e)
{
	struct kmod *k = e->priv;
	int err = hold(k);

	if (err)
		return err;
	for (size_t i = 0; i < k->procs.n; i++)
		if (syscall(SYS_pidfd_send_signal, k->procs.v[i].pidfd, SIGKILL, NULL, 0) && errno != ESRCH)
			return ckpt_fail(-errno, k->procs.v[i].pid, "kill");
	for (size_t i = 0; i < k->procs.n; i++) {
		struct pollfd fd = { .fd = k->procs.v[i].pidfd, .events = POLLIN };

		while (poll(&fd, 1, -1) < 0)
			if (errno != EINTR)
				return ckpt_fail(-errno, k->procs.v[i].pid, "wait for its end");
	}
	return kmod_thaw(e);
}

static int kmod_stop(struct ckpt_engine *e)
{
	struct kmod *k = e->priv;
	int err = hold(k);

	if (err)
		return err;
	/* Pending before the thaw, so that not one instruction is run between. */
	for (size_t i = 0; i < k->procs.n; i++)
		if (syscall(SYS_pidfd_send_signal, k->procs.v[i].pidfd, SIGSTOP, NULL, 0))
			return ckpt_fail(-errno, k->procs.v[i].pid, "SIGSTOP");
	return kmod_thaw(e);
}

static int kmod_get_regset(struct ckpt_engine *e, pid_t tid, uint32_t note, void *buf, size_t *len)
{
	struct ckptbpf_regset arg = {
		.size = sizeof(arg), .tid = tid, .note = note,
		.buf = (uintptr_t)buf, .len = (uint32_t)*len,
	};
	int err = kmod_call(e->priv, CKPTBPF_REGSET, &arg);

	if (err)
		return ckpt_fail(err, tid, "register set %#x: read", note);
	if (arg.len < *len)
		*len = arg.len;
	return 0;
}

static int kmod_set_regset(struct ckpt_engine *e, pid_t tid, uint32_t note, const void *buf, size_t len)
{
	struct ckptbpf_regset arg = {
		.size = sizeof(arg), .flags = CKPTBPF_REGSET_SET, .tid = tid, .note = note,
		.buf = (uintptr_t)buf, .len = (uint32_t)len,
	};
	int err = kmod_call(e->priv, CKPTBPF_REGSET, &arg);

	return err ? ckpt_fail(err, tid, "register set %#x: write", note) : 0;
}

static void kmod_close(struct ckpt_engine *e)
{
	struct kmod *k = e->priv;

	if (!k)
		return;
	close(k->fd);
	for (size_t i = 0; i < k->procs.n; i++) {
		struct kmod_proc *p = &k->procs.v[i];

		if (p->adopted)
			kmod_kill_adopted(p);
		close(p->pidfd);
		vec_free(&p->tids);
	}
	vec_free(&k->procs);
	vec_free(&k->list);
	free(k);
	e->priv = NULL;
}

const struct ckpt_engine_ops ckpt_engine_kmod = {
	.name = "kmod",
	.probe = kmod_probe,
	.open = kmod_open,
	.attach = kmod_attach,
	.freeze = kmod_freeze,
	.threads = kmod_threads,
	.thaw = kmod_thaw,
	.kill = kmod_kill,
	.stop = kmod_stop,
	.clone_prepare = kmod_clone_prepare,
	.clone = kmod_clone,
	.clone_settle = kmod_clone_settle,
	.clone_give_back = kmod_clone_give_back,
	.clone_end = kmod_clone_end,
	.get_regset = kmod_get_regset,
	.set_regset = kmod_set_regset,
	.adopt = kmod_adopt,
	.park_fd = kmod_park_fd,
	.park_wait = kmod_park_wait,
	.set_sigmask = kmod_set_sigmask,
	.unmap = kmod_unmap,
	.resume = kmod_resume,
	.close = kmod_close,
};
