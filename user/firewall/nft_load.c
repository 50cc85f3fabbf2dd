// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What nftables' expressions put into the registers: which field of the packet. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "nft.h"

static size_t slot(uint32_t number)
{
	if (number >= NFT_REG_1 && number <= NFT_REG_4) /* 128 bits each */
		return (number - NFT_REG_1) * 4;
	return number >= NFT_REG32_00 ? number - NFT_REG32_00 : number;
}

struct nft_content *nft_register(struct nft_rule_reader *r, uint32_t number)
{
	if (slot(number) < NFT_REGISTERS)
		return &r->reg[slot(number)];
	r->nowhere = (struct nft_content){ .field = FW_UNKNOWN };
	return &r->nowhere;
}

/* What register NUMBER held is no more. */
static struct nft_content *load(struct nft_rule_reader *r, uint32_t number, uint32_t len)
{
	struct nft_content *to = nft_register(r, number);

	for (size_t i = 1; i < (len + 3) / 4 && slot(number) + i < NFT_REGISTERS; i++)
		r->reg[slot(number) + i] = (struct nft_content){ .field = FW_UNKNOWN };
	*to = (struct nft_content){ .field = FW_UNKNOWN, .len = len > 64 ? 64 : (uint8_t)len };
	return to;
}

/* Whether bytes OFFSET to OFFSET + LEN of the header hold an address or a port. */
static bool is_address(uint32_t base, uint32_t offset, uint32_t len, bool ipv6)
{
	uint32_t from = 0, to = 4; /* both ports */

	if (base == NFT_PAYLOAD_NETWORK_HEADER) {
		from = ipv6 ? 8 : 12;
		to = ipv6 ? 40 : 20;
	}
	return base != NFT_PAYLOAD_LL_HEADER && offset < to && offset + len > from;
}

void nft_load_payload(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	uint32_t base = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_BASE);
	uint32_t offset = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET);
	uint32_t len = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_LEN);
	static const struct {
		uint32_t base, offset, len_min, len_max;
		bool v4, v6;
		enum fw_field field;
	} known[] = {
		{ NFT_PAYLOAD_LL_HEADER, 12, 2, 2, true, true, FW_ETHERTYPE },
		{ NFT_PAYLOAD_NETWORK_HEADER, 9, 1, 1, true, false, FW_PROTO },
		{ NFT_PAYLOAD_NETWORK_HEADER, 12, 1, 8, true, false, FW_SADDR4 },
		{ NFT_PAYLOAD_NETWORK_HEADER, 16, 1, 4, true, false, FW_DADDR4 },
		{ NFT_PAYLOAD_NETWORK_HEADER, 6, 1, 1, false, true, FW_PROTO },
		{ NFT_PAYLOAD_NETWORK_HEADER, 8, 1, 16, false, true, FW_SADDR6 },
		{ NFT_PAYLOAD_NETWORK_HEADER, 24, 1, 16, false, true, FW_DADDR6 },
		{ NFT_PAYLOAD_NETWORK_HEADER, 0, 2, 2, true, false, FW_ARPHTYPE },
		{ NFT_PAYLOAD_NETWORK_HEADER, 2, 2, 2, true, false, FW_ARPPTYPE },
		{ NFT_PAYLOAD_NETWORK_HEADER, 4, 1, 1, true, false, FW_ARPHLEN },
		{ NFT_PAYLOAD_NETWORK_HEADER, 5, 1, 1, true, false, FW_ARPPLEN },
		{ NFT_PAYLOAD_NETWORK_HEADER, 6, 2, 2, true, false, FW_ARPOP },
		{ NFT_PAYLOAD_NETWORK_HEADER, 14, 4, 4, true, false, FW_ARPSADDR },
		{ NFT_PAYLOAD_NETWORK_HEADER, 24, 4, 4, true, false, FW_ARPDADDR },
		{ NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, 1, true, true, FW_ICMPTYPE },
		{ NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2, 4, true, true, FW_SPORT },
		{ NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, 2, true, true, FW_DPORT },
		{ NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1, 1, true, true, FW_TCPFLAGS },
	};
	struct nft_content *to;

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_PAYLOAD_DREG)) { /* writes to the packet */
		if (is_address(base, offset, len, r->ipv6))
			r->draft.effect = FW_EFFECT_REWRITE;
		return;
	}
	to = load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_DREG), len);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].base == base && known[i].offset == offset &&
		    (r->ipv6 ? known[i].v6 : known[i].v4) && len >= known[i].len_min &&
		    len <= known[i].len_max)
			to->field = known[i].field;
}

void nft_load_meta(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	static const struct {
		uint32_t key;
		enum fw_field field;
		uint8_t len;
		bool index;
		bool host_order;
	} known[] = {
		{ NFT_META_NFPROTO, FW_NFPROTO, 1 }, { NFT_META_L4PROTO, FW_PROTO, 1 },
		{ NFT_META_PROTOCOL, FW_ETHERTYPE, 2 }, { NFT_META_IIFNAME, FW_IIF, 16 },
		{ NFT_META_OIFNAME, FW_OIF, 16 }, { NFT_META_IIF, FW_IIF, 4, true },
		{ NFT_META_OIF, FW_OIF, 4, true }, { NFT_META_IIFTYPE, FW_DEVICETYPE, 2, false, true },
	};
	uint32_t key = nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY);
	uint32_t number = nftnl_expr_get_u32(e, NFTNL_EXPR_META_DREG);

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_META_DREG))
		return; /* sets a mark and the like */
	load(r, number, 4);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].key == key) {
			struct nft_content *to = load(r, number, known[i].len);

			to->field = known[i].field;
			to->index = known[i].index;
			to->host_order = known[i].host_order;
		}
}

void nft_load_ct(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	struct nft_content *to;

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_CT_DREG))
		return;
	to = load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_CT_DREG), 4);
	if (nftnl_expr_get_u32(e, NFTNL_EXPR_CT_KEY) == NFT_CT_STATE) {
		to->field = FW_CTSTATE;
		to->host_order = true;
	}
}

/* The kind of one address, wherever the packet goes. */
void nft_load_fib(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	struct nft_content *to = load(r, nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_DREG), 4);
	uint32_t flags = nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_FLAGS);

	if (nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_RESULT) != NFT_FIB_RESULT_ADDRTYPE ||
	    (flags != NFTA_FIB_F_SADDR && flags != NFTA_FIB_F_DADDR)) {
		nft_cannot_tell(r);
		return;
	}
	to->field = flags == NFTA_FIB_F_SADDR ? FW_SADDRTYPE : FW_DADDRTYPE;
	to->host_order = true;
}

void nft_value(const struct nft_content *c, const uint8_t *value, uint32_t len, uint8_t out[16])
{
	size_t field_len = fw_field_len(c->field);
	uint32_t number = 0;

	memset(out, 0, 16);
	if (!c->host_order) {
		memcpy(out, value, len > 16 ? 16 : len);
		return;
	}
	memcpy(&number, value, len > 4 ? 4 : len);
	for (size_t i = field_len; i--; number >>= 8)
		out[i] = (uint8_t)number;
}

void nft_load_bitwise(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	const struct nft_content *from =
		nft_register(r, nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_SREG));
	struct nft_content *to =
		nft_register(r, nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_DREG));
	uint32_t mask_len = 0, xor_len = 0;
	const uint8_t *mask = nftnl_expr_get(e, NFTNL_EXPR_BITWISE_MASK, &mask_len);
	const uint8_t *xor = nftnl_expr_get(e, NFTNL_EXPR_BITWISE_XOR, &xor_len);
	bool plain = mask && mask_len <= 16 && !from->masked && !from->index &&
		     (from->host_order || from->len <= fw_field_len(from->field));

	for (uint32_t i = 0; xor && i < xor_len; i++)
		plain &= !xor[i];
	*to = *from;
	if (!plain) {
		to->field = FW_UNKNOWN;
		return;
	}
	to->masked = true;
	nft_value(to, mask, mask_len, to->mask);
}
