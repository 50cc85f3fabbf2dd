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

static bool take_length(struct http_answer *a, const char *value)
{
	uint64_t length = 0;

	if (!isdigit((unsigned char)*value))
		return false;
	for (; isdigit((unsigned char)*value); value++) {
		if (length > (UINT64_MAX - 9) / 10)
			return false;
		length = length * 10 + (uint64_t)(*value - '0');
	}
	if (a->framing != HTTP_FRAMING_CHUNKED) { /* which overrides it, RFC 9112, 6.3 */
		a->framing = HTTP_FRAMING_LENGTH;
		a->length = length;
	}
	return true;
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

static void take_header(struct http_answer *a, struct http_response *out)
{
	const char *value;

	if ((value = value_of(a, "Content-Length:")))
		take_length(a, value);
	else if ((value = value_of(a, "Transfer-Encoding:")) && ends_with_word(value, "chunked"))
		a->framing = HTTP_FRAMING_CHUNKED;
	else if ((value = value_of(a, "Location:")) && !out->location[0])
		copy_printable(out->location, sizeof(out->location), value);
}

/* The empty line: what the head did not say follows from the status and the request. */
static void end_head(struct http_answer *a, const struct http_response *out)
{
	if (out->status == 204 || out->status == 304 || a->to_head) {
		a->framing = HTTP_FRAMING_NONE;
		a->length = 0;
	} else if (a->framing == HTTP_FRAMING_UNKNOWN) {
		a->framing = HTTP_FRAMING_CLOSE;
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

void http_answer_feed(struct http_answer *a, const uint8_t *data, size_t len,
		      struct http_response *out)
{
	for (size_t i = 0; i < len && !a->broken; i++) {
		a->fed++;
		if (a->head_len)
			continue;
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
