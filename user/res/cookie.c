// SPDX-License-Identifier: GPL-2.0
#include "res/cookie.h"

#include <errno.h>
#include <stdlib.h>

/* Where cookie is, or where it would be; there is always a free place. */
static struct cookie_place *place(const struct cookie_map *m, uint64_t cookie)
{
	/* Addresses of structures: the lowest bits say nothing. */
	size_t i = (cookie >> 6) * 0x9e3779b97f4a7c15ull >> 32;

	for (;; i++) {
		struct cookie_place *p = &m->v[i & (m->cap - 1)];

		if (!p->at || p->cookie == cookie)
			return p;
	}
}

uint32_t cookie_get(const struct cookie_map *m, uint64_t cookie)
{
	return m->cap ? place(m, cookie)->at : 0;
}

static int grow(struct cookie_map *m)
{
	struct cookie_map more = { .cap = m->cap ? 2 * m->cap : 64, .n = m->n };

	more.v = calloc(more.cap, sizeof(*more.v));
	if (!more.v)
		return -ENOMEM;
	for (size_t i = 0; i < m->cap; i++)
		if (m->v[i].at)
			*place(&more, m->v[i].cookie) = m->v[i];
	free(m->v);
	*m = more;
	return 0;
}

int cookie_put(struct cookie_map *m, uint64_t cookie, uint32_t at)
{
	struct cookie_place *p;

	if (2 * (m->n + 1) > m->cap && grow(m))
		return -ENOMEM;
	p = place(m, cookie);
	if (!p->at) {
		*p = (struct cookie_place){ cookie, at };
		m->n++;
	}
	return 0;
}

void cookie_free(struct cookie_map *m)
{
	free(m->v);
	*m = (struct cookie_map){ 0 };
}
