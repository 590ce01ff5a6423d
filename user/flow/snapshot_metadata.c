// SPDX-License-Identifier: GPL-2.0
/* The metadata of an image, in the order the seeds asked for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "flow/snapshot.h"
#include "lib/boot_id.h"
#include "lib/fail.h"
#include "vdso.h"
#include "xfeatures.h"

static int write_header(struct snapshot *s)
{
	struct ckpt_header h = {
		.magic = CKPT_MAGIC, .format = CKPT_FORMAT, .crid = s->crid,
		.page_size = CKPT_PAGE_SIZE, .realtime_ns = s->realtime_ns,
		.monotonic_ns = s->d.proc->clocks.monotonic_ns,
		.boottime_ns = s->d.proc->clocks.boottime_ns,
	};
	static const char tool[] = "ckptbpf " CKPT_VERSION;
	unsigned int major = 0, minor = 0, patch = 0;
	struct utsname u;
	char text[512];
	int err = ckpt_boot_id(h.boot_id);

	if (err)
		return err;
	if (uname(&u))
		return ckpt_fail(-errno, 0, "uname");
	sscanf(u.release, "%u.%u.%u", &major, &minor, &patch);
	h.kernel_major = (uint16_t)major;
	h.kernel_minor = (uint16_t)minor;
	h.kernel_patch = (uint16_t)patch;
	h.release_len = (uint16_t)strlen(u.release);
	h.version_len = (uint16_t)strlen(u.version);
	h.machine_len = (uint16_t)strlen(u.machine);
	h.host_len = (uint16_t)strlen(u.nodename);
	h.tool_len = sizeof(tool) - 1;
	snprintf(text, sizeof(text), "%s%s%s%s%s", u.release, u.version, u.machine, u.nodename, tool);
	return ckpt_write_record(s->w, CKPT_HEADER, 0, &h, sizeof(h), text, strlen(text));
}

static int write_header_arch(struct snapshot *s)
{
	struct ckpt_header_arch h = { .arch = CKPT_ARCH_X86_64, .xfeatures = arch_xfeatures() };
	struct ckpt_vdso vdso;
	int err = ckpt_vdso_self(&vdso);

	if (err)
		return err;
	/* Of the whole XCR0, as the regset shows it: a thread's own fpstate is shorter
	 * while a dynamic component (AMX) was not yet used. */
	h.xstate_size = (uint32_t)arch_xfeatures_end(h.xfeatures);
	h.vdso_len = vdso.len;
	memcpy(h.vdso_xxh3, vdso.xxh3, sizeof(h.vdso_xxh3));
	return ckpt_write_record(s->w, CKPT_HEADER_ARCH, 0, &h, sizeof(h), NULL, 0);
}

static int write_loss(struct snapshot *s, const char *text)
{
	struct ckpt_loss rec = { s->o->pid, (uint32_t)strlen(text) };

	return ckpt_write_record(s->w, CKPT_LOSS, 0, &rec, sizeof(rec), text, rec.text_len);
}

static int write_losses(struct snapshot *s)
{
	int err = 0;

	for (size_t i = 0; i < s->d.losses.n && !err; i++)
		err = write_loss(s, s->d.losses.v[i]);
	for (size_t i = 0; i < s->d.notes.n && !err; i++)
		err = write_loss(s, s->d.notes.v[i]);
	return err;
}

int snapshot_write_metadata(struct snapshot *s)
{
	static int (*const kinds[])(struct ckpt_dump *) = {
		res_task_write, res_thread_write, res_mm_write, res_fs_write, res_file_write,
		res_lock_write, res_fowner_write, res_terminal_write, res_signal_write, res_sigpending_write,
		res_itimer_write, res_posixtimer_write, res_clocks_write, res_creds_write,
	};
	int err = write_header(s);

	if (!err)
		err = write_header_arch(s);
	if (!err)
		err = ckpt_write_record(s->w, CKPT_CONTAINER, 0, &s->d.proc->ns,
					sizeof(s->d.proc->ns), NULL, 0);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && !err; i++)
		err = kinds[i](&s->d);
	return err ? err : write_losses(s);
}
