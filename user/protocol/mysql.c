// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* MySQL and MariaDB: packets of a length, a number and a first byte that tells what it is. */
#include "protocol.h"

enum { PACKET_OK = 0x00, PACKET_GREETING = 0x0a, PACKET_AUTH_SWITCH = 0xfe, PACKET_ERR = 0xff };
#define HEAD 4

static size_t length_of(struct bytes b)
{
	return b.data[0] | (size_t)b.data[1] << 8 | (size_t)b.data[2] << 16;
}

/* The server speaks first: version 10 of the handshake and its own version, or an error. */
static bool matches(const struct exchange *x)
{
	struct bytes a = x->answer;

	if (x->datagram || a.len < HEAD + 3 || (x->request.len && !x->greeting && a.data[3] > 1))
		return false;
	if (a.data[3] > 2 || length_of(a) < 3 || length_of(a) > 1024)
		return false;
	if (a.data[4] == PACKET_GREETING)
		return a.data[5] >= '1' && a.data[5] <= '9';
	return a.data[4] == PACKET_ERR && length_of(a) + HEAD <= a.len &&
	       (a.data[5] | a.data[6] << 8) >= 1000 && (a.data[5] | a.data[6] << 8) < 5000;
}

/* "1040 Too many connections" */
static void quote_error(struct bytes packet, struct reading *r)
{
	struct bytes text = bytes_after(packet, HEAD + 3);

	if (packet.len < HEAD + 3)
		return;
	if (text.len > length_of(packet) - 3)
		text.len = length_of(packet) - 3;
	if (text.len && text.data[0] == '#') /* an SQL state of five characters */
		text = bytes_after(text, 6);
	reading_say(r, "%d ", packet.data[5] | packet.data[6] << 8);
	reading_quote(r, text);
}

static void read_reply(const struct exchange *x, struct reading *r)
{
	struct bytes reply = x->answer;

	if (reply.data[4] == PACKET_ERR) {
		r->result = READ_ERROR;
		quote_error(reply, r);
		return;
	}
	if (x->request.len)
		reply = bytes_after(x->answer, HEAD + length_of(x->answer));
	if (!x->request.len) {
		struct bytes version = bytes_after(x->answer, HEAD + 1);
		size_t n = 0;

		while (n < version.len && version.data[n])
			n++;
		version.len = n;
		reading_quote(r, version);
		r->result = length_of(x->answer) + HEAD <= x->answer.len || x->answer_cut ?
				    READ_GOOD : READ_INCOMPLETE;
		return;
	}
	if (reply.len < HEAD + 1) {
		r->result = READ_INCOMPLETE;
		return;
	}
	switch (reply.data[4]) {
	case PACKET_ERR:
		r->result = length_of(reply) < 3 ? READ_OTHER : READ_ERROR;
		if (r->result == READ_ERROR)
			quote_error(reply, r);
		return;
	case PACKET_OK:
		reading_say(r, "OK");
		r->result = READ_GOOD;
		return;
	case PACKET_AUTH_SWITCH:
		reading_say(r, "another authentication method is asked for");
		r->result = READ_GOOD;
		return;
	}
	r->result = READ_OTHER;
}

const struct protocol protocol_mysql = { "mysql", matches, read_reply };
