// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The ways into and out of the bottle (hctrace probe).  What the bottle sends is
 * put to the ingress of the real device; what the host sends to it is taken back
 * at tc egress, behind every other program there.  An object of its own: nothing
 * of it is loaded by other commands.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "include/hct_bottle.h"

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86DD
#define ETH_HLEN 14
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_FRAGMENT 44
#define IPPROTO_ICMPV6 58
#define TC_ACT_SHOT 2
#define BPF_F_INGRESS 1

/*
 * What a request of the bottle's carries while it is inside this host: SNAT changes
 * its source, this it does not.  Only tc reads it.
 */
#define OUR_INDEX 0x4843 /* "HC" */

const volatile struct hct_bottle_config bottle = {};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HCT_BOTTLE_MAX_FLOWS);
	__type(key, struct hct_bottle_flow);
	__type(value, __u32);
} bottle_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HCT_BOTTLE_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} bottle_counts SEC(".maps");

struct addresses {
	__u32 from[4], to[4]; /* v4-mapped */
	__u8 protocol;
	__u8 later; /* a fragment behind the first: it has no ports */
	__u16 transport; /* where the transport header begins */
};

static __always_inline void count(__u32 what)
{
	__u64 *n = bpf_map_lookup_elem(&bottle_counts, &what);

	if (n)
		__sync_fetch_and_add(n, 1);
}

static __always_inline bool is_bottles(const __u32 addr[4])
{
	const volatile __u32 *own = (const volatile __u32 *)bottle.addr;

	return addr[3] == own[3] && addr[2] == own[2] && addr[1] == own[1] && addr[0] == own[0];
}

/* The IP header at OFFSET.  False: there is none. */
static __always_inline bool read_ip(struct __sk_buff *skb, __u32 offset, struct addresses *a)
{
	__builtin_memset(a, 0, sizeof(*a));
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		__u8 head[20];

		if (bpf_skb_load_bytes(skb, offset, head, sizeof(head)))
			return false;
		a->from[2] = a->to[2] = bpf_htonl(0xffff);
		__builtin_memcpy(&a->from[3], head + 12, 4);
		__builtin_memcpy(&a->to[3], head + 16, 4);
		a->protocol = head[9];
		a->later = (head[6] & 0x1f) || head[7];
		a->transport = offset + (head[0] & 0xf) * 4;
		return true;
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		__u8 head[40];

		if (bpf_skb_load_bytes(skb, offset, head, sizeof(head)))
			return false;
		__builtin_memcpy(a->from, head + 8, 16);
		__builtin_memcpy(a->to, head + 24, 16);
		a->protocol = head[6];
		a->transport = offset + sizeof(head);
		if (a->protocol == IPPROTO_FRAGMENT) {
			if (bpf_skb_load_bytes(skb, a->transport, head, 8))
				return false;
			a->protocol = head[0];
			a->later = head[2] || head[3] & 0xf8;
			a->transport += 8;
		}
		return true;
	}
	return false;
}

/*
 * The flow whose port is in the transport header at OFFSET, at END (0 source, 2 destination),
 * or whose identifier.
 */
static __always_inline __u32 *find_flow(struct __sk_buff *skb, __u32 offset, __u8 protocol, __u32 end)
{
	struct hct_bottle_flow flow = { .protocol = protocol };

	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		end = 4;
	else if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return NULL;
	if (bpf_skb_load_bytes(skb, offset + end, &flow.port, sizeof(flow.port)))
		return NULL;
	return bpf_map_lookup_elem(&bottle_flows, &flow);
}

/* An ICMP error or redirect about one of the bottle's packets, whose head it carries. */
static __always_inline bool is_error_for_us(struct __sk_buff *skb, const struct addresses *a)
{
	struct addresses inner;
	__u8 type;

	if (a->protocol != IPPROTO_ICMP && a->protocol != IPPROTO_ICMPV6)
		return false;
	if (bpf_skb_load_bytes(skb, a->transport, &type, 1))
		return false;
	/* a redirect's is behind addresses and options; neighbours alone get one */
	if (a->protocol == IPPROTO_ICMPV6 && type == 137)
		return true;
	/* unreachable, redirect, time exceeded, parameter problem; too big */
	if (a->protocol == IPPROTO_ICMP ? type != 3 && type != 5 && type != 11 && type != 12 :
					  type < 1 || type > 4)
		return false;
	return read_ip(skb, a->transport + 8, &inner) && is_bottles(inner.from) &&
	       find_flow(skb, inner.transport, inner.protocol, 0);
}

static __always_inline bool is_answer(struct __sk_buff *skb, const struct addresses *a)
{
	if (!is_bottles(a->to))
		return false;
	return a->later || find_flow(skb, a->transport, a->protocol, 2) || is_error_for_us(skb, a);
}

/* One of the bottle's requests?  Then it is counted. */
static __always_inline bool is_request(struct __sk_buff *skb, const struct addresses *a)
{
	__u32 *kept = NULL;

	if (is_bottles(a->from) && !a->later)
		kept = find_flow(skb, a->transport, a->protocol, 0);
	if (kept)
		__sync_fetch_and_add(kept, 1);
	else if (skb->tc_index == OUR_INDEX)
		count(HCT_BOTTLE_KEPT);
	else
		return false;
	return true;
}

static __always_inline int into_bottle(struct __sk_buff *skb)
{
	__u8 mac[6];

	for (int i = 0; i < 6; i++)
		mac[i] = bottle.bottle_mac[i];
	if (skb->vlan_present)
		bpf_skb_vlan_pop(skb);
	bpf_skb_store_bytes(skb, 0, mac, sizeof(mac), 0);
	return bpf_redirect(bottle.bottle_ifindex, 0);
}

/* KEEP: requests that would leave by this device end here, too: behind it there is another host. */
static __always_inline int at_egress(struct __sk_buff *skb, __u32 offset, bool keep)
{
	struct addresses a;

	if (!read_ip(skb, offset, &a))
		return TC_ACT_UNSPEC;
	if (is_answer(skb, &a))
		count(HCT_BOTTLE_RETURNED);
	else if (!keep || !is_request(skb, &a))
		return TC_ACT_UNSPEC;
	if (!offset) {
		__be16 ethertype = skb->protocol;

		if (bpf_skb_change_head(skb, ETH_HLEN, 0))
			return TC_ACT_SHOT;
		bpf_skb_store_bytes(skb, ETH_HLEN - 2, &ethertype, 2, 0);
	}
	return into_bottle(skb);
}

SEC("tc")
int hct_bottle_back(struct __sk_buff *skb)
{
	return at_egress(skb, ETH_HLEN, false);
}

SEC("tc")
int hct_bottle_back_keep(struct __sk_buff *skb)
{
	return at_egress(skb, ETH_HLEN, true);
}

/* The same for devices without a link-layer header. */
SEC("tc")
int hct_bottle_back_l3(struct __sk_buff *skb)
{
	return at_egress(skb, 0, true);
}

/* At our end of the veth pair: what the bottle sends, and nothing else, enters the host. */
SEC("tc")
int hct_bottle_out(struct __sk_buff *skb)
{
	struct addresses a;
	__u8 mac[6];

	if (!read_ip(skb, ETH_HLEN, &a) || !is_bottles(a.from))
		return TC_ACT_SHOT;
	for (int i = 0; i < 6; i++)
		mac[i] = bottle.real_mac[i];
	bpf_skb_store_bytes(skb, 0, mac, sizeof(mac), 0);
	if (bottle.vlan && bpf_skb_vlan_push(skb, bpf_htons(0x8100), bottle.vlan))
		return TC_ACT_SHOT;
	skb->tc_index = OUR_INDEX;
	count(HCT_BOTTLE_SENT);
	return bpf_redirect(bottle.real_ifindex, BPF_F_INGRESS);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
