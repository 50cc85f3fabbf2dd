// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Text for people: styles on a terminal that wants them, and paragraphs. */
#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "format.h"

#define MIN_WIDTH 40
#define DEFAULT_WIDTH 80
#define MAX_LINE 1024

static bool wants_color(bool terminal, enum color_mode mode)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	if (mode != COLOR_AUTO)
		return mode == COLOR_ALWAYS;
	return terminal && term && strcmp(term, "dumb") != 0 && !(no_color && *no_color);
}

void text_init(struct text *t, FILE *out, enum color_mode mode)
{
	int fd = fileno(out);
	bool terminal = fd >= 0 && isatty(fd);
	struct winsize size;

	t->out = out;
	t->color = wants_color(terminal, mode);
	t->width = terminal ? DEFAULT_WIDTH : 0;
	if (terminal && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= MIN_WIDTH)
		t->width = size.ws_col;
}

void text_print(struct text *t, enum style style, const char *format, ...)
{
	static const char *const codes[] = {
		[STYLE_PLAIN] = "", [STYLE_GOOD] = "\033[32m", [STYLE_BAD] = "\033[1;31m",
		[STYLE_WARN] = "\033[33m", [STYLE_STRONG] = "\033[1m", [STYLE_DIM] = "\033[2m",
	};
	bool styled = t->color && style != STYLE_PLAIN;
	va_list args;

	if (styled)
		fputs(codes[style], t->out);
	va_start(args, format);
	vfprintf(t->out, format, args);
	va_end(args);
	if (styled)
		fputs("\033[0m", t->out);
}

/* Columns that UTF-8 text takes, wide characters counted as one. */
static unsigned columns(const char *text, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

static void new_line(struct text *t, unsigned indent)
{
	fprintf(t->out, "\n%*s", (int)indent, "");
}

/* One line of a paragraph that starts at column INDENT, filled to the width. */
static void fill(struct text *t, unsigned indent, const char *line)
{
	unsigned column = indent;

	while (*line) {
		size_t len = strcspn(line, " ");
		unsigned width = columns(line, len);

		if (column > indent && column + 1 + width > t->width) {
			new_line(t, indent);
			column = indent;
		} else if (column > indent) {
			fputc(' ', t->out);
			column++;
		}
		fprintf(t->out, "%.*s", (int)len, line);
		column += width;
		line += len + strspn(line + len, " ");
	}
}

void text_paragraph(struct text *t, unsigned indent, const char *label, enum style style,
		    const char *text, bool wrap)
{
	unsigned at = indent + columns(label, strlen(label));

	fprintf(t->out, "%*s", (int)indent, "");
	text_print(t, style, "%s", label);
	for (;;) {
		size_t len = strcspn(text, "\n");
		char line[MAX_LINE], safe[MAX_LINE];

		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		format_safe(safe, sizeof(safe), line);
		if (wrap && t->width)
			fill(t, at, safe);
		else
			fputs(safe, t->out);
		text += len;
		if (!*text++ || !*text)
			break;
		new_line(t, at);
	}
	fputc('\n', t->out);
}
