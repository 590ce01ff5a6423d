/* SPDX-License-Identifier: GPL-2.0 */
/* What this kernel, and our rights on it, offer: asked by trying, never by version. */
#ifndef CKPT_ENGINE_FEATURE_H
#define CKPT_ENGINE_FEATURE_H

#include <stdbool.h>
#include <stddef.h>

enum ckpt_have {
	CKPT_HAVE_YES,
	CKPT_HAVE_NO,		/* something is lost */
	CKPT_HAVE_PART,		/* there, with a limit that detail names */
};

struct ckpt_feature {
	const char *name;
	enum ckpt_have have;
	bool needed;		/* without it neither snapshot nor restore */
	char detail[200];	/* what was found */
	const char *lost;	/* if not CKPT_HAVE_YES: what cannot be done */
	const char *todo;	/* and what to do about it */
};

/* Fill at most max; how many there are. */
size_t ckpt_features(struct ckpt_feature *f, size_t max);
/* Room that is enough. */
#define CKPT_FEATURES_MAX 24

/* Why the kernel does not let us look into a process, and what to do: one phrase. */
const char *ckpt_feature_no_access(void);

#endif
