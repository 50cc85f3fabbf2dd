// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Drops: tracepoint kfree_skb, for packets of a flow and SYNs that nobody saw arrive. */
#include "compat.h"
#include "fragment.h"
#include "nat.h"
#include "vlan.h"

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

enum { ICMP_FRAG_NEEDED = 4, ICMPV6_TOO_BIG = 2 };

/*
 * A router's word that a packet of ours was too big for the path, on its way in:
 * neither of its addresses is of the range, but the header inside is of a reply.
 */
static __always_inline bool parse_too_big(const struct sk_buff *skb, struct parsed *p)
{
	struct packet_source s = { .head = ARG_READ(skb, head) };
	__u32 offset = ARG_READ(skb, network_header);
	struct icmp_header icmp;
	struct udp_header ports;
	__u8 version, protocol;
	bool v6;

	if (packet_load(&s, offset, &version, 1))
		return false;
	v6 = version >> 4 == 6;
	if (packet_load(&s, offset + (v6 ? 6 : 9), &protocol, 1) ||
	    protocol != (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return false;
	offset += v6 ? sizeof(struct ipv6_header) : (version & 0xf) * 4;
	if (packet_load(&s, offset, &icmp, sizeof(icmp)) ||
	    (v6 ? icmp.type != ICMPV6_TOO_BIG :
		  icmp.type != ICMP_UNREACHABLE || icmp.code != ICMP_FRAG_NEEDED))
		return false;
	offset += sizeof(icmp);
	__builtin_memset(p, 0, sizeof(*p));
	if (v6) {
		struct ipv6_header ip;

		if (packet_load(&s, offset, &ip, sizeof(ip)) || !in_range((const __u32 *)ip.daddr))
			return false;
		__builtin_memcpy(p->tuple.lb, ip.daddr, 16);
		__builtin_memcpy(p->tuple.target, ip.saddr, 16);
		p->tuple.protocol = ip.next_header;
		offset += sizeof(ip);
	} else {
		struct ipv4_header ip;

		if (packet_load(&s, offset, &ip, sizeof(ip)) || !in_range_ipv4(ip.daddr))
			return false;
		map_ipv4(p->tuple.lb, ip.daddr);
		map_ipv4(p->tuple.target, ip.saddr);
		p->tuple.protocol = ip.protocol;
		offset += (ip.version_ihl & 0xf) * 4;
	}
	if (p->tuple.protocol != IPPROTO_TCP || packet_load(&s, offset, &ports, sizeof(ports)))
		return false;
	p->tuple.lb_port = ports.dport;
	p->tuple.target_port = ports.sport;
	p->packet.is_icmp_error = 1;
	p->packet.icmp_type = icmp.type;
	p->packet.icmp_code = icmp.code;
	return true;
}

#define RTF_GATEWAY 0x0002

/* The gateway to which the route of a packet on its way out leads. */
static __always_inline void read_next_hop(const struct sk_buff *skb, bool v6, __u8 out[16])
{
	unsigned long dst = BPF_CORE_READ(skb, _skb_refdst) & ~1UL; /* SKB_DST_NOREF */
	const struct rt6_info *route6 = (const void *)dst;
	const struct rtable *route = (const void *)dst;
	__u8 family;

	__builtin_memset(out, 0, 16);
	if (!dst)
		return;
	if (v6) {
		if (BPF_CORE_READ(route6, rt6i_flags) & RTF_GATEWAY)
			BPF_CORE_READ_INTO((struct in6_addr *)out, route6, rt6i_gateway);
		return;
	}
	family = BPF_CORE_READ(route, rt_gw_family);
	if (family == AF_INET)
		map_ipv4(out, BPF_CORE_READ(route, rt_gw4));
	else if (family == AF_INET6)
		BPF_CORE_READ_INTO((struct in6_addr *)out, route, rt_gw6);
}

static __always_inline bool is_ipv4(const __u8 addr[16])
{
	const __u32 *words = (const __u32 *)addr;

	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

/* Of two VLAN tags one is still ahead of the IP header when nobody takes the packet for it. */
static __always_inline __u32 ip_offset(const struct sk_buff *skb)
{
	return ARG_READ(skb, network_header) +
	       (is_vlan(ARG_READ(skb, protocol)) ? sizeof(struct vlan_header) : 0);
}

static __always_inline int report_drop(void *ctx, struct sk_buff *skb, __u64 location, __u32 reason)
{
	struct parsed p;
	struct hct_flow *flow;
	struct hct_event *e;
	struct net_device *dev;
	__u32 netns, ifindex = 0;
	bool here, whole;

	whole = parse_skb_at(skb, ip_offset(skb), &p);
	if (whole ? is_noise(&p, reason) : !is_later_fragment(&p) && !parse_too_big(skb, &p))
		return 0;
	netns = netns_of_skb(skb);
	here = netns == config.netns;
	dev = here ? BPF_CORE_READ(skb, dev) : NULL;
	if (dev)
		ifindex = BPF_CORE_READ(dev, ifindex);
	if (p.carriage && !p.reply && !fragment_find(&p, ifindex) && !whole)
		return 0;
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
	e->carriage = p.carriage;
	e->fragments_have = p.fragments_have;
	e->fragments_total = p.fragments_total;
	e->drop.rung = flow->rung;
	flow->rung.valid = 0;
	/* a function's word is there where the kernel has none for it, or only "not specified" */
	e->drop.reason = flow->reason ? HCT_REASON_BASE + flow->reason : reason;
	flow->reason = HCT_REASON_NONE;
	e->drop.location = location;
	if (p.reply && here)
		read_next_hop(skb, !is_ipv4(p.tuple.lb), e->drop.next_hop);
	else
		__builtin_memset(e->drop.next_hop, 0, sizeof(e->drop.next_hop));
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
