// SPDX-License-Identifier: GPL-2.0
/*
 * Who a thread is: ids, groups, capabilities, securebits. A new task has the
 * restorer's; each of its threads goes down to its own when nothing is left to
 * be done that needs more. What would be more than the restorer has is refused.
 *
 * Saved: all ids and groups, capabilities, securebits.
 * Restored: each thread sets its own in the restorer, last of all.
 * Refused: at the restore, what would be more than the restorer has.
 * Lost: keyrings, label of the security module, login uid: the restorer's, each told.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"
#include "res/dump.h"
#include "res/res.h"
#include "restorer/blob.h"

int res_creds_check_dump(struct ckpt_dump *d)
{
	for (size_t i = 0; i < d->threads.n; i++) {
		const struct dump_thread *t = &d->threads.v[i];

		if (t->g->creds.ngroups && (!t->groups || t->groups->n != t->g->creds.ngroups))
			return dump_refuse(d, "thread %d: %u supplementary groups, not all of them read",
					   t->g->h.tid, t->g->creds.ngroups);
	}
	return 0;
}

int res_creds_write(struct ckpt_dump *d)
{
	int err = 0;

	for (size_t i = 0; i < d->threads.n && !err; i++) {
		const struct dump_thread *t = &d->threads.v[i];

		err = ckpt_write_record(d->w, CKPT_CREDS, t->id, &t->g->creds,
					sizeof(t->g->creds), t->groups ? t->groups->gid : NULL,
					t->groups ? 4 * t->groups->n : 0);
	}
	return err;
}

static uint64_t status_hex(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at ? strtoull(at + strlen(key), NULL, 16) : 0;
}

struct own {
	uint32_t uid[4], gid[4];
	uint64_t caps[5];
	uint32_t securebits;
	int ngroups;
	gid_t groups[1024];
};

static int read_own(struct own *o)
{
	static const char *const keys[] = { "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:" };
	cleanup_free char *s = NULL;
	const char *at;
	int err = ckpt_slurp("/proc/self/status", &s, NULL);

	if (err)
		return ckpt_fail(err, 0, "/proc/self/status: read");
	for (size_t i = 0; i < 5; i++)
		o->caps[i] = status_hex(s, keys[i]);
	at = strstr(s, "\nUid:");
	if (at)
		sscanf(at + 5, "%u %u %u %u", &o->uid[0], &o->uid[1], &o->uid[2], &o->uid[3]);
	at = strstr(s, "\nGid:");
	if (at)
		sscanf(at + 5, "%u %u %u %u", &o->gid[0], &o->gid[1], &o->gid[2], &o->gid[3]);
	o->securebits = (uint32_t)prctl(PR_GET_SECUREBITS);
	o->ngroups = getgroups(1024, o->groups);
	return o->ngroups < 0 ? ckpt_fail(-errno, 0, "getgroups") : 0;
}

static bool same_ids(const uint32_t own[4], uint32_t real, uint32_t effective, uint32_t saved,
		     uint32_t fs)
{
	return own[0] == real && own[1] == effective && own[2] == saved && own[3] == fs;
}

static bool same_uids(const struct own *o, const struct ckpt_creds *c)
{
	return same_ids(o->uid, c->uid, c->euid, c->suid, c->fsuid);
}

/* The kernel keeps groups sorted, and so do both sides here. */
static bool same_gids(const struct own *o, const struct plan_thread *t)
{
	const struct ckpt_creds *c = &t->creds;

	return same_ids(o->gid, c->gid, c->egid, c->sgid, c->fsgid) && (int)c->ngroups == o->ngroups &&
	       (!o->ngroups || !memcmp(t->groups, o->groups, sizeof(gid_t) * (size_t)o->ngroups));
}

enum { INHERITABLE, PERMITTED, EFFECTIVE, BOUNDING, AMBIENT };

/* Other than by giving up capabilities that it has, which anyone may. */
static bool same_privs(const struct own *o, const struct ckpt_creds *c)
{
	return c->securebits == o->securebits && c->cap_bset == o->caps[BOUNDING] &&
	       c->cap_ambient == o->caps[AMBIENT] && c->cap_inheritable == o->caps[INHERITABLE];
}

static bool same(const struct own *o, const struct plan_thread *t)
{
	return same_uids(o, &t->creds) && same_gids(o, t) && same_privs(o, &t->creds) &&
	       t->creds.cap_permitted == o->caps[PERMITTED] && t->creds.cap_effective == o->caps[EFFECTIVE];
}

/* Why t cannot be made from what we are, NULL if it can. */
static const char *obstacle(const struct own *o, const struct plan_thread *t)
{
	const struct ckpt_creds *c = &t->creds;
	uint64_t can = o->caps[EFFECTIVE];

	if (c->cap_permitted & ~o->caps[PERMITTED] || c->cap_bset & ~o->caps[BOUNDING] ||
	    c->cap_inheritable & ~(o->caps[INHERITABLE] | o->caps[PERMITTED] | o->caps[BOUNDING]))
		return "it has capabilities that the restorer lacks";
	if (!same_uids(o, c) && !(can >> CAP_SETUID & 1))
		return "its user ids differ from the restorer's, who lacks CAP_SETUID";
	if (!same_gids(o, t) && !(can >> CAP_SETGID & 1))
		return "its group ids differ from the restorer's, who lacks CAP_SETGID";
	if ((!same_uids(o, c) || !same_privs(o, c)) && !(can >> CAP_SETPCAP & 1))
		return "its capabilities differ from the restorer's, who lacks CAP_SETPCAP";
	/* A locked bit (each odd one) stays, and so does the bit that it locks. */
	if ((c->securebits ^ o->securebits) & (o->securebits & SECURE_ALL_LOCKS) ||
	    (c->securebits ^ o->securebits) & (o->securebits & SECURE_ALL_LOCKS) >> 1)
		return "the restorer's securebits are locked";
	return NULL;
}

int res_creds_check(const struct ckpt_plan *p)
{
	cleanup_free struct own *o = calloc(1, sizeof(*o));
	int err = o ? read_own(o) : ckpt_fail(-ENOMEM, 0, "credentials");

	for (size_t i = 0; i < p->tasks.n && !err; i++) {
		const struct plan_task *t = &p->tasks.v[i];

		for (size_t j = 0; j < t->threads.n; j++) {
			const char *what = obstacle(o, &t->threads.v[j]);

			if (what)
				return ckpt_fail(-EPERM, t->rec.pid, "thread %d: %s",
						 t->threads.v[j].rec.tid, what);
		}
	}
	return err;
}

size_t res_creds_groups(const struct plan_task *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->threads.n; i++)
		n += t->threads.v[i].creds.ngroups;
	return n;
}

int res_creds_describe(const struct plan_task *t, struct blob_plan *b)
{
	cleanup_free struct own *o = calloc(1, sizeof(*o));
	int err = o ? read_own(o) : ckpt_fail(-ENOMEM, 0, "credentials");
	uint32_t at = 0;

	for (size_t i = 0; i < t->threads.n && !err; i++) {
		const struct plan_thread *th = &t->threads.v[i];
		const struct ckpt_creds *c = &th->creds;

		b->threads[i].creds = (struct blob_creds){
			.change = !same(o, th),
			.uid = c->uid, .euid = c->euid, .suid = c->suid, .fsuid = c->fsuid,
			.gid = c->gid, .egid = c->egid, .sgid = c->sgid, .fsgid = c->fsgid,
			.securebits = c->securebits, .own_securebits = o->securebits,
			.ngroups = c->ngroups, .first_group = at,
			.drop = o->caps[BOUNDING] & ~c->cap_bset,
			.permitted = c->cap_permitted, .own_permitted = o->caps[PERMITTED],
			.effective = c->cap_effective, .own_effective = o->caps[EFFECTIVE],
			.inheritable = c->cap_inheritable, .ambient = c->cap_ambient,
		};
		if (c->ngroups)
			memcpy(b->groups + at, th->groups, c->ngroups * sizeof(*th->groups));
		at += c->ngroups;
	}
	return err;
}
