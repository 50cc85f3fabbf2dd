// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Pseudonyms of names. */
#include "pseudo_name.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define MAX_NAMES 500000 /* a recording is not trusted */
#define MARK_BITS 20

static const struct {
	const char *format; /* of its number */
	bool in_text; /* replaced wherever text has it */
} classes[NAME_CLASSES] = {
	[NAME_PROCESS] = { "proc-%u", true },
	[NAME_USER] = { "user-%u", true },
	[NAME_NETNS] = { "netns-%u", true },
	[NAME_HOST] = { "host-%u", true },
	[NAME_PATH] = { "/path-%u", true },
	[NAME_QUERY] = { "query-%u", false },
	[NAME_MAIL] = { "mail-%u", false },
	[NAME_TEXT] = { "text-%u", false },
	[NAME_COMMAND] = { "command-%u", false },
	[NAME_MAC] = { "", false },
};

struct entry {
	char pseudo[PSEUDO_LEN]; /* "": the name stays */
	UT_hash_handle hh;
	size_t len; /* of key */
	char key[]; /* class, name, NUL */
};

struct pseudo_names {
	struct entry *all; /* by class and name */
	unsigned n[NAME_CLASSES];
	size_t count, longest;
	uint8_t maybe[1 << (MARK_BITS - 3)]; /* a bit per mark_of() that a name has */
};

#define KEPT NAME_CLASSES /* the class of names that stay */

/*
 * Nearly all that is looked up, every stretch of words in a text, is no name:
 * a few of its bytes tell that without a look at all of them.
 */
static size_t mark_of(unsigned class, const char *name, size_t len)
{
	uint32_t hash = class << 16 ^ (uint32_t)len;

	if (len) {
		hash = (hash ^ (uint8_t)name[0]) * 0x9e3779b1u;
		hash = (hash ^ (uint8_t)name[len / 2]) * 0x9e3779b1u;
		hash = (hash ^ (uint8_t)name[len - 1]) * 0x9e3779b1u;
	}
	return hash >> (32 - MARK_BITS);
}

static struct entry *find(const struct pseudo_names *p, unsigned class, const char *name, size_t len)
{
	size_t mark = mark_of(class, name, len);
	struct entry *e = NULL;
	char key[512];

	if (len >= sizeof(key) - 1 || !(p->maybe[mark / 8] & 1u << mark % 8))
		return NULL;
	key[0] = (char)('A' + class);
	memcpy(key + 1, name, len);
	HASH_FIND(hh, p->all, key, len + 1, e);
	return e;
}

static struct entry *add(struct pseudo_names *p, unsigned class, const char *name, size_t len)
{
	size_t mark = mark_of(class, name, len);
	struct entry *e = p->count < MAX_NAMES && len < 510 ? calloc(1, sizeof(*e) + len + 2) : NULL;

	if (!e)
		return NULL;
	e->key[0] = (char)('A' + class);
	memcpy(e->key + 1, name, len);
	e->len = len + 1;
	HASH_ADD_KEYPTR(hh, p->all, e->key, e->len, e);
	p->maybe[mark / 8] |= (uint8_t)(1u << mark % 8);
	p->count++;
	if (len > p->longest)
		p->longest = len;
	return e;
}

struct pseudo_names *pseudo_names_new(void)
{
	return calloc(1, sizeof(struct pseudo_names));
}

void pseudo_names_free(struct pseudo_names *p)
{
	struct entry *e, *next;

	if (!p)
		return;
	HASH_ITER(hh, p->all, e, next) {
		HASH_DEL(p->all, e);
		free(e);
	}
	free(p);
}

const char *pseudo_name(struct pseudo_names *p, enum name_class class, const char *name, size_t len)
{
	struct entry *e;
	unsigned n;

	if (len >= 510)
		len = 509;
	e = find(p, class, name, len);
	if (e)
		return e->pseudo;
	e = add(p, class, name, len);
	if (!e)
		return "redacted";
	n = ++p->n[class];
	if (class == NAME_MAC)
		snprintf(e->pseudo, sizeof(e->pseudo), "02:00:%02x:%02x:%02x:%02x", n >> 24 & 0xff,
			 n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff);
	else
		snprintf(e->pseudo, sizeof(e->pseudo), classes[class].format, n);
	return e->pseudo;
}

const char *pseudo_name_known(const struct pseudo_names *p, const char *name, size_t len)
{
	for (unsigned class = 0; len && class < NAME_CLASSES; class++) {
		const struct entry *e = classes[class].in_text ? find(p, class, name, len) : NULL;

		if (e)
			return e->pseudo;
	}
	return NULL;
}

void pseudo_name_keep(struct pseudo_names *p, const char *name)
{
	size_t len = strlen(name);

	if (len && !find(p, KEPT, name, len))
		add(p, KEPT, name, len);
}

bool pseudo_name_kept(const struct pseudo_names *p, const char *name, size_t len)
{
	return find(p, KEPT, name, len) != NULL;
}

size_t pseudo_name_longest(const struct pseudo_names *p)
{
	return p->longest;
}

void pseudo_names_each(struct pseudo_names *p,
		       void (*each)(void *ctx, const char *name, const char *pseudo), void *ctx)
{
	const struct entry *e, *next;

	HASH_ITER(hh, p->all, e, next)
		if (e->pseudo[0])
			each(ctx, e->key + 1, e->pseudo);
}
