// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* DNS, over UDP and, behind a length, over TCP. */
#include "protocol.h"

#define HEAD 12
#define FLAG_RESPONSE 0x80
#define FLAG_TRUNCATED 0x02

static const char *const rcodes[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",
				      "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH",
				      "NOTZONE" };

static unsigned get_u16(const uint8_t *b)
{
	return (unsigned)b[0] << 8 | b[1];
}

/* The length of the name at the beginning of B, its labels without compression; 0: it is none. */
static size_t name_len(struct bytes b)
{
	size_t at = 0;

	while (at < b.len && at < 255) {
		if (!b.data[at])
			return at + 1;
		if (b.data[at] > 63)
			return 0;
		at += b.data[at] + 1u;
	}
	return 0;
}

/* One question, asked in class IN, CH or any. */
static bool is_query(struct bytes b)
{
	struct bytes question = bytes_after(b, HEAD);
	unsigned class;
	size_t len;

	if (b.len < HEAD + 5 || b.data[2] & (FLAG_RESPONSE | 0x78) || b.data[3] & 0x0f ||
	    get_u16(b.data + 4) != 1 || get_u16(b.data + 6) || get_u16(b.data + 8) > 16 ||
	    get_u16(b.data + 10) > 16)
		return false;
	len = name_len(question);
	if (!len || question.len < len + 4)
		return false;
	class = get_u16(question.data + len + 2) & 0x7fff;
	return class == 1 || class == 3 || class == 255;
}

static void read_message(struct bytes query, struct bytes reply, struct reading *r)
{
	unsigned rcode;

	if (reply.len < HEAD || !(reply.data[2] & FLAG_RESPONSE) ||
	    get_u16(reply.data) != get_u16(query.data)) {
		r->result = READ_OTHER;
		r->foreign = true;
		reading_quote(r, reply);
		return;
	}
	rcode = reply.data[3] & 0x0f;
	if (rcode < sizeof(rcodes) / sizeof(rcodes[0]))
		reading_say(r, "%s", rcodes[rcode]);
	else
		reading_say(r, "rcode %u", rcode);
	if (!rcode)
		reading_say(r, ", %u answers%s", get_u16(reply.data + 6),
			    reply.data[2] & FLAG_TRUNCATED ? ", truncated" : "");
	r->result = rcode ? READ_ERROR : READ_GOOD;
}

static bool matches_datagram(const struct exchange *x)
{
	return x->datagram && is_query(x->request);
}

static void read_datagram(const struct exchange *x, struct reading *r)
{
	if (x->answer.len)
		read_message(x->request, x->answer, r);
}

/* The message behind its length; empty: it has not all come. */
static struct bytes message_of(struct bytes b)
{
	struct bytes message = bytes_after(b, 2);

	if (b.len < 2)
		return (struct bytes){ NULL, 0 };
	if (message.len > get_u16(b.data))
		message.len = get_u16(b.data);
	return message;
}

static bool matches_stream(const struct exchange *x)
{
	return !x->datagram && x->request.len > 2 &&
	       get_u16(x->request.data) == x->request.len - 2 &&
	       is_query(bytes_after(x->request, 2));
}

static void read_stream(const struct exchange *x, struct reading *r)
{
	struct bytes reply = exchange_reply(x), message = message_of(reply);

	if (!reply.len)
		return;
	if (message.len < HEAD && reply.len < HEAD + 2) {
		r->result = READ_INCOMPLETE;
		return;
	}
	read_message(bytes_after(x->request, 2), message, r);
	if (r->result == READ_GOOD && message.len < get_u16(reply.data) && !x->answer_cut)
		r->result = READ_INCOMPLETE;
}

const struct protocol protocol_dns = { "dns", matches_datagram, read_datagram };
const struct protocol protocol_dns_tcp = { "dns", matches_stream, read_stream };
