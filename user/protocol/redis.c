// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Redis: RESP, in whose replies a "-" begins an error. */
#include "protocol.h"

#include <ctype.h>
#include <string.h>

static const char *const commands[] = { "PING", "INFO", "AUTH", "HELLO", "ROLE", "SELECT", "CLIENT",
					"COMMAND", "ECHO", "GET", "EXISTS" };

static bool is_error(struct bytes b)
{
	/* "-ERR ", "-NOAUTH ": a word in capitals */
	return b.len >= 4 && b.data[0] == '-' && isupper(b.data[1]) && isupper(b.data[2]) &&
	       isupper(b.data[3]);
}

static bool is_reply(struct bytes b)
{
	return b.len && b.data[0] && strchr("+-$:*%", b.data[0]);
}

/* "*1\r\n$4\r\nPING\r\n", or a command in a line. */
static bool matches(const struct exchange *x)
{
	struct bytes q = x->request;

	if (x->datagram)
		return false;
	if (!q.len) /* sent to one who asked nothing */
		return is_error(x->answer);
	if (q.len >= 4 && q.data[0] == '*' && isdigit(q.data[1]))
		return true;
	/* these words are others', too: only what redis answers tells them apart */
	if (x->answer.len && !is_reply(x->answer))
		return false;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		size_t len = strlen(commands[i]);

		if (bytes_begin_word(q, commands[i]) && q.len > len &&
		    (q.data[len] == '\r' || q.data[len] == '\n' || q.data[len] == ' '))
			return x->answer.len || strcmp(commands[i], "GET") != 0;
	}
	return false;
}

static void read_reply(const struct exchange *x, struct reading *r)
{
	struct bytes reply = exchange_reply(x), line;

	if (!reply.len) {
		reply = x->answer; /* it was refused before it asked */
		if (!is_error(reply)) {
			r->result = reply.len ? READ_INCOMPLETE : READ_NOTHING;
			return;
		}
	}
	reading_quote(r, reply);
	if (is_error(reply))
		r->result = READ_ERROR;
	else if (!is_reply(reply))
		r->result = READ_OTHER;
	else
		r->result = bytes_line(reply, &line) ? READ_GOOD : READ_INCOMPLETE;
}

const struct protocol protocol_redis = { "redis", matches, read_reply };
