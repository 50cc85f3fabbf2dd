// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rules: no TCP connection came about, and no drop explains why. */
#include "rule_sets.h"

#include <string.h>

#include "ask.h"

/* The kernel takes the SYN and stays silent: tcp_conn_request(), sk_acceptq_is_full(). */
enum match match_accept_queue_full(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!f->tcp || !p->queue_full || p->established_ns || p->read_ns)
		return NO_MATCH;
	if (f->drop && f->place.netfilter)
		return NO_MATCH;
	return p->synack_ns ? MATCH_LIKELY : MATCH_CERTAIN;
}

bool facts_queue_overflowed(const struct facts *f)
{
	const struct probe *p = f->p;

	return f->tcp && !p->established_ns && p->drop.seen && !p->drop.reply && p->drop.reason &&
	       strcmp(p->drop.reason, "TCP_LISTEN_OVERFLOW") == 0;
}

/*
 * It filled up between SYN and ACK: the SYN-ACK is sent again, and the ACK has
 * no effect, or is answered with a reset (net.ipv4.tcp_abort_on_overflow).
 */
enum match match_accept_queue_overflow(const struct facts *f)
{
	const struct probe *p = f->p;
	struct host_listener l;

	if (!f->tcp || !p->ack_ns || p->established_ns || p->accepted_ns || p->read_ns ||
	    p->first_byte_ns)
		return NO_MATCH;
	if (facts_queue_overflowed(f))
		return MATCH_CERTAIN;
	if (!p->synack_retransmits && !(p->reset.seen && p->reset.has_socket))
		return NO_MATCH;
	return facts_listener(f, &l) && l.backlog > l.backlog_max ? MATCH_LIKELY : NO_MATCH;
}

enum match match_no_listener(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!f->tcp || f->connected || p->synack_ns || p->queue_full)
		return NO_MATCH;
	if (p->reset.seen && !p->reset.has_socket && !nf_place(&p->reset).reject)
		return MATCH_CERTAIN;
	if (f->drop && !f->drop->reply && f->drop->reason &&
	    strcmp(f->drop->reason, "NO_SOCKET") == 0)
		return MATCH_CERTAIN;
	if (!p->host_rst_ns)
		return NO_MATCH;
	if (p->has_listener && !p->listener.found)
		return MATCH_CERTAIN;
	/* before 5.17: a reset and this drop, which with a socket is in tcp_v4_do_rcv() */
	if (f->drop && !f->drop->reply && !f->drop->reason &&
	    (function_is(f->drop->function, "tcp_v4_rcv") ||
	     function_is(f->drop->function, "tcp_v6_rcv")))
		return MATCH_CERTAIN;
	/* the firewall may have sent it, or a process, after a SYN-ACK that was not told */
	return p->missing || p->lossy ? NO_MATCH : MATCH_LIKELY;
}

/*
 * tcp_conn_request() (6.18): without cookies a SYN is ignored once the
 * listener's request sockets are as many as its backlog, or leave less than a
 * quarter of net.ipv4.tcp_max_syn_backlog.
 */
enum match match_syn_queue_full(const struct facts *f)
{
	const struct probe *p = f->p;
	int64_t cookies, max;

	if (!f->tcp || f->connected || p->synack_ns || p->host_rst_ns || p->route_failed ||
	    !p->has_listener || !p->listener.found || !p->listener.syn_queue || f->early)
		return NO_MATCH;
	if ((f->drop && !f->drop->reply) || p->queue_full ||
	    ask_sysctl(f->given.host, "net.ipv4.tcp_syncookies", &cookies) || cookies)
		return NO_MATCH;
	if (p->listener.syn_queue >= p->listener.backlog_max)
		return MATCH_LIKELY;
	return ask_sysctl(f->given.host, "net.ipv4.tcp_max_syn_backlog", &max) == 0 &&
			       max - (int64_t)p->listener.syn_queue <= max / 4
		       ? MATCH_LIKELY
		       : NO_MATCH;
}

/* inet_csk_route_req() finds nothing, and the SYN ends there without a drop. */
enum match match_no_route_back(const struct facts *f)
{
	const struct probe *p = f->p;
	struct host_route route;

	if (f->udp || f->connected || p->synack_ns || p->reply_ns || p->synack_retransmits ||
	    f->early || p->host_rst_ns)
		return NO_MATCH;
	if (p->route_failed)
		return MATCH_CERTAIN;
	if (p->has_route || (f->drop && !f->drop->reply) || probe_forwarded(p))
		return NO_MATCH;
	return ask_route_back(f->given.host, p->tuple.target, p->tuple.lb, &route) == 0 &&
			       route.err < 0
		       ? MATCH_LIKELY
		       : NO_MATCH;
}

static bool never_acknowledged(const struct facts *f)
{
	return f->tcp && !f->connected && f->p->synack_ns && !f->early;
}

enum match match_wrong_interface(const struct facts *f)
{
	const struct probe *p = f->p;

	return never_acknowledged(f) && p->device_in[0] && p->device_out[0] &&
			       !p->left_where_it_came
		       ? MATCH_LIKELY
		       : NO_MATCH;
}

enum match match_reply_lost(const struct facts *f)
{
	const struct probe *p = f->p;

	if (never_acknowledged(f))
		return p->synack_left > 1 || p->synack_retransmits ? MATCH_CERTAIN : MATCH_LIKELY;
	/* the handshake passed, the answer did not: too big for the path, more often than not */
	return f->connected && f->answered && p->retransmits && !f->early && !f->drop &&
			       (!p->http_response.valid ||
				facts_status_expected(f->s, p->http_response.status))
		       ? MATCH_LIKELY
		       : NO_MATCH;
}
