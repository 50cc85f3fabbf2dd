// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* JSON as it is written. */
#include "json_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/finish_output.h"
#include "base/run_identity.h"
#include "format.h"

#define NS_PER_SEC UINT64_C(1000000000)
#define MAX_TEXT 1024

void json_init(struct json_writer *w, FILE *out)
{
	w->out = out;
	w->comma = false;
	w->len = 0;
}

static void write_out(struct json_writer *w)
{
	fwrite(w->buffer, 1, w->len, w->out);
	w->len = 0;
}

static void put(struct json_writer *w, const char *text, size_t len)
{
	if (len > sizeof(w->buffer) - w->len) {
		write_out(w);
		if (len > sizeof(w->buffer)) {
			fwrite(text, 1, len, w->out);
			return;
		}
	}
	memcpy(w->buffer + w->len, text, len);
	w->len += len;
}

static void put_char(struct json_writer *w, char c)
{
	put(w, &c, 1);
}

void json_end_line(struct json_writer *w)
{
	put_char(w, '\n');
	write_out(w);
	flush_output(w->out);
	w->comma = false;
}

/* What stands in front of a value: a comma, and in an object its key. */
static void put_key(struct json_writer *w, const char *key)
{
	if (w->comma)
		put_char(w, ',');
	w->comma = true;
	if (!key)
		return;
	put_char(w, '"');
	put(w, key, strlen(key));
	put(w, "\":", 2);
}

static void open_level(struct json_writer *w, const char *key, char c)
{
	put_key(w, key);
	put_char(w, c);
	w->comma = false;
}

static void close_level(struct json_writer *w, char c)
{
	put_char(w, c);
	w->comma = true;
}

void json_open_object(struct json_writer *w, const char *key)
{
	open_level(w, key, '{');
}

void json_close_object(struct json_writer *w)
{
	close_level(w, '}');
}

void json_open_array(struct json_writer *w, const char *key)
{
	open_level(w, key, '[');
}

void json_close_array(struct json_writer *w)
{
	close_level(w, ']');
}

void json_head(struct json_writer *w, const char *type, const char *host, const char *run)
{
	json_string(w, "type", type);
	json_string(w, "host", host);
	json_string(w, "run", run);
	json_uint(w, "schema", JSON_SCHEMA);
}

void json_null(struct json_writer *w, const char *key)
{
	put_key(w, key);
	put(w, "null", 4);
}

void json_bool(struct json_writer *w, const char *key, bool value)
{
	put_key(w, key);
	put(w, value ? "true" : "false", value ? 4 : 5);
}

void json_uint(struct json_writer *w, const char *key, uint64_t value)
{
	char text[NUMBER_TEXT_LEN];

	put_key(w, key);
	put(w, text, format_number(text, value));
}

void json_int(struct json_writer *w, const char *key, int64_t value)
{
	char text[NUMBER_TEXT_LEN];

	put_key(w, key);
	if (value < 0)
		put_char(w, '-');
	put(w, text, format_number(text, value < 0 ? -(uint64_t)value : (uint64_t)value));
}

/* Characters that are told as they are; everything else is looked at. */
static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void put_escaped(struct json_writer *w, const char *text)
{
	for (; *text; text++) {
		const char *from = text;

		while (*text && *text != '"' && *text != '\\' && *text != '\n' && *text != '\t')
			text++;
		put(w, from, (size_t)(text - from));
		if (!*text)
			return;
		put_char(w, '\\');
		put_char(w, *text == '\n' ? 'n' : *text == '\t' ? 't' : *text);
	}
}

/* TEXT without what format_safe() takes out, but with KEPT characters, in SIZE bytes of SAFE. */
static void put_safe(struct json_writer *w, const char *text, const char *kept, char *safe,
		     size_t size)
{
	format_safe(safe, size, text);
	for (size_t i = 0; safe[i]; i++)
		if (strchr(kept, text[i]))
			safe[i] = text[i];
	put_escaped(w, safe);
}

static void put_text(struct json_writer *w, const char *text, const char *kept)
{
	char safe[MAX_TEXT];
	size_t len = 0;

	put_char(w, '"');
	while (is_plain((unsigned char)text[len]))
		len++;
	if (!text[len] && len < MAX_TEXT)
		put(w, text, len);
	else
		put_safe(w, text, kept, safe, sizeof(safe));
	put_char(w, '"');
}

void json_string(struct json_writer *w, const char *key, const char *text)
{
	if (!text || !*text) {
		json_null(w, key);
		return;
	}
	put_key(w, key);
	put_text(w, text, "");
}

void json_lines(struct json_writer *w, const char *key, const char *text)
{
	if (!text || !*text) {
		json_null(w, key);
		return;
	}
	put_key(w, key);
	put_text(w, text, "\n");
}

void json_document(struct json_writer *w, const char *key, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;
	char *safe = size > 1 ? malloc(size) : NULL;

	if (!safe) {
		json_null(w, key);
		return;
	}
	put_key(w, key);
	put_char(w, '"');
	put_safe(w, text, "\n\t", safe, size);
	put_char(w, '"');
	free(safe);
}

void json_seconds(struct json_writer *w, const char *key, uint64_t ns)
{
	char text[32];

	if (ns % NS_PER_SEC == 0) {
		json_uint(w, key, ns / NS_PER_SEC);
		return;
	}
	put_key(w, key);
	snprintf(text, sizeof(text), "%.9g", (double)ns / NS_PER_SEC);
	put(w, text, strlen(text));
}
