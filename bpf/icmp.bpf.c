// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* ICMP errors that this host decides to send: tracepoint icmp_send (6.11). */
#include "compat.h"
#include "nat.h"

SEC("tp_btf/icmp_send")
int BPF_PROG(hct_icmp_sent, const struct sk_buff *skb, int type, int code)
{
	struct parsed p;
	struct hct_flow *flow;
	struct hct_event *e;
	__u32 netns;

	if (!parse_skb(skb, &p) || p.reply)
		return 0;
	netns = netns_of_skb(skb);
	flow = flow_of_packet(&p, netns);
	if (!flow || flow_quiet(flow, true))
		return 0;
	e = event_begin(flow, &p.tuple, HCT_POINT_ICMP_SENT, sizeof(*e));
	if (!e)
		return 0;
	e->packet = p.packet;
	e->netns = netns;
	e->flags |= HCT_F_REPLY;
	__builtin_memset(&e->icmp, 0, sizeof(e->icmp));
	e->icmp.type = type;
	e->icmp.code = code;
	e->icmp.stack_len = event_stack(ctx, e->icmp.stack);
	event_submit(e);
	return 0;
}
