// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whatever a value is, a shell takes it as one word with the same bytes.
 * libFuzzer's entry.  An input is two values, with a 0 between them.  What is
 * printed is taken apart here without base/shell.c's help.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/shell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_VALUE 2048

static void must(int right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* Does a shell take C as it is, wherever it stands in a word? */
static int is_bare(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("_.+:/@,-", c));
}

static const char *take_octal(const char *at, char *out)
{
	must(at[1] >= '0' && at[1] <= '3' && at[2] >= '0' && at[2] <= '7' && at[3] >= '0' &&
	     at[3] <= '7', "no three octal digits");
	*out = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
	return at + 4;
}

/* Takes a quoted part at AT apart; returns what is behind it. */
static const char *take_quoted(const char *at, int escapes, char *out, size_t *len)
{
	while (*at != '\'') {
		must(*at && *len < MAX_VALUE, "a quote that is not closed");
		if (escapes && *at == '\\')
			at = take_octal(at, &out[(*len)++]);
		else
			out[(*len)++] = *at++;
	}
	return at + 1;
}

/* The word that LINE begins with, as a shell has it; returns where it ends. */
static const char *take_word(const char *line, char *out)
{
	size_t len = 0;

	while (*line && *line != ' ') {
		must(len < MAX_VALUE, "longer than the value");
		if (is_bare(*line)) {
			out[len++] = *line++;
		} else if (*line == '\'') {
			line = take_quoted(line + 1, 0, out, &len);
		} else if (line[0] == '\\' && line[1] == '\'') {
			out[len++] = '\'';
			line += 2;
		} else {
			must(line[0] == '$' && line[1] == '\'', "a character that a shell changes");
			line = take_quoted(line + 2, 1, out, &len);
		}
	}
	out[len] = '\0';
	return line;
}

static void must_be_printable(const char *text)
{
	for (; *text; text++)
		must(*text >= 0x20 && *text < 0x7f, "no printable ASCII");
}

static void check_quote(const char *value)
{
	char quoted[4 * MAX_VALUE + 8], word[MAX_VALUE + 1];
	size_t len = shell_quote(quoted, sizeof(quoted), value);

	must(len == strlen(quoted) && len, "no word, or another length");
	must_be_printable(quoted);
	must(!*take_word(quoted, word) && strcmp(word, value) == 0, "another word");
	/* one byte less is not room enough, and then there is nothing */
	must(shell_quote(quoted, len, value) == 0 && !quoted[0], "it was cut");
}

static void check_command(const char *a, const char *b)
{
	char first[MAX_VALUE + 1], second[MAX_VALUE + 1];
	struct command c = { 0 };
	const char *at;

	command_add(&c, "ip %s", a);
	command_add(&c, " dev %s%u", b, 7u);
	must(!c.too_long == command_is_set(&c), "a command that was cut");
	must_be_printable(c.text);
	if (c.too_long)
		return;
	at = take_word(c.text + 3, first);
	must(strncmp(at, " dev ", 5) == 0, "the words are others");
	must(!*take_word(at + 5, second), "more words");
	must(second[0] && second[strlen(second) - 1] == '7', "the number is lost");
	second[strlen(second) - 1] = '\0';
	must(strcmp(first, a) == 0 && strcmp(second, b) == 0, "other values");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char a[MAX_VALUE] = "", b[MAX_VALUE] = "";
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	size_t len = zero ? (size_t)(zero - data) : size;

	if (size >= MAX_VALUE)
		return 0;
	memcpy(a, data, len);
	if (zero)
		memcpy(b, zero + 1, size - len - 1); /* up to the next 0 */
	check_quote(a);
	check_quote(b);
	check_command(a, b);
	return 0;
}
