// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The strings of a chunk. */
#include "strings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stream/names.h"

#define N_BUCKETS (STRINGS_MAX * 2) /* a power of two */
#define MAX_NAMES 65536 /* of one recording: functions, devices, reasons */

struct string {
	uint32_t at; /* in the text */
	uint8_t len;
	const char *name; /* interned, NULL: not asked for yet */
};

struct string_table {
	struct string strings[STRINGS_MAX];
	size_t n;
	size_t used; /* of the text */
	size_t n_names; /* interned, over all chunks */
	uint16_t buckets[N_BUCKETS]; /* numbers, 0: free; only the writer's */
	uint8_t text[STRINGS_MAX * (STRING_LEN_MAX + 1)];
};

struct string_table *string_table_new(void)
{
	return calloc(1, sizeof(struct string_table));
}

void string_table_free(struct string_table *t)
{
	free(t);
}

void string_table_clear(struct string_table *t)
{
	t->n = 0;
	t->used = 0;
	memset(t->buckets, 0, sizeof(t->buckets));
}

size_t string_table_count(const struct string_table *t)
{
	return t->n;
}

/* FNV-1a */
static uint32_t hash(const uint8_t *data, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ data[i]) * 16777619u;
	return h;
}

int string_table_add(struct string_table *t, const uint8_t *data, size_t len)
{
	struct string *s = &t->strings[t->n];

	if (len > STRING_LEN_MAX || t->n == STRINGS_MAX)
		return -EBADMSG;
	s->at = (uint32_t)t->used;
	s->len = (uint8_t)len;
	s->name = NULL;
	memcpy(t->text + t->used, data, len);
	t->text[t->used + len] = '\0';
	t->used += len + 1;
	t->n++;
	return 0;
}

unsigned string_table_find(struct string_table *t, const void *data, size_t len, bool *is_new)
{
	uint32_t bucket = hash(data, len) & (N_BUCKETS - 1);

	*is_new = false;
	for (; t->buckets[bucket]; bucket = (bucket + 1) & (N_BUCKETS - 1)) {
		const struct string *s = &t->strings[t->buckets[bucket] - 1];

		if (s->len == len && memcmp(t->text + s->at, data, len) == 0)
			return t->buckets[bucket];
	}
	if (string_table_add(t, data, len))
		return 0;
	*is_new = true;
	t->buckets[bucket] = (uint16_t)t->n;
	return (unsigned)t->n;
}

const uint8_t *string_table_data(const struct string_table *t, uint64_t number, size_t *len)
{
	if (!number || number > t->n)
		return NULL;
	*len = t->strings[number - 1].len;
	return t->text + t->strings[number - 1].at;
}

const char *string_table_name(struct string_table *t, uint64_t number)
{
	struct string *s;

	if (!number || number > t->n)
		return NULL;
	s = &t->strings[number - 1];
	if (s->name)
		return s->name;
	if (t->n_names == MAX_NAMES || memchr(t->text + s->at, '\0', s->len))
		return NULL;
	t->n_names++;
	s->name = names_intern((const char *)t->text + s->at);
	return s->name;
}
