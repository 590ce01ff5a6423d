// SPDX-License-Identifier: GPL-2.0
/* big MIB: so much private memory, no two pages alike. */
#include "prog.h"

#include <stdint.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
	size_t len = (argc > 1 ? strtoul(argv[1], NULL, 10) : 64) << 20;
	uint64_t *p;

	prog_init();
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < len / 8; i += 64)
		p[i] = i * 0x9e3779b97f4a7c15ull + 1;
	prog_ready();
	for (size_t i = 0; i < len / 8; i += 64)
		CHECK(p[i] == i * 0x9e3779b97f4a7c15ull + 1 && !p[i + 1]);
	prog_done();
}
