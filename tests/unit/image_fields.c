// SPDX-License-Identifier: GPL-2.0
/* Every byte of every struct is a field; the layout is the same for all compilers. */
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "image/fields.h"
#include "image/image.h"
#include "tests/unit/tap.h"

static const uint16_t types[] = {
#define CKPT_FRAME(name, id, st)		(id),
#define CKPT_KIND(name, id, phase, stem)	(id),
#include "ckptbpf/kinds.def"
#undef CKPT_FRAME
#undef CKPT_KIND
};

/* Each byte belongs to exactly one field: then there is no hidden padding, which could differ. */
static void test_no_gaps(uint16_t type)
{
	const struct ckpt_layout *t = ckpt_type_fields(type);
	uint8_t seen[4096] = { 0 };
	size_t wrong = SIZE_MAX;

	need(t && t->size <= sizeof(seen));
	for (unsigned int i = 0; i < t->nfields; i++)
		for (unsigned int k = 0; k < t->fields[i].count; k++)
			for (unsigned int b = 0; b < t->fields[i].size; b++)
				seen[t->fields[i].off + k * t->fields[i].stride + b]++;
	for (size_t b = 0; b < sizeof(seen) && wrong == SIZE_MAX; b++)
		if (seen[b] != (b < t->size))
			wrong = b;
	ok(wrong == SIZE_MAX, "%s: %u bytes are its fields'", ckpt_type_name(type), t->size);
	if (wrong != SIZE_MAX)
		printf("# byte %zu belongs to %u fields\n", wrong, seen[wrong]);
}

static void test_natural_alignment(uint16_t type)
{
	const struct ckpt_layout *t = ckpt_type_fields(type);
	const char *odd = t->size % 8 ? "its size" : NULL;

	for (unsigned int i = 0; i < t->nfields; i++) {
		const struct ckpt_field *f = &t->fields[i];

		if (f->size <= 8 && f->fmt != FMT_PAD && f->fmt != FMT_TEXT && f->off % f->size)
			odd = f->name;
	}
	ok(!odd, "%s: aligned on every architecture%s%s", ckpt_type_name(type), odd ? ": " : "",
	   odd ? odd : "");
}

static void test_lengths(uint16_t type)
{
	const struct ckpt_layout *t = ckpt_type_fields(type);
	uint8_t st[4096];
	unsigned int lonely = 0, used = 0;
	uint64_t sum = 0;

	/* Lists of one length share its field. */
	for (unsigned int i = 0; i < t->nfields; i++) {
		unsigned int n = 0;

		for (unsigned int k = 0; k < t->ntrails; k++)
			n += t->trails[k].len_off == t->fields[i].off;
		lonely += t->fields[i].fmt == FMT_LEN && !n;
		used += t->fields[i].fmt == FMT_LEN ? n : 0;
	}
	memset(st, 0xff, sizeof(st));
	for (unsigned int i = 0; i < t->ntrails; i++)
		sum += t->trails[i].unit * ((t->trails[i].len_size == 2 ? 0xffffull : 0xffffffffull));
	/* PAGES shows its count as well. */
	ok((!lonely && used == t->ntrails) || type == CKPT_PAGES, "%s: each length has its trailing part",
	   ckpt_type_name(type));
	ok(ckpt_type_extra(t, st) == sum, "%s: the largest lengths do not overflow", ckpt_type_name(type));
}

static bool compiles(const char *cc, const char *what)
{
	char cmd[512];
	int status;

	snprintf(cmd, sizeof(cmd), "printf '%%s\\n' '%s' | %s -std=gnu11 -fsyntax-only -Werror -Iinclude "
		 "-Iarch/x86 -x c - 2>/dev/null", what, cc);
	status = system(cmd);
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* For BPF the types come from vmlinux.h. */
#define IMAGE_H "#include <linux/types.h>\n#include \"ckptbpf/image.h\""

/* The assertions in image.h are what is compiled. */
static void test_compiler(const char *cc)
{
	if (!compiles(cc, "#include <linux/types.h>")) {
		printf("ok %d - layout by %s # skip it cannot include linux/types.h\n", ++tap_count, cc);
		return;
	}
	ok(compiles(cc, IMAGE_H), "layout by %s", cc);
	ok(!compiles(cc, IMAGE_H "\nCKPT_ONDISK(struct ckpt_vma, 44);"),
	   "a wrong size does not compile by %s", cc);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		test_no_gaps(types[i]);
		test_natural_alignment(types[i]);
		test_lengths(types[i]);
	}
	ok(!ckpt_type_fields(0) && !ckpt_type_size(777), "an unknown type has no fields");
	ok(!strcmp(ckpt_type_name(CKPT_VMA), "VMA"), "names come from kinds.def");
	test_compiler("gcc -m64");
	test_compiler("gcc -m32");
	test_compiler("clang -target bpf -I/usr/include/x86_64-linux-gnu");
	return tap_done();
}
