// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What nftables' expressions load, in nft's words. */
#include <netinet/in.h> /* before the kernel's headers, which give way */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "firewall_statement.h"

struct render_term *render_register(struct render_rule *r, uint32_t number)
{
	if (number >= NFT_REG_1 && number <= NFT_REG_4) /* 128 bits each */
		number = (number - NFT_REG_1) * 4;
	else if (number >= NFT_REG32_00)
		number -= NFT_REG32_00;
	if (number < NFT_REGISTERS)
		return &r->reg[number];
	r->nowhere = (struct render_term){ .type = RENDER_UNKNOWN };
	return &r->nowhere;
}

static void set_term(struct render_term *to, enum render_type type, const char *name, uint32_t len)
{
	*to = (struct render_term){ .type = type, .len = len > 64 ? 64 : (uint8_t)len };
	snprintf(to->name, sizeof(to->name), "%s", name);
}

/* ---- headers ---- */

struct header_field {
	uint32_t offset, len_min, len;
	enum render_type type;
	const char *name;
};

static const struct header_field ether[] = { { 0, 6, 6, RENDER_ETHER, "ether daddr" },
					     { 6, 6, 6, RENDER_ETHER, "ether saddr" },
					     { 12, 2, 2, RENDER_ETHERTYPE, "ether type" },
					     { 0 } };
static const struct header_field ipv4[] = { { 2, 2, 2, RENDER_NUMBER, "ip length" },
					    { 4, 2, 2, RENDER_NUMBER, "ip id" },
					    { 8, 1, 1, RENDER_NUMBER, "ip ttl" },
					    { 9, 1, 1, RENDER_PROTO, "ip protocol" },
					    { 12, 1, 4, RENDER_IPV4, "ip saddr" },
					    { 16, 1, 4, RENDER_IPV4, "ip daddr" },
					    { 0 } };
static const struct header_field ipv6[] = { { 4, 2, 2, RENDER_NUMBER, "ip6 length" },
					    { 6, 1, 1, RENDER_PROTO, "ip6 nexthdr" },
					    { 7, 1, 1, RENDER_NUMBER, "ip6 hoplimit" },
					    { 8, 1, 16, RENDER_IPV6, "ip6 saddr" },
					    { 24, 1, 16, RENDER_IPV6, "ip6 daddr" },
					    { 0 } };
static const struct header_field tcp[] = { { 0, 2, 2, RENDER_PORT, "tcp sport" },
					   { 2, 2, 2, RENDER_PORT, "tcp dport" },
					   { 13, 1, 1, RENDER_TCPFLAGS, "tcp flags" },
					   { 14, 2, 2, RENDER_NUMBER, "tcp window" },
					   { 0 } };
static const struct header_field udp[] = { { 0, 2, 2, RENDER_PORT, "udp sport" },
					   { 2, 2, 2, RENDER_PORT, "udp dport" },
					   { 4, 2, 2, RENDER_NUMBER, "udp length" },
					   { 0 } };
static const struct header_field sctp[] = { { 0, 2, 2, RENDER_PORT, "sctp sport" },
					    { 2, 2, 2, RENDER_PORT, "sctp dport" },
					    { 0 } };
static const struct header_field icmp[] = { { 0, 1, 1, RENDER_ICMP, "icmp type" },
					    { 1, 1, 1, RENDER_NUMBER, "icmp code" },
					    { 0 } };
static const struct header_field icmpv6[] = { { 0, 1, 1, RENDER_ICMPV6, "icmpv6 type" },
					      { 1, 1, 1, RENDER_NUMBER, "icmpv6 code" },
					      { 0 } };
static const struct header_field any[] = { { 0, 2, 2, RENDER_PORT, "th sport" },
					   { 2, 2, 2, RENDER_PORT, "th dport" },
					   { 0 } };

static const struct header_field *transport_header(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return tcp;
	case IPPROTO_UDP:
		return udp;
	case IPPROTO_SCTP:
		return sctp;
	case IPPROTO_ICMP:
		return icmp;
	case IPPROTO_ICMPV6:
		return icmpv6;
	default:
		return any;
	}
}

static const struct header_field *find_field(const struct render_rule *r,
					     const struct nftnl_expr *e)
{
	uint32_t base = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_BASE);
	uint32_t offset = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET);
	uint32_t len = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_LEN);
	const struct header_field *f = NULL;

	if (base == NFT_PAYLOAD_LL_HEADER)
		f = ether;
	else if (base == NFT_PAYLOAD_NETWORK_HEADER)
		f = r->v6 ? ipv6 : ipv4;
	else if (base == NFT_PAYLOAD_TRANSPORT_HEADER)
		f = transport_header(r->proto);
	while (f && f->name && (f->offset != offset || len < f->len_min || len > f->len))
		f++;
	return f && f->name ? f : NULL;
}

/* Both addresses, or both ports, in one load: nft makes one of two comparisons. */
static const struct header_field *find_pair(const struct render_rule *r,
					    const struct nftnl_expr *e)
{
	uint32_t base = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_BASE);
	uint32_t offset = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET);
	uint32_t len = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_LEN);
	const struct header_field *f = NULL;

	if (base == NFT_PAYLOAD_NETWORK_HEADER && !r->v6)
		f = ipv4;
	else if (base == NFT_PAYLOAD_TRANSPORT_HEADER)
		f = transport_header(r->proto);
	for (; f && f->name; f++)
		if (f->offset == offset && f->len * 2 == len && f[1].name &&
		    f[1].offset == offset + f->len && f[1].type == f->type &&
		    (f->type == RENDER_IPV4 || f->type == RENDER_PORT))
			return f;
	return NULL;
}

/* "ip saddr set 10.0.0.1" */
static void put_write(struct render_rule *r, const char *name, enum render_type type,
		      const struct render_term *from, size_t len)
{
	char value[RENDER_VALUE_LEN];

	if (!from->constant || from->len < len || !render_value(value, type, from->value, len))
		snprintf(value, sizeof(value), "…");
	render_put(r, "%s set %s", name, value);
}

static void load_payload(struct render_rule *r, const struct nftnl_expr *e)
{
	uint32_t base = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_BASE);
	uint32_t len = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_LEN);
	const struct header_field *f = find_field(r, e), *pair = f ? NULL : find_pair(r, e);
	bool reads = nftnl_expr_is_set(e, NFTNL_EXPR_PAYLOAD_DREG);
	struct render_term *to;

	if (pair && reads)
		f = pair;
	/* An address tells its family, a port its protocol. */
	if (f && base == NFT_PAYLOAD_NETWORK_HEADER)
		render_imply(r, &r->says_family);
	if (f && base == NFT_PAYLOAD_TRANSPORT_HEADER && r->proto)
		render_imply(r, &r->says_proto);
	if (f && (f->type == RENDER_ICMP || f->type == RENDER_ICMPV6))
		render_imply(r, &r->says_family);
	if (reads) {
		to = render_register(r, nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_DREG));
		set_term(to, f ? f->type : RENDER_UNKNOWN, f ? f->name : "", len);
		if (pair)
			snprintf(to->second, sizeof(to->second), "%s", f[1].name);
	} else if (f) {
		put_write(r, f->name, f->type,
			  render_register(r, nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_SREG)), len);
	} else {
		render_unknown(r);
	}
}

/* ---- what else is known of a packet ---- */

struct keyed {
	uint32_t key;
	enum render_type type;
	uint8_t len;
	const char *name;
};

static void load_keyed(struct render_rule *r, const struct keyed *known, uint32_t key,
		       const uint32_t *dreg, const uint32_t *sreg, const char *what)
{
	while (known->name && known->key != key)
		known++;
	if (dreg)
		set_term(render_register(r, *dreg), known->type, known->name ? known->name : what,
			 known->name ? known->len : 4);
	else if (sreg)
		put_write(r, known->name ? known->name : what, known->type,
			  render_register(r, *sreg), known->len);
	else
		render_unknown(r);
}

static void load_meta(struct render_rule *r, const struct nftnl_expr *e)
{
	static const struct keyed known[] = {
		{ NFT_META_NFPROTO, RENDER_NFPROTO, 1, "meta nfproto" },
		{ NFT_META_L4PROTO, RENDER_PROTO, 1, "meta l4proto" },
		{ NFT_META_PROTOCOL, RENDER_ETHERTYPE, 2, "meta protocol" },
		{ NFT_META_IIFNAME, RENDER_DEVICE, 16, "iifname" },
		{ NFT_META_OIFNAME, RENDER_DEVICE, 16, "oifname" },
		{ NFT_META_IIF, RENDER_INDEX, 4, "iif" },
		{ NFT_META_OIF, RENDER_INDEX, 4, "oif" },
		{ NFT_META_MARK, RENDER_MARK, 4, "meta mark" },
		{ NFT_META_PKTTYPE, RENDER_UNKNOWN, 1, "meta pkttype" },
		{ NFT_META_SKUID, RENDER_HOST, 4, "meta skuid" },
		{ NFT_META_SKGID, RENDER_HOST, 4, "meta skgid" },
		{ NFT_META_LEN, RENDER_HOST, 4, "meta length" },
		{ 0 },
	};
	uint32_t dreg = nftnl_expr_get_u32(e, NFTNL_EXPR_META_DREG);
	uint32_t sreg = nftnl_expr_get_u32(e, NFTNL_EXPR_META_SREG);

	load_keyed(r, known, nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY),
		   nftnl_expr_is_set(e, NFTNL_EXPR_META_DREG) ? &dreg : NULL,
		   nftnl_expr_is_set(e, NFTNL_EXPR_META_SREG) ? &sreg : NULL, "meta …");
}

static void load_ct(struct render_rule *r, const struct nftnl_expr *e)
{
	static const struct keyed known[] = {
		{ NFT_CT_STATE, RENDER_CTSTATE, 4, "ct state" },
		{ NFT_CT_MARK, RENDER_MARK, 4, "ct mark" },
		{ NFT_CT_STATUS, RENDER_UNKNOWN, 4, "ct status" },
		{ NFT_CT_DIRECTION, RENDER_UNKNOWN, 1, "ct direction" },
		{ 0 },
	};
	uint32_t dreg = nftnl_expr_get_u32(e, NFTNL_EXPR_CT_DREG);
	uint32_t sreg = nftnl_expr_get_u32(e, NFTNL_EXPR_CT_SREG);

	load_keyed(r, known, nftnl_expr_get_u32(e, NFTNL_EXPR_CT_KEY),
		   nftnl_expr_is_set(e, NFTNL_EXPR_CT_DREG) ? &dreg : NULL,
		   nftnl_expr_is_set(e, NFTNL_EXPR_CT_SREG) ? &sreg : NULL, "ct …");
}

static void load_fib(struct render_rule *r, const struct nftnl_expr *e)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} flags[] = { { NFTA_FIB_F_SADDR, "saddr" }, { NFTA_FIB_F_DADDR, "daddr" },
		      { NFTA_FIB_F_MARK, "mark" }, { NFTA_FIB_F_IIF, "iif" },
		      { NFTA_FIB_F_OIF, "oif" } };
	uint32_t set = nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_FLAGS);
	bool type = nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_RESULT) == NFT_FIB_RESULT_ADDRTYPE;
	char name[sizeof(r->reg[0].name)] = "fib ";

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (set & flags[i].flag)
			snprintf(name + strlen(name), sizeof(name) - strlen(name), "%s%s",
				 strlen(name) > strlen("fib ") ? " . " : "", flags[i].name);
	strncat(name, type ? " type" : " …", sizeof(name) - strlen(name) - 1);
	set_term(render_register(r, nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_DREG)),
		 type ? RENDER_ADDRTYPE : RENDER_UNKNOWN, name, 4);
}

static void load_bitwise(struct render_rule *r, const struct nftnl_expr *e)
{
	const struct render_term *from =
		render_register(r, nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_SREG));
	struct render_term *to =
		render_register(r, nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_DREG));
	uint32_t mask_len = 0, xor_len = 0;
	const uint8_t *mask = nftnl_expr_get(e, NFTNL_EXPR_BITWISE_MASK, &mask_len);
	const uint8_t *xor = nftnl_expr_get(e, NFTNL_EXPR_BITWISE_XOR, &xor_len);
	bool plain = mask && mask_len <= 16 && mask_len == from->len && !from->masked &&
		     !from->constant;

	for (uint32_t i = 0; xor && i < xor_len; i++)
		plain &= !xor[i];
	*to = *from;
	to->masked = plain;
	if (plain)
		memcpy(to->mask, mask, mask_len);
	else
		to->type = RENDER_UNKNOWN;
}

bool render_load(struct render_rule *r, const struct nftnl_expr *e, const char *name)
{
	static const struct {
		const char *name;
		void (*load)(struct render_rule *r, const struct nftnl_expr *e);
	} known[] = {
		{ "payload", load_payload }, { "meta", load_meta }, { "ct", load_ct },
		{ "fib", load_fib }, { "bitwise", load_bitwise },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, name)) {
			known[i].load(r, e);
			return true;
		}
	return false;
}
