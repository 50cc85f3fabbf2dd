// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Commands that are printed for a person to paste into a shell. */
#include "shell.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* What no shell changes, whatever stands before or behind it. */
static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+:/-@,";

/* Text under construction; FULL once something found no room. */
struct buffer {
	char *text;
	size_t size, len;
	bool full;
};

static void put(struct buffer *b, const char *bytes, size_t len)
{
	if (b->full || len >= b->size - b->len) {
		b->full = true;
		return;
	}
	memcpy(b->text + b->len, bytes, len);
	b->len += len;
	b->text[b->len] = '\0';
}

static void put_text(struct buffer *b, const char *text)
{
	put(b, text, strlen(text));
}

static bool is_printable(const char *value)
{
	for (; *value; value++)
		if (*value < 0x20 || *value > 0x7e)
			return false;
	return true;
}

/* '…', where a quote of its own is closed, escaped and opened again. */
static void quote_printable(struct buffer *b, const char *value)
{
	put(b, "'", 1);
	while (*value) {
		size_t len = strcspn(value, "'");

		put(b, value, len);
		value += len;
		if (*value) {
			put_text(b, "'\\''");
			value++;
		}
	}
	put(b, "'", 1);
}

/* $'…', with everything but letters, digits and the like as three octal digits. */
static void quote_bytes(struct buffer *b, const char *value)
{
	char octal[5];

	put_text(b, "$'");
	for (; *value; value++) {
		if (strchr(plain, *value)) {
			put(b, value, 1);
			continue;
		}
		snprintf(octal, sizeof(octal), "\\%03o", (unsigned)(uint8_t)*value);
		put(b, octal, 4);
	}
	put(b, "'", 1);
}

static void put_quoted(struct buffer *b, const char *value)
{
	if (*value && value[strspn(value, plain)] == '\0')
		put_text(b, value);
	else if (is_printable(value))
		quote_printable(b, value);
	else
		quote_bytes(b, value);
}

size_t shell_quote(char *out, size_t size, const char *value)
{
	struct buffer b = { .text = out, .size = size };

	if (!size)
		return 0;
	out[0] = '\0';
	put_quoted(&b, value);
	if (!b.full)
		return b.len;
	out[0] = '\0';
	return 0;
}

/* Appends what the conversion at FORMAT, behind its '%', makes of ARGS; returns where it ends. */
static const char *put_conversion(struct buffer *b, const char *format, va_list *args)
{
	char number[24] = "";

	if (*format == '%') {
		put(b, "%", 1);
		return format + 1;
	}
	if (*format == 's') {
		put_quoted(b, va_arg(*args, const char *));
		return format + 1;
	}
	if (*format == 'u')
		snprintf(number, sizeof(number), "%u", va_arg(*args, unsigned));
	else if (*format == 'd')
		snprintf(number, sizeof(number), "%d", va_arg(*args, int));
	else if (strncmp(format, "lu", 2) == 0)
		snprintf(number, sizeof(number), "%lu", va_arg(*args, unsigned long));
	else if (strncmp(format, "ld", 2) == 0)
		snprintf(number, sizeof(number), "%ld", va_arg(*args, long));
	else if (strncmp(format, "zu", 2) == 0)
		snprintf(number, sizeof(number), "%zu", va_arg(*args, size_t));
	else
		b->full = true; /* no such conversion: rather no command than a wrong one */
	put_text(b, number);
	return format + (*format == 'u' || *format == 'd' ? 1 : 2);
}

void command_add(struct command *c, const char *format, ...)
{
	struct buffer b = { .text = c->text, .size = sizeof(c->text), .len = strlen(c->text),
			    .full = c->too_long };
	va_list args;

	va_start(args, format);
	while (*format && !b.full) {
		size_t len = strcspn(format, "%");

		put(&b, format, len);
		format += len;
		if (*format)
			format = put_conversion(&b, format + 1, &args);
	}
	va_end(args);
	c->too_long = b.full;
	if (b.full)
		c->text[0] = '\0';
}

void command_append(struct command *c, const struct command *other)
{
	struct buffer b = { .text = c->text, .size = sizeof(c->text), .len = strlen(c->text),
			    .full = c->too_long || other->too_long };

	put_text(&b, other->text);
	c->too_long = b.full;
	if (b.full)
		c->text[0] = '\0';
}

void command_clear(struct command *c)
{
	c->text[0] = '\0';
	c->too_long = false;
}

bool command_is_set(const struct command *c)
{
	return c->text[0] != '\0';
}
