// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Arrival and departure: packets at the devices of the namespace under watch.
 *
 * tc (tcx or clsact) where user space attached it, else the tracepoints
 * netif_receive_skb and net_dev_start_xmit; XDP on request.  Of a connection
 * only what a diagnosis needs goes up: SYNs, the first pure ACK, the beginning
 * of a request and of its answer, the acknowledgement of all that was answered
 * so far, FIN and RST; of a connection that is kept the same of each request, as
 * far as it may be a check's (kept.h).  Of what is on its way through this host,
 * to a container or a router and back, the first packet of each direction.
 */
#include "fragment.h"
#include "kept.h"
#include "tls.h"
#include "users.h"
#include "vlan.h"

#define TCP_LISTEN 10
#define TCP_NEW_SYN_RECV 12

enum { NOT_OF_INTEREST, HEADERS, WITH_PAYLOAD };

#define MANY_TURNS 8 /* of what is one request, see takes_turns() */

/*
 * Counts what the load balancer says after an answer, without its being another
 * request that begins an exchange (begin_exchange()): steps of one protocol.  True
 * when this one makes it two, which is worth telling at once.
 */
static __always_inline bool count_turn(struct hct_flow *flow, const struct parsed *p)
{
	__u32 end = p->packet.seq + p->packet.payload_len;

	if (!p->packet.payload_len)
		return false;
	if (p->reply) {
		flow->answered = 1;
		return false;
	}
	/* the same bytes again are no other request */
	if (flow->turns && (__s32)(end - flow->request_end) <= 0)
		return false;
	flow->request_end = end;
	if (flow->turns && !has_its_answer(flow, p))
		return false;
	if (!flow->exchange)
		flow->exchange = 1;
	flow->answered = 0;
	if (flow->turns < 255)
		flow->turns++;
	return flow->turns == 2;
}

/*
 * Does this segment have bytes of the request, or of its answer, that are
 * new and near the beginning?  Marks them as told.
 */
static __always_inline bool is_of_head(struct hct_flow *flow, const struct parsed *p)
{
	__u8 *told = p->reply ? &flow->response : &flow->request;
	__u32 start = p->reply ? flow->answer_start : flow->isn + 1, seq = p->packet.seq;
	__u32 known = p->reply ? flow->answer_end : flow->request_end;

	if (!p->packet.payload_len || flow->turns > (flow->takes_turns ? MANY_TURNS : 1) ||
	    *told >= HCT_HEAD_SEGMENTS)
		return false;
	if (p->packet.tcp_flags & HCT_TCP_SYN)
		seq++;
	if (*told && (seq - start >= HCT_HEAD_BYTES ||
		      (__s32)(seq + p->packet.payload_len - known) <= 0))
		return false;
	(*told)++;
	return true;
}

/* Keeps how far the answer has come. */
static __always_inline void note_answer(struct hct_flow *flow, const struct parsed *p)
{
	__u32 end = p->packet.seq + p->packet.payload_len;

	if (p->packet.tcp_flags & HCT_TCP_SYN)
		flow->answer_start = end + 1;
	else if (p->packet.payload_len &&
		 (!flow->answer_end || (__s32)(end - flow->answer_end) > 0))
		flow->answer_end = end;
}

/*
 * Does the load balancer acknowledge all of the answer so far, and has that not
 * been told?  Of steps of a protocol no more than the first; of TLS while records
 * are told.
 */
static __always_inline bool confirms_answer(struct hct_flow *flow, const struct parsed *p)
{
	__u32 ack = p->packet.ack;

	if (flow->tls ? flow->tls & HCT_TLS_FULL_HOST : flow->turns > 1)
		return false;
	if (!flow->answer_end || !(p->packet.tcp_flags & HCT_TCP_ACK) ||
	    (__s32)(ack - flow->answer_end) < 0 || flow->answer_acked == ack)
		return false;
	flow->answer_acked = ack;
	return true;
}

/* Is this packet of FLOW worth an event?  Marks what is told only once. */
static __always_inline int interest_tcp(struct hct_flow *flow, const struct parsed *p)
{
	__u8 flags = p->packet.tcp_flags;
	bool is_end = flags & (HCT_TCP_FIN | HCT_TCP_RST);
	bool second, of_head, hint = false;

	if (is_end)
		flow->ended |= flags & HCT_TCP_RST ? HCT_ENDED :
			       p->reply ? HCT_ENDED_BY_HOST : HCT_ENDED_BY_LB;
	if (flow->users)
		return NOT_OF_INTEREST;
	if (p->asks && is_next_request(flow, p))
		hint = begin_exchange(flow, p);
	if (flow->unfollowed) {
		flow->answered |= p->reply && p->packet.payload_len;
		return (is_end && !flow_quiet(flow, true)) || hint ? HEADERS : NOT_OF_INTEREST;
	}
	of_head = is_of_head(flow, p); /* before what it asks for is changed */
	second = count_turn(flow, p);
	if (p->reply)
		note_answer(flow, p);
	if (flow_quiet(flow, is_end))
		return NOT_OF_INTEREST;
	if (of_head)
		return WITH_PAYLOAD;
	if (flags & HCT_TCP_SYN) {
		if (p->reply)
			flow->synack = 1;
		return HEADERS;
	}
	if (is_end || second)
		return HEADERS;
	if (p->reply)
		return NOT_OF_INTEREST;
	if (!flow->acked && !p->packet.payload_len) {
		flow->acked = 1;
		return HEADERS;
	}
	return confirms_answer(flow, p) ? HEADERS : NOT_OF_INTEREST;
}

/* What the first datagram of each direction says, for checks that ask something (DNS). */
static __always_inline int interest_udp(struct hct_flow *flow, const struct parsed *p)
{
	__u8 *told = p->reply ? &flow->response : &flow->request;

	if (*told)
		return p->reply ? NOT_OF_INTEREST : HEADERS;
	*told = 1;
	return p->packet.payload_len ? WITH_PAYLOAD : HEADERS;
}

static __always_inline int interest(struct hct_flow *flow, const struct parsed *p)
{
	if (p->packet.is_icmp_error || p->carriage & HCT_FRAGMENT_LATER)
		return flow_quiet(flow, true) ? NOT_OF_INTEREST : HEADERS;
	if (p->carriage & HCT_FRAGMENT_TINY && p->packet.seq != flow->isn)
		return NOT_OF_INTEREST;
	if (p->tuple.protocol == IPPROTO_TCP)
		return interest_tcp(flow, p);
	if (p->reply)
		flow->ended = HCT_ENDED;
	if (flow_quiet(flow, false))
		return NOT_OF_INTEREST;
	return p->tuple.protocol == IPPROTO_UDP ? interest_udp(flow, p) : HEADERS;
}

/* LIST may be NULL. */
static __always_inline void fill_records(struct hct_event *e, const struct hct_tls_list *list)
{
	if (list)
		__builtin_memcpy(e->records, list->records, sizeof(e->records));
}

static __always_inline void fill_packet(struct hct_event *e, const struct parsed *p, __u32 ifindex)
{
	e->packet = p->packet;
	e->ifindex = ifindex;
	if (p->reply)
		e->flags |= HCT_F_REPLY;
	e->carriage = p->carriage;
	e->vlan = p->vlan;
	e->fragments_have = p->fragments_have;
	e->fragments_total = p->fragments_total;
	__builtin_memset(&e->listener, 0, sizeof(struct hct_route));
}

/* Reads the state of the listener that this SYN would meet, as it is before it does. */
static __always_inline void look_at_listener(struct __sk_buff *skb, const struct parsed *p,
					     struct hct_listener *out)
{
	struct bpf_sock_tuple tuple = {};
	const __u32 *lb = (const __u32 *)p->tuple.lb;
	const __u32 *target = (const __u32 *)p->tuple.target;
	struct bpf_sock *found;
	struct tcp_sock *tcp;
	struct sock *sk;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		tuple.ipv4.saddr = lb[3];
		tuple.ipv4.daddr = target[3];
		tuple.ipv4.sport = p->tuple.lb_port;
		tuple.ipv4.dport = p->tuple.target_port;
		found = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	} else {
		__builtin_memcpy(tuple.ipv6.saddr, lb, 16);
		__builtin_memcpy(tuple.ipv6.daddr, target, 16);
		tuple.ipv6.sport = p->tuple.lb_port;
		tuple.ipv6.dport = p->tuple.target_port;
		found = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	}
	if (!found)
		return;
	out->found = found->state == TCP_LISTEN	      ? HCT_FOUND_LISTENER :
		     found->state == TCP_NEW_SYN_RECV ? HCT_FOUND_HALF_OPEN : HCT_FOUND_OLD;
	if (config.by_probes) { /* the conversion needs the kernel's BTF: who listens, but not how full */
		bpf_sk_release(found);
		return;
	}
	tcp = bpf_skc_to_tcp_sock(found); /* a full socket, whose fields we may read */
	if (tcp) {
		sk = (struct sock *)tcp;
		if (sk->__sk_common.skc_state == TCP_LISTEN) {
			struct inet_connection_sock *icsk = (struct inet_connection_sock *)tcp;

			out->backlog = sk->sk_ack_backlog;
			out->backlog_max = sk->sk_max_ack_backlog;
			out->syn_queue = icsk->icsk_accept_queue.qlen.counter;
		}
	}
	bpf_sk_release(found);
}

static __always_inline void report_headers(const struct parsed *p, struct hct_flow *flow, __u32 ifindex,
					   __u8 point, struct __sk_buff *skb,
					   const struct hct_tls_list *list)
{
	struct hct_listener listener = {};
	struct hct_event *e;

	if (skb && point == HCT_POINT_TC_INGRESS && p->starts_flow &&
	    p->tuple.protocol == IPPROTO_TCP)
		look_at_listener(skb, p, &listener);
	e = event_begin(flow, &p->tuple, point, HCT_EVENT_SHORT);
	if (!e)
		return;
	fill_packet(e, p, ifindex);
	e->listener = listener;
	fill_records(e, list);
	event_submit(e);
}

/* Copies at most ROOM of the N bytes (at least one) at OFFSET of S; returns how many, 0 on failure. */
static __always_inline __u32 capture(const struct packet_source *s, __u32 offset, __u32 len,
				     __u8 *to, const __u32 room)
{
	/*
	 * The verifier of 5.10 learns a lower bound from an addition, not from a
	 * compare with zero: bound one less, on a 64-bit value, and add one.
	 */
	__u64 n = len - 1;
	long err;

	asm volatile("" : "+r"(n));
	if (n > room - 1)
		n = room - 1;
	n++;
	err = s->tc ? bpf_skb_load_bytes(s->tc, offset, to, n) :
		      bpf_probe_read_kernel(to, n, s->head + offset);
	return err ? 0 : n;
}

/*
 * HTTP/2's preface and PostgreSQL's SSLRequest: what they want comes when that was
 * answered.  The same as user/protocol's protocol_takes_turns().
 */
static __always_inline bool takes_turns(const __u8 *bytes, __u32 n)
{
	const __u8 preface[8] = { 'P', 'R', 'I', ' ', '*', ' ', 'H', 'T' };
	const __u8 wants_tls[8] = { 0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f };
	__u64 first = *(const __u64 *)bytes;

	return n >= 8 && (first == *(const __u64 *)preface || first == *(const __u64 *)wants_tls);
}

/*
 * With at most ROOM captured bytes.  LINEAR_END: how far S may be read (a kernel
 * sk_buff's linear part), or 0 for all.
 */
static __always_inline void report_captured(const struct parsed *p, struct hct_flow *flow,
					    __u32 ifindex, __u8 point,
					    const struct packet_source *s, __u32 linear_end,
					    const bool inbound, const struct hct_tls_list *list,
					    const __u32 room)
{
	struct hct_event_payload *e;
	__u32 len = p->packet.payload_len;

	e = (void *)event_begin(flow, &p->tuple, point, sizeof(struct hct_event) + room);
	if (!e)
		return;
	fill_packet(&e->event, p, ifindex);
	if (s->tc && inbound && p->starts_flow && p->tuple.protocol == IPPROTO_TCP)
		look_at_listener(s->tc, p, &e->event.listener);
	fill_records(&e->event, list);
	if (linear_end) {
		__u32 readable = linear_end > p->payload_offset ? linear_end - p->payload_offset : 0;

		if (len > readable)
			len = readable;
	}
	if (len) {
		e->event.payload_len = capture(s, p->payload_offset, len, e->payload, room);
		if (inbound && p->tuple.protocol == IPPROTO_TCP && flow->turns <= 1)
			flow->takes_turns |= takes_turns(e->payload, e->event.payload_len);
		if (inbound && p->tuple.protocol == IPPROTO_TCP && !config.follow_users &&
		    is_users_request(e->payload, e->event.payload_len))
			leave_to_users(flow);
	}
	event_submit(e);
}

/* Of an answer more is captured than of a request: its head is longer, and says how long the rest is. */
static __always_inline void report_payload(const struct parsed *p, struct hct_flow *flow,
					   __u32 ifindex, __u8 point,
					   const struct packet_source *s, __u32 linear_end,
					   const bool inbound, const struct hct_tls_list *list)
{
	if (!inbound && p->tuple.protocol == IPPROTO_TCP &&
	    p->packet.payload_len > HCT_PAYLOAD_SHORT)
		report_captured(p, flow, ifindex, point, s, linear_end, inbound, list,
				HCT_PAYLOAD_MAX);
	else
		report_captured(p, flow, ifindex, point, s, linear_end, inbound, list,
				HCT_PAYLOAD_SHORT);
}

#define LAST_CHUNK_LEN 7 /* with the end of the chunk ahead of it: "10" is another size */

/*
 * Looks whether the answer's last segment so far ends with an empty chunk: of a
 * long one only that tells that it is complete.
 */
static __always_inline void look_at_tail(struct __sk_buff *skb, struct hct_flow *flow,
					 const struct parsed *p)
{
	const __u8 last[LAST_CHUNK_LEN] = { '\r', '\n', '0', '\r', '\n', '\r', '\n' };
	__u8 bytes[LAST_CHUNK_LEN];
	__u32 len = p->packet.payload_len;

	if (!p->reply || p->tuple.protocol != IPPROTO_TCP || len < LAST_CHUNK_LEN ||
	    !(p->packet.tcp_flags & (HCT_TCP_PSH | HCT_TCP_FIN)) || flow->turns > 1 ||
	    flow_quiet(flow, false))
		return;
	flow->tail = 0;
	if (bpf_skb_load_bytes(skb, p->payload_offset + len - LAST_CHUNK_LEN, bytes,
			       LAST_CHUNK_LEN))
		return;
	for (int i = 0; i < LAST_CHUNK_LEN; i++)
		if (bytes[i] != last[i])
			return;
	flow->tail = HCT_TAIL_LAST_CHUNK;
}

/* Requests that leave towards a container or a host behind this one, and what comes back. */
static __always_inline void pass_through(struct parsed *p, __u32 ifindex, __u8 point)
{
	struct hct_flow *flow;

	if (!p->reply) {
		if (!p->starts_flow)
			return;
		flow = flow_find(&p->tuple);
		if (!flow) {
			flow_translated(p, ifindex);
			return;
		}
		/* with its own destination: routed, not translated */
		if (flow->passed || flow_quiet(flow, false))
			return;
		flow->passed = 1;
		report_headers(p, flow, ifindex, point, NULL, NULL);
		return;
	}
	flow = flow_in(&p->tuple, config.netns);
	if (!flow || flow->inner_reply || flow_quiet(flow, false))
		return;
	flow->inner_reply = 1;
	report_headers(p, flow, ifindex, point, NULL, NULL);
}

/*
 * A packet from this host for which there is no flow.  Of a connection the first
 * reply tells whether it was rewritten: the many of one that was there before us
 * are not looked up again.
 */
static __always_inline void leaves_unknown(const struct parsed *p, __u32 ifindex)
{
	if (p->tuple.protocol == IPPROTO_TCP && !p->packet.is_icmp_error &&
	    !(p->packet.tcp_flags & (HCT_TCP_SYN | HCT_TCP_RST)))
		return;
	if (reply_was_rewritten(p, ifindex))
		return;
	if (p->tuple.protocol == IPPROTO_UDP && !p->packet.is_icmp_error)
		note_outbound(&p->tuple);
}

/* The packet of a flow that a tc program hands to tell_arrival() or tell_departure(). */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct parsed);
} packet_at_tc SEC(".maps");

static __always_inline int tell_at_tc(struct __sk_buff *skb, const bool ingress)
{
	__u8 point = ingress ? HCT_POINT_TC_INGRESS : HCT_POINT_TC_EGRESS;
	struct packet_source s = { .tc = skb };
	struct hct_tls_list *list;
	struct hct_flow *flow;
	struct parsed *p;
	__u32 zero = 0;
	int kind;

	p = bpf_map_lookup_elem(&packet_at_tc, &zero);
	if (!p)
		return 0;
	flow = flow_find(&p->tuple);
	if (!flow)
		return 0;
	flow->rung.valid = 0; /* another packet starts its way */
	if (!ingress)
		look_at_tail(skb, flow, p);
	list = tls_records(skb, flow, p, !ingress);
	kind = interest(flow, p);
	if (kind == WITH_PAYLOAD)
		report_payload(p, flow, skb->ifindex, point, &s, 0, ingress, list);
	else if (kind == HEADERS || list)
		report_headers(p, flow, skb->ifindex, point, skb, list);
	return 0;
}

/*
 * Global functions: the verifier looks at each once, by itself, instead of once for
 * each way through parse_ip() and the search for the flow.  It would come near its
 * limit of a million instructions, and loading would take seconds.
 */
__noinline int tell_arrival(struct __sk_buff *skb)
{
	return tell_at_tc(skb, true);
}

__noinline int tell_departure(struct __sk_buff *skb)
{
	return tell_at_tc(skb, false);
}

/*
 * Tells the first packet of a probe that has another tag behind the one that the kernel took out
 * of its bytes, on a device above which nobody takes that: nothing more comes of it.
 */
__noinline int tell_tagged_twice(struct __sk_buff *skb)
{
	struct packet_source s = { .tc = skb };
	__be16 protocol = skb->protocol;
	__u32 offset = ETH_HLEN, zero = 0;
	struct hct_flow *flow;
	struct parsed *p;
	bool v6;

	p = bpf_map_lookup_elem(&packet_at_tc, &zero);
	if (!p || !pass_tags(&s, &offset, &protocol))
		return 0;
	v6 = protocol == bpf_htons(ETH_P_IPV6);
	if (!v6 && protocol != bpf_htons(ETH_P_IP))
		return 0;
	if (!parse_ip(&s, offset, v6, INBOUND, p) || !p->starts_flow || p->through)
		return 0;
	flow = flow_of(p, skb->ifindex, HCT_POINT_TC_INGRESS);
	if (!flow || flow_quiet(flow, false))
		return 0;
	p->vlan = tag_at_tc(skb) | HCT_VLAN_TWICE;
	report_headers(p, flow, skb->ifindex, HCT_POINT_TC_INGRESS, NULL, NULL);
	return 0;
}

enum found { NOTHING_FOUND, FLOW_FOUND, TAGGED_TWICE };

/* Has the packet a flow?  Then it is in packet_at_tc. */
static __always_inline enum found find_at_tc(struct __sk_buff *skb, __u32 ip_offset, const bool ingress)
{
	struct packet_source s = { .tc = skb };
	__u8 point = ingress ? HCT_POINT_TC_INGRESS : HCT_POINT_TC_EGRESS;
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	bool v6 = skb->protocol == bpf_htons(ETH_P_IPV6);
	struct parsed *p;
	struct hct_flow *flow;
	__u32 zero = 0;

	/* What every unrelated packet pays: one look at each address. */
	if (!v6) {
		struct ipv4_header *ip = data + ip_offset;

		if (skb->protocol != bpf_htons(ETH_P_IP))
			return ingress && is_vlan(skb->protocol) ? TAGGED_TWICE : NOTHING_FOUND;
		if ((void *)(ip + 1) <= data_end && !in_range_ipv4(ip->saddr) &&
		    !in_range_ipv4(ip->daddr))
			return NOTHING_FOUND;
	} else {
		struct ipv6_header *ip = data + ip_offset;

		if ((void *)(ip + 1) <= data_end && !in_range((const __u32 *)ip->saddr) &&
		    !in_range((const __u32 *)ip->daddr))
			return NOTHING_FOUND;
	}
	p = bpf_map_lookup_elem(&packet_at_tc, &zero);
	if (!p)
		return NOTHING_FOUND;
	if (!parse_ip(&s, ip_offset, v6, ingress ? INBOUND : OUTBOUND, p) &&
	    !(ingress && is_later_fragment(p)))
		return NOTHING_FOUND;
	if (ingress && p->carriage && !p->reply && !fragment_arrives(p, skb->ifindex))
		return NOTHING_FOUND;
	if (p->through) {
		pass_through(p, skb->ifindex, point);
		return NOTHING_FOUND;
	}
	flow = flow_of(p, skb->ifindex, point);
	if (ingress) {
		look_for_request(&s, p, flow, 0);
		p->vlan = tag_at_tc(skb);
		if (is_overheard(skb))
			p->carriage |= HCT_OTHER_MAC;
	}
	if (!flow && p->asks)
		flow = meet_midway(p, skb->ifindex, point);
	if (!flow) {
		if (!ingress)
			leaves_unknown(p, skb->ifindex);
		return NOTHING_FOUND;
	}
	return FLOW_FOUND;
}

/* Not inlined, so that their stack is not added to that of what comes after. */
static __noinline enum found find_arrival(struct __sk_buff *skb, __u32 ip_offset)
{
	return find_at_tc(skb, ip_offset, true);
}

static __noinline enum found find_departure(struct __sk_buff *skb, __u32 ip_offset)
{
	return find_at_tc(skb, ip_offset, false);
}

SEC("tc")
int hct_tc_ingress(struct __sk_buff *skb)
{
	enum found found = find_arrival(skb, ETH_HLEN);

	if (found == FLOW_FOUND)
		tell_arrival(skb);
	else if (found == TAGGED_TWICE)
		tell_tagged_twice(skb);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int hct_tc_egress(struct __sk_buff *skb)
{
	if (find_departure(skb, ETH_HLEN) == FLOW_FOUND)
		tell_departure(skb);
	return TC_ACT_UNSPEC;
}

/* The same for devices without a link-layer header: tun, WireGuard, IP tunnels. */
SEC("tc")
int hct_tc_ingress_l3(struct __sk_buff *skb)
{
	if (find_arrival(skb, 0) == FLOW_FOUND)
		tell_arrival(skb);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int hct_tc_egress_l3(struct __sk_buff *skb)
{
	if (find_departure(skb, 0) == FLOW_FOUND)
		tell_departure(skb);
	return TC_ACT_UNSPEC;
}

/* The same at the tracepoints, which interrupts that receive or send do not interrupt either. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct parsed);
} packet_at_tracepoint SEC(".maps");

static __always_inline __u32 data_offset(const struct sk_buff *skb)
{
	return (__u64)ARG_READ(skb, data) - (__u64)ARG_READ(skb, head);
}

/* Is the packet of the range?  All that unrelated ones pay. */
static __always_inline bool is_of_range(const struct packet_source *s, __u32 offset, bool v6)
{
	if (v6) {
		struct ipv6_header ip;

		return !packet_load(s, offset, &ip, sizeof(ip)) &&
		       (in_range((const __u32 *)ip.saddr) || in_range((const __u32 *)ip.daddr));
	} else {
		struct ipv4_header ip;

		return !packet_load(s, offset, &ip, sizeof(ip)) &&
		       (in_range_ipv4(ip.saddr) || in_range_ipv4(ip.daddr));
	}
}

static __always_inline int at_tracepoint(const struct sk_buff *skb, struct net_device *dev,
					 __u32 offset, bool arrival)
{
	struct packet_source s = { .head = ARG_READ(skb, head) };
	__be16 ethertype = ARG_READ(skb, protocol);
	__u8 point = arrival ? HCT_POINT_RECEIVE : HCT_POINT_TRANSMIT;
	__u32 linear_end, ifindex, tag_offset = offset, zero = 0;
	struct hct_flow *flow;
	struct parsed *p;
	bool v6;
	int kind;

	if (arrival && !pass_tags(&s, &offset, &ethertype))
		return 0;
	v6 = ethertype == bpf_htons(ETH_P_IPV6);
	if (!v6 && ethertype != bpf_htons(ETH_P_IP))
		return 0;
	if (!dev || netns_of_arg_device(dev) != config.netns || !is_of_range(&s, offset, v6))
		return 0;
	p = bpf_map_lookup_elem(&packet_at_tracepoint, &zero);
	if (!p)
		return 0;
	if (!parse_ip(&s, offset, v6, arrival ? INBOUND : OUTBOUND, p) &&
	    !(arrival && is_later_fragment(p)))
		return 0;
	ifindex = ARG_READ(dev, ifindex);
	if (arrival && p->carriage && !p->reply && !fragment_arrives(p, ifindex))
		return 0;
	if (p->through) {
		pass_through(p, ifindex, point);
		return 0;
	}
	flow = flow_of(p, ifindex, point);
	linear_end = data_offset(skb) + ARG_READ(skb, len) - ARG_READ(skb, data_len);
	if (arrival) {
		look_for_request(&s, p, flow, linear_end);
		p->vlan = tag_of_skb(&s, skb, tag_offset);
	}
	if (!flow && p->asks)
		flow = meet_midway(p, ifindex, point);
	if (!flow) {
		if (!arrival)
			leaves_unknown(p, ifindex);
		return 0;
	}
	kind = interest(flow, p);
	if (kind == WITH_PAYLOAD)
		report_payload(p, flow, ifindex, point, &s, linear_end, arrival, NULL);
	else if (kind == HEADERS)
		report_headers(p, flow, ifindex, point, NULL, NULL);
	return 0;
}

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(hct_receive, struct sk_buff *skb)
{
	/* __netif_receive_skb_core() sets the network header only after this tracepoint */
	return at_tracepoint(skb, ARG_READ(skb, dev), data_offset(skb), true);
}

SEC("tp_btf/net_dev_start_xmit")
int BPF_PROG(hct_transmit, const struct sk_buff *skb, struct net_device *dev)
{
	return at_tracepoint(skb, dev, ARG_READ(skb, network_header), false);
}

SEC("xdp")
int hct_xdp_arrival(struct xdp_md *xdp)
{
	struct packet_source s = { .xdp = xdp };
	struct parsed p;
	struct hct_flow *flow;
	__u32 offset = ETH_HLEN;
	__be16 type, ethertype;
	bool v6;

	if (packet_load(&s, ETH_HLEN - 2, &type, 2))
		return XDP_PASS;
	ethertype = type;
	if (!pass_tags(&s, &offset, &ethertype))
		return XDP_PASS;
	v6 = ethertype == bpf_htons(ETH_P_IPV6);
	if (!v6 && ethertype != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (!parse_ip(&s, offset, v6, INBOUND, &p) || !p.starts_flow || p.through)
		return XDP_PASS;
	p.vlan = tag_in_bytes(&s, ETH_HLEN, type);
	flow = flow_of(&p, xdp->ingress_ifindex, HCT_POINT_XDP);
	if (flow && !flow_quiet(flow, false))
		report_headers(&p, flow, xdp->ingress_ifindex, HCT_POINT_XDP, NULL, NULL);
	return XDP_PASS;
}
