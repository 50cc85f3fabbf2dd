// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rules: the exchange that this kind of probe asks for was completed in time. */
#include "rule_sets.h"

#define TLS_HANDSHAKE 0x16

static bool is_at_timeout(const struct facts *f)
{
	return f->lb_end_ns - f->p->start_ns >= f->timeout_ns / 10 * 9;
}

/* The answer left, but is sent again and again, and the load balancer waits till its timeout. */
static bool answer_is_stuck(const struct facts *f)
{
	const struct probe *p = f->p;

	if (f->drop && f->drop->reply && (!f->lb_end_ns || is_at_timeout(f)))
		return !f->given.cut_short;
	if (f->lb_end_ns)
		return p->retransmits && is_at_timeout(f);
	return p->retransmits > 1 && !f->given.cut_short;
}

/*
 * Was every event of the probe seen, up to its end?  Where one was lost, it may
 * have been the request: then there was more to it than a handshake.
 */
static bool is_complete(const struct probe *p)
{
	return !p->missing && (!p->lossy || p->lb_fin_ns || p->lb_rst_ns);
}

/* A check that only connects. */
static enum match plain_tcp(const struct facts *f)
{
	const struct probe *p = f->p;
	bool in_time = f->lb_end_ns && f->lb_end_ns - p->start_ns < f->timeout_ns / 10 * 9;

	if (f->s->expect_http)
		return NO_MATCH;
	if (f->given.http_target && !in_time)
		return NO_MATCH;
	if (f->given.cut_short && !f->lb_end_ns)
		return NO_MATCH;
	return MATCH_CERTAIN;
}

static enum match tcp(const struct facts *f)
{
	const struct probe *p = f->p;
	bool over = f->lb_end_ns || f->host_end_ns || !f->given.cut_short;

	if (!f->connected)
		return NO_MATCH;
	if (!p->request_ns)
		return is_complete(p) ? plain_tcp(f) : NO_MATCH;
	if (p->http_response.valid && !f->tls)
		return f->answered && over &&
				       facts_status_expected(f->s, p->http_response.status) &&
				       !answer_is_stuck(f)
			       ? MATCH_CERTAIN
			       : NO_MATCH;
	if (f->tls) /* what is inside cannot be seen */
		return f->answered && over && p->first_bytes_len &&
				       p->first_bytes[0] == TLS_HANDSHAKE && !answer_is_stuck(f)
			       ? MATCH_LIKELY
			       : NO_MATCH;
	if (f->http || !p->request_bytes_len)
		return NO_MATCH;
	/* some other protocol: no health check speaks it, so the connection is what counts */
	return f->answered || f->early ? MATCH_CERTAIN : NO_MATCH;
}

enum match match_healthy(const struct facts *f)
{
	if (f->tcp)
		return tcp(f);
	return f->p->reply_ns && !f->drop ? MATCH_CERTAIN : NO_MATCH;
}

/* It connected, and that no request came rests on none having been seen. */
enum match match_healthy_handshake(const struct facts *f)
{
	if (!f->tcp || !f->connected || f->p->request_ns || is_complete(f->p))
		return NO_MATCH;
	return plain_tcp(f);
}

/* The load balancer takes silence for health; that nobody refused is all there is to see. */
enum match match_udp_silence(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!f->udp || f->drop || p->icmp_sent.seen || p->icmp_left_ns)
		return NO_MATCH;
	return MATCH_LIKELY;
}
