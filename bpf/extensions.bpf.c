// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * IPv6 extension headers (RFC 8200, 4), between the IPv6 header and what it carries.
 *
 * Global functions: the verifier looks at the walk once, by itself, and not once for each
 * program that parses packets.
 */
#include "packet.h"

/* The order that the RFC recommends has six, one of them twice; the kernel has no limit. */
#define MAX_EXTENSIONS 8

enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, DESTINATION = 60 };

struct extension {
	__u8 next_header, len;
	__be16 frag_off; /* of a fragment header */
};

static __always_inline bool is_extension(__u32 next)
{
	return next == HOP_BY_HOP || next == ROUTING || next == FRAGMENT ||
	       next == AUTHENTICATION || next == DESTINATION;
}

static __always_inline __u64 walk(const struct packet_source *s, __u32 offset, __u32 next)
{
	__u64 fragment = 0;
	__u32 len = 0;

	for (int i = 0; i <= MAX_EXTENSIONS; i++) {
		struct extension e;

		if (!is_extension(next))
			return EXTENSIONS_OK | fragment | len << 8 | next;
		if (packet_load(s, offset + len, &e, sizeof(e)))
			return 0;
		if (next == FRAGMENT)
			fragment = EXTENSIONS_FRAGMENT | (__u64)(len & 0xfff) << 20;
		len += next == FRAGMENT ? 8 :
		       next == AUTHENTICATION ? (e.len + 2) * 4 : (e.len + 1) * 8;
		if (len > 0xfff)
			return 0;
		/* what follows a fragment header is there in the first fragment only */
		if (next == FRAGMENT && e.frag_off & bpf_htons(IP6_FRAGMENT_OFFSET))
			return EXTENSIONS_OK | fragment | len << 8 | e.next_header;
		next = e.next_header;
	}
	return 0;
}

__noinline __u64 extensions_at_tc(struct __sk_buff *skb, __u32 offset, __u32 next)
{
	struct packet_source s = { .tc = skb };

	return walk(&s, offset, next);
}

__noinline __u64 extensions_at_xdp(struct xdp_md *xdp, __u32 offset, __u32 next)
{
	struct packet_source s = { .xdp = xdp };

	return walk(&s, offset, next);
}

__noinline __u64 extensions_in_kernel(__u64 head, __u32 offset, __u32 next)
{
	struct packet_source s = { .head = (const unsigned char *)head };

	return walk(&s, offset, next);
}
