// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Drops: tracepoint kfree_skb, for packets of a flow and SYNs that nobody saw arrive. */
#include "compat.h"
#include "nat.h"

/*
 * The last words of a connection that had nothing more to say: each healthy
 * check that ends by a reset has one, and a stack costs microseconds.
 */
static __always_inline bool is_noise(const struct parsed *p, __u32 reason)
{
	return p->tuple.protocol == IPPROTO_TCP && !p->packet.is_icmp_error &&
	       !p->packet.payload_len && p->packet.tcp_flags & (HCT_TCP_FIN | HCT_TCP_RST) &&
	       !is_netfilter_drop(reason);
}

static __always_inline int report_drop(void *ctx, struct sk_buff *skb, __u64 location, __u32 reason)
{
	struct parsed p;
	struct hct_flow *flow;
	struct hct_event *e;
	struct net_device *dev;
	__u32 netns, ifindex = 0;
	bool here;

	if (!parse_skb(skb, &p) || is_noise(&p, reason))
		return 0;
	netns = netns_of_skb(skb);
	here = netns == config.netns;
	dev = here ? BPF_CORE_READ(skb, dev) : NULL;
	if (dev)
		ifindex = BPF_CORE_READ(dev, ifindex);
	/* our own ICMP error on its way out is known by the flow of the packet inside */
	flow = here && flow_find(&p.tuple) ? NULL : flow_of_packet(&p, netns);
	if (!flow && here)
		flow = flow_of(&p, ifindex, HCT_POINT_DROP);
	if (!flow || flow_quiet(flow, true))
		return 0;
	e = event_begin(flow, &p.tuple, HCT_POINT_DROP, sizeof(*e));
	if (!e)
		return 0;
	e->packet = p.packet;
	e->netns = netns;
	e->ifindex = ifindex;
	if (p.reply)
		e->flags |= HCT_F_REPLY;
	e->drop.rung = flow->rung;
	flow->rung.valid = 0;
	/* a function's word is there where the kernel has none for it, or only "not specified" */
	e->drop.reason = flow->reason ? HCT_REASON_BASE + flow->reason : reason;
	flow->reason = HCT_REASON_NONE;
	e->drop.location = location;
	e->drop.stack_len = event_stack(ctx, e->drop.stack);
	event_submit(e);
	return 0;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(hct_drop, struct sk_buff *skb, void *location, int reason)
{
	return report_drop(ctx, skb, (__u64)location, reason);
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(hct_drop_no_reason, struct sk_buff *skb, void *location)
{
	return report_drop(ctx, skb, (__u64)location, 0);
}
