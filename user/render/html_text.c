// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Text into HTML: what comes from the host or the wire is escaped here and nowhere else. */
#include "html.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "format.h"

#define MAX_TEXT 1024

static void escape(FILE *out, char c)
{
	switch (c) {
	case '&':
		fputs("&amp;", out);
		break;
	case '<':
		fputs("&lt;", out);
		break;
	case '>':
		fputs("&gt;", out);
		break;
	case '"':
		fputs("&quot;", out);
		break;
	case '\'':
		fputs("&#39;", out);
		break;
	default:
		putc(c, out);
	}
}

void html_text(FILE *out, const char *text)
{
	char safe[MAX_TEXT];

	format_safe(safe, sizeof(safe), text);
	/* a newline is one byte in both */
	for (size_t i = 0; safe[i]; i++)
		escape(out, text[i] == '\n' ? '\n' : safe[i]);
}

/* How many bytes of TEXT (LEN of them) fit into a piece, without cutting a character. */
static size_t piece(const char *text, size_t len)
{
	size_t n = MAX_TEXT - 1;

	if (len <= n)
		return len;
	for (size_t back = 0; back < 4; back++)
		if (((unsigned char)text[n - back] & 0xc0) != 0x80)
			return n - back;
	return n;
}

void html_long_text(FILE *out, const char *text, size_t len)
{
	char part[MAX_TEXT];

	while (len) {
		size_t n = piece(text, len);

		memcpy(part, text, n);
		part[n] = '\0';
		html_text(out, part);
		text += n;
		len -= n;
	}
}

void html_printf(FILE *out, const char *format, ...)
{
	char text[MAX_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	html_text(out, text);
}

void html_count(FILE *out, uint64_t n, const char *singular, const char *plural)
{
	char digits[24];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n);

	for (size_t i = 0; i < len; i++) {
		putc(digits[i], out);
		if ((len - i) % 3 == 1 && i + 1 < len)
			putc(',', out);
	}
	fprintf(out, " %s", n == 1 ? singular : plural);
}

static void iso(const struct html_state *s, char out[ISO_TEXT_LEN], uint64_t mono_ns)
{
	format_iso(out, (int64_t)(mono_ns + (uint64_t)s->wall_offset_ns));
}

void html_time(const struct html_state *s, FILE *out, uint64_t mono_ns)
{
	char when[ISO_TEXT_LEN], first[ISO_TEXT_LEN], last[ISO_TEXT_LEN];
	const int date = sizeof("2026-11-22") - 1, clock = sizeof("08:00:00") - 1;

	iso(s, when, mono_ns);
	iso(s, first, s->totals.start_ns);
	iso(s, last, s->totals.end_ns);
	fprintf(out, "<time datetime=\"%s\">", when);
	if (strncmp(first, last, (size_t)date) != 0)
		fprintf(out, "%.*s ", date, when);
	fprintf(out, "%.*s</time>", clock, when + date + 1);
}

void html_service(FILE *out, const struct html_service *service)
{
	static const uint8_t any[16];
	char text[ENDPOINT_TEXT_LEN];

	if (memcmp(service->addr, any, sizeof(any)) != 0)
		html_text(out, format_endpoint(text, service->addr, service->port));
	else if (service->port)
		fprintf(out, "any target:%u", service->port);
	else
		fputs("any target", out);
}

void html_json(FILE *out, const char *json)
{
	for (const char *c = json; *c; c++) {
		/* inside strings only: JSON itself has none of these */
		if (*c == '<' || *c == '>' || *c == '&' || *c == '\'')
			fprintf(out, "\\u%04x", (unsigned)*c);
		else if (strncmp(c, "\xe2\x80\xa8", 3) == 0 || strncmp(c, "\xe2\x80\xa9", 3) == 0)
			fprintf(out, "\\u20%02x", (unsigned char)*(c += 2) - 0x80u);
		else
			putc(*c, out);
	}
}
