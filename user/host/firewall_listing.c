// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rules as `nft -a list table` prints them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "firewall_text.h"

#define HANDLE " # handle "

struct listing {
	struct fw_texts *texts;
	char *text; /* lines of what is being read, joined by blanks */
	size_t len, size;
	unsigned depth; /* of braces */
	bool in_chain;
	bool quoted;
	char *comment; /* in the line at hand: where " # handle 7" begins, outside of quotes */
};

/* Follows quotes and braces through LINE. */
static void scan(struct listing *l, char *line)
{
	l->comment = NULL;
	for (char *c = line; *c; c++) {
		if (*c == '"')
			l->quoted = !l->quoted;
		if (l->quoted || *c == '"')
			continue;
		if (!strncmp(c, HANDLE, strlen(HANDLE)))
			l->comment = c;
		else if (l->comment)
			continue;
		else if (*c == '{')
			l->depth++;
		else if (*c == '}' && l->depth)
			l->depth--;
	}
}

static int append(struct listing *l, const char *line)
{
	size_t len = strlen(line);

	if (l->len + len + 2 > l->size) {
		size_t size = (l->len + len + 2) * 2;
		char *more = realloc(l->text, size);

		if (!more)
			return -ENOMEM;
		l->text = more;
		l->size = size;
	}
	if (l->len)
		l->text[l->len++] = ' ';
	memcpy(l->text + l->len, line, len + 1);
	l->len += len;
	return 0;
}

/* A line inside a chain: a rule, a part of one, or what the chain is. */
static int take_line(struct listing *l, char *line)
{
	bool whole = l->depth == 2 && !l->quoted;
	int err = 0;

	if (whole && l->comment)
		*l->comment = '\0';
	if (!whole || l->comment || l->len)
		err = append(l, line);
	if (!err && whole && l->comment)
		err = fw_texts_add(l->texts, strtoull(l->comment + strlen(HANDLE), NULL, 10),
				   l->text);
	if (whole)
		l->len = 0;
	return err;
}

int fw_parse_listing(struct fw_texts *texts, char *listing)
{
	struct listing l = { .texts = texts };
	char *rest;
	int err = 0;

	for (char *line = strtok_r(listing, "\n", &rest); line && !err;
	     line = strtok_r(NULL, "\n", &rest)) {
		unsigned before = l.depth;

		line += strspn(line, " \t");
		scan(&l, line);
		if (before == 1 && l.depth == 2) {
			l.in_chain = !strncmp(line, "chain ", strlen("chain "));
			l.len = 0;
		} else if (before >= 2 && l.depth >= 2 && l.in_chain) {
			err = take_line(&l, line);
		}
	}
	free(l.text);
	return err;
}
