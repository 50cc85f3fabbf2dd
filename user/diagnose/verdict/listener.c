// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdicts: nobody listens on the port. */
#include <inttypes.h>
#include <string.h>

#include "diagnose/advice_rule.h"
#include "diagnose/ask.h"
#include "diagnose/verdict/report.h"

/*
 * A SYNPROXY rule answered the SYN in the host's place, and when it passed the
 * connection on, no socket took it.
 */
static bool is_behind_synproxy(const struct facts *f)
{
	const struct probe *p = f->p;

	return p->synack_ns && p->has_listener && !p->listener.found && !p->established_ns &&
	       p->reset.seen && !p->reset.has_socket && !nf_place(&p->reset).reject &&
	       (!f->lb_end_ns || p->reset.time_ns < f->lb_end_ns);
}

static enum match match_no_listener(const struct facts *f)
{
	const struct probe *p = f->p;

	/* ahead of any request a check that only connects looks the same, and passes */
	if (f->tcp && is_behind_synproxy(f))
		return p->request_ns || f->given.http_target || f->s->expect_http ? MATCH_CERTAIN :
										    MATCH_LIKELY;
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

#define ICMP_DEST_UNREACH 3
#define ICMP_PORT_UNREACH 3
#define ICMPV6_DEST_UNREACH 1
#define ICMPV6_PORT_UNREACH 4

static bool met_no_socket(const struct facts *f)
{
	const struct probe *p = f->p;

	if (f->drop && !f->drop->reply &&
	    ((f->drop->reason && strcmp(f->drop->reason, "NO_SOCKET") == 0) ||
	     (!f->drop->reason && (function_is(f->drop->function, "__udp4_lib_rcv") ||
				   function_is(f->drop->function, "__udp6_lib_rcv")))))
		return true;
	if (!p->icmp_sent.seen || nf_place(&p->icmp_sent).reject)
		return false;
	return f->v6 ? p->icmp_sent.icmp_type == ICMPV6_DEST_UNREACH &&
			       p->icmp_sent.icmp_code == ICMPV6_PORT_UNREACH
		     : p->icmp_sent.icmp_type == ICMP_DEST_UNREACH &&
			       p->icmp_sent.icmp_code == ICMP_PORT_UNREACH;
}

static enum match match_udp_no_listener(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!f->udp || p->reply_ns || !met_no_socket(f))
		return NO_MATCH;
	if (p->icmp_left_ns)
		return MATCH_CERTAIN;
	return p->icmp_sent.seen && !p->icmp_drop.seen && f->given.unattached & DEPARTURES
		       ? MATCH_LIKELY
		       : NO_MATCH;
}

static enum match match_unreachable_suppressed(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!f->udp || p->reply_ns || p->icmp_left_ns || !met_no_socket(f))
		return NO_MATCH;
	return p->icmp_drop.seen ? MATCH_CERTAIN : MATCH_LIKELY;
}

/* Was it refused, but by no socket look-up of this host, although those are watched? */
static bool refused_elsewhere(const struct facts *f)
{
	const struct probe *p = f->p;
	int64_t forwards;

	return p->host_rst_ns && !p->reset.seen && !f->drop && !p->lossy && !p->missing &&
	       !(f->given.unattached & (POINT_BIT(RESET_SENT) | POINT_BIT(DROP))) &&
	       ask_sysctl(f->given.host,
			  f->v6 ? "net.ipv6.conf.all.forwarding" : "net.ipv4.ip_forward",
			  &forwards) == 0 &&
	       forwards;
}

/* ", where rule 1 of chain PREROUTING, table nat (iptables-nft), sends 192.168.0.10:80: TEXT" */
static void say_nat(const struct facts *f, struct diagnosis *d)
{
	struct culprit c;
	char words[256];

	if (!f->p->dnat.seen)
		return;
	if (culprit_of_rewrite(f, false, &c) && c.confidence != CONFIDENCE_GUESS)
		say(WHY(d), ", where %s sends %s (%.160s)", rule_words(&c.rule, words, sizeof(words)),
		    f->target, c.rule.text);
	else
		say(WHY(d), ", where a NAT rule sends %s", f->target);
}

static void report_no_listener(const struct facts *f, struct diagnosis *d)
{
	if (report_tproxy_unmatched(f, d))
		return;
	where_set(d, "socket", f->drop);
	if (refused_elsewhere(f)) {
		d->confidence = CONFIDENCE_LIKELY;
		say(WHY(d),
		    "The connection to %s was refused with a reset that did not come from this "
		    "host itself: NAT passes it on, with another source address, to where nobody "
		    "listens.",
		    f->target);
		add_advice(d, "Start the service where the connection goes, or correct the NAT rule.");
		SHOW_COMMAND(d, "conntrack -L -s %s; iptables-save -t nat; nft list ruleset", f->lb);
		return;
	}
	say(WHY(d), "Nobody listens on %s%s", f->inner_target, f->inside);
	say_nat(f, d);
	if (is_behind_synproxy(f)) {
		d->code = "CONNECT_INTERRUPT";
		say(WHY(d), ". A SYNPROXY rule of the firewall answered the SYN, so a check that only "
			    "connects passes; the connection itself was refused with a reset.");
	} else {
		say(WHY(d), ", so the kernel refused the connection with a reset.");
	}
	say_who_listens(f, d);
}

static void report_udp_no_listener(const struct facts *f, struct diagnosis *d)
{
	if (report_tproxy_unmatched(f, d))
		return;
	where_set(d, "socket", f->drop);
	say(WHY(d),
	    "No process has UDP port %u open on %s%s, so the kernel answered 'port unreachable'.",
	    f->inner_port, f->inner_address, f->inside);
	say_who_listens(f, d);
}

static void report_unreachable_suppressed(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	int64_t mask = 0;
	bool known = ask_sysctl(f->given.host, "net.ipv4.icmp_ratemask", &mask) == 0 && !f->v6;
	/* bit 3: destination unreachable */
	bool limited = known && mask & 8;

	where_set(d, "socket", f->drop);
	say(WHY(d), "No process has UDP port %u open on %s%s, but no 'port unreachable' left",
	    f->inner_port, f->inner_address, f->inside);
	if (p->icmp_drop.seen)
		say(WHY(d), ": %s dropped it.",
		    nf_place(&p->icmp_drop).netfilter ? "the firewall" : "the kernel");
	else if (limited)
		say(WHY(d), ": the kernel limits their rate (net.ipv4.icmp_ratemask=%" PRId64 ").",
		    mask);
	else
		say(WHY(d), ".");
	say_who_listens(f, d);
	if (limited && !p->icmp_drop.seen && !probe_forwarded(p)) {
		FIX_COMMAND(d, "sysctl -w net.ipv4.icmp_ratemask=%ld", (long)(mask & ~INT64_C(8)));
		add_advice(d, "The command lets the load balancer see that nobody listens; write it to a "
			      "file in /etc/sysctl.d/ to keep it.");
	}
	say(NOTE(d), "False healthy: the load balancer takes the silence for health.");
}

const struct verdict verdict_no_listener = {
	.id = "no-listener",
	.code = "CONNECT_REFUSED",
	.step = "3",
	.summary = "nobody listens on the port",
	.meaning = "No process listens on the address and port of the check, so the kernel refused "
		"the connection.",
	.evidence = "The kernel's TCP stack sent a reset, and no listening socket matched; or a TPROXY "
		"rule met no proxy on its port.",
	.remedy = "Start the service, let it listen on this address and port (not on 127.0.0.1, for "
		"IPv6 or for another device only), or correct the port of the check.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(RESET_SENT),
	.rule = { .match = match_no_listener, .report = report_no_listener },
};

const struct verdict verdict_udp_no_listener = {
	.id = "udp-no-listener",
	.code = "CONNECT_REFUSED",
	.step = "3, 8",
	.summary = "nobody listens on the UDP port",
	.meaning = "No process has the UDP port open, so the host told the load balancer that it "
		"is unreachable.",
	.evidence = "ICMP port unreachable was sent for the probe.",
	.remedy = "Start the service or correct the port of the check.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(ICMP_SENT),
	.rule = { .match = match_udp_no_listener, .report = report_udp_no_listener },
};

const struct verdict verdict_unreachable_suppressed = {
	.id = "unreachable-suppressed",
	.code = NULL,
	.step = "8",
	.summary = "dead, but looks healthy",
	.meaning = "No process has the UDP port open, but the host did not say so: the load "
		"balancer takes the silence for health and keeps sending traffic.",
	.evidence = "The datagram met no socket, and no ICMP port unreachable left: rate-limited or "
		"filtered.",
	.remedy = "Start the service. Let the message out: set net.ipv4.icmp_ratemask to 6160 "
		"(6168 also limits the rate of these), and accept ICMP to the load balancer in "
		"OUTPUT.",
	.outcome = OUTCOME_PASS,
	.needs = POINT_BIT(ICMP_SENT),
	.rule = { .absence = DEPARTURES, .match = match_unreachable_suppressed, .report = report_unreachable_suppressed },
};
