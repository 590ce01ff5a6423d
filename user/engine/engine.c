// SPDX-License-Identifier: GPL-2.0
#include "engine/engine.h"

#include <errno.h>
#include <string.h>

#include "lib/fail.h"
#include "lib/log.h"

/* In the order of preference. */
static const struct ckpt_engine_ops *const engines[] = { &ckpt_engine_kmod, &ckpt_engine_stock };

int ckpt_engine_open(struct ckpt_engine *e, const char *name)
{
	bool any = !strcmp(name, "auto");
	bool known = any;

	memset(e, 0, sizeof(*e));
	for (size_t i = 0; i < sizeof(engines) / sizeof(*engines); i++) {
		char why[256] = "";
		int err;

		if (!any && strcmp(name, engines[i]->name))
			continue;
		known = true;
		err = engines[i]->probe(why, sizeof(why));
		if (err) {
			if (!any)
				return ckpt_fail(err, 0, "engine %s: %s", name, why);
			pr_debug("engine %s: %s", engines[i]->name, why);
			continue;
		}
		e->ops = engines[i];
		return e->ops->open(e);
	}
	if (!known)
		return ckpt_fail(-EINVAL, 0, "unknown engine '%s': auto, kmod or stock", name);
	return ckpt_fail(-EOPNOTSUPP, 0, "no engine can be used here: see 'ckptbpf check'");
}

void ckpt_engine_close(struct ckpt_engine *e)
{
	if (e->ops)
		e->ops->close(e);
	memset(e, 0, sizeof(*e));
}
