/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flows and events: find or make a flow, then reserve, fill and submit an
 * event about it.  An event that finds no room is counted by point, and the
 * flow's sequence number moves on, so that user space sees the gap.
 */
#ifndef BPF_EMIT_H
#define BPF_EMIT_H

#include "compat.h"

#define EVENT_BOUND_FACTOR 2 /* ends and drops may go this far over config.max_events */

static __always_inline struct hct_shared *shared_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&shared, &zero); /* inlined by the verifier */
}

static __always_inline void count_lost(__u32 point)
{
	struct hct_shared *s = shared_state();

	if (s && point < HCT_POINT_COUNT)
		__sync_fetch_and_add(&s->lost[point], 1);
}

/* Is ADDR (v4-mapped, network byte order) in one of the ranges?  Mostly decided by one compare. */
static __always_inline bool in_range(const __u32 addr[4])
{
	for (int i = 0; i < HCT_MAX_PREFIXES; i++) {
		if (i >= config.n_prefixes)
			break;
		if (((addr[3] ^ config.prefixes[i].addr[3]) & config.prefixes[i].mask[3]) == 0 &&
		    ((addr[2] ^ config.prefixes[i].addr[2]) & config.prefixes[i].mask[2]) == 0 &&
		    ((addr[1] ^ config.prefixes[i].addr[1]) & config.prefixes[i].mask[1]) == 0 &&
		    ((addr[0] ^ config.prefixes[i].addr[0]) & config.prefixes[i].mask[0]) == 0)
			return true;
	}
	return false;
}

static __always_inline void map_ipv4(__u8 out[16], __be32 addr)
{
	__u32 *word = (__u32 *)out;

	word[0] = 0;
	word[1] = 0;
	word[2] = bpf_htonl(0xffff);
	word[3] = addr;
}

static __always_inline bool in_range_ipv4(__be32 addr)
{
	__u32 mapped[4];

	map_ipv4((__u8 *)mapped, addr);
	return in_range(mapped);
}

static __always_inline bool protocol_wanted(__u8 protocol)
{
	__u32 bit = protocol == IPPROTO_TCP ? HCT_PROTO_TCP :
		    protocol == IPPROTO_UDP ? HCT_PROTO_UDP : HCT_PROTO_ICMP;

	return !config.protocols || (config.protocols & bit);
}

static __always_inline bool port_wanted(__be16 port)
{
	if (!config.n_ports)
		return true;
	for (int i = 0; i < HCT_MAX_PORTS; i++) {
		if (i >= config.n_ports)
			break;
		if (config.ports[i] == port)
			return true;
	}
	return false;
}

static __always_inline struct hct_flow *flow_find(const struct hct_tuple *tuple)
{
	return bpf_map_lookup_elem(&flows, tuple);
}

/* Where `clients` has the flow that came last from TUPLE's source. */
static __always_inline struct hct_tuple *client_place(const struct hct_tuple *tuple)
{
	const __u32 *lb = (const __u32 *)tuple->lb;
	__u32 hash = (lb[0] ^ lb[1] ^ lb[2] ^ lb[3]) * 0x9e3779b1 ^ tuple->lb_port * 0x85ebca6b ^
		     tuple->protocol;
	__u32 place = (hash ^ hash >> 16) % CLIENTS;

	return bpf_map_lookup_elem(&clients, &place);
}

/* Starts (or starts anew) the flow of TUPLE; NULL, counted as lost at POINT, when the map is full. */
static __always_inline struct hct_flow *flow_start(const struct hct_tuple *tuple, __u32 isn,
					       __u32 ifindex, __u32 point)
{
	struct hct_flow fresh = { .isn = isn, .ifindex = ifindex };
	struct hct_tuple *client = client_place(tuple);

	fresh.id = bpf_ktime_get_ns();
	fresh.last_ns = fresh.id;
	if (bpf_map_update_elem(&flows, tuple, &fresh, BPF_ANY)) {
		count_lost(point);
		return NULL;
	}
	if (client)
		*client = *tuple;
	return flow_find(tuple);
}

/* The flow whose translated tuple TUPLE is; TUPLE becomes the original one. */
static __always_inline struct hct_flow *flow_by_alias(struct hct_tuple *tuple)
{
	struct hct_shared *s = shared_state();
	struct hct_tuple *original;
	struct hct_flow *flow;

	if (!s || !s->has_aliases)
		return NULL;
	original = bpf_map_lookup_elem(&aliases, tuple);
	if (!original)
		return NULL;
	flow = flow_find(original);
	/* a reply that left as it came from the container is met outside, too */
	if (!flow || flow->rewritten)
		return NULL;
	*tuple = *original;
	return flow;
}

/*
 * The flow of TUPLE as namespace NETNS has it: its own in the watched one, a
 * translated one anywhere.  Who only passes it on, a router that shares this
 * kernel for one, never has it translated.
 */
static __always_inline struct hct_flow *flow_in(struct hct_tuple *tuple, __u32 netns)
{
	struct hct_flow *flow = netns == config.netns ? flow_find(tuple) : NULL;

	return flow ? flow : flow_by_alias(tuple);
}

/*
 * Has the flow said all that it may?  It goes quiet after config.max_events of an
 * exchange, and where that is not followed at once; its end is still told.  One
 * that is known as a user's is quiet to its end.
 */
static __always_inline bool flow_quiet(const struct hct_flow *flow, bool is_end)
{
	__u32 bound = config.max_events;

	if (flow->users || (flow->unfollowed && !is_end))
		return true;
	return flow->seq - flow->first_seq >= (is_end ? bound * EVENT_BOUND_FACTOR : bound);
}

/*
 * Reserves SIZE bytes (a constant) for an event of FLOW and fills what every
 * event has.  The detail behind it is not cleared: the caller fills it.
 */
static __always_inline struct hct_event *event_begin(struct hct_flow *flow,
						     const struct hct_tuple *tuple, __u8 point,
						     __u64 size)
{
	struct hct_event *e;
	__u64 now = bpf_ktime_get_ns();
	__u32 seq = flow->seq++;

	flow->last_ns = now;
	e = bpf_ringbuf_reserve(&events, size, 0);
	if (!e) {
		count_lost(point);
		return NULL;
	}
	e->time_ns = now;
	e->flow_id = flow->id;
	e->tuple = *tuple;
	e->flow_seq = seq;
	e->netns = config.netns;
	e->ifindex = 0;
	e->pid = 0;
	__builtin_memset(e->comm, 0, sizeof(e->comm));
	e->point = point;
	e->flags = 0;
	e->payload_len = 0;
	e->turns = flow->turns;
	e->tail = flow->tail;
	e->answer_end = flow->answer_end;
	e->exchange = flow->exchange;
	e->skipped = flow->skipped < 65535 ? flow->skipped : 65535;
	flow->skipped -= e->skipped;
	e->tls = flow->tls;
	e->carriage = 0;
	e->vlan = 0;
	e->fragments_have = 0;
	e->fragments_total = 0;
	__builtin_memset(&e->packet, 0, sizeof(e->packet));
	return e;
}

/*
 * Sends E.  A wake-up costs more than all else that an event does: it is left
 * out while the reader comes by itself, and asked for once when the ring fills.
 */
static __always_inline void event_submit(void *e)
{
	struct hct_shared *s = shared_state();
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (!s || s->reader_sleeps) {
		flags = 0;
	} else if (!s->hurried && bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > RING_HURRY) {
		s->hurried = 1;
		flags = BPF_RB_FORCE_WAKEUP;
	}
	bpf_ringbuf_submit(e, flags);
}

static __always_inline void event_process(struct hct_event *e)
{
	e->flags |= HCT_F_PROCESS;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
}

/* Fills STACK with the kernel stack, innermost first; returns the entries used. */
static __always_inline __u32 event_stack(void *ctx, __u64 *stack)
{
	long bytes = bpf_get_stack(ctx, stack, HCT_STACK_MAX * sizeof(__u64), 0);

	return bytes > 0 ? bytes / sizeof(__u64) : 0;
}

static __always_inline __u32 netns_of_device(const struct net_device *dev)
{
	return dev ? BPF_CORE_READ(dev, nd_net.net, ns.inum) : 0;
}

static __always_inline void copy_in6(__u8 out[16], const struct in6_addr *addr)
{
	for (int i = 0; i < 4; i++) /* by words: a direct read may not cross a member */
		((__u32 *)out)[i] = ARG_READ(addr, in6_u.u6_addr32[i]);
}

/* DEV comes with a program's own argument. */
static __always_inline __u32 netns_of_arg_device(const struct net_device *dev)
{
	const struct net *net = ARG_READ(dev, nd_net.net);

	return ARG_READ(net, ns.inum);
}

/*
 * The request-orientation tuple of a socket whose peer is in the range, and the
 * namespace it lives in; false when it is not.  SK is (in) a program's own
 * argument: a socket of elsewhere costs two direct reads.
 */
static __always_inline bool tuple_from_sock(const struct sock_common *sk, struct hct_tuple *t,
					    __u32 *netns)
{
	__u16 family = ARG_READ(sk, skc_family);
	const struct net *net;

	if (family == AF_INET) {
		__be32 peer = ARG_READ(sk, skc_daddr);

		if (!in_range_ipv4(peer))
			return false;
		__builtin_memset(t, 0, sizeof(*t));
		map_ipv4(t->lb, peer);
		map_ipv4(t->target, ARG_READ(sk, skc_rcv_saddr));
	} else if (family == AF_INET6) {
		__builtin_memset(t, 0, sizeof(*t));
		copy_in6(t->lb, &sk->skc_v6_daddr);
		if (!in_range((const __u32 *)t->lb))
			return false;
		copy_in6(t->target, &sk->skc_v6_rcv_saddr);
	} else {
		return false;
	}
	net = ARG_READ(sk, skc_net.net);
	*netns = ARG_READ(net, ns.inum);
	t->lb_port = ARG_READ(sk, skc_dport);
	t->target_port = bpf_htons(ARG_READ(sk, skc_num));
	t->protocol = IPPROTO_TCP;
	return true;
}

#endif
