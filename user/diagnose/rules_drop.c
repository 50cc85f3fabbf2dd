// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rules: the kernel dropped a packet of the probe, or the firewall answered in the host's place. */
#include "rule_sets.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

static bool reason_in(const struct probe_incident *drop, const char *const *reasons, size_t n)
{
	return drop && drop->reason && is_one_of(drop->reason, reasons, n);
}

static bool function_in(const struct probe_incident *drop, const char *const *functions, size_t n)
{
	for (size_t i = 0; drop && i < n; i++)
		if (function_is(drop->function, functions[i]))
			return true;
	return false;
}

/* Kernels before 5.17 give no reason; later ones not everywhere. */
static bool has_no_reason(const struct probe_incident *drop)
{
	return !drop->reason || strcmp(drop->reason, "NOT_SPECIFIED") == 0;
}

/* One of REASONS, or, where the kernel gives none, one of FUNCTIONS. */
static bool dropped_for(const struct probe_incident *drop, const char *const reasons[],
			size_t n_reasons, const char *const functions[], size_t n_functions)
{
	return reason_in(drop, reasons, n_reasons) ||
	       (has_no_reason(drop) && function_in(drop, functions, n_functions));
}

/* The program's own word for a packet without which there was no answer. */
static bool kept_by_xdp(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!p->xdp.action || p->first_byte_ns || p->reply_ns)
		return false;
	return !f->tcp || p->request_ns || (!p->synack_ns && !p->established_ns);
}

enum match match_xdp_drop(const struct facts *f)
{
	static const char *const reasons[] = { "XDP" };
	static const char *const functions[] = { "do_xdp_generic", "netif_receive_generic_xdp" };
	static const char *const refusals[] = { "XDP_DROP", "XDP_ABORTED" };
	/* drops for want of memory, too */
	static const char *const drivers[] = { "veth_xdp_rcv_skb", "veth_xdp_rcv", "veth_poll" };

	if (kept_by_xdp(f))
		return is_one_of(f->p->xdp.action, refusals, N(refusals)) ? MATCH_CERTAIN : NO_MATCH;
	if (!f->drop || f->drop->reply)
		return NO_MATCH;
	if (reason_in(f->drop, reasons, N(reasons)))
		return MATCH_CERTAIN;
	if (!has_no_reason(f->drop))
		return NO_MATCH;
	if (function_in(f->drop, functions, N(functions)))
		return MATCH_CERTAIN;
	return function_in(f->drop, drivers, N(drivers)) ? MATCH_LIKELY : NO_MATCH;
}

/* Sent on or out again: whether an answer came from there is not seen here. */
enum match match_xdp_elsewhere(const struct facts *f)
{
	return kept_by_xdp(f) && !f->drop ? MATCH_GUESS : NO_MATCH;
}

enum match match_tc_drop(const struct facts *f)
{
	static const char *const reasons[] = { "TC_INGRESS", "TC_EGRESS" };
	static const char *const functions[] = { "sch_handle_ingress", "sch_handle_egress" };

	if (!f->drop || f->drop->reply)
		return NO_MATCH;
	if (dropped_for(f->drop, reasons, N(reasons), functions, N(functions)))
		return MATCH_CERTAIN;
	/*
	 * Before 5.17, with sch_handle_ingress() inlined: of the drops there all others are for
	 * want of a protocol that takes the packet, and IP is one.
	 */
	return !f->drop->reason && function_is(f->drop->function, "__netif_receive_skb_core") ?
		       MATCH_LIKELY : NO_MATCH;
}

enum match match_firewall_reject(const struct facts *f)
{
	return facts_rejected(f) ? MATCH_CERTAIN : NO_MATCH;
}

/* nf_conntrack_in() has returned when the packet is dropped, so the call chain is bare. */
enum match match_conntrack_full(const struct facts *f)
{
	int64_t count, max;

	if (!f->drop || !f->place.netfilter || f->place.backend != NF_BACKEND_UNKNOWN ||
	    f->place.queue)
		return NO_MATCH;
	if (f->culprit.named && f->culprit.confidence == CONFIDENCE_CERTAIN)
		return NO_MATCH;
	if (strcmp(f->place.hook, f->drop->reply ? "OUTPUT" : "PREROUTING") != 0)
		return NO_MATCH;
	if (ask_sysctl(f->given.host, "net.netfilter.nf_conntrack_count", &count) ||
	    ask_sysctl(f->given.host, "net.netfilter.nf_conntrack_max", &max))
		return NO_MATCH;
	return max > 0 && count >= max ? MATCH_LIKELY : NO_MATCH;
}

/*
 * The rule that dropped it asks for ct state invalid and for no other.  Where
 * only the chain is known: it has such a rule and none else that drops.
 */
enum match match_conntrack_invalid(const struct facts *f)
{
	const struct culprit *c = &f->culprit;

	if (!f->drop || f->drop->reply || !f->place.netfilter || f->place.reject)
		return NO_MATCH;
	if (c->named && !culprit_is_invalid_only(c))
		return NO_MATCH;
	if (c->named)
		return c->confidence == CONFIDENCE_CERTAIN ? MATCH_CERTAIN : MATCH_LIKELY;
	return c->found && c->chain.drops_invalid && !c->chain.drops_else &&
			       strcmp(c->chain.policy, "drop") != 0
		       ? MATCH_LIKELY
		       : NO_MATCH;
}

enum match match_firewall_drop(const struct facts *f)
{
	if (!f->drop || f->drop->reply || !f->place.netfilter)
		return NO_MATCH;
	return f->place.possible ? MATCH_LIKELY : MATCH_CERTAIN;
}

/* ip_rcv_finish_core() drops for both: the source fails fib_validate_source(). */
static bool source_was_refused(const struct facts *f)
{
	static const char *const functions[] = { "ip_rcv_finish_core", "ip_rcv_finish",
						 "ip_list_rcv_finish", "ip_sublist_rcv",
						 "ip_sublist_rcv_finish" };

	return f->drop && !f->drop->reply && has_no_reason(f->drop) &&
	       function_in(f->drop, functions, N(functions));
}

enum match match_rp_filter(const struct facts *f)
{
	static const char *const reasons[] = { "IP_RPFILTER" };
	struct host_route route;

	if (f->drop && !f->drop->reply && reason_in(f->drop, reasons, N(reasons)))
		return MATCH_CERTAIN;
	if (!source_was_refused(f))
		return NO_MATCH;
	if (f->p->route_failed)
		return MATCH_LIKELY;
	if (ask_route_back(f->given.host, f->p->tuple.target, f->p->tuple.lb, &route) ||
	    strncmp(route.text, "local ", 6) == 0)
		return NO_MATCH;
	return route.err || strcmp(route.device, f->p->device_in) != 0 ? MATCH_LIKELY : NO_MATCH;
}

enum match match_martian_source(const struct facts *f)
{
	static const char *const reasons[] = { "IP_LOCAL_SOURCE", "IP_INVALID_SOURCE" };
	struct host_route route;

	if (f->drop && !f->drop->reply && reason_in(f->drop, reasons, N(reasons)))
		return MATCH_CERTAIN;
	if (!source_was_refused(f))
		return NO_MATCH;
	if (ask_route_back(f->given.host, f->p->tuple.target, f->p->tuple.lb, &route))
		return NO_MATCH;
	return strncmp(route.text, "local ", 6) == 0 ? MATCH_LIKELY : NO_MATCH;
}

/* ip_error(): the look-up found no local address, and this host does not forward. */
enum match match_not_local(const struct facts *f)
{
	static const char *const reasons[] = { "IP_INADDRERRORS", "IP_INNOROUTES" };
	static const char *const functions[] = { "ip_error", "ip6_pkt_drop" };

	return f->drop && !f->drop->reply &&
			       dropped_for(f->drop, reasons, N(reasons), functions, N(functions))
		       ? MATCH_CERTAIN
		       : NO_MATCH;
}

enum match match_policy_drop(const struct facts *f)
{
	static const char *const reasons[] = { "SOCKET_FILTER",	    "XFRM_POLICY",
					       "BPF_CGROUP_EGRESS", "BPF_CGROUP_INGRESS",
					       "SECURITY_HOOK",	    "LSM" };
	static const char *const functions[] = { "sk_filter_trim_cap", "xfrm4_policy_check" };

	return f->drop && dropped_for(f->drop, reasons, N(reasons), functions, N(functions))
		       ? MATCH_CERTAIN
		       : NO_MATCH;
}

enum match match_stale_connection(const struct facts *f)
{
	static const char *const reasons[] = {
		"TCP_RFC7323_PAWS",	    "TCP_RFC7323_PAWS_ACK", "TCP_RFC7323_TW_PAWS",
		"TCP_RFC7323_TSECR",	    "TCP_OLD_SEQUENCE",	    "TCP_INVALID_SEQUENCE",
		"TCP_INVALID_END_SEQUENCE", "TCP_INVALID_SYN",	    "TCP_INVALID_ACK_SEQUENCE",
	};

	return f->tcp && f->drop && !f->drop->reply && !f->connected &&
			       reason_in(f->drop, reasons, N(reasons))
		       ? MATCH_CERTAIN
		       : NO_MATCH;
}

enum match match_socket_buffer_full(const struct facts *f)
{
	static const char *const reasons[] = { "SOCKET_RCVBUFF", "SOCKET_BACKLOG", "PROTO_MEM",
					       "TCP_ZEROWINDOW" };

	return f->drop && !f->drop->reply && reason_in(f->drop, reasons, N(reasons)) ? MATCH_CERTAIN
										     : NO_MATCH;
}

enum match match_gateway_unreachable(const struct facts *f)
{
	static const char *const functions[] = { "neigh_invalidate", "arp_error_report",
						 "ndisc_error_report", "__neigh_event_send",
						 "neigh_event_send_probe" };
	const struct probe *p = f->p;
	struct host_route route;

	if (f->drop && f->drop->reply &&
	    ((f->drop->reason && strncmp(f->drop->reason, "NEIGH_", 6) == 0) ||
	     function_in(f->drop, functions, N(functions))))
		return MATCH_CERTAIN;
	/* the kernel tries for some 3 s before it drops: a short timeout is over by then */
	if (f->udp || f->drop || f->connected || p->synack_ns || p->reply_ns || p->route_failed ||
	    p->host_rst_ns || p->icmp_left_ns || f->early)
		return NO_MATCH;
	if (f->tcp && !p->synack_retransmits && !p->has_good_route)
		return NO_MATCH;
	if (ask_route_back(f->given.host, p->tuple.target, p->tuple.lb, &route) || route.err)
		return NO_MATCH;
	return strcmp(route.neighbour, "FAILED") == 0 || strcmp(route.neighbour, "INCOMPLETE") == 0
		       ? MATCH_LIKELY
		       : NO_MATCH;
}

enum match match_reply_dropped(const struct facts *f)
{
	return f->drop && f->drop->reply ? MATCH_CERTAIN : NO_MATCH;
}

enum match match_kernel_drop(const struct facts *f)
{
	return f->drop && !f->drop->reply ? MATCH_CERTAIN : NO_MATCH;
}
