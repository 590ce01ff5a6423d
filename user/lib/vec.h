/* SPDX-License-Identifier: GPL-2.0 */
/* Growing arrays: struct { T *v; size_t n, cap; }. vec_push() returns the new slot, zeroed, or NULL. */
#ifndef CKPT_VEC_H
#define CKPT_VEC_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VEC(T) struct { T *v; size_t n, cap; }

static inline int vec_grow(void **v, size_t *cap, size_t need, size_t size)
{
	size_t c = *cap ? *cap : 16;
	void *p;

	while (c < need)
		c *= 2;
	if (c == *cap)
		return 0;
	p = reallocarray(*v, c, size);
	if (!p)
		return -ENOMEM;
	*v = p;
	*cap = c;
	return 0;
}

#define vec_push(a) ( \
	vec_grow((void **)&(a)->v, &(a)->cap, (a)->n + 1, sizeof(*(a)->v)) ? NULL : \
	memset(&(a)->v[(a)->n++], 0, sizeof(*(a)->v)))
#define vec_free(a) do { free((a)->v); (a)->v = NULL; (a)->n = (a)->cap = 0; } while (0)

#endif
