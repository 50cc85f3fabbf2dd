// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The rules, in order: the first that matches gives the verdict.
 *
 * Order: first whether there is a failure at all; then what the kernel itself
 * reported (drops, refusals, failed look-ups); then what is told by something
 * missing.  A new verdict is a row here, a match_ and a tell_ function.
 */
#include "rules.h"

#include <stdio.h>
#include <string.h>

#include "advice.h"
#include "rule_sets.h"

static const struct rule rules[] = {
	{ VERDICT_HEALTHY, 0, match_healthy, tell_healthy },
	{ VERDICT_HEALTHY, ARRIVALS, match_healthy_handshake, tell_healthy },
	{ VERDICT_XDP_DROP, 0, match_xdp_drop, tell_xdp_drop },
	{ VERDICT_UNKNOWN, 0, match_xdp_elsewhere, tell_xdp_elsewhere },
	{ VERDICT_TC_DROP, 0, match_tc_drop, tell_tc_drop },
	{ VERDICT_FIREWALL_REJECT, 0, match_firewall_reject, tell_firewall_reject },
	{ VERDICT_CONNTRACK_FULL, 0, match_conntrack_full, tell_conntrack_full },
	{ VERDICT_CONNTRACK_INVALID, 0, match_conntrack_invalid, tell_conntrack_invalid },
	{ VERDICT_FORWARD_DROP, 0, match_forward_drop, tell_forward_drop },
	{ VERDICT_FIREWALL_DROP, AHEAD, match_firewall_drop, tell_firewall_drop }, /* no REJECT's answer */
	{ VERDICT_RP_FILTER, 0, match_rp_filter, tell_rp_filter },
	{ VERDICT_MARTIAN_SOURCE, 0, match_martian_source, tell_martian_source },
	{ VERDICT_NOT_LOCAL, AHEAD, match_not_local, tell_not_local },
	{ VERDICT_POLICY_DROP, 0, match_policy_drop, tell_policy_drop },
	{ VERDICT_STALE_CONNECTION, 0, match_stale_connection, tell_stale_connection },
	{ VERDICT_SOCKET_BUFFER_FULL, 0, match_socket_buffer_full, tell_socket_buffer_full },
	{ VERDICT_ACCEPT_QUEUE_FULL, DEPARTURES, match_accept_queue_full, tell_accept_queue_full },
	{ VERDICT_SYN_QUEUE_FULL, DEPARTURES, match_syn_queue_full, tell_syn_queue_full },
	{ VERDICT_NO_LISTENER, 0, match_no_listener, tell_no_listener },
	{ VERDICT_UDP_NO_LISTENER, 0, match_udp_no_listener, tell_udp_no_listener },
	{ VERDICT_UNREACHABLE_SUPPRESSED, DEPARTURES, match_unreachable_suppressed,
	  tell_unreachable_suppressed },
	{ VERDICT_REPLY_REWRITTEN, 0, match_reply_rewritten, tell_reply_rewritten },
	{ VERDICT_GATEWAY_UNREACHABLE, 0, match_gateway_unreachable, tell_gateway_unreachable },
	{ VERDICT_NO_ROUTE_BACK, 0, match_no_route_back_forwarded, tell_no_route_back },
	{ VERDICT_REPLY_DROPPED, AHEAD, match_reply_dropped, tell_reply_dropped },
	{ VERDICT_NO_ROUTE_BACK, DEPARTURES, match_no_route_back, tell_no_route_back },
	{ VERDICT_KERNEL_DROP, AHEAD, match_kernel_drop, tell_kernel_drop },
	{ VERDICT_ACCEPT_QUEUE_FULL, POINT_BIT(SOCKET_STATE), match_accept_queue_overflow,
	  tell_accept_queue_full },
	{ VERDICT_WRONG_INTERFACE, ARRIVALS, match_wrong_interface, tell_wrong_interface },
	{ VERDICT_REPLY_LOST, ARRIVALS | POINT_BIT(DROP), match_reply_lost, tell_reply_lost },
	{ VERDICT_TCP_WRAPPERS, ARRIVALS, match_tcp_wrappers, tell_tcp_wrappers },
	{ VERDICT_TLS_ALERT, 0, match_tls_alert, tell_tls_alert },
	{ VERDICT_NOT_HTTP, 0, match_not_http, tell_not_http },
	{ VERDICT_HTTP_STATUS, 0, match_http_status, tell_http_status },
	{ VERDICT_APP_CLOSED, DEPARTURES, match_app_closed, tell_app_closed },
	{ VERDICT_PROBE_ABORTED, DEPARTURES, match_probe_aborted, tell_probe_aborted },
	{ VERDICT_APP_NOT_ACCEPTING, POINT_BIT(SOCKET_STATE) | DEPARTURES, match_app_not_accepting,
	  tell_app_not_accepting },
	{ VERDICT_APP_SLOW, DEPARTURES, match_app_slow, tell_app_slow },
	{ VERDICT_ICMP_IGNORED, DEPARTURES | POINT_BIT(DROP), match_icmp_ignored,
	  tell_icmp_ignored },
	{ VERDICT_HEALTHY, DEPARTURES, match_udp_silence, tell_healthy },
};

static enum outcome outcome_of(enum verdict_id verdict)
{
	switch (verdict) {
	case VERDICT_HEALTHY:
	case VERDICT_UNREACHABLE_SUPPRESSED: /* that is what the load balancer believes */
		return OUTCOME_PASS;
	case VERDICT_PROBE_ABORTED:
	case VERDICT_UNKNOWN:
		return OUTCOME_UNKNOWN;
	default:
		return OUTCOME_FAIL;
	}
}

static void set_verdict(struct diagnosis *d, enum verdict_id verdict, enum confidence confidence)
{
	const struct verdict_info *info = verdict_info(verdict);

	memset(d, 0, sizeof(*d));
	d->verdict = verdict;
	d->confidence = confidence;
	d->outcome = outcome_of(verdict);
	d->code = info ? info->code : NULL;
}

/* A rule that rests on an absence needs every event to have arrived. */
static bool is_proven(const struct facts *f, const struct rule *rule)
{
	uint32_t points = rule->absence & ~AHEAD;

	if (rule->absence & AHEAD && f->drop && f->drop->gap)
		return false;
	return !points || (!f->p->lossy && !f->p->missing && !(f->given.unattached & points));
}

/* For the load balancer a datagram that met silence has passed, whatever became of it. */
static void apply_udp_silence(const struct facts *f, struct diagnosis *d)
{
	bool refused = f->p->icmp_left_ns || d->verdict == VERDICT_FIREWALL_REJECT ||
		       d->verdict == VERDICT_UDP_NO_LISTENER;

	if (!f->udp || d->outcome != OUTCOME_FAIL || refused)
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

void diagnose(const struct case_facts *given, struct diagnosis *d)
{
	struct facts f;

	facts_derive(&f, given);
	find_culprit(&f);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *rule = &rules[i];
		enum match match;

		if (rule->absence & ~AHEAD && given->cut_short)
			continue;
		match = rule->match(&f);
		if (match == NO_MATCH)
			continue;
		if (!is_proven(&f, rule)) {
			set_verdict(d, VERDICT_UNKNOWN, CONFIDENCE_GUESS);
			tell_unproven(&f, rule, d);
			return;
		}
		set_verdict(d, rule->verdict,
			    match == MATCH_CERTAIN  ? CONFIDENCE_CERTAIN
			    : match == MATCH_LIKELY ? CONFIDENCE_LIKELY
						    : CONFIDENCE_GUESS);
		rule->tell(&f, d);
		apply_udp_silence(&f, d);
		return;
	}
	set_verdict(d, VERDICT_UNKNOWN, CONFIDENCE_GUESS);
	tell_unknown(&f, d);
}
