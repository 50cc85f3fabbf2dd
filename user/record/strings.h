/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The strings of a chunk: names and addresses that come again and again are
 * written once and then told by number.  The writer's table finds the number
 * of a string, the reader's the string of a number.
 */
#ifndef HCT_RECORD_STRINGS_H
#define HCT_RECORD_STRINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRING_LEN_MAX 255
#define STRINGS_MAX 4096 /* in a chunk */

struct string_table;

struct string_table *string_table_new(void); /* NULL: no memory */
void string_table_free(struct string_table *t); /* accepts NULL */
void string_table_clear(struct string_table *t);
size_t string_table_count(const struct string_table *t);

/*
 * The number of the LEN (at most STRING_LEN_MAX) bytes at DATA, from 1; *IS_NEW:
 * they were not there.  0: there is no room.
 */
unsigned string_table_find(struct string_table *t, const void *data, size_t len, bool *is_new);

/* Adds a string that is read: 0, or -EBADMSG: too long, or one too many. */
int string_table_add(struct string_table *t, const uint8_t *data, size_t len);
/* The bytes of string NUMBER, NULL: there is none. */
const uint8_t *string_table_data(const struct string_table *t, uint64_t number, size_t *len);
/*
 * The same as an interned name: no NUL inside.  Recordings are not trusted, so
 * the names that they bring into the set are limited: NULL behind that, too.
 */
const char *string_table_name(struct string_table *t, uint64_t number);

#endif
