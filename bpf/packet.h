/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a packet to a flow's tuple, whatever the program type: the same parser
 * reads an skb in tc, an sk_buff of a tracepoint, and an XDP frame.
 */
#ifndef BPF_PACKET_H
#define BPF_PACKET_H

#include "emit.h"

/* Where to read from; exactly one is set, which the compiler then knows. */
struct packet_source {
	struct __sk_buff *tc;
	struct xdp_md *xdp;
	const unsigned char *head; /* of a struct sk_buff: memory of the kernel */
};

/*
 * Which way a packet goes, as far as the place it was seen at tells.  It
 * decides when both addresses are in the range, as they are for a load balancer
 * that probes from its backends' own subnet.
 */
enum packet_way { INBOUND, OUTBOUND, EITHER_WAY };

struct parsed {
	struct hct_tuple tuple;
	struct hct_packet packet;
	__u32 payload_offset;
	bool reply; /* from the target to the load balancer */
	bool starts_flow; /* a request that begins a probe: SYN, datagram, echo request */
	bool both_in_range; /* seen where the way does not tell: REPLY is a guess */
	bool through; /* on its way through this host: a reply that comes in, a request that goes out */
	bool asks; /* a segment that begins like a request, as far as was looked (kept.h) */
	__u8 carriage; /* HCT_FRAGMENT_* of hct_event.h: set where parsing fails, too */
	__u16 vlan; /* HCT_VLAN_*, as far as was looked (vlan.h) */
	__u16 fragment_at, fragment_len; /* where a fragment's bytes begin, and how many it has */
	__u32 fragment_id;
	__u16 fragments_have, fragments_total; /* as in hct_event (fragment.h) */
};

struct ipv4_header {
	__u8 version_ihl, tos;
	__be16 total_len, id, frag_off;
	__u8 ttl, protocol;
	__u16 check;
	__be32 saddr, daddr;
};

struct ipv6_header {
	__be32 version_class_flow;
	__be16 payload_len;
	__u8 next_header, hop_limit;
	__u8 saddr[16], daddr[16];
};

struct tcp_header {
	__be16 sport, dport;
	__be32 seq, ack;
	__u8 offset, flags;
	__be16 window;
};

struct udp_header {
	__be16 sport, dport, len;
	__u16 check;
};

struct icmp_header {
	__u8 type, code;
	__u16 check;
	__be16 id, seq;
};

/* Behind an IPv6 header, ahead of what it carries: extensions.bpf.c. */
struct ipv6_fragment_header {
	__u8 next_header, reserved;
	__be16 frag_off;
	__be32 id;
};

enum {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_ECHO_REQUEST = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMPV6_UNREACHABLE = 1,
	ICMPV6_TIME_EXCEEDED = 3,
	ICMPV6_ECHO_REQUEST = 128,
	ICMPV6_ECHO_REPLY = 129,
};

static __always_inline long packet_load(const struct packet_source *s, __u32 offset, void *to,
					const __u32 len)
{
	if (s->tc)
		return bpf_skb_load_bytes(s->tc, offset, to, len);
	if (s->xdp) {
		unsigned char *data = (void *)(long)s->xdp->data;
		unsigned char *end = (void *)(long)s->xdp->data_end;

		if (offset > 256)
			return -1;
		data += offset;
		if (data + len > end)
			return -1;
		__builtin_memcpy(to, data, len);
		return 0;
	}
	return bpf_probe_read_kernel(to, len, s->head + offset);
}

/*
 * extensions.bpf.c: passes over the extension headers at OFFSET, of which NEXT is the first's
 * number.  Returns 0, there is no end to them or they are cut off; or EXTENSIONS_OK, with what
 * is carried, the length of all headers, and behind what length of them a fragment header lies.
 */
extern __u64 extensions_at_tc(struct __sk_buff *skb, __u32 offset, __u32 next);
extern __u64 extensions_at_xdp(struct xdp_md *xdp, __u32 offset, __u32 next);
extern __u64 extensions_in_kernel(__u64 head, __u32 offset, __u32 next);
#define EXTENSIONS_OK (1ULL << 63)
#define EXTENSIONS_FRAGMENT (1ULL << 62)
#define EXTENSIONS_PROTOCOL(walked) ((walked) & 0xff)
#define EXTENSIONS_LEN(walked) ((walked) >> 8 & 0xfff)
#define EXTENSIONS_FRAGMENT_AT(walked) ((walked) >> 20 & 0xfff)

/* Always a call, though few packets have any: so the verifier has one state behind it, not two. */
static __always_inline __u64 pass_extensions(const struct packet_source *s, __u32 offset,
					     __u8 next)
{
	const unsigned char *head = s->head;
	__u64 address;

	if (s->tc)
		return extensions_at_tc(s->tc, offset, next);
	if (s->xdp)
		return extensions_at_xdp(s->xdp, offset, next);
	/* a global function takes no pointer of the kernel, and newer verifiers know this for one */
	if (bpf_probe_read_kernel(&address, sizeof(address), &head))
		return 0;
	return extensions_in_kernel(address, offset, next);
}

static __always_inline void set_ports(struct parsed *p, __be16 source, __be16 destination)
{
	p->tuple.lb_port = p->reply ? destination : source;
	p->tuple.target_port = p->reply ? source : destination;
}

static __always_inline bool is_error_of(__u8 protocol, const struct icmp_header *icmp)
{
	if (protocol == IPPROTO_ICMP)
		return icmp->type == ICMP_UNREACHABLE || icmp->type == ICMP_TIME_EXCEEDED;
	return icmp->type == ICMPV6_UNREACHABLE || icmp->type == ICMPV6_TIME_EXCEEDED;
}

/*
 * An ICMP error that we send carries the head of the load balancer's packet:
 * takes the tuple from there.  OFFSET is where the inner IP header starts.
 */
static __always_inline bool parse_icmp_error(const struct packet_source *s, __u32 offset, bool v6,
					     const struct icmp_header *icmp, struct parsed *p)
{
	__u8 protocol;
	struct icmp_header inner; /* only the first 8 bytes: ports, or identifier and sequence */

	if (v6) {
		struct ipv6_header ip;
		__u64 walked;

		if (packet_load(s, offset, &ip, sizeof(ip)))
			return false;
		__builtin_memcpy(p->tuple.lb, ip.saddr, 16);
		__builtin_memcpy(p->tuple.target, ip.daddr, 16);
		walked = pass_extensions(s, offset + sizeof(ip), ip.next_header);
		if (!walked)
			return false;
		protocol = EXTENSIONS_PROTOCOL(walked);
		offset += sizeof(ip) + EXTENSIONS_LEN(walked);
	} else {
		struct ipv4_header ip;

		if (packet_load(s, offset, &ip, sizeof(ip)))
			return false;
		map_ipv4(p->tuple.lb, ip.saddr);
		map_ipv4(p->tuple.target, ip.daddr);
		protocol = ip.protocol;
		offset += (ip.version_ihl & 0xf) * 4;
	}
	if (packet_load(s, offset, &inner, sizeof(inner)))
		return false;
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) {
		struct udp_header *ports = (struct udp_header *)&inner;

		p->tuple.lb_port = ports->sport;
		p->tuple.target_port = ports->dport;
	} else if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
		p->tuple.lb_port = inner.id;
		p->tuple.target_port = inner.seq;
	} else {
		return false;
	}
	p->tuple.protocol = protocol;
	p->packet.is_icmp_error = 1;
	p->packet.icmp_type = icmp->type;
	p->packet.icmp_code = icmp->code;
	return true;
}

/*
 * The least that a first fragment has of TCP: ports and sequence number.  Only a SYN is ever
 * sent so small, by those who try filters: it is taken for one, and the SYN-ACK will tell.
 */
static __always_inline bool parse_tiny_tcp(const struct packet_source *s, __u32 offset,
					   struct parsed *p)
{
	struct {
		__be16 sport, dport;
		__be32 seq;
	} tcp;

	if (!(p->carriage & HCT_FRAGMENT) || packet_load(s, offset, &tcp, sizeof(tcp)))
		return false;
	set_ports(p, tcp.sport, tcp.dport);
	p->packet.seq = bpf_ntohl(tcp.seq);
	p->packet.tcp_flags = HCT_TCP_SYN;
	p->carriage |= HCT_FRAGMENT_TINY;
	p->starts_flow = true;
	return true;
}

/* Fills in the transport header's part of P.  IP_END: offset behind the IP packet. */
static __always_inline bool parse_transport(const struct packet_source *s, __u32 offset,
					    __u32 ip_end, __u8 protocol, struct parsed *p)
{
	p->tuple.protocol = protocol;
	if (protocol == IPPROTO_TCP) {
		struct tcp_header tcp;
		__u32 header_len;

		if (packet_load(s, offset, &tcp, sizeof(tcp)))
			return parse_tiny_tcp(s, offset, p);
		set_ports(p, tcp.sport, tcp.dport);
		header_len = (tcp.offset >> 4) * 4;
		p->packet.seq = bpf_ntohl(tcp.seq);
		p->packet.ack = bpf_ntohl(tcp.ack);
		p->packet.tcp_flags = tcp.flags;
		p->payload_offset = offset + header_len;
		if (ip_end > p->payload_offset)
			p->packet.payload_len = ip_end - p->payload_offset;
		p->starts_flow = (tcp.flags & (HCT_TCP_SYN | HCT_TCP_ACK)) == HCT_TCP_SYN;
		return true;
	}
	if (protocol == IPPROTO_UDP) {
		struct udp_header udp;

		if (packet_load(s, offset, &udp, sizeof(udp)))
			return false;
		set_ports(p, udp.sport, udp.dport);
		p->payload_offset = offset + sizeof(udp);
		if (ip_end > p->payload_offset)
			p->packet.payload_len = ip_end - p->payload_offset;
		p->starts_flow = true;
		return true;
	}
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
		struct icmp_header icmp;
		bool v6 = protocol == IPPROTO_ICMPV6;

		if (packet_load(s, offset, &icmp, sizeof(icmp)))
			return false;
		if (p->reply && is_error_of(protocol, &icmp))
			return parse_icmp_error(s, offset + sizeof(icmp), v6, &icmp, p);
		p->starts_flow = icmp.type == (v6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO_REQUEST);
		if (!p->starts_flow && icmp.type != (v6 ? ICMPV6_ECHO_REPLY : ICMP_ECHO_REPLY))
			return false;
		p->tuple.lb_port = icmp.id;
		p->tuple.target_port = icmp.seq;
		p->packet.icmp_type = icmp.type;
		return true;
	}
	return false;
}

/* Request or reply, by which of the addresses are in the range: FROM, TO or both. */
static __always_inline void set_way(struct parsed *p, enum packet_way way, bool from, bool to)
{
	p->reply = way == OUTBOUND ? to : !from;
	p->both_in_range = way == EITHER_WAY && from && to;
	p->through = way == INBOUND ? p->reply : way == OUTBOUND && !p->reply;
}

#define IP_FRAGMENT_OFFSET 0x1fff /* in units of 8 bytes */
#define IP6_FRAGMENT_OFFSET 0xfff8 /* in bytes */

/* 1 where N is not 0: arithmetic, as a branch would give the verifier another state to follow. */
static __always_inline __u32 is_not_zero(__u32 n)
{
	__u32 negative = -n;

	asm volatile("" : "+r"(negative));
	return (negative | n) >> 31;
}

/*
 * P has the bytes of its packet from AT on, and MORE (0 or 1) follow: a fragment, unless it has
 * all.  False: it is not the first, so it has no ports.
 */
static __always_inline bool set_fragment(struct parsed *p, __u16 at, __u32 more)
{
	__u32 later = is_not_zero(at), is_fragment = later | more;

	p->fragment_at = at;
	p->carriage = is_fragment * HCT_FRAGMENT | later * HCT_FRAGMENT_LATER |
		      (is_fragment & ~more) * HCT_FRAGMENT_LAST;
	return !at;
}

/*
 * Parses the packet whose IP header, at OFFSET, is IP.  False: not from or to
 * the range, or nothing that a probe consists of.  The compare of addresses comes
 * first: it is all that an unrelated packet pays.
 */
static __always_inline bool parse_ipv4(const struct packet_source *s, __u32 offset,
				       const struct ipv4_header *ip, enum packet_way way,
				       struct parsed *p)
{
	__be32 saddr = ip->saddr, daddr = ip->daddr;
	__u16 frag_off;
	bool from = in_range_ipv4(saddr), to = in_range_ipv4(daddr);

	if (!from && !to)
		return false;
	__builtin_memset(p, 0, sizeof(*p));
	set_way(p, way, from, to);
	map_ipv4(p->reply ? p->tuple.target : p->tuple.lb, saddr);
	map_ipv4(p->reply ? p->tuple.lb : p->tuple.target, daddr);
	p->fragment_id = ip->protocol << 16 | ip->id;
	p->fragment_len = bpf_ntohs(ip->total_len) - (ip->version_ihl & 0xf) * 4;
	frag_off = bpf_ntohs(ip->frag_off);
	if (!set_fragment(p, (frag_off & IP_FRAGMENT_OFFSET) * 8, frag_off >> 13 & 1))
		return false;
	return parse_transport(s, offset + (ip->version_ihl & 0xf) * 4,
			       offset + bpf_ntohs(ip->total_len), ip->protocol, p);
}

static __always_inline bool parse_ipv6(const struct packet_source *s, __u32 offset,
				       const struct ipv6_header *ip, enum packet_way way,
				       struct parsed *p)
{
	bool from = in_range((const __u32 *)ip->saddr), to = in_range((const __u32 *)ip->daddr);
	__u64 walked;
	__u32 end;

	if (!from && !to)
		return false;
	__builtin_memset(p, 0, sizeof(*p));
	set_way(p, way, from, to);
	__builtin_memcpy(p->reply ? p->tuple.target : p->tuple.lb, ip->saddr, 16);
	__builtin_memcpy(p->reply ? p->tuple.lb : p->tuple.target, ip->daddr, 16);
	offset += sizeof(*ip);
	end = offset + bpf_ntohs(ip->payload_len);
	walked = pass_extensions(s, offset, ip->next_header);
	if (!walked)
		return false;
	if (walked & EXTENSIONS_FRAGMENT) {
		struct ipv6_fragment_header fragment;
		__u32 at = EXTENSIONS_FRAGMENT_AT(walked);
		__u16 frag_off;

		if (packet_load(s, offset + at, &fragment, sizeof(fragment)))
			return false;
		frag_off = bpf_ntohs(fragment.frag_off);
		p->fragment_id = fragment.id;
		p->fragment_len = end - offset - at - sizeof(fragment);
		/* one that is first and last, too, is a whole packet (RFC 6946) */
		if (!set_fragment(p, frag_off & IP6_FRAGMENT_OFFSET, frag_off & 1))
			return false;
	}
	return parse_transport(s, offset + EXTENSIONS_LEN(walked), end,
			       EXTENSIONS_PROTOCOL(walked), p);
}

/* The same for a header that has to be loaded first. */
static __always_inline bool parse_ip(const struct packet_source *s, __u32 offset, bool v6,
				     enum packet_way way, struct parsed *p)
{
	p->carriage = 0;
	if (v6) {
		struct ipv6_header ip;

		return !packet_load(s, offset, &ip, sizeof(ip)) && parse_ipv6(s, offset, &ip, way, p);
	} else {
		struct ipv4_header ip;

		return !packet_load(s, offset, &ip, sizeof(ip)) && parse_ipv4(s, offset, &ip, way, p);
	}
}

/* Both ends are in the range: it is a reply when the flow is known the other way round. */
static __always_inline void settle_way(const struct sk_buff *skb, struct parsed *p)
{
	struct hct_tuple turned = p->tuple;

	if (flow_find(&p->tuple))
		return;
	__builtin_memcpy(turned.lb, p->tuple.target, 16);
	__builtin_memcpy(turned.target, p->tuple.lb, 16);
	if (p->tuple.protocol == IPPROTO_TCP || p->tuple.protocol == IPPROTO_UDP) {
		turned.lb_port = p->tuple.target_port;
		turned.target_port = p->tuple.lb_port;
	}
	if (flow_find(&turned)) {
		p->tuple = turned;
		p->reply = true;
		p->starts_flow = false;
	} else if (BPF_CORE_READ(skb, sk)) {
		p->starts_flow = false; /* a socket of ours sent it */
	}
}

/*
 * Parses the packet of a kernel sk_buff at its network header, OFFSET.  SKB is a
 * program's own argument, so that its fields are read directly: of an unrelated
 * packet one read is left that can fail, for version and IPv4 addresses.
 */
static __always_inline bool parse_skb_at(const struct sk_buff *skb, __u32 offset, struct parsed *p)
{
	struct packet_source s = { .head = ARG_READ(skb, head) };
	struct ipv4_header ip;
	bool parsed = false;

	p->carriage = 0;
	if (packet_load(&s, offset, &ip, sizeof(ip)))
		return false;
	if (ip.version_ihl >> 4 == 4)
		parsed = parse_ipv4(&s, offset, &ip, EITHER_WAY, p);
	else if (ip.version_ihl >> 4 == 6)
		parsed = parse_ip(&s, offset, true, EITHER_WAY, p);
	if (parsed && p->both_in_range)
		settle_way(skb, p);
	return parsed;
}

static __always_inline bool parse_skb(const struct sk_buff *skb, struct parsed *p)
{
	return parse_skb_at(skb, ARG_READ(skb, network_header), p);
}

/* The namespace a kernel sk_buff is in: by its device, its socket, or its route. */
static __always_inline __u32 netns_of_skb(const struct sk_buff *skb)
{
	/* not by direct reads: with them the verifier takes five times as long over each caller */
	__u32 netns = netns_of_device(BPF_CORE_READ(skb, dev));
	struct sock *sk;
	unsigned long dst;

	if (netns)
		return netns;
	sk = BPF_CORE_READ(skb, sk);
	if (sk)
		return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	dst = BPF_CORE_READ(skb, _skb_refdst) & ~1UL; /* SKB_DST_NOREF */
	return dst ? netns_of_device(BPF_CORE_READ((struct dst_entry *)dst, dev)) : 0;
}

#define OUTBOUND_NS 30000000000ULL /* as long as conntrack remembers a datagram without answer */

static __always_inline bool is_answer_to_us(const struct hct_tuple *tuple)
{
	__u64 *sent = bpf_map_lookup_elem(&outbound, tuple);

	return sent && bpf_ktime_get_ns() - *sent < OUTBOUND_NS;
}

/* Remembers a datagram of ours into the range that answers no probe. */
static __always_inline void note_outbound(const struct hct_tuple *tuple)
{
	__u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&outbound, tuple, &now, BPF_ANY);
}

/*
 * The flow of a parsed packet that met POINT on device IFINDEX, started when
 * the packet begins a probe.  NULL: not a probe's.
 */
static __always_inline struct hct_flow *flow_of(const struct parsed *p, __u32 ifindex, __u32 point)
{
	struct hct_flow *flow = flow_find(&p->tuple);

	if (p->reply || !p->starts_flow)
		return flow;
	if (flow) {
		if (p->tuple.protocol == IPPROTO_TCP) {
			if (flow->isn == p->packet.seq || p->carriage & HCT_FRAGMENT_TINY)
				return flow;
		} else if (flow->ifindex != ifindex ||
			   bpf_ktime_get_ns() - flow->id < config.restart_ns) {
			return flow;
		}
	}
	if (!protocol_wanted(p->tuple.protocol))
		return NULL;
	if (p->tuple.protocol != IPPROTO_ICMP && p->tuple.protocol != IPPROTO_ICMPV6 &&
	    !port_wanted(p->tuple.target_port))
		return NULL;
	if (p->tuple.protocol == IPPROTO_UDP && is_answer_to_us(&p->tuple))
		return NULL;
	return flow_start(&p->tuple, p->packet.seq, ifindex, point);
}

#endif
