// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* SMTP and FTP: lines that begin with a code of three digits, "-" behind it where more follow. */
#include "protocol.h"

#include <ctype.h>
#include <string.h>

static bool has_code(struct bytes b)
{
	return b.len >= 3 && b.data[0] >= '1' && b.data[0] <= '5' && isdigit(b.data[1]) &&
	       isdigit(b.data[2]) &&
	       (b.len == 3 || b.data[3] == ' ' || b.data[3] == '-' || b.data[3] == '\r' ||
		b.data[3] == '\n');
}

static bool greets(const struct exchange *x)
{
	return !x->datagram && has_code(x->answer) && (x->greeting || !x->request.len) &&
	       (x->answer.data[0] == '2' || x->answer.data[0] == '4' || x->answer.data[0] == '5' ||
		bytes_begin(x->answer, "120"));
}

static bool says(struct bytes b, const char *word)
{
	return b.len && memmem(b.data, b.len, word, strlen(word));
}

static bool is_smtp(const struct exchange *x)
{
	static const char *const commands[] = { "HELO", "EHLO", "LHLO" };
	struct bytes line;

	if (x->datagram)
		return false;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (bytes_begin_word(x->request, commands[i]))
			return true;
	bytes_line(x->answer, &line);
	return greets(x) && (says(line, "SMTP") || says(line, "LMTP"));
}

/* Also what has not told which of them it is. */
static bool is_ftp(const struct exchange *x)
{
	static const char *const commands[] = { "USER ", "FEAT", "NOOP" };

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!x->datagram && bytes_begin_word(x->request, commands[i]) &&
		    (!x->answer.len || has_code(x->answer)))
			return true;
	return greets(x);
}

/* The reply that B begins with; returns what follows it.  False in WHOLE: its last line is not there. */
static struct bytes take_reply(struct bytes b, struct bytes *first, bool *whole)
{
	struct bytes line;

	*whole = false;
	bytes_line(b, first);
	while (bytes_line(b, &line)) {
		size_t taken = line.len;

		while (b.data[taken] != '\n')
			taken++;
		b = bytes_after(b, taken + 1);
		if (has_code(line) && (line.len == 3 || line.data[3] == ' ')) {
			*whole = true;
			break;
		}
	}
	return b;
}

/* The greeting, then what was asked; the farewell says nothing of the service. */
static void read_replies(const struct exchange *x, struct reading *r)
{
	struct bytes rest = x->answer, first;
	bool asks = x->request.len && !bytes_begin_word(x->request, "QUIT");
	bool whole;

	if (!rest.len)
		return;
	for (unsigned i = 0; i < (asks ? 2u : 1u); i++) {
		rest = take_reply(rest, &first, &whole);
		if (first.len >= 3 && !has_code(first)) {
			r->quote[0] = '\0';
			reading_quote(r, first);
			r->result = READ_OTHER;
			return;
		}
		if (first.len) {
			r->quote[0] = '\0';
			reading_quote(r, first);
		}
		if (first.len && (first.data[0] == '4' || first.data[0] == '5')) {
			r->result = READ_ERROR;
			return;
		}
		if (!whole && !x->answer_cut) {
			r->result = READ_INCOMPLETE;
			return;
		}
	}
	r->result = READ_GOOD;
}

const struct protocol protocol_smtp = { "smtp", is_smtp, read_replies };
const struct protocol protocol_ftp = { "ftp", is_ftp, read_replies };
