// SPDX-License-Identifier: GPL-2.0
#include "lib/boot_id.h"

#include <errno.h>
#include <stdio.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/io.h"

int ckpt_boot_id(uint8_t id[16])
{
	cleanup_free char *s = NULL;
	int err = ckpt_slurp("/proc/sys/kernel/random/boot_id", &s, NULL);
	int n = 0;

	if (err)
		return ckpt_fail(err, 0, "boot_id: read");
	for (char *c = s; *c && n < 16; c++) {
		unsigned int byte;

		if (*c == '-')
			c++;
		if (sscanf(c, "%2x", &byte) != 1)
			break;
		id[n++] = (uint8_t)byte;
		c++;
	}
	return n == 16 ? 0 : ckpt_fail(-EPROTO, 0, "boot_id '%s'", s);
}
