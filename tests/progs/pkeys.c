// SPDX-License-Identifier: GPL-2.0
/*
 * pkeys: protection keys: of mappings that may be read only, not be touched, or only
 * be executed; one that was given back while a mapping has it; what the thread may
 * do with each. A CPU or kernel without them: `unsupported`.
 */
#include "prog.h"

#include <fcntl.h>
#include <sys/mman.h>

#define PAGE 4096ul
#define KEYS 16

static char *readable, *closed, *left, *code;
static int zero, sink, rights[KEYS];

static char *map_anon(char fill)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	memset(p, fill, PAGE);
	return p;
}

/* The kernel minds the keys when it is asked to, and raises no signal. */
static bool can_read(const char *p) { return pwrite(sink, p, 1, 0) == 1; }
static bool can_write(char *p) { return read(zero, p + PAGE - 1, 1) == 1; }

/* As /proc/self/smaps has it. */
static int key_of(const char *p)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long start, end;
	char line[1024];
	bool in = false;
	int key = -1;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			in = (unsigned long)p >= start && (unsigned long)p < end;
		else if (in)
			sscanf(line, "ProtectionKey: %d", &key);
	}
	fclose(f);
	return key;
}

static void set_up(void)
{
	static const unsigned char fortytwo[] = { 0xb8, 42, 0, 0, 0, 0xc3 };	/* mov $42,%eax; ret */

	CHECK(pkey_alloc(0, 0) == 2 && pkey_alloc(0, PKEY_DISABLE_ACCESS) == 3);
	readable = map_anon('r');
	closed = map_anon('c');
	left = map_anon('l');
	code = map_anon(0);
	memcpy(code, fortytwo, sizeof(fortytwo));
	CHECK(pkey_mprotect(readable, PAGE, PROT_READ | PROT_WRITE, 1) == 0);
	CHECK(pkey_mprotect(closed, PAGE, PROT_READ | PROT_WRITE, 3) == 0);
	CHECK(pkey_mprotect(left, PAGE, PROT_READ, 2) == 0);
	/* For what may only be executed the kernel takes a key of its own: the next. */
	CHECK(mprotect(code, PAGE, PROT_EXEC) == 0);
	CHECK(pkey_free(2) == 0);
}

static void check(void)
{
	CHECKF(key_of(readable) == 1, "%d", key_of(readable));
	CHECKF(key_of(closed) == 3, "%d", key_of(closed));
	CHECKF(key_of(left) == 2, "%d", key_of(left));
	CHECKF(key_of(code) == 4, "%d", key_of(code));
	CHECK(can_read(readable) && !can_write(readable));
	CHECK(!can_read(closed) && !can_write(closed));
	CHECK(can_read(left) && !can_write(left));
	CHECK(!can_read(code) && ((int (*)(void))(void *)code)() == 42);
}

int main(void)
{
	prog_init();
	if (pkey_alloc(0, PKEY_DISABLE_WRITE) != 1) {
		prog_say("unsupported");
		return 0;
	}
	zero = open("/dev/zero", O_RDONLY);
	sink = memfd_create("sink", 0);
	CHECK(zero >= 0 && sink >= 0);
	set_up();
	check();
	for (int key = 0; key < KEYS; key++)
		rights[key] = pkey_get(key);
	prog_ready();
	for (int key = 0; key < KEYS; key++)
		CHECKF(pkey_get(key) == rights[key], "key %d: %d, was %d", key, pkey_get(key), rights[key]);
	check();
	CHECK(pkey_set(3, 0) == 0 && closed[0] == 'c' && can_write(closed));
	CHECK(pkey_set(1, 0) == 0 && readable[0] == 'r' && can_write(readable));
	CHECK(left[0] == 'l');
	CHECK(pkey_alloc(0, 0) == 2 && pkey_alloc(0, 0) == 5);
	prog_done();
}
