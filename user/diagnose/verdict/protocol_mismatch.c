// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdict: check and port speak different protocols. */
#include <string.h>

#include "diagnose/verdict/application.h"
#include "diagnose/verdict/report.h"

#define AT_ONCE_NS UINT64_C(50000000) /* a parser gives up this soon */

enum mismatch {
	MATCHED,
	PROXY_UNKNOWN, /* a PROXY header was answered with an error, or by hanging up */
	PROXY_DEMANDED, /* it looks as if one was missing */
	HTTP2_UNKNOWN,
	HTTP2_ALONE, /* HTTP/1 was answered with HTTP/2 frames */
	TLS_UNKNOWN, /* a ClientHello was answered in clear */
	NO_DNS,
};

/* Frames: SETTINGS or GOAWAY of stream 0. */
static bool looks_like_http2(const uint8_t *b, size_t len)
{
	static const uint8_t stream_0[4];

	return len >= 9 && !b[0] && (b[3] == 4 || b[3] == 7) && memcmp(b + 5, stream_0, 4) == 0;
}

/* It ended the connection right behind what came, and said nothing. */
static bool hung_up(const struct facts *f)
{
	const struct probe *p = f->p;

	return p->request_ns && !p->first_byte_ns && f->host_ended_first &&
	       f->host_end_ns >= p->request_ns && f->host_end_ns - p->request_ns <= AT_ONCE_NS;
}

static bool is_unexpected(const struct facts *f)
{
	const struct http_response *r = &f->p->http_response;

	return r->valid && !facts_status_expected(f->s, r->status);
}

/* Programs that can demand a PROXY header, and then hang up on what has none. */
static bool can_demand_proxy(const struct facts *f)
{
	static const char *const programs[] = { "nginx", "haproxy", "envoy" };
	struct host_listener l;
	const char *name = f->p->has_process ? f->p->comm : facts_listener(f, &l) ? l.comm : "";

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(name, programs[i]) == 0)
			return true;
	return false;
}

static enum mismatch of_proxy(const struct facts *f, enum match *sure)
{
	const struct probe *p = f->p;
	bool says = strstr(f->spoken.quote, "PROXY");

	*sure = says || p->http_response.status == 400 ? MATCH_CERTAIN : MATCH_LIKELY;
	if (hung_up(f))
		return PROXY_UNKNOWN;
	if (!f->replied)
		return MATCHED;
	/* 400: it took the header for a request line */
	if (p->http_response.valid)
		return is_unexpected(f) && p->http_response.status == 400 ? PROXY_UNKNOWN : MATCHED;
	if (f->http && p->answer.broken)
		return PROXY_UNKNOWN;
	return f->spoken.result == READ_ERROR && says ? PROXY_UNKNOWN : MATCHED;
}

static enum mismatch find(const struct facts *f, enum match *sure)
{
	const struct probe *p = f->p;

	*sure = MATCH_CERTAIN;
	if (f->gaps && f->spoken.foreign)
		return MATCHED;
	if (f->udp)
		return f->spoken.foreign ? NO_DNS : MATCHED;
	if (!wants_answer(f))
		return MATCHED;
	if (p->proxy_version)
		return of_proxy(f, sure);
	if (f->spoken.application && !strcmp(f->spoken.application, "http2")) {
		*sure = p->first_byte_ns ? MATCH_CERTAIN : MATCH_LIKELY;
		return (f->replied && f->spoken.foreign) || hung_up(f) ? HTTP2_UNKNOWN : MATCHED;
	}
	if (f->tls)
		return f->replied && p->first_bytes_len && p->first_bytes[0] != 0x15 &&
				       p->first_bytes[0] != 0x16 ? TLS_UNKNOWN : MATCHED;
	if (p->http_request.valid && f->replied && looks_like_http2(p->first_bytes, p->first_bytes_len))
		return HTTP2_ALONE;
	*sure = MATCH_LIKELY;
	return p->http_request.valid && hung_up(f) && can_demand_proxy(f) ? PROXY_DEMANDED : MATCHED;
}

static enum match match_protocol_mismatch(const struct facts *f)
{
	enum match sure;

	return hung_up(f) || find(f, &sure) == MATCHED ? NO_MATCH : sure;
}

/* That nothing was answered can be for want of the events. */
static enum match match_hung_up(const struct facts *f)
{
	enum match sure;

	return !hung_up(f) || find(f, &sure) == MATCHED ? NO_MATCH : sure;
}

static void say_answer(const struct facts *f, struct diagnosis *d)
{
	if (hung_up(f))
		say(WHY(d), "ended the connection at once");
	else if (f->p->http_response.valid)
		say(WHY(d), "answered with HTTP/1 status %d", f->p->http_response.status);
	else {
		say(WHY(d), "answered with ");
		if (f->p->first_bytes_len)
			say_looks(f, d);
		else
			say(WHY(d), "'%s'", f->spoken.quote);
	}
}

static void report_proxy_unknown(const struct facts *f, const char *who, struct diagnosis *d)
{
	say(WHY(d), "The load balancer sent a PROXY protocol header (version %u), and %s on port %u ",
	    f->p->proxy_version, who, f->port);
	say_answer(f, d);
	say(WHY(d), hung_up(f) ? ": most likely it does not know that protocol there." :
				 ": it does not know that protocol there.");
	add_advice(d, "Switch the PROXY protocol off in the check (HAProxy: no check-send-proxy), or on for "
		      "port %u in the service (nginx: listen %u proxy_protocol).",
		   f->port, f->port);
}

static void report_proxy_demanded(const struct facts *f, const char *who, struct diagnosis *d)
{
	char request[96];

	d->code = f->host_reset ? "RECV_RESPONSE_FAILED" : "CONNECT_INTERRUPT";
	say(WHY(d), "%s on port %u ended the connection as soon as %s came, without an answer: that is how it "
		    "treats a check without a PROXY protocol header where one is demanded.",
	    who, f->port, request_words(f, request));
	add_advice(d, "Look for 'proxy_protocol' (nginx: listen) or 'accept-proxy' (HAProxy: bind) in the "
		      "service's configuration, and for 'broken header' in its log: then send that header "
		      "in the check, or check another port. Else it is a rule that hangs up: 'return 444', "
		      "'deny', 'reject'.");
	show_request(f, d);
}

static void report_protocol_mismatch(const struct facts *f, struct diagnosis *d)
{
	enum match sure;
	enum mismatch what = find(f, &sure);
	char who[48];

	where_application(f, d);
	process_words(f, who);
	switch (what) {
	case PROXY_UNKNOWN:
		report_proxy_unknown(f, who, d);
		return;
	case PROXY_DEMANDED:
		report_proxy_demanded(f, capitalised(who), d);
		return;
	case HTTP2_UNKNOWN:
		say(WHY(d), "The check speaks HTTP/2 without TLS, and %s on port %u ", who, f->port);
		say_answer(f, d);
		say(WHY(d), ": it does not speak HTTP/2 there.");
		add_advice(d, "Set the check to HTTP/1, or switch HTTP/2 without TLS on for port %u in the "
			      "service.", f->port);
		return;
	case HTTP2_ALONE:
		say(WHY(d), "The check speaks HTTP/1, and %s on port %u answered with HTTP/2 frames: it speaks "
			    "HTTP/2 alone there.", who, f->port);
		add_advice(d, "Set the check to HTTP/2 (or gRPC), or its port to one that speaks HTTP/1.");
		return;
	case TLS_UNKNOWN:
		d->code = "SSL_HANDSHAKE_ERROR";
		say(WHY(d), "The load balancer began a TLS handshake, but %s on port %u answered with ", who,
		    f->port);
		say_looks(f, d);
		say(WHY(d), ": it speaks no TLS there.");
		add_advice(d, "Set the health check's protocol to HTTP, or switch TLS on for port %u in the "
			      "service.", f->port);
		return;
	case NO_DNS:
		say(WHY(d), "The check asked a DNS question, and %s answered with something else ('%s').", who,
		    f->spoken.quote);
		add_advice(d, "Set the check's port to the DNS server's.");
		return;
	case MATCHED:
		break;
	}
}

const struct verdict verdict_protocol_mismatch = {
	.id = "protocol-mismatch",
	.code = "RESPONSE_FORMAT_ERROR",
	.step = "3",
	.summary = "check and port do not match",
	.meaning = "The check speaks a protocol that the port does not: the PROXY protocol's header, HTTP/2, TLS "
		"or HTTP/1; or the port demands one that the check does not speak.",
	.evidence = "What the check began with, and an answer in another protocol, a refusal, or an end at once.",
	.remedy = "Set the check's protocol to that of the port, or its port to one that speaks the check's.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(TC_INGRESS) | POINT_BIT(TC_EGRESS),
	.rule = { .match = match_protocol_mismatch, .report = report_protocol_mismatch },
};

const struct rule mismatch_hung_up = { .absence = DEPARTURES, .match = match_hung_up, .report = report_protocol_mismatch };
