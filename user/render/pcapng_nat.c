// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * With which addresses a packet was met.  An observation names its flow by the
 * addresses that the load balancer uses; TRANSLATION tells the others.
 */
#include "pcapng_nat.h"

#include <linux/netfilter.h>
#include <string.h>

void nat_learn(struct held_flow *flow, const struct obs *o)
{
	if (!o->reply)
		flow->request = o->packet;
	if (o->point != HCT_POINT_TRANSLATION || o->reply || flow->translated)
		return;
	flow->translated = true;
	memcpy(flow->inner_addr, o->translation.addr, sizeof(flow->inner_addr));
	flow->inner_port = o->translation.port;
}

/* Is O's packet behind the DNAT: the request's after it, a reply's before it is undone? */
static bool is_behind(const struct held_flow *flow, const struct obs *o)
{
	bool arrives = o->point == HCT_POINT_XDP || o->point == HCT_POINT_RECEIVE ||
		       o->point == HCT_POINT_TC_INGRESS;

	if (!flow->translated || o->point == HCT_POINT_TRANSLATION)
		return false;
	if (o->netns != flow->netns)
		return true;
	if (o->point != HCT_POINT_DROP)
		return arrives == o->reply; /* on its way through this host */
	if (!o->reply) /* the DNAT is told of where it was done, ahead of the drop */
		return !o->rung.valid || o->rung.hook != NF_INET_PRE_ROUTING;
	/* nf_nat_manip_pkt() gives a reply its source back in POSTROUTING */
	return o->rung.valid && o->rung.hook != NF_INET_POST_ROUTING &&
	       o->rung.hook != NF_INET_LOCAL_OUT;
}

struct hct_tuple nat_addresses(const struct held_flow *flow, const struct obs *o)
{
	bool has_ports = o->tuple.protocol == IPPROTO_TCP || o->tuple.protocol == IPPROTO_UDP;
	struct hct_tuple tuple = o->tuple;

	if (o->point == HCT_POINT_TRANSLATION) {
		memcpy(tuple.target, o->translation.addr, sizeof(tuple.target));
		if (has_ports)
			tuple.target_port = o->translation.port;
	} else if (is_behind(flow, o)) {
		memcpy(tuple.target, flow->inner_addr, sizeof(tuple.target));
		if (has_ports)
			tuple.target_port = flow->inner_port;
	}
	return tuple;
}
