// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* PostgreSQL: a start-up message, or one that asks for encryption first. */
#include "protocol.h"

#include <string.h>

#define CODE_PROTOCOL_3 3
#define CODE_SPECIAL 1234

static uint32_t get_u32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool matches(const struct exchange *x)
{
	struct bytes q = x->request;
	uint32_t code;

	if (x->datagram || q.len < 8 || get_u32(q.data) < 8 || get_u32(q.data) > 10000)
		return false;
	code = get_u32(q.data + 4) >> 16;
	return code == CODE_PROTOCOL_3 || code == CODE_SPECIAL;
}

/* The field TYPE of an error's: text to a zero byte. */
static struct bytes field_of(struct bytes fields, char type)
{
	while (fields.len && fields.data[0]) {
		const uint8_t *end = memchr(fields.data + 1, 0, fields.len - 1);
		struct bytes value = bytes_after(fields, 1);

		if (end)
			value.len = (size_t)(end - value.data);
		if (fields.data[0] == type)
			return value;
		fields = bytes_after(fields, value.len + 2);
	}
	return (struct bytes){ NULL, 0 };
}

/* "FATAL 57P03: the database system is starting up" */
static void read_error(const struct exchange *x, struct bytes message, struct reading *r)
{
	struct bytes fields = bytes_after(message, 5), asked = x->request;
	/* pg_isready says so of itself, and goes by whether connections are taken at all */
	bool any_will_do = memmem(asked.data, asked.len, "\0pg_isready", 11) &&
			   !bytes_begin(field_of(fields, 'C'), "57P03");

	r->result = any_will_do ? READ_GOOD : READ_ERROR;
	reading_quote(r, field_of(fields, 'S'));
	reading_say(r, " ");
	reading_quote(r, field_of(fields, 'C'));
	reading_say(r, ": ");
	reading_quote(r, field_of(fields, 'M'));
}

static void read_reply(const struct exchange *x, struct reading *r)
{
	struct bytes reply = exchange_reply(x);
	bool special = get_u32(x->request.data + 4) >> 16 == CODE_SPECIAL;

	if (!reply.len)
		return;
	if (special && (reply.data[0] == 'S' || reply.data[0] == 'N' || reply.data[0] == 'G')) {
		if (x->request.len <= 8) {
			reading_say(r, reply.data[0] == 'N' ? "no encryption" : "encryption");
			r->result = READ_GOOD;
			return;
		}
		reply = bytes_after(reply, 1);
	}
	if (!reply.len) {
		r->result = READ_INCOMPLETE;
		return;
	}
	switch (reply.data[0]) {
	case 'E':
		read_error(x, reply, r);
		return;
	case 'R':
		reading_say(r, "an authentication request");
		r->result = reply.len >= 9 ? READ_GOOD : READ_INCOMPLETE;
		return;
	case 'v':
		reading_say(r, "a negotiation of the protocol's version");
		r->result = READ_GOOD;
		return;
	}
	reading_quote(r, reply);
	r->result = READ_OTHER;
}

const struct protocol protocol_postgresql = { "postgresql", matches, read_reply };
