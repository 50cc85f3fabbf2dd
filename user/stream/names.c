// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Interned strings.  The set is small: device, function and reason names. */
#include "names.h"

#include <stdlib.h>
#include <string.h>

/* uthash aborts on no memory by default; a tracer reports and goes on. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct name {
	UT_hash_handle hh;
	char text[];
};

static struct name *names;

const char *names_intern(const char *text)
{
	struct name *name;
	size_t len;

	if (!text)
		return NULL;
	len = strlen(text);
	HASH_FIND(hh, names, text, len, name);
	if (name)
		return name->text;
	name = malloc(sizeof(*name) + len + 1);
	if (!name)
		return "?";
	memcpy(name->text, text, len + 1);
	name->hh.tbl = NULL;
	HASH_ADD_KEYPTR(hh, names, name->text, len, name);
	if (!name->hh.tbl) {
		free(name);
		return "?";
	}
	return name->text;
}

void names_free(void)
{
	struct name *name, *next;

	HASH_ITER(hh, names, name, next) {
		HASH_DEL(names, name);
		free(name);
	}
}
