/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * VLAN tags (802.1Q, 802.1ad) of a packet that arrives.  The kernel takes the outer one out of the
 * bytes ahead of tc; at the tracepoint, and for XDP, it may still be among them, or in the sk_buff.
 */
#ifndef BPF_VLAN_H
#define BPF_VLAN_H

#include "packet.h"

#define MAX_TAGS 2
#define PACKET_OTHERHOST 3

struct vlan_header { /* behind the two MAC addresses and the type of the tag */
	__be16 tag, protocol;
};

static __always_inline bool is_vlan(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

static __always_inline __u16 vlan_of(__u16 tag)
{
	return HCT_VLAN_TAGGED | (tag & HCT_VLAN_NUMBER);
}

/* Passes over the tags at *OFFSET, of which *PROTOCOL is the first's. */
static __always_inline bool pass_tags(const struct packet_source *s, __u32 *offset,
				      __be16 *protocol)
{
	for (int i = 0; i < MAX_TAGS; i++) {
		struct vlan_header tag;

		if (!is_vlan(*protocol))
			return true;
		if (packet_load(s, *offset, &tag, sizeof(tag)))
			return false;
		*protocol = tag.protocol;
		*offset += sizeof(tag);
	}
	return !is_vlan(*protocol);
}

/* The tag at OFFSET of bytes with the type PROTOCOL, as hct_event.vlan has it; 0: none. */
static __always_inline __u16 tag_in_bytes(const struct packet_source *s, __u32 offset,
					  __be16 protocol)
{
	struct vlan_header tag;

	if (!is_vlan(protocol) || packet_load(s, offset, &tag, sizeof(tag)))
		return 0;
	return vlan_of(bpf_ntohs(tag.tag)) | (is_vlan(tag.protocol) ? HCT_VLAN_TWICE : 0);
}

static __always_inline __u16 tag_at_tc(const struct __sk_buff *skb)
{
	return skb->vlan_present ? vlan_of(skb->vlan_tci) : 0;
}

static __always_inline bool is_overheard(const struct __sk_buff *skb)
{
	return skb->pkt_type == PACKET_OTHERHOST;
}

/* Until 6.1 a bit says whether there is a tag; from then on the tag's type does. */
struct sk_buff___tag_by_bit {
	__u8 vlan_present : 1;
} __attribute__((preserve_access_index));

static __always_inline __u16 tag_of_skb(const struct packet_source *s, const struct sk_buff *skb,
					__u32 offset)
{
	__u16 in_bytes = tag_in_bytes(s, offset, ARG_READ(skb, protocol));
	const struct sk_buff___tag_by_bit *old = (const void *)skb;
	bool present = bpf_core_field_exists(old->vlan_present) ?
			       BPF_CORE_READ_BITFIELD_PROBED(old, vlan_present) :
			       BPF_CORE_READ(skb, vlan_proto) != 0;

	if (in_bytes)
		return in_bytes;
	return present ? vlan_of(BPF_CORE_READ(skb, vlan_tci)) : 0;
}

#endif
