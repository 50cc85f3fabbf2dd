// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What nftables' expressions demand of a packet, and what they do with it. */
#include <errno.h>
#include <stdio.h> /* before libnftnl, which needs it */

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "firewall_nft.h"

/* What an expression has put into a register. */
struct content {
	enum fw_field field;
	uint8_t len; /* bytes loaded, from the field's start; more than it has: also of the next */
	bool index; /* a device's number instead of its name */
	bool masked;
	uint8_t mask[16];
};

#define N_REGISTERS 20 /* of 32 bits */

struct reader {
	struct fw_rules *rules;
	bool ipv6;
	struct fw_chain *chain;
	struct fw_rule draft; /* the rule being read */
	struct content reg[N_REGISTERS], nowhere;
	bool done; /* its verdict is known */
	int err;
};

static struct content *reg(struct reader *r, uint32_t number)
{
	if (number >= NFT_REG_1 && number <= NFT_REG_4) /* 128 bits each */
		number = (number - NFT_REG_1) * 4;
	else if (number >= NFT_REG32_00)
		number -= NFT_REG32_00;
	if (number >= N_REGISTERS) {
		r->nowhere = (struct content){ .field = FW_UNKNOWN };
		return &r->nowhere;
	}
	return &r->reg[number];
}

static struct fw_condition *condition(struct reader *r, enum fw_field field, size_t n,
				      struct fw_range **range)
{
	struct fw_condition *cond = fw_condition_add(r->rules, &r->draft, field, n, range);

	if (!cond)
		r->err = -ENOMEM;
	return cond;
}

static void cannot_tell(struct reader *r)
{
	condition(r, FW_UNKNOWN, 0, NULL);
}

/* ---- loads ---- */

static void read_payload(struct reader *r, const struct nftnl_expr *e)
{
	uint32_t base = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_BASE);
	uint32_t offset = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET);
	uint32_t len = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_LEN);
	static const struct {
		uint32_t base, offset, len_min, len_max;
		bool v4, v6;
		enum fw_field field;
	} known[] = {
		{ NFT_PAYLOAD_NETWORK_HEADER, 9, 1, 1, true, false, FW_PROTO },
		{ NFT_PAYLOAD_NETWORK_HEADER, 12, 1, 8, true, false, FW_SADDR4 },
		{ NFT_PAYLOAD_NETWORK_HEADER, 16, 1, 4, true, false, FW_DADDR4 },
		{ NFT_PAYLOAD_NETWORK_HEADER, 6, 1, 1, false, true, FW_PROTO },
		{ NFT_PAYLOAD_NETWORK_HEADER, 8, 1, 16, false, true, FW_SADDR6 },
		{ NFT_PAYLOAD_NETWORK_HEADER, 24, 1, 16, false, true, FW_DADDR6 },
		{ NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, 1, true, true, FW_ICMPTYPE },
		{ NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2, 4, true, true, FW_SPORT },
		{ NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, 2, true, true, FW_DPORT },
		{ NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1, 1, true, true, FW_TCPFLAGS },
	};
	struct content *to;

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_PAYLOAD_DREG))
		return; /* writes to the packet */
	to = reg(r, nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_DREG));
	*to = (struct content){ .field = FW_UNKNOWN };
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].base == base && known[i].offset == offset &&
		    (r->ipv6 ? known[i].v6 : known[i].v4) && len >= known[i].len_min &&
		    len <= known[i].len_max)
			*to = (struct content){ .field = known[i].field, .len = (uint8_t)len };
}

static void read_meta(struct reader *r, const struct nftnl_expr *e)
{
	struct content *to;

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_META_DREG))
		return; /* sets a mark and the like */
	to = reg(r, nftnl_expr_get_u32(e, NFTNL_EXPR_META_DREG));
	*to = (struct content){ .field = FW_UNKNOWN };
	switch (nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY)) {
	case NFT_META_NFPROTO:
		*to = (struct content){ .field = FW_NFPROTO, .len = 1 };
		break;
	case NFT_META_L4PROTO:
		*to = (struct content){ .field = FW_PROTO, .len = 1 };
		break;
	case NFT_META_IIFNAME:
		*to = (struct content){ .field = FW_IIF, .len = 16 };
		break;
	case NFT_META_OIFNAME:
		*to = (struct content){ .field = FW_OIF, .len = 16 };
		break;
	case NFT_META_IIF:
		*to = (struct content){ .field = FW_IIF, .len = 4, .index = true };
		break;
	case NFT_META_OIF:
		*to = (struct content){ .field = FW_OIF, .len = 4, .index = true };
		break;
	}
}

static void read_ct(struct reader *r, const struct nftnl_expr *e)
{
	struct content *to;

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_CT_DREG))
		return;
	to = reg(r, nftnl_expr_get_u32(e, NFTNL_EXPR_CT_DREG));
	*to = (struct content){ .field = FW_UNKNOWN };
	if (nftnl_expr_get_u32(e, NFTNL_EXPR_CT_KEY) == NFT_CT_STATE)
		*to = (struct content){ .field = FW_CTSTATE, .len = 4 };
}

/* The kernel keeps these in the host's byte order; here, everything is big-endian. */
static void to_big_endian(enum fw_field field, uint8_t *value)
{
	uint32_t number;

	if (field != FW_CTSTATE)
		return;
	memcpy(&number, value, 4);
	number = __builtin_bswap32(number);
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		memcpy(value, &number, 4);
}

static void read_bitwise(struct reader *r, const struct nftnl_expr *e)
{
	struct content *from = reg(r, nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_SREG));
	struct content *to = reg(r, nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_DREG));
	uint32_t mask_len = 0, xor_len = 0;
	const uint8_t *mask = nftnl_expr_get(e, NFTNL_EXPR_BITWISE_MASK, &mask_len);
	const uint8_t *xor = nftnl_expr_get(e, NFTNL_EXPR_BITWISE_XOR, &xor_len);
	bool plain = mask && mask_len <= 16 && !from->masked && !from->index &&
		     from->len <= fw_field_len(from->field);

	for (uint32_t i = 0; xor && i < xor_len; i++)
		plain &= !xor[i];
	*to = *from;
	if (!plain) {
		to->field = FW_UNKNOWN;
		return;
	}
	to->masked = true;
	memset(to->mask, 0, sizeof(to->mask));
	memcpy(to->mask, mask, mask_len);
	to_big_endian(to->field, to->mask);
}

/* ---- comparisons ---- */

static void device_name(uint8_t out[16], const uint8_t *index)
{
	char name[IFNAMSIZ] = "";
	uint32_t number;

	memcpy(&number, index, 4);
	memset(out, 0, 16);
	if (if_indextoname(number, name))
		memcpy(out, name, strnlen(name, 16));
}

/* VALUE of LEN bytes as both ends of a range: what was not loaded of the field can be anything. */
static void fill_range(const struct content *c, const uint8_t *value, uint32_t len,
		       struct fw_range *range)
{
	size_t field_len = fw_field_len(c->field);

	if (c->index) {
		device_name(range->lo, value);
		device_name(range->hi, value);
		return;
	}
	if (len > field_len)
		len = (uint32_t)field_len;
	memset(range->lo, 0, 16);
	memset(range->hi, 0xff, 16);
	memcpy(range->lo, value, len);
	memcpy(range->hi, value, len);
	if (len == 4) {
		to_big_endian(c->field, range->lo);
		to_big_endian(c->field, range->hi);
	}
}

static void add_mask(struct fw_condition *cond, const struct content *c)
{
	cond->masked = c->masked;
	memcpy(cond->mask, c->mask, sizeof(cond->mask));
}

/* Steps the first LEN bytes by one; false: there is no such value. */
static bool step(uint8_t *value, size_t len, bool up)
{
	for (size_t i = len; i--;)
		if (up ? ++value[i] != 0 : value[i]-- != 0)
			return true;
	return false;
}

static void compare(struct reader *r, const struct content *c, uint32_t op, const uint8_t *value,
		    uint32_t len)
{
	struct fw_range *range;
	struct fw_condition *cond = condition(r, c->field, 1, &range);

	if (!cond)
		return;
	add_mask(cond, c);
	cond->negate = op == NFT_CMP_NEQ;
	fill_range(c, value, len, range);
	if (op == NFT_CMP_EQ || op == NFT_CMP_NEQ)
		return;
	if (c->index)
		cond->field = FW_UNKNOWN;
	if (op == NFT_CMP_LT && !step(range->hi, len, false))
		cond->n = 0;
	if (op == NFT_CMP_GT && !step(range->lo, len, true))
		cond->n = 0;
	if (op == NFT_CMP_LT || op == NFT_CMP_LTE)
		memset(range->lo, 0, 16);
	else
		memset(range->hi, 0xff, 16);
}

static void read_cmp(struct reader *r, const struct nftnl_expr *e)
{
	const struct content *c = reg(r, nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_SREG));
	uint32_t op = nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_OP), len = 0;
	const uint8_t *value = nftnl_expr_get(e, NFTNL_EXPR_CMP_DATA, &len);
	uint32_t field_len = (uint32_t)fw_field_len(c->field);
	struct content next = { .field = c->field + 1, .len = (uint8_t)field_len };

	if (c->field == FW_UNKNOWN || !value || !len || len > 16 || (c->index && len != 4) ||
	    (c->len > field_len && op != NFT_CMP_EQ)) {
		cannot_tell(r);
		return;
	}
	/* One load for two fields that lie side by side: two conditions. */
	if (c->len > field_len && len > field_len) {
		compare(r, c, op, value, field_len);
		compare(r, &next, op, value + field_len, len - field_len);
		return;
	}
	compare(r, c, op, value, len);
}

static void read_range(struct reader *r, const struct nftnl_expr *e)
{
	const struct content *c = reg(r, nftnl_expr_get_u32(e, NFTNL_EXPR_RANGE_SREG));
	uint32_t from_len = 0, to_len = 0;
	const uint8_t *from = nftnl_expr_get(e, NFTNL_EXPR_RANGE_FROM_DATA, &from_len);
	const uint8_t *to = nftnl_expr_get(e, NFTNL_EXPR_RANGE_TO_DATA, &to_len);
	struct fw_range *range, end;
	struct fw_condition *cond;

	if (c->field == FW_UNKNOWN || c->index || !from || !to || from_len > 16 || to_len > 16 ||
	    c->len > fw_field_len(c->field)) {
		cannot_tell(r);
		return;
	}
	cond = condition(r, c->field, 1, &range);
	if (!cond)
		return;
	add_mask(cond, c);
	cond->negate = nftnl_expr_get_u32(e, NFTNL_EXPR_RANGE_OP) == NFT_RANGE_NEQ;
	fill_range(c, from, from_len, range);
	fill_range(c, to, to_len, &end);
	memcpy(range->hi, end.hi, 16);
}

/* ---- verdicts ---- */

static enum fw_verdict verdict_of(uint32_t code)
{
	switch ((int32_t)code) {
	case NF_ACCEPT:
		return FW_ACCEPT;
	case NF_DROP:
		return FW_DROP;
	case NFT_JUMP:
		return FW_JUMP;
	case NFT_GOTO:
		return FW_GOTO;
	case NFT_RETURN:
		return FW_RETURN;
	case NFT_CONTINUE:
		return FW_CONTINUE;
	default:
		return FW_OTHER;
	}
}

/* Puts the draft with VERDICT behind the chain's rules. */
static void keep(struct reader *r, enum fw_verdict verdict, const char *target)
{
	struct fw_rule *rule = fw_rule_add(r->rules, r->chain);

	if (!rule) {
		r->err = -ENOMEM;
		return;
	}
	rule->handle = r->draft.handle;
	rule->verdict = verdict;
	rule->n = r->draft.n;
	memcpy(rule->cond, r->draft.cond, sizeof(rule->cond));
	snprintf(rule->target, sizeof(rule->target), "%s", target ? target : "");
}

static void decide(struct reader *r, enum fw_verdict verdict, const char *target)
{
	keep(r, verdict, target);
	r->done = true;
}

static void read_immediate(struct reader *r, const struct nftnl_expr *e)
{
	uint32_t to = nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_DREG);

	if (to != NFT_REG_VERDICT) {
		reg(r, to)->field = FW_UNKNOWN;
		return;
	}
	decide(r, verdict_of(nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_VERDICT)),
	       nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN));
}

/* A condition for N elements of a set. */
static struct fw_condition *in_set(struct reader *r, const struct content *c,
				   const struct nft_element *element, size_t n)
{
	struct fw_range *range, end;
	struct fw_condition *cond = condition(r, c->field, n, &range);

	if (!cond)
		return NULL;
	add_mask(cond, c);
	for (size_t i = 0; i < n; i++) {
		fill_range(c, element[i].lo, element[i].len, &range[i]);
		fill_range(c, element[i].hi, element[i].len, &end);
		memcpy(range[i].hi, end.hi, 16);
		if (element[i].any) {
			memset(range[i].lo, 0, 16);
			memset(range[i].hi, 0xff, 16);
		}
	}
	return cond;
}

static void read_lookup(struct reader *r, const struct nftnl_expr *e)
{
	const struct content *c = reg(r, nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_SREG));
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_LOOKUP_SET);
	bool inverted = nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_FLAGS) &&
			nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV;
	bool map = nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_DREG);
	uint32_t to = map ? nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_DREG) : 0;
	struct nft_elements set = { 0 };
	struct fw_condition *cond;

	if (map && to != NFT_REG_VERDICT)
		reg(r, to)->field = FW_UNKNOWN;
	if (c->field == FW_UNKNOWN || c->len > fw_field_len(c->field) || !name ||
	    nft_elements_read(r->chain->family, r->chain->table, name, c->len, &set)) {
		cannot_tell(r);
		if (map && to == NFT_REG_VERDICT)
			decide(r, FW_OTHER, NULL);
	} else if (map && to == NFT_REG_VERDICT) {
		/* A rule for each element. */
		for (size_t i = 0; i < set.n && !r->err; i++) {
			size_t n = r->draft.n;

			if (in_set(r, c, &set.element[i], 1))
				keep(r, verdict_of((uint32_t)set.element[i].verdict),
				     set.element[i].chain);
			r->draft.n = n;
		}
		r->done = true;
	} else {
		cond = in_set(r, c, set.element, set.n);
		if (cond)
			cond->negate = inverted;
	}
	nft_elements_free(&set);
}

static void read_target(struct reader *r, const struct nftnl_expr *e)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_TG_NAME);

	if (!name)
		return;
	if (!strcmp(name, "REJECT"))
		decide(r, FW_REJECT, NULL);
	else if (!strcmp(name, "DNAT") || !strcmp(name, "REDIRECT"))
		decide(r, FW_NAT, NULL);
	else if (!strcmp(name, "SNAT") || !strcmp(name, "MASQUERADE"))
		decide(r, FW_ACCEPT, NULL);
	else if (!strcmp(name, "NFQUEUE"))
		decide(r, FW_OTHER, NULL);
}

static void read_nat(struct reader *r, const struct nftnl_expr *e)
{
	decide(r, nftnl_expr_get_u32(e, NFTNL_EXPR_NAT_TYPE) == NFT_NAT_DNAT ? FW_NAT : FW_ACCEPT,
	       NULL);
}

static void reject(struct reader *r, const struct nftnl_expr *e)
{
	decide(r, FW_REJECT, NULL);
}

static void accept_it(struct reader *r, const struct nftnl_expr *e)
{
	decide(r, FW_ACCEPT, NULL);
}

static void redirect(struct reader *r, const struct nftnl_expr *e)
{
	decide(r, FW_NAT, NULL);
}

static void queue(struct reader *r, const struct nftnl_expr *e)
{
	decide(r, FW_OTHER, NULL);
}

static void nothing(struct reader *r, const struct nftnl_expr *e)
{
}

static void read_expression(struct reader *r, const struct nftnl_expr *e)
{
	static const struct {
		const char *name;
		void (*read)(struct reader *r, const struct nftnl_expr *e);
	} known[] = {
		{ "payload", read_payload }, { "meta", read_meta }, { "ct", read_ct },
		{ "bitwise", read_bitwise }, { "cmp", read_cmp }, { "range", read_range },
		{ "lookup", read_lookup }, { "immediate", read_immediate },
		{ "target", read_target }, { "nat", read_nat }, { "reject", reject },
		{ "masq", accept_it }, { "redir", redirect }, { "queue", queue },
		{ "counter", nothing }, { "log", nothing }, { "notrack", nothing },
		{ "objref", nothing }, { "last", nothing },
	};
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);

	for (size_t i = 0; name && i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, name)) {
			known[i].read(r, e);
			return;
		}
	/* It may leave something in a register, which then nobody knows. */
	memset(r->reg, 0, sizeof(r->reg));
	cannot_tell(r);
}

int nft_rule_read(struct fw_rules *rules, struct fw_chain *chain, bool ipv6, struct nftnl_rule *nft)
{
	struct reader r = { .rules = rules, .ipv6 = ipv6, .chain = chain };
	struct nftnl_expr_iter *iter = nftnl_expr_iter_create(nft);
	struct nftnl_expr *e;

	if (!iter)
		return -ENOMEM;
	r.draft.handle = nftnl_rule_get_u64(nft, NFTNL_RULE_HANDLE);
	while (!r.done && !r.err && (e = nftnl_expr_iter_next(iter)))
		read_expression(&r, e);
	nftnl_expr_iter_destroy(iter);
	if (!r.done && !r.err)
		keep(&r, FW_CONTINUE, NULL);
	return r.err;
}
