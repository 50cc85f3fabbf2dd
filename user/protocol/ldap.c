// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* LDAP: BER; of a response the result code (RFC 4511, 4.1.9). */
#include "protocol.h"

enum { SEQUENCE = 0x30, INTEGER = 0x02, ENUMERATED = 0x0a, OCTETS = 0x04 };
enum { BIND_REQUEST = 0x60, BIND_RESPONSE = 0x61, SEARCH_REQUEST = 0x63, SEARCH_ENTRY = 0x64,
       SEARCH_DONE = 0x65, EXTENDED_REQUEST = 0x77, EXTENDED_RESPONSE = 0x78 };

static const struct {
	int code;
	const char *name;
} results[] = {
	{ 1, "operationsError" },	 { 2, "protocolError" },
	{ 7, "authMethodNotSupported" }, { 8, "strongerAuthRequired" },
	{ 13, "confidentialityRequired" }, { 32, "noSuchObject" },
	{ 48, "inappropriateAuthentication" }, { 49, "invalidCredentials" },
	{ 50, "insufficientAccessRights" }, { 51, "busy" },
	{ 52, "unavailable" },		 { 53, "unwillingToPerform" },
	{ 80, "other" },
};

/* Takes an element of TAG (0: any) from B; its content goes to OUT.  Returns its tag, 0: none. */
static unsigned take(struct bytes *b, unsigned tag, struct bytes *out)
{
	size_t len, head = 2;
	unsigned seen;

	if (b->len < 2 || (tag && b->data[0] != tag))
		return 0;
	seen = b->data[0];
	len = b->data[1];
	if (len & 0x80) {
		size_t n = len & 0x7f;

		if (n > 3 || b->len < 2 + n)
			return 0;
		len = 0;
		for (size_t i = 0; i < n; i++)
			len = len << 8 | b->data[2 + i];
		head += n;
	}
	*out = bytes_after(*b, head);
	if (out->len > len)
		out->len = len;
	*b = bytes_after(*b, head + len);
	return seen;
}

/* The operation in a message; 0: it is none. */
static unsigned operation(struct bytes b, struct bytes *content)
{
	struct bytes message, id;

	if (!take(&b, SEQUENCE, &message) || !take(&message, INTEGER, &id) || id.len > 4)
		return 0;
	return take(&message, 0, content);
}

static bool matches(const struct exchange *x)
{
	struct bytes content;
	unsigned op = x->datagram ? 0 : operation(x->request, &content);

	return op == BIND_REQUEST || op == SEARCH_REQUEST || op == EXTENDED_REQUEST;
}

static void read_reply(const struct exchange *x, struct reading *r)
{
	struct bytes reply = exchange_reply(x), content, part;
	unsigned op = operation(reply, &content);
	int code;

	if (!reply.len)
		return;
	if (op == SEARCH_ENTRY) {
		r->result = READ_GOOD;
		return;
	}
	if (op != BIND_RESPONSE && op != EXTENDED_RESPONSE && op != SEARCH_DONE) {
		r->result = reply.data[0] == SEQUENCE ? READ_INCOMPLETE : READ_OTHER;
		reading_quote(r, reply);
		return;
	}
	if (!take(&content, ENUMERATED, &part) || part.len != 1) {
		r->result = READ_INCOMPLETE;
		return;
	}
	code = part.data[0];
	r->result = code == 0 || code == 14 ? READ_GOOD : READ_ERROR; /* saslBindInProgress */
	reading_say(r, "result %d", code);
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		if (results[i].code == code)
			reading_say(r, " (%s)", results[i].name);
	take(&content, OCTETS, &part); /* the matched DN */
	if (take(&content, OCTETS, &part) && part.len) {
		reading_say(r, ": ");
		reading_quote(r, part);
	}
}

const struct protocol protocol_ldap = { "ldap", matches, read_reply };
