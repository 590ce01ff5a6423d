// SPDX-License-Identifier: GPL-2.0
#include "image/show.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* Bytes of the valid, printable UTF-8 character at p, 0 if there is none. */
static size_t utf8_len(const uint8_t *p, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
	uint32_t c;

	if (!n || n > left)
		return 0;
	if (n == 1)
		return p[0] >= ' ' && p[0] != 0x7f && p[0] != '\\';
	c = p[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	/* Overlong, the C1 controls, surrogates, and U+2028 to U+202E, which turn lines around. */
	if (c < least[n] || c < 0xa0 || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff ||
	    (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
		return 0;
	return n;
}

char *ckpt_show_escape(const void *text, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = text;
	char *s = malloc(4 * len + 1), *to = s;

	if (!s)
		return NULL;
	while (len) {
		size_t n = utf8_len(p, len);

		if (!n) {
			*to++ = '\\';
			*to++ = 'x';
			*to++ = digits[*p >> 4];
			*to++ = digits[*p & 15];
			p++;
			len--;
			continue;
		}
		len -= n;
		while (n--)
			*to++ = (char)*p++;
	}
	*to = 0;
	return s;
}
