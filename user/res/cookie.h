/* SPDX-License-Identifier: GPL-2.0 */
/* Which place in a list has this cookie: thousands of descriptors are looked up in the stop. */
#ifndef CKPT_RES_COOKIE_H
#define CKPT_RES_COOKIE_H

#include <stddef.h>
#include <stdint.h>

struct cookie_map {
	struct cookie_place { uint64_t cookie; uint32_t at; } *v;
	size_t n, cap;			/* cap: a power of two, 0: empty */
};

/* The place of this cookie, counted from 1, 0: none. */
uint32_t cookie_get(const struct cookie_map *m, uint64_t cookie);
/* Its first place stays. 0 or -ENOMEM. */
int cookie_put(struct cookie_map *m, uint64_t cookie, uint32_t at);
void cookie_free(struct cookie_map *m);

#endif
