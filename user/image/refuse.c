// SPDX-License-Identifier: GPL-2.0
#include "image/image.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/fail.h"

int ckpt_rec_refuse(const struct ckpt_rec *rec, int err, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return ckpt_fail(err, 0, "record %llu (%s) at 0x%llx: %s", (unsigned long long)rec->number,
			 ckpt_type_name(rec->h.type), (unsigned long long)rec->offset, what);
}
