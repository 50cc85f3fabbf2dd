/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The text form of values in a case file: "key=value" words, where bytes other
 * than printable ASCII, spaces and '%' are written as %XX.
 *
 * Readers take any input: 0, or -EINVAL for what is no such value.
 */
#ifndef HCT_CASE_TEXT_H
#define HCT_CASE_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

void text_put(FILE *out, const void *data, size_t len);
/* Decodes IN to at most SIZE bytes; returns their number, or -EINVAL. */
int text_get(const char *in, void *out, size_t size);
/* The same to a C string: no NUL inside, and SIZE counts the one at the end. */
int text_get_string(const char *in, char *out, size_t size);

int text_get_u64(const char *in, uint64_t max, uint64_t *out);
int text_get_s64(const char *in, int64_t *out);

/* Nanoseconds as seconds: "-0.000000123", "12.5". */
void text_put_time(FILE *out, int64_t ns);
int text_get_time(const char *in, int64_t *ns);

/* "192.168.0.10:80", "[::1]:80", or an address alone; PORT in host byte order. */
int text_get_endpoint(const char *in, uint8_t addr[16], uint16_t *port);

/* A struct's members as words: those that are zero or empty are left out. */
enum field_kind {
	FIELD_U8,
	FIELD_U16,
	FIELD_U32,
	FIELD_S32,
	FIELD_U64,
	FIELD_S64,
	FIELD_BOOL,
	FIELD_STRING, /* char[size] */
	FIELD_NAME, /* const char *, interned; NULL is left out */
	FIELD_ADDR, /* uint8_t[16] */
	FIELD_STATE, /* uint8_t, a TCP state by name */
	FIELD_RECORD, /* uint32_t, HCT_TLS_RECORD: "22/1:196", type, first byte, length */
	FIELD_ENUM, /* an enum of unsigned int, by name */
};

struct field {
	const char *key;
	enum field_kind kind;
	size_t offset;
	size_t size; /* FIELD_STRING; FIELD_ENUM: number of names */
	const char *const *names; /* FIELD_ENUM */
};
#define FIELD(key, kind, type, member) { key, kind, offsetof(type, member), 0 }
#define FIELD_TEXT(key, type, member) \
	{ key, FIELD_STRING, offsetof(type, member), sizeof(((type *)0)->member) }
#define FIELD_NAMES(key, type, member, names) \
	{ key, FIELD_ENUM, offsetof(type, member), sizeof(names) / sizeof((names)[0]), names }

/* Writes " key=value" for each of the N fields of the struct at BASE. */
void fields_put(FILE *out, const struct field *fields, size_t n, const void *base);
/* Sets the member KEY of the struct at BASE: 0, -ENOENT no such field, -EINVAL no such value. */
int fields_get(const struct field *fields, size_t n, void *base, const char *key,
	       const char *value);

/* Takes the next word off *REST (it is cut up); NULL at the end. */
char *text_word(char **rest);
/* Cuts "key=value" at the '='; NULL when there is none. */
char *text_value(char *word);

#endif
