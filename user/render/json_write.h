/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * JSON as it is written: no tree is made, so a probe's line costs no memory.
 *
 * Where a KEY is asked for, NULL is an element of an array.
 */
#ifndef HCT_JSON_WRITE_H
#define HCT_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_writer {
	FILE *out;
	bool comma; /* something precedes in this object or array */
	size_t len;
	char buffer[4096]; /* on its way to OUT */
};

void json_init(struct json_writer *w, FILE *out);
/* A line ends: it is printed, and flushed. */
void json_end_line(struct json_writer *w);

/* What every object has: TYPE, and which run on which host it is of; NULL where that is not known. */
void json_head(struct json_writer *w, const char *type, const char *host, const char *run);

void json_open_object(struct json_writer *w, const char *key);
void json_close_object(struct json_writer *w);
void json_open_array(struct json_writer *w, const char *key);
void json_close_array(struct json_writer *w);

void json_null(struct json_writer *w, const char *key);
void json_bool(struct json_writer *w, const char *key, bool value);
void json_uint(struct json_writer *w, const char *key, uint64_t value);
void json_int(struct json_writer *w, const char *key, int64_t value);
/* TEXT made harmless for a terminal (format_safe), and cut there; null for NULL and "". */
void json_string(struct json_writer *w, const char *key, const char *text);
/* The same with its line breaks: a cause or a fix can be of several lines. */
void json_lines(struct json_writer *w, const char *key, const char *text);
/* The same of any length, with tabs, too: a file's content. */
void json_document(struct json_writer *w, const char *key, const char *text);
/* A setting in seconds: 5, or 0.5. */
void json_seconds(struct json_writer *w, const char *key, uint64_t ns);

#endif
