// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* An HTTP/1 answer as it comes, segment by segment: its status, and where it says that it ends. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "http.h"

/* The value of the line where its header is NAME ("Connection:"); NULL: another header. */
static const char *value_of(const struct http_answer *a, const char *name)
{
	size_t len = strlen(name);
	const char *value = a->line + len;

	if (a->line_len < len || strncasecmp(a->line, name, len) != 0)
		return NULL;
	while (*value == ' ' || *value == '\t')
		value++;
	return value;
}

static void copy_printable(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; text[n] && n < size - 1; n++)
		out[n] = text[n] > 0x20 && text[n] < 0x7f ? text[n] : '?';
	while (n && out[n - 1] == '?' && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	out[n] = '\0';
}

/* A length that is no number, or another one than before, is an error (RFC 9112, 6.3). */
static void take_length(struct http_answer *a, const char *value)
{
	uint64_t length = 0;
	size_t digits = strspn(value, "0123456789");

	for (size_t i = 0; i < digits && digits <= 19; i++) /* ten to the 19th fits */
		length = length * 10 + (uint64_t)(value[i] - '0');
	if (!digits || digits > 19 || length > INT64_MAX ||
	    value[digits + strspn(value + digits, " \t")]) {
		a->malformed = true;
		return;
	}
	a->malformed |= a->has_length && a->length != length;
	a->has_length = true;
	a->length = length;
	if (a->framing != HTTP_FRAMING_CHUNKED) /* which overrides it */
		a->framing = HTTP_FRAMING_LENGTH;
}

/* Is WORD the last of the comma-separated VALUE? */
static bool ends_with_word(const char *value, const char *word)
{
	size_t len = strlen(value), n = strlen(word);

	while (len && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		len--;
	return len >= n && strncasecmp(value + len - n, word, n) == 0 &&
	       (len == n || value[len - n - 1] == ',' || value[len - n - 1] == ' ');
}

#define MANY_HEADERS 100 /* more than some clients take */

/*
 * Framing that is contradictory or no header at all is not guessed: clients
 * differ in whether they take such an answer.
 */
static bool is_malformed(const struct http_answer *a)
{
	size_t name = strcspn(a->line, ":");

	return a->headers > MANY_HEADERS || memchr(a->line, '\0', a->line_len) ||
	       (!a->line_cut && !a->line[name]) || strcspn(a->line, " \t") < name;
}

static void take_header(struct http_answer *a, struct http_response *out)
{
	const char *value;

	a->headers++;
	a->malformed |= is_malformed(a);
	if ((value = value_of(a, "Content-Length:"))) {
		take_length(a, value);
	} else if ((value = value_of(a, "Transfer-Encoding:"))) {
		a->malformed |= strncasecmp(value, "chunked", 7) != 0 || value[7];
		if (ends_with_word(value, "chunked"))
			a->framing = HTTP_FRAMING_CHUNKED;
	} else if ((value = value_of(a, "Location:")) && !out->location[0]) {
		copy_printable(out->location, sizeof(out->location), value);
	}
}

/* The empty line: what the head did not say follows from the status and the request. */
static void end_head(struct http_answer *a, const struct http_response *out)
{
	if (out->status == 204 || out->status == 304 || a->to_head) {
		a->framing = HTTP_FRAMING_NONE;
		a->length = 0;
	} else if (a->framing == HTTP_FRAMING_UNKNOWN) {
		a->framing = HTTP_FRAMING_CLOSE;
	} else if (a->framing == HTTP_FRAMING_CHUNKED) {
		a->length = 0;
	}
	a->head_len = a->fed;
}

static void take_line(struct http_answer *a, struct http_response *out)
{
	if (a->line_len && a->line[a->line_len - 1] == '\r')
		a->line_len--;
	a->line[a->line_len] = '\0';
	if (!a->final && out->status) { /* behind a 1xx: its headers, and the empty line */
		if (!a->line_len)
			memset(out, 0, sizeof(*out));
	} else if (!a->final) {
		struct http_response response;

		if (!http_parse_status_line((const uint8_t *)a->line, a->line_len, &response)) {
			a->broken = true;
			return;
		}
		*out = response;
		a->malformed |= a->line[7] != '0' && a->line[7] != '1';
		a->final = out->status >= 200 || out->status == 101;
		out->valid = a->final;
	} else if (!a->line_len) {
		end_head(a, out);
	} else {
		take_header(a, out);
	}
	a->line_len = 0;
	a->line_cut = false;
}

enum { CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_DATA, CHUNK_END, CHUNK_TRAILER, CHUNK_TRAILER_TEXT };

static int hex_digit(uint8_t c)
{
	return c >= '0' && c <= '9'			? c - '0'
	       : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
							: -1;
}

/* One byte of a chunked body (RFC 9112, 7.1); line ends may lack their CR. */
static void take_chunk_byte(struct http_answer *a, uint8_t c)
{
	int digit = hex_digit(c);

	switch (a->chunk_state) {
	case CHUNK_SIZE:
		if (digit >= 0 && a->chunk_left >> 56 == 0)
			a->chunk_left = a->chunk_left << 4 | (uint64_t)digit;
		else if (c == '\n')
			a->chunk_state = a->chunk_left ? CHUNK_DATA : CHUNK_TRAILER;
		else if (c == ';' || c == ' ' || c == '\t')
			a->chunk_state = CHUNK_EXTENSION;
		else if (c != '\r')
			a->malformed = true;
		break;
	case CHUNK_EXTENSION:
		if (c == '\n')
			a->chunk_state = a->chunk_left ? CHUNK_DATA : CHUNK_TRAILER;
		break;
	case CHUNK_DATA:
		if (--a->chunk_left == 0)
			a->chunk_state = CHUNK_END;
		break;
	case CHUNK_END:
		if (c == '\n')
			a->chunk_state = CHUNK_SIZE;
		else if (c != '\r')
			a->malformed = true;
		break;
	case CHUNK_TRAILER:
		if (c == '\n')
			a->chunks_ended = true;
		else if (c != '\r')
			a->chunk_state = CHUNK_TRAILER_TEXT;
		break;
	case CHUNK_TRAILER_TEXT:
		if (c == '\n')
			a->chunk_state = CHUNK_TRAILER;
		break;
	}
}

void http_answer_feed(struct http_answer *a, const uint8_t *data, size_t len,
		      struct http_response *out)
{
	for (size_t i = 0; i < len && !a->broken; i++) {
		a->fed++;
		if (a->head_len && a->framing == HTTP_FRAMING_CHUNKED && !a->chunks_ended)
			take_chunk_byte(a, data[i]);
		if (a->head_len)
			continue;
		/* HAProxy passes over empty lines ahead of the status line, others do not */
		if (!a->final && !out->status && !a->line_len &&
		    (data[i] == '\r' || data[i] == '\n')) {
			a->malformed = true;
			continue;
		}
		if (data[i] == '\n') {
			take_line(a, out);
		} else if (a->line_len < sizeof(a->line) - 1) {
			a->line[a->line_len++] = (char)data[i];
			/* what cannot become a status line is none, without waiting for its end */
			if (!a->final && !out->status && a->line_len <= 7 &&
			    strncmp(a->line, "HTTP/1.", a->line_len) != 0)
				a->broken = true;
		} else {
			a->line_cut = true;
		}
	}
}
