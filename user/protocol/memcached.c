// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* memcached's text protocol. */
#include "protocol.h"

static bool begins_with_one_of(struct bytes b, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes_begin(b, words[i]))
			return true;
	return false;
}

static bool matches(const struct exchange *x)
{
	static const char *const asked[] = { "version\r", "version\n", "stats", "get ", "mn\r\n" };

	return !x->datagram &&
	       begins_with_one_of(x->request, asked, sizeof(asked) / sizeof(asked[0]));
}

static void read_reply(const struct exchange *x, struct reading *r)
{
	static const char *const good[] = { "VERSION ", "STAT ", "END", "VALUE ", "MN", "HD" };
	static const char *const bad[] = { "ERROR", "CLIENT_ERROR", "SERVER_ERROR" };
	struct bytes reply = exchange_reply(x), line;

	if (!reply.len)
		return;
	reading_quote(r, reply);
	if (begins_with_one_of(reply, bad, sizeof(bad) / sizeof(bad[0])))
		r->result = READ_ERROR;
	else if (begins_with_one_of(reply, good, sizeof(good) / sizeof(good[0])))
		r->result = bytes_line(reply, &line) ? READ_GOOD : READ_INCOMPLETE;
	else
		r->result = READ_OTHER;
}

const struct protocol protocol_memcached = { "memcached", matches, read_reply };
