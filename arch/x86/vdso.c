// SPDX-License-Identifier: GPL-2.0
#include "vdso.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "lib/cleanup.h"
#include "lib/fail.h"

/* Its bounds; the vvar mappings lie directly before it, one or more as kernels go. */
static int find(struct ckpt_vdso *v)
{
	cleanup_fclose FILE *f = fopen("/proc/self/maps", "re");
	uint64_t first = 0, last_end = 0;
	char line[4352];

	if (!f)
		return ckpt_fail(-errno, 0, "/proc/self/maps");
	while (fgets(line, sizeof(line), f)) {
		uint64_t start, end;
		const char *name;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) != 2)
			continue;
		name = strstr(line, "[v");
		if (!name)
			continue;
		if (!strncmp(name, "[vvar", 5)) {
			if (start != last_end)
				first = start;
			last_end = end;
		} else if (!strncmp(name, "[vdso]", 6)) {
			v->code = start;
			v->len = end - start;
			v->start = first && last_end == start ? first : start;
			return 0;
		}
	}
	return ckpt_fail(-ENOENT, 0, "this process has no vdso");
}

int ckpt_vdso_self(struct ckpt_vdso *v)
{
	static const uint8_t insn[] = { 0x0f, 0x05 };
	XXH128_canonical_t canon;
	const uint8_t *at;
	int err;

	memset(v, 0, sizeof(*v));
	err = find(v);
	if (err)
		return err;
	at = memmem((const void *)v->code, v->len, insn, sizeof(insn));
	if (!at)
		return ckpt_fail(-ENOENT, 0, "the vdso has no system call instruction");
	v->syscall_off = (uint64_t)(uintptr_t)at - v->code;
	XXH128_canonicalFromHash(&canon, XXH3_128bits((const void *)v->code, v->len));
	memcpy(v->xxh3, canon.digest, sizeof(v->xxh3));
	return 0;
}
