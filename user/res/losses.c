// SPDX-License-Identifier: GPL-2.0
#include "res/losses.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/fail.h"

int res_lose(struct res_losses *l, int err, pid_t pid, const char *fmt, ...)
{
	char text[512], **slot;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* ckpt_fail() takes the text of these two for the cause. */
	if (!l->force)
		return err == -EINVAL || err == -EOPNOTSUPP ?
		       ckpt_fail(err, pid, "%s: %s", text, ckpt_errname(err)) :
		       ckpt_fail(err, pid, "%s", text);
	slot = vec_push(&l->lines);
	if (!slot || asprintf(slot, "pid %d: lost: %s: %s", (int)pid, text, ckpt_errname(err)) < 0) {
		if (slot)
			l->lines.n--;
		return ckpt_fail(-ENOMEM, pid, "%s", text);
	}
	return 0;
}

void res_losses_free(struct res_losses *l)
{
	for (size_t i = 0; i < l->lines.n; i++)
		free(l->lines.v[i]);
	vec_free(&l->lines);
}
