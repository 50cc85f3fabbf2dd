// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a probe's two sides say to each other, where it is no HTTP/1. */
#include "spoken.h"

#include <netinet/in.h>
#include <string.h>

#define TLS_HANDSHAKE 0x16

static bool is_tls(const struct probe *p)
{
	return p->request_bytes_len && p->request_bytes[0] == TLS_HANDSHAKE;
}

static size_t answered_so_far(const struct probe *p)
{
	return p->numbered && p->first_byte_ns ? (uint32_t)(p->answer_end - p->answer_start) :
						 p->answer_head_len;
}

void spoken_note_request(struct probe *p)
{
	unsigned version;
	size_t skip = proxy_header_len(p->request_head, p->request_head_len, &version), len;
	bool first = !p->request_bytes_len;

	p->proxy_version = (uint8_t)version;
	p->proxy_len = skip;
	len = p->request_head_len - skip;
	p->request_bytes_len = len < sizeof(p->request_bytes) ? len : sizeof(p->request_bytes);
	memcpy(p->request_bytes, p->request_head + skip, p->request_bytes_len);
	http_parse_request(p->request_head + skip, len, &p->http_request);
	p->takes_turns = protocol_takes_turns(p->request_head + skip, len);
	if (first && len)
		p->greeting_len = answered_so_far(p);
}

/* Adds what of DATA, which begins AT, follows on from the answer's head. */
static void add_answer(struct probe *p, const uint8_t *data, size_t len, size_t at)
{
	size_t skip = p->answer_head_len - at;
	size_t room = sizeof(p->answer_head) - p->answer_head_len;

	if (at > p->answer_head_len) {
		p->answer_head_cut = true; /* what came in between was not captured */
		return;
	}
	if (len <= skip)
		return;
	len -= skip;
	if (len > room) {
		p->answer_head_cut = true;
		len = room;
	}
	memcpy(p->answer_head + p->answer_head_len, data + skip, len);
	p->answer_head_len += len;
}

void spoken_note_answer(struct probe *p, const struct obs *o)
{
	size_t at = p->numbered ? o->packet.seq - p->answer_start : p->answer_head_len;

	/* of HTTP/1 its own reader keeps what matters */
	if (is_tls(p) || !p->answer.broken || p->http_response.valid || p->answer_head_cut ||
	    !o->payload || !o->payload_len)
		return;
	/* what looked like the beginning of a status line */
	if (!p->answer_head_len && at && at <= p->first_bytes_len)
		add_answer(p, p->first_bytes, at, 0);
	add_answer(p, o->payload, o->payload_len, at);
	if (o->payload_len < o->packet.payload_len)
		p->answer_head_cut = true;
}

void spoken_note_datagram(struct probe *p, const struct obs *o)
{
	size_t len = o->payload ? o->payload_len : 0;

	if (p->tuple.protocol != IPPROTO_UDP || !len)
		return;
	if (o->reply && !p->answer_head_len) {
		add_answer(p, o->payload, len, 0);
		p->answer_head_cut |= len < o->packet.payload_len;
	} else if (!o->reply && !p->request_head_len) {
		p->request_head_len = len < sizeof(p->request_head) ? len : sizeof(p->request_head);
		memcpy(p->request_head, o->payload, p->request_head_len);
		p->request_head_cut = p->request_head_len < o->packet.payload_len;
	}
}

void probe_reading(const struct probe *p, struct reading *out)
{
	struct exchange x = {
		.request = { p->request_head + p->proxy_len, p->request_head_len - p->proxy_len },
		.answer = { p->answer_head, p->answer_head_len },
		.greeting = p->greeting_len < p->answer_head_len ? p->greeting_len :
								    p->answer_head_len,
		.request_cut = p->request_head_cut,
		.answer_cut = p->answer_head_cut,
		.datagram = p->tuple.protocol == IPPROTO_UDP,
	};

	memset(out, 0, sizeof(*out));
	out->grpc.status = out->grpc.serving = -1;
	if (is_tls(p) || p->http_request.valid ||
	    (p->tuple.protocol != IPPROTO_TCP && !x.datagram))
		return;
	if (p->http_response.valid) { /* it answers what is no HTTP/1 with that */
		x.answer = (struct bytes){ p->first_bytes, p->first_bytes_len };
		x.greeting = 0;
	}
	protocol_read(&x, out);
}

bool proxy_header_alone(const struct probe *p)
{
	return p->proxy_len && p->proxy_len == p->request_head_len;
}
