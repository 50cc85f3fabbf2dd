// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Bytes that grow. */
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int store_add(struct store *s, const void *data, size_t len)
{
	uint8_t *more = realloc(s->data, s->len + len + 1);

	if (!more)
		return -ENOMEM;
	s->data = more;
	memcpy(more + s->len, data, len);
	s->len += len;
	more[s->len] = '\0';
	return 0;
}
