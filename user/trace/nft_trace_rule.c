// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A rule of nftables that traces one kind of packet. */
#include "nft_trace_rule.h"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <string.h>

#include "include/hct_event.h"

#define PACKETS_PER_SECOND 50 /* routed user traffic may be of the kind */
#define BURST 20
#define V4_IN_MAPPED 12 /* where a v4-mapped address has its IPv4 one */

/* Echo request and reply. */
enum { ICMP_REQUEST = 8, ICMP_REPLY = 0, ICMPV6_REQUEST = 128, ICMPV6_REPLY = 129 };

struct building {
	struct nftnl_rule *rule;
	bool failed;
};

static struct nftnl_expr *add(struct building *b, const char *name)
{
	struct nftnl_expr *expr = nftnl_expr_alloc(name);

	if (expr)
		nftnl_rule_add_expr(b->rule, expr);
	else
		b->failed = true;
	return expr;
}

static void set_bytes(struct building *b, struct nftnl_expr *expr, uint16_t what, const void *data,
		      uint32_t len)
{
	if (nftnl_expr_set(expr, what, data, len))
		b->failed = true;
}

static void equals(struct building *b, const void *data, uint32_t len)
{
	struct nftnl_expr *expr = add(b, "cmp");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	set_bytes(b, expr, NFTNL_EXPR_CMP_DATA, data, len);
}

static void load_meta(struct building *b, uint32_t key)
{
	struct nftnl_expr *expr = add(b, "meta");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static void load(struct building *b, uint32_t base, uint32_t offset, uint32_t len)
{
	struct nftnl_expr *expr = add(b, "payload");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
}

static void mask(struct building *b, const uint8_t *bits, uint32_t len)
{
	static const uint8_t zero[16];
	struct nftnl_expr *expr = add(b, "bitwise");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_LEN, len);
	set_bytes(b, expr, NFTNL_EXPR_BITWISE_MASK, bits, len);
	set_bytes(b, expr, NFTNL_EXPR_BITWISE_XOR, zero, len);
}

static bool is_v4(const struct nft_watch *w)
{
	static const uint8_t mapped[V4_IN_MAPPED] = { [10] = 0xff, [11] = 0xff };

	return memcmp(w->target, mapped, sizeof(mapped)) == 0;
}

static void match_protocols(struct building *b, uint32_t family, const struct nft_watch *w)
{
	const uint8_t nfproto = is_v4(w) ? NFPROTO_IPV4 : NFPROTO_IPV6;
	const uint16_t ethertype = htons(is_v4(w) ? ETH_P_IP : ETH_P_IPV6);

	if (family == NFPROTO_INET) {
		load_meta(b, NFT_META_NFPROTO);
		equals(b, &nfproto, sizeof(nfproto));
	} else {
		load_meta(b, NFT_META_PROTOCOL);
		equals(b, &ethertype, sizeof(ethertype));
	}
	load_meta(b, NFT_META_L4PROTO);
	equals(b, &w->protocol, sizeof(w->protocol));
}

static void match_addresses(struct building *b, const struct nft_watch *w)
{
	uint32_t from = is_v4(w) ? V4_IN_MAPPED : 0, len = 16 - from;
	uint32_t saddr = is_v4(w) ? 12 : 8, daddr = saddr + len; /* in the IP header */
	uint8_t bits[16] = { 0 };

	for (unsigned bit = 0; bit < w->lb.len; bit++)
		bits[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	load(b, NFT_PAYLOAD_NETWORK_HEADER, w->reply ? daddr : saddr, len);
	mask(b, bits + from, len);
	equals(b, w->lb.addr + from, len);
	load(b, NFT_PAYLOAD_NETWORK_HEADER, w->reply ? saddr : daddr, len);
	equals(b, w->target + from, len);
}

static void match_echo(struct building *b, const struct nft_watch *w)
{
	uint8_t type = w->reply ? ICMP_REPLY : ICMP_REQUEST;

	if (w->protocol == IPPROTO_ICMPV6)
		type = w->reply ? ICMPV6_REPLY : ICMPV6_REQUEST;
	load(b, NFT_PAYLOAD_TRANSPORT_HEADER, 0, sizeof(type));
	equals(b, &type, sizeof(type));
}

static void match_transport(struct building *b, const struct nft_watch *w)
{
	const uint8_t asked = HCT_TCP_SYN | HCT_TCP_ACK;
	const uint8_t flags = w->reply ? HCT_TCP_SYN | HCT_TCP_ACK : HCT_TCP_SYN;

	if (w->protocol != IPPROTO_TCP && w->protocol != IPPROTO_UDP) {
		match_echo(b, w);
		return;
	}
	load(b, NFT_PAYLOAD_TRANSPORT_HEADER, w->reply ? 0 : 2, sizeof(w->port_be));
	equals(b, &w->port_be, sizeof(w->port_be));
	if (w->protocol != IPPROTO_TCP || !w->opening)
		return;
	load(b, NFT_PAYLOAD_TRANSPORT_HEADER, 13, sizeof(asked));
	mask(b, &asked, sizeof(asked));
	equals(b, &flags, sizeof(flags));
}

static void limit_rate(struct building *b)
{
	struct nftnl_expr *expr = add(b, "limit");

	if (!expr)
		return;
	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_RATE, PACKETS_PER_SECOND);
	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_BURST, BURST);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_FLAGS, 0);
}

static void set_trace(struct building *b)
{
	const uint8_t on = 1;
	struct nftnl_expr *expr = add(b, "immediate");

	if (expr) {
		nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
		set_bytes(b, expr, NFTNL_EXPR_IMM_DATA, &on, sizeof(on));
	}
	expr = add(b, "meta");
	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, NFT_META_NFTRACE);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_SREG, NFT_REG_1);
}

struct nftnl_rule *nft_trace_rule(uint32_t family, const char *table, const char *chain,
				  const struct nft_watch *watch)
{
	struct building b = { .rule = nftnl_rule_alloc() };

	if (!b.rule)
		return NULL;
	nftnl_rule_set_u32(b.rule, NFTNL_RULE_FAMILY, family);
	b.failed = nftnl_rule_set_str(b.rule, NFTNL_RULE_TABLE, table) ||
		   nftnl_rule_set_str(b.rule, NFTNL_RULE_CHAIN, chain);
	match_protocols(&b, family, watch);
	match_addresses(&b, watch);
	match_transport(&b, watch);
	limit_rate(&b);
	set_trace(&b);
	if (!b.failed)
		return b.rule;
	nftnl_rule_free(b.rule);
	return NULL;
}
