// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdict: an old connection with the same addresses and ports took the SYN. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/verdict/report.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static bool is_syn(const struct probe_incident *incident)
{
	return incident->packet.tcp_flags & HCT_TCP_SYN;
}

/* Before 5.19 TCP gives no reason; but what socket the SYN would meet was looked up ahead of it. */
static bool met_without_reason(const struct facts *f, uint32_t found)
{
	static const char *const functions[] = { "tcp_v4_rcv", "tcp_v6_rcv", "tcp_v4_do_rcv",
						 "tcp_v6_do_rcv", "tcp_validate_incoming" };

	return f->drop && !f->drop->reply && is_syn(f->drop) && !f->p->synack_ns &&
	       f->p->has_listener && f->p->listener.found == found && has_no_reason(f->drop) &&
	       function_in(f->drop, functions, N(functions));
}

/* tcp_check_req() takes a SYN with another number, far from the first, for a late segment. */
static bool met_half_open(const struct facts *f)
{
	static const char *const reasons[] = { "TCP_OVERWINDOW" };

	return (f->drop && !f->drop->reply && is_syn(f->drop) &&
		reason_in(f->drop, reasons, N(reasons))) ||
	       met_without_reason(f, HCT_FOUND_HALF_OPEN);
}

/* The same with a number that is near: it ends the half-open connection by a reset. */
static bool reset_half_open(const struct facts *f)
{
	const struct probe *p = f->p;

	return p->reset.seen && p->reset.has_socket && is_syn(&p->reset) && !p->synack_ns &&
	       !(p->has_listener && p->listener.found < HCT_FOUND_OLD) &&
	       !nf_place(&p->reset).reject;
}

static enum match match_stale_connection(const struct facts *f)
{
	static const char *const reasons[] = {
		"TCP_RFC7323_PAWS",	    "TCP_RFC7323_PAWS_ACK", "TCP_RFC7323_TW_PAWS",
		"TCP_RFC7323_TSECR",	    "TCP_OLD_SEQUENCE",	    "TCP_INVALID_SEQUENCE",
		"TCP_INVALID_END_SEQUENCE", "TCP_INVALID_SYN",	    "TCP_INVALID_ACK_SEQUENCE",
	};

	if (!f->tcp || f->connected)
		return NO_MATCH;
	if (reset_half_open(f))
		return MATCH_CERTAIN;
	if (!f->drop || f->drop->reply)
		return NO_MATCH;
	if (reason_in(f->drop, reasons, N(reasons)) || met_half_open(f))
		return MATCH_CERTAIN;
	return met_without_reason(f, HCT_FOUND_OLD) ? MATCH_LIKELY : NO_MATCH;
}

static void report_half_open(const struct facts *f, bool reset, struct diagnosis *d)
{
	char lb[ENDPOINT_TEXT_LEN];

	format_endpoint(lb, f->p->tuple.lb, ntohs(f->p->tuple.lb_port));
	where_set(d, "socket", reset ? &f->p->reset : f->drop);
	say(WHY(d), "An earlier SYN from the same port (%s) was answered and never confirmed, so that "
		    "connection is half open; the kernel took this SYN, which begins another, for a part "
		    "of it and ", lb);
	if (reset) {
		d->code = "CONNECT_REFUSED";
		say(WHY(d), "ended it with a reset.");
		add_advice(d, "The half-open connection is gone with that: the next SYN is taken.");
	} else {
		say(WHY(d), "dropped it (%s).", f->drop->reason ? f->drop->reason : "no reason given");
		FIX_COMMAND(d, "ss -tK state syn-recv src %s dst %s", f->target, lb);
		add_advice(d, "That ends the half-open connection, which else stays until its SYN-ACK was sent "
			      "again net.ipv4.tcp_synack_retries times.");
	}
	add_advice(d, "Find out why the first was given up (it has a verdict of its own), and let the load "
		      "balancer, or a NAT ahead of this host, not use a source port again so soon.");
	SHOW_COMMAND(d, "ss -tanpo dst %s", f->lb);
}

static void report_stale_connection(const struct facts *f, struct diagnosis *d)
{
	const char *reason = f->drop && f->drop->reason ? f->drop->reason : "no reason given";
	char lb[ENDPOINT_TEXT_LEN];

	if (reset_half_open(f) || met_half_open(f)) {
		report_half_open(f, reset_half_open(f), d);
		return;
	}
	where_set(d, "socket", f->drop);
	say(WHY(d),
	    "An old connection with the same addresses and ports (%s) took the SYN for a late "
	    "packet of its "
	    "own and dropped it (%s).",
	    f->target, reason);
	if (strstr(reason, "RFC7323")) {
		FIX_COMMAND(d, "sysctl -w net.ipv4.tcp_timestamps=0");
		add_advice(d, "The source's TCP timestamps went backwards (several nodes behind one "
			      "address): this host then uses none.");
		return;
	}
	format_endpoint(lb, f->p->tuple.lb, ntohs(f->p->tuple.lb_port));
	FIX_COMMAND(d, "ss -tK src %s dst %s", f->target, lb);
	add_advice(d, "That ends the old connection. If it returns, look for why this host keeps "
		      "connections open that the load balancer has ended.");
	SHOW_COMMAND(d, "ss -tanpo dst %s", f->lb);
}

const struct verdict verdict_stale_connection = {
	.id = "stale-connection",
	.code = "CONNECT_TIMEOUT",
	.step = "",
	.summary = "an old connection swallowed it",
	.meaning = "A connection with the same addresses and ports is still remembered, and the "
		"kernel took the SYN for a late packet of it.",
	.evidence = "The SYN met a socket in TIME_WAIT, an old connection or one that is half open, or "
		"failed the timestamp check (PAWS).",
	.remedy = "Keep net.ipv4.tcp_tw_recycle off (old kernels), avoid NAT that mixes several "
		"hosts' timestamps, and let the service close its connections.",
	.outcome = OUTCOME_FAIL,
	.rule = { .match = match_stale_connection, .report = report_stale_connection },
};
