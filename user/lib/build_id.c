// SPDX-License-Identifier: GPL-2.0
#include "lib/build_id.h"

#include <gelf.h>
#include <string.h>

/* The file may be made to harm: what no linker writes is not looked at. */
#define MAX_PHDRS	4096u
#define MAX_NOTES	(1u << 20)

static size_t find(Elf_Data *notes, uint8_t id[CKPT_BUILD_ID_MAX])
{
	size_t at = 0, name, desc;
	GElf_Nhdr n;

	while ((at = gelf_getnote(notes, at, &n, &name, &desc))) {
		const char *bytes = notes->d_buf;

		if (n.n_type != NT_GNU_BUILD_ID || n.n_namesz != sizeof(ELF_NOTE_GNU) ||
		    memcmp(bytes + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)))
			continue;
		if (!n.n_descsz || n.n_descsz > CKPT_BUILD_ID_MAX)
			return 0;
		memcpy(id, bytes + desc, n.n_descsz);
		return n.n_descsz;
	}
	return 0;
}

static size_t find_in(Elf *elf, uint8_t id[CKPT_BUILD_ID_MAX])
{
	size_t phdrs, len = 0;

	if (elf_kind(elf) != ELF_K_ELF || elf_getphdrnum(elf, &phdrs) || phdrs > MAX_PHDRS)
		return 0;
	for (size_t i = 0; i < phdrs && !len; i++) {
		Elf_Data *notes;
		GElf_Phdr ph;

		if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_NOTE || ph.p_filesz > MAX_NOTES)
			continue;
		notes = elf_getdata_rawchunk(elf, (int64_t)ph.p_offset, ph.p_filesz,
					     ph.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		if (notes)
			len = find(notes, id);
	}
	return len;
}

size_t ckpt_build_id(int fd, uint8_t id[CKPT_BUILD_ID_MAX])
{
	size_t len;
	Elf *elf;

	elf_version(EV_CURRENT);
	/* Read, never mapped: whoever cuts the file off meanwhile would end us by SIGBUS. */
	elf = elf_begin(fd, ELF_C_READ, NULL);
	len = elf ? find_in(elf, id) : 0;
	elf_end(elf);
	return len;
}
