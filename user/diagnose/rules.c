// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The rules, in order: the first that matches gives the verdict.
 *
 * Order: first whether there is a failure at all; then what the kernel itself
 * reported (drops, refusals, failed look-ups); then what is told by something
 * missing.
 */
#include "rules.h"

#include <stdio.h>
#include <string.h>

#include "icmp_words.h"
#include "verdict/report.h"

static const struct {
	enum verdict_id verdict;
	const struct rule *rule;
} order[] = {
	{ VERDICT_HEALTHY, &verdict_healthy.rule },
	{ VERDICT_HEALTHY, &healthy_handshake },
	{ VERDICT_XDP_DROP, &verdict_xdp_drop.rule },
	{ VERDICT_UNKNOWN, &xdp_elsewhere },
	{ VERDICT_KERNEL_DROP, &vlan_untaken },
	{ VERDICT_UNKNOWN, &frame_overheard },
	{ VERDICT_KERNEL_DROP, &frame_of_another },
	{ VERDICT_TC_DROP, &verdict_tc_drop.rule },
	{ VERDICT_NO_LISTENER, &tproxy_nobody_listens },
	{ VERDICT_UNREACHABLE_SUPPRESSED, &tproxy_nobody_receives },
	{ VERDICT_NOT_LOCAL, &tproxy_no_route },
	{ VERDICT_NOT_LOCAL, &not_local_forwarded },
	{ VERDICT_FIREWALL_REJECT, &verdict_firewall_reject.rule },
	{ VERDICT_CONNTRACK_FULL, &verdict_conntrack_full.rule },
	{ VERDICT_CONNTRACK_INVALID, &verdict_conntrack_invalid.rule },
	{ VERDICT_FORWARD_DROP, &verdict_forward_drop.rule },
	{ VERDICT_FIREWALL_DROP, &verdict_firewall_drop.rule },
	{ VERDICT_RP_FILTER, &verdict_rp_filter.rule },
	{ VERDICT_MARTIAN_SOURCE, &verdict_martian_source.rule },
	{ VERDICT_NOT_LOCAL, &verdict_not_local.rule },
	{ VERDICT_POLICY_DROP, &verdict_policy_drop.rule },
	{ VERDICT_STALE_CONNECTION, &verdict_stale_connection.rule },
	{ VERDICT_SOCKET_BUFFER_FULL, &verdict_socket_buffer_full.rule },
	{ VERDICT_FRAGMENT_LOST, &verdict_fragment_lost.rule },
	{ VERDICT_ACCEPT_QUEUE_FULL, &verdict_accept_queue_full.rule },
	{ VERDICT_SYN_QUEUE_FULL, &verdict_syn_queue_full.rule },
	{ VERDICT_NO_LISTENER, &verdict_no_listener.rule },
	{ VERDICT_UDP_NO_LISTENER, &verdict_udp_no_listener.rule },
	{ VERDICT_UNREACHABLE_SUPPRESSED, &verdict_unreachable_suppressed.rule },
	{ VERDICT_NOT_LOCAL, &not_local_passed_on },
	{ VERDICT_REPLY_REWRITTEN, &verdict_reply_rewritten.rule },
	{ VERDICT_GATEWAY_UNREACHABLE, &verdict_gateway_unreachable.rule },
	{ VERDICT_NO_ROUTE_BACK, &no_route_back_forwarded },
	{ VERDICT_REPLY_DROPPED, &verdict_reply_dropped.rule },
	{ VERDICT_NO_ROUTE_BACK, &verdict_no_route_back.rule },
	{ VERDICT_ICMP_IGNORED, &verdict_icmp_ignored.rule },
	{ VERDICT_KERNEL_DROP, &verdict_kernel_drop.rule },
	{ VERDICT_ACCEPT_QUEUE_FULL, &accept_queue_overflow },
	{ VERDICT_WRONG_INTERFACE, &verdict_wrong_interface.rule },
	{ VERDICT_REPLY_LOST, &verdict_reply_lost.rule },
	{ VERDICT_TCP_WRAPPERS, &verdict_tcp_wrappers.rule },
	{ VERDICT_PROTOCOL_MISMATCH, &verdict_protocol_mismatch.rule },
	{ VERDICT_PROTOCOL_MISMATCH, &mismatch_hung_up },
	{ VERDICT_TLS_ALERT, &verdict_tls_alert.rule },
	{ VERDICT_TLS_ALERT, &tls_unfinished },
	{ VERDICT_GRPC_STATUS, &verdict_grpc_status.rule },
	{ VERDICT_SERVICE_ERROR, &verdict_service_error.rule },
	{ VERDICT_NOT_HTTP, &verdict_not_http.rule },
	{ VERDICT_HTTP_STATUS, &verdict_http_status.rule },
	{ VERDICT_APP_CLOSED, &verdict_app_closed.rule },
	{ VERDICT_PROBE_ABORTED, &verdict_probe_aborted.rule },
	{ VERDICT_APP_NOT_ACCEPTING, &verdict_app_not_accepting.rule },
	{ VERDICT_APP_SLOW, &verdict_app_slow.rule },
	{ VERDICT_HEALTHY, &healthy_silence },
};

static void set_verdict(struct diagnosis *d, enum verdict_id verdict, enum confidence confidence)
{
	const struct verdict *info = verdict_info(verdict);

	memset(d, 0, sizeof(*d));
	d->verdict = verdict;
	d->confidence = confidence;
	d->outcome = info->outcome;
	d->code = info->code;
}

/* A rule that rests on an absence needs every event to have arrived. */
static bool is_proven(const struct facts *f, const struct rule *rule)
{
	uint32_t points = rule->absence & ~AHEAD;

	if (rule->absence & AHEAD && f->drop && f->drop->gap)
		return false;
	return !points || (!f->p->lossy && !f->p->missing && !(f->given.unattached & points));
}

/*
 * For the load balancer a datagram that met silence has passed, whatever became
 * of it; not where it asked something.
 */
static void apply_udp_silence(const struct facts *f, struct diagnosis *d)
{
	/* of an error that its packet met on the way a sender of datagrams is not told */
	bool on_the_way = icmp_is_ttl_exceeded(f->v6, f->p->icmp_left_type, f->p->icmp_left_code);
	bool refused = (f->p->icmp_left_ns && !on_the_way) || d->verdict == VERDICT_FIREWALL_REJECT ||
		       d->verdict == VERDICT_UDP_NO_LISTENER;

	if (!f->udp || d->outcome != OUTCOME_FAIL || refused || f->asks)
		return;
	d->outcome = OUTCOME_PASS;
	d->code = NULL;
	snprintf(d->note, sizeof(d->note),
		 "The load balancer takes silence as healthy and keeps sending "
		 "traffic here, although %s (%s).",
		 d->verdict == VERDICT_REPLY_REWRITTEN ? "it does not recognise the answer" :
							 "the datagram did not get through",
		 verdict_info(d->verdict)->id);
}

/* Where netfilter is one of several that can have dropped it, a rule that would have tells. */
static void find_culprit(struct facts *f)
{
	f->place.netfilter |= f->place.possible;
	if (f->place.netfilter || facts_rejected(f))
		culprit_find(f, &f->culprit);
	if (f->place.possible)
		f->place.netfilter = f->culprit.named;
}

/*
 * No verdict stands against its own timeline: a pass beside a drop, a reset or a
 * retransmission that nothing of the load balancer's came after is not certain.
 */
static void doubt_contradicted(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	bool answered = f->tcp && p->first_byte_ns;
	bool unconfirmed = answered && !f->extent.arrived && p->retransmits;
	bool reset = answered && p->host_rst_ns && !f->lb_end_ns && !f->extent.arrived;

	if (d->outcome != OUTCOME_PASS || d->confidence != CONFIDENCE_CERTAIN)
		return;
	if (!unconfirmed && !reset && !(f->drop && !f->extent.arrived))
		return;
	d->confidence = CONFIDENCE_LIKELY;
	if (!d->note[0])
		snprintf(d->note, sizeof(d->note), "%s: whether the load balancer got all of the answer "
			 "is not certain.",
			 f->drop ? "A packet of this check was dropped" :
			 reset ? "This host reset the connection before its answer was acknowledged" :
				 "Part of the answer was sent again and not acknowledged");
}

void diagnose(const struct case_facts *given, struct diagnosis *d)
{
	struct facts f;

	facts_derive(&f, given);
	find_culprit(&f);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const struct rule *rule = order[i].rule;
		enum match match;

		if (rule->absence & ~AHEAD && given->cut_short)
			continue;
		match = rule->match(&f);
		if (match == NO_MATCH)
			continue;
		if (!is_proven(&f, rule)) {
			set_verdict(d, VERDICT_UNKNOWN, CONFIDENCE_GUESS);
			report_unproven(&f, order[i].verdict, rule->absence, d);
			return;
		}
		set_verdict(d, order[i].verdict,
			    match == MATCH_CERTAIN  ? CONFIDENCE_CERTAIN
			    : match == MATCH_LIKELY ? CONFIDENCE_LIKELY
						    : CONFIDENCE_GUESS);
		rule->report(&f, d);
		apply_udp_silence(&f, d);
		doubt_contradicted(&f, d);
		return;
	}
	set_verdict(d, VERDICT_UNKNOWN, CONFIDENCE_GUESS);
	report_unknown(&f, d);
}
