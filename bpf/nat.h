/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flows whose packets are met with other addresses: behind a DNAT, in this
 * host or in a container, and replies that leave with another source.
 *
 * The source of a request names the flow it can belong to; that it does is
 * proved by what NAT leaves alone: sequence numbers, or for datagrams by
 * following at once.
 */
#ifndef BPF_NAT_H
#define BPF_NAT_H

#include "packet.h"

#define SAME_CONNECTION (1 << 20) /* bytes that a check's connection will not exceed */
#define PASSING_NS 10000000ULL /* a datagram is on its way through this host for that long */
#define ANSWER_NS 10000000000ULL /* an answer to a datagram comes within */

static __always_inline bool is_of_flow(const struct parsed *p, const struct hct_flow *flow,
				       const struct hct_tuple *original)
{
	switch (p->tuple.protocol) {
	case IPPROTO_TCP:
		if (!p->reply)
			return p->packet.seq - flow->isn < SAME_CONNECTION;
		return p->packet.tcp_flags & HCT_TCP_ACK &&
		       p->packet.ack - flow->isn - 1 < SAME_CONNECTION;
	case IPPROTO_UDP:
		return bpf_ktime_get_ns() - flow->last_ns < (p->reply ? ANSWER_NS : PASSING_NS);
	default: /* an echo: target_port is the sequence number */
		return p->tuple.target_port == original->target_port;
	}
}

static __always_inline bool is_same_source(const struct hct_tuple *a, const struct hct_tuple *b)
{
	const __u32 *x = (const __u32 *)a->lb, *y = (const __u32 *)b->lb;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) |
		 (a->lb_port ^ b->lb_port) | (a->protocol ^ b->protocol));
}

/* The flow that P belongs to by its source (a reply's destination); ORIGINAL is its tuple. */
static __always_inline struct hct_flow *flow_of_client(const struct parsed *p,
						       struct hct_tuple *original)
{
	struct hct_tuple *known = client_place(&p->tuple);
	struct hct_flow *flow;

	if (p->packet.is_icmp_error)
		return NULL;
	if (!known)
		return NULL;
	*original = *known;
	if (!is_same_source(original, &p->tuple))
		return NULL;
	flow = flow_find(original);
	return flow && is_of_flow(p, flow, original) ? flow : NULL;
}

/* Tells that FLOW's packet was met with SEEN's target instead of its own. */
static __always_inline void report_translation(struct hct_flow *flow,
					       const struct hct_tuple *original,
					       const struct hct_tuple *seen,
					       const struct hct_packet *packet, __u32 ifindex,
					       bool reply)
{
	struct hct_event *e;

	if (flow_quiet(flow, true))
		return;
	e = event_begin(flow, original, HCT_POINT_TRANSLATION, HCT_EVENT_SHORT);
	if (!e)
		return;
	if (packet)
		e->packet = *packet;
	e->ifindex = ifindex;
	if (reply)
		e->flags |= HCT_F_REPLY;
	__builtin_memset(&e->listener, 0, sizeof(struct hct_route));
	__builtin_memcpy(e->translation.addr, seen->target, sizeof(e->translation.addr));
	e->translation.port = seen->target_port;
	event_submit(e);
}

/* From now on what meets the tuple SEEN happens to the flow of ORIGINAL. */
static __always_inline void learn_alias(struct hct_flow *flow, const struct hct_tuple *original,
					const struct hct_tuple *seen,
					const struct hct_packet *packet, __u32 ifindex)
{
	struct hct_shared *s = shared_state();

	bpf_map_update_elem(&aliases, seen, original, BPF_ANY);
	if (s)
		s->has_aliases = 1;
	if (flow->translated)
		return;
	flow->translated = 1;
	report_translation(flow, original, seen, packet, ifindex, false);
}

/*
 * The flow of a packet of the watched namespace, met behind the DNAT for the
 * first time; P gets the original tuple.  IFINDEX: of the device that the
 * packet is forwarded by, 0 where it is not (yet).
 */
static __always_inline struct hct_flow *flow_translated(struct parsed *p, __u32 ifindex)
{
	struct hct_tuple original;
	struct hct_flow *flow;

	/* a reset that answers a rewritten reply is sent to where that seemed to come from */
	if (p->packet.tcp_flags & HCT_TCP_RST)
		return NULL;
	flow = flow_of_client(p, &original);
	if (!flow || flow->rewritten)
		return NULL;
	learn_alias(flow, &original, &p->tuple, &p->packet, ifindex);
	p->tuple = original;
	return flow;
}

/*
 * The flow of a packet met inside the kernel, in namespace NETNS, by its own or
 * by its translated addresses; P gets the original tuple.
 */
static __always_inline struct hct_flow *flow_of_packet(struct parsed *p, __u32 netns)
{
	struct hct_flow *flow = NULL;

	if (netns == config.netns) {
		flow = flow_find(&p->tuple);
		if (!flow)
			flow = flow_translated(p, 0);
	}
	return flow ? flow : flow_by_alias(&p->tuple);
}

/* A reply leaves by IFINDEX, and no flow has its source: is it some flow's after all? */
static __always_inline bool reply_was_rewritten(const struct parsed *p, __u32 ifindex)
{
	struct hct_tuple original;
	struct hct_flow *flow = flow_of_client(p, &original);

	if (!flow || (p->tuple.protocol == IPPROTO_UDP && flow->response))
		return false;
	if (!flow->rewritten) {
		flow->rewritten = 1;
		report_translation(flow, &original, &p->tuple, &p->packet, ifindex, true);
	}
	return true;
}

#endif
