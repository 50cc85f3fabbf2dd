// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* HAProxy's agent checks: a line of words, of which some take the server out (configuration.txt, agent-check). */
#include "protocol.h"

#include <ctype.h>
#include <string.h>

static const struct {
	const char *word;
	enum reading_result result;
} words[] = {
	{ "up", READ_GOOD },	 { "ready", READ_GOOD },   { "down", READ_ERROR },
	{ "failed", READ_ERROR }, { "stopped", READ_ERROR }, { "maint", READ_GOOD },
	{ "drain", READ_GOOD },	 { "fail", READ_ERROR },
};

/* Takes the next word from LINE; a "#" begins a description. */
static struct bytes take_word(struct bytes *line)
{
	struct bytes word;
	size_t n = 0;

	while (line->len && strchr(" \t,", line->data[0]) && line->data[0])
		*line = bytes_after(*line, 1);
	if (!line->len || line->data[0] == '#')
		return (struct bytes){ NULL, 0 };
	while (n < line->len && line->data[n] && !strchr(" \t,#", line->data[n]))
		n++;
	if (!n)
		return (struct bytes){ NULL, 0 };
	word = (struct bytes){ line->data, n };
	*line = bytes_after(*line, n);
	return word;
}

/* "75%", "maxconn:30" */
static bool is_weight(struct bytes word)
{
	size_t n = 0;

	if (bytes_begin(word, "maxconn:"))
		return true;
	while (n < word.len && isdigit(word.data[n]))
		n++;
	return n && n + 1 == word.len && word.data[n] == '%';
}

static bool read_words(struct bytes line, enum reading_result *out)
{
	struct bytes word;
	bool any = false;

	*out = READ_GOOD;
	while ((word = take_word(&line)).len) {
		size_t i = 0, n = sizeof(words) / sizeof(words[0]);

		while (i < n && !(word.len == strlen(words[i].word) &&
				  bytes_begin_word(word, words[i].word)))
			i++;
		if (i == n && !is_weight(word))
			return false;
		if (i < n && words[i].result == READ_ERROR)
			*out = READ_ERROR;
		any = true;
	}
	return any;
}

/* It sends nothing, or what the agent is to be told. */
static bool matches(const struct exchange *x)
{
	enum reading_result result;
	struct bytes line;

	if (x->datagram || !bytes_line(x->answer, &line))
		return false;
	return read_words(line, &result);
}

static void read_line(const struct exchange *x, struct reading *r)
{
	struct bytes line;

	bytes_line(x->answer, &line);
	read_words(line, &r->result);
	reading_quote(r, line);
}

const struct protocol protocol_agent = { "haproxy-agent", matches, read_line };
