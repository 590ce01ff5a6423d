// SPDX-License-Identifier: GPL-2.0
/*
 * A clone of a stopped process's memory by the module, in the process's own
 * context. It never runs, has no descriptors, and dies with the session.
 */
#include <errno.h>

#include "engine/kmod.h"

#define REAP_MS	10000u

int kmod_clone_prepare(struct ckpt_engine *e, pid_t pid, const char **why)
{
	struct kmod *k = e->priv;

	(void)pid;
	if (k->caps & CKPTBPF_CAP_SNAPSHOT)
		return 0;
	*why = "the loaded module has no SNAPSHOT";
	return -EOPNOTSUPP;
}

int kmod_clone(struct ckpt_engine *e, pid_t pid, struct ckpt_clone *c, const char **why)
{
	struct ckptbpf_snapshot arg = { .size = sizeof(arg), .tid = pid };
	int err = kmod_call(e->priv, CKPTBPF_SNAPSHOT, &arg);

	*c = (struct ckpt_clone){ .pid = err ? 0 : arg.child };
	if (err)
		*why = err == -EAGAIN ? "it may have no more processes" : "the module's clone failed";
	return err;
}

int kmod_clone_settle(struct ckpt_engine *e, struct ckpt_clone *c)
{
	(void)e;
	(void)c;
	return 0;	/* it never had any */
}

int kmod_clone_give_back(struct ckpt_engine *e, struct ckpt_clone *c, uint64_t addr, uint64_t len)
{
	struct ckptbpf_mem_ctx arg = {
		.size = sizeof(arg), .tid = c->pid, .op = CKPTBPF_MEM_MUNMAP, .addr = addr, .len = len,
	};
	int err = kmod_call(e->priv, CKPTBPF_MEM_CTX, &arg);

	return err ? err : (int)arg.ret;
}

/* If it is not gone in time, by a stopped parent say, it goes when that runs. */
void kmod_clone_end(struct ckpt_engine *e, struct ckpt_clone *c)
{
	struct ckptbpf_reap arg = { .size = sizeof(arg), .child = c->pid, .timeout_ms = REAP_MS };

	kmod_call(e->priv, CKPTBPF_REAP, &arg);
	c->pid = 0;
}
