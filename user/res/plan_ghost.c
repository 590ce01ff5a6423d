// SPDX-License-Identifier: GPL-2.0
/* Deleted files of an image. */
#include <errno.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "res/plan_int.h"

/* Names that the kernel lets a filesystem keep, and that a snapshot takes. */
static bool known_xattr(const char *name, uint32_t len)
{
	static const struct { const char *name; bool prefix; } known[] = {
		{ "user.", true }, { "trusted.", true }, { "security.capability", false },
		{ "system.posix_acl_access", false },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		size_t n = strlen(known[i].name);

		if (known[i].prefix ? len > n && !memcmp(name, known[i].name, n) :
		    len == n && !memcmp(name, known[i].name, n))
			return true;
	}
	return false;
}

static int check_xattrs(const struct ckpt_rec *rec, const uint8_t *at, uint32_t left)
{
	while (left) {
		struct ckpt_xattr x;

		if (left < sizeof(x))
			return bad(rec, "an extended attribute is cut short");
		memcpy(&x, at, sizeof(x));
		at += sizeof(x);
		left -= (uint32_t)sizeof(x);
		if (x.name_len > XATTR_NAME_MAX || x.value_len > XATTR_SIZE_MAX ||
		    left < x.name_len + x.value_len)
			return bad(rec, "an extended attribute of %u and %u bytes is too long", x.name_len,
				   x.value_len);
		if (memchr(at, 0, x.name_len) || !known_xattr((const char *)at, x.name_len))
			return bad(rec, "an extended attribute that no file can have");
		at += x.name_len + x.value_len;
		left -= x.name_len + x.value_len;
	}
	return 0;
}

int plan_take_ghost(struct ckpt_plan *p, const struct ckpt_rec *rec)
{
	const struct ckpt_ghost *f = rec->payload;
	const uint8_t *xattrs = (const uint8_t *)(f + 1) + f->folder_len;
	struct plan_ghost *slot;
	int err;

	if (f->flags & ~CKPT_GHOST_LINKABLE)
		return bad(rec, "flags 0x%x", f->flags);
	if (f->flags & CKPT_GHOST_LINKABLE && f->nlink)
		return bad(rec, "it never had a name, but %u are left", f->nlink);
	if (f->size > INT64_MAX - CKPT_PAGE_SIZE)
		return bad(rec, "size %llu", (unsigned long long)f->size);
	if (f->mode & ~07777u)
		return bad(rec, "mode 0%o", f->mode);
	/* To chown() they would mean: as it is. */
	if (f->uid == UINT32_MAX || f->gid == UINT32_MAX)
		return bad(rec, "owner %u:%u", f->uid, f->gid);
	if (f->atime_nsec > 999999999 || f->mtime_nsec > 999999999)
		return bad(rec, "a time of %u or %u ns", f->atime_nsec, f->mtime_nsec);
	if (f->xattrs_len > CKPT_MAX_XATTRS)
		return bad(rec, "extended attributes of %u bytes are too long", f->xattrs_len);
	err = check_xattrs(rec, xattrs, f->xattrs_len);
	if (err)
		return err;
	slot = vec_push(&p->ghosts);
	if (!slot)
		return plan_nomem(rec);
	slot->rec = *f;
	slot->fd = -1;
	slot->xattrs = malloc(f->xattrs_len + 1);
	if (!slot->xattrs)
		return plan_nomem(rec);
	memcpy(slot->xattrs, xattrs, f->xattrs_len);
	err = plan_text(rec, (const char *)(f + 1), f->folder_len, true, "folder", &slot->folder);
	return err ? err : plan_new_object(p, rec, f->id, (uint32_t)p->ghosts.n - 1, 0);
}

int plan_check_ghost(struct ckpt_plan *p, const struct ckpt_rec *rec, const struct ckpt_file *f)
{
	if (!plan_ghost(p, f->obj))
		return bad(rec, "obj %u is no GHOST that came before", f->obj);
	if (!S_ISREG(f->mode))
		return bad(rec, "mode 0%o is not a regular file's", f->mode);
	return 0;
}
