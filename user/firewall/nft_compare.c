// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What nftables' comparisons and look-ups in sets demand of a packet. */
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "host/devices.h"
#include "nft.h"

struct fw_condition *nft_condition(struct nft_rule_reader *r, enum fw_field field, size_t n,
				   struct fw_range **range)
{
	struct fw_condition *cond = fw_condition_add(r->rules, &r->draft, field, n, range);

	if (!cond)
		r->err = -ENOMEM;
	return cond;
}

void nft_cannot_tell(struct nft_rule_reader *r)
{
	nft_condition(r, FW_UNKNOWN, 0, NULL);
}

static bool is_whole(const struct nft_content *c)
{
	return c->field != FW_UNKNOWN && (c->host_order || c->len <= fw_field_len(c->field));
}

static void name_of_device(struct nft_rule_reader *r, uint8_t out[16], const uint8_t *index)
{
	char name[IFNAMSIZ];
	uint32_t number;
	int err;

	memcpy(&number, index, 4);
	memset(out, 0, 16);
	err = device_name(number, name);
	if (err && err != -ENODEV)
		r->err = err;
	memcpy(out, name, strnlen(name, 16));
}

/* The range from LO to HI, of LEN bytes each: what was not loaded of the field can be anything. */
static void fill_range(struct nft_rule_reader *r, const struct nft_content *c, const uint8_t *lo,
		       const uint8_t *hi, uint32_t len, struct fw_range *range)
{
	size_t field_len = fw_field_len(c->field);

	if (c->index) {
		name_of_device(r, range->lo, lo);
		name_of_device(r, range->hi, hi);
		return;
	}
	nft_value(c, lo, len, range->lo);
	nft_value(c, hi, len, range->hi);
	if (!c->host_order && len < field_len)
		memset(range->hi + len, 0xff, 16 - len);
}

static void add_mask(struct fw_condition *cond, const struct nft_content *c)
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

static void compare(struct nft_rule_reader *r, const struct nft_content *c, uint32_t op,
		    const uint8_t *value, uint32_t len)
{
	struct fw_range *range;
	struct fw_condition *cond = nft_condition(r, c->field, 1, &range);
	size_t step_len = c->host_order ? fw_field_len(c->field) : len;

	if (!cond)
		return;
	add_mask(cond, c);
	cond->negate = op == NFT_CMP_NEQ;
	fill_range(r, c, value, value, len, range);
	if (op == NFT_CMP_EQ || op == NFT_CMP_NEQ)
		return;
	if (c->index)
		cond->field = FW_UNKNOWN;
	if (op == NFT_CMP_LT && !step(range->hi, step_len, false))
		cond->n = 0;
	if (op == NFT_CMP_GT && !step(range->lo, step_len, true))
		cond->n = 0;
	if (op == NFT_CMP_LT || op == NFT_CMP_LTE)
		memset(range->lo, 0, 16);
	else
		memset(range->hi, 0xff, 16);
}

void nft_compare(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	const struct nft_content *c = nft_register(r, nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_SREG));
	uint32_t op = nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_OP), len = 0;
	const uint8_t *value = nftnl_expr_get(e, NFTNL_EXPR_CMP_DATA, &len);
	uint32_t field_len = (uint32_t)fw_field_len(c->field);
	struct nft_content next = { .field = c->field + 1, .len = (uint8_t)field_len };

	if (c->field == FW_UNKNOWN || !value || !len || len > 16 || (c->index && len != 4) ||
	    (!is_whole(c) && op != NFT_CMP_EQ)) {
		nft_cannot_tell(r);
		return;
	}
	/* One load for two fields that lie side by side: two conditions. */
	if (!is_whole(c) && len > field_len) {
		compare(r, c, op, value, field_len);
		compare(r, &next, op, value + field_len, len - field_len);
		return;
	}
	compare(r, c, op, value, len);
}

void nft_range(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	const struct nft_content *c =
		nft_register(r, nftnl_expr_get_u32(e, NFTNL_EXPR_RANGE_SREG));
	uint32_t from_len = 0, to_len = 0;
	const uint8_t *from = nftnl_expr_get(e, NFTNL_EXPR_RANGE_FROM_DATA, &from_len);
	const uint8_t *to = nftnl_expr_get(e, NFTNL_EXPR_RANGE_TO_DATA, &to_len);
	struct fw_range *range;
	struct fw_condition *cond;

	if (!is_whole(c) || c->index || !from || !to || from_len > 16 || to_len != from_len) {
		nft_cannot_tell(r);
		return;
	}
	cond = nft_condition(r, c->field, 1, &range);
	if (!cond)
		return;
	add_mask(cond, c);
	cond->negate = nftnl_expr_get_u32(e, NFTNL_EXPR_RANGE_OP) == NFT_RANGE_NEQ;
	fill_range(r, c, from, to, from_len, range);
}

/* ---- sets ---- */

/* The fields of a key, which may be a concatenation, each from a register of its own. */
struct key {
	size_t n;
	const struct nft_content *content[FW_MAX_PARTS];
	size_t at[FW_MAX_PARTS]; /* in the key */
};

static bool find_key(struct nft_rule_reader *r, uint32_t sreg, size_t len, struct key *key)
{
	const struct nft_content *c = nft_register(r, sreg), *end = r->reg + NFT_REGISTERS;

	key->n = 0;
	if (c == &r->nowhere)
		return false;
	if (len <= 4 || c->len >= len) { /* one field alone is not filled up to whole words */
		key->content[0] = c;
		key->at[0] = 0;
		key->n = 1;
		return is_whole(c) && (!c->index || len == 4);
	}
	for (size_t at = 0; at < len; c += (c->len + 3) / 4) {
		if (key->n == FW_MAX_PARTS || c >= end || !c->len || c->masked)
			return false;
		if (c->field != FW_UNKNOWN && !is_whole(c))
			return false;
		key->content[key->n] = c;
		key->at[key->n++] = at;
		at += (c->len + 3u) / 4 * 4;
		if (at > len)
			return false;
	}
	return true;
}

/* A condition for N elements of a set; the catch-all element is not for here. */
static struct fw_condition *in_set(struct nft_rule_reader *r, const struct key *key, size_t len,
				   const struct nft_element *element, size_t n)
{
	bool alone = key->n == 1;
	enum fw_field field = alone ? key->content[0]->field : FW_TUPLE;
	struct fw_range *range;
	struct fw_condition *cond = nft_condition(r, field, n * key->n, &range);

	if (!cond)
		return NULL;
	if (alone)
		add_mask(cond, key->content[0]);
	cond->n_parts = alone ? 0 : (uint8_t)key->n;
	for (size_t part = 0; part < key->n; part++) {
		const struct nft_content *c = key->content[part];
		uint32_t part_len = (uint32_t)(alone ? len : c->len);

		cond->part[part] = c->field;
		for (size_t i = 0; i < n; i++)
			fill_range(r, c, element[i].lo + key->at[part], element[i].hi + key->at[part],
				   part_len > 16 ? 16 : part_len, &range[i * key->n + part]);
	}
	return cond;
}

/* A rule for each element; the catch-all one is for what none of the others has. */
static void keep_map(struct nft_rule_reader *r, const struct key *key,
		     const struct nft_elements *set)
{
	for (size_t i = 0; i < set->n && !r->err; i++) {
		const struct nft_element *element = &set->element[i];
		struct fw_condition *cond;
		struct fw_rule draft = r->draft;

		/* Conditions lie behind each other: each element begins with its own copy. */
		r->draft.cond = NULL;
		r->draft.n = 0;
		for (size_t c = 0; c < draft.n && !r->err; c++) {
			cond = nft_condition(r, FW_UNKNOWN, 0, NULL);
			if (cond)
				*cond = draft.cond[c];
		}
		cond = r->err ? NULL : in_set(r, key, set->len, element->any ? set->element : element,
					      element->any ? i : 1);
		if (cond) {
			cond->negate = element->any;
			if (element->comment)
				r->draft.comment = fw_text_keep(r->rules, element->comment);
			nft_keep(r, nft_verdict((uint32_t)element->verdict), element->chain);
		}
		r->draft = draft;
	}
	if (!set->n) /* nothing is in it: it does nothing */
		nft_keep(r, FW_CONTINUE, NULL);
}

void nft_lookup(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_LOOKUP_SET);
	bool inverted = nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_FLAGS) &&
			nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV;
	bool map = nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_DREG);
	uint32_t to = map ? nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_DREG) : 0;
	bool verdicts = map && to == NFT_REG_VERDICT;
	const struct nft_elements *set =
		name ? nft_elements_get(r->sets, r->chain->family, r->chain->table, name) : NULL;
	struct fw_condition *cond;
	struct key key;
	bool known = set && find_key(r, nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_SREG), set->len,
				     &key);

	if (!known) {
		nft_cannot_tell(r);
		if (verdicts)
			nft_keep(r, FW_OTHER, NULL);
	} else if (verdicts) {
		keep_map(r, &key, set);
	} else if (set->n && set->element[set->n - 1].any) { /* all are in it */
		cond = nft_condition(r, FW_TUPLE, 0, NULL);
		if (cond)
			cond->negate = !inverted;
	} else {
		cond = in_set(r, &key, set->len, set->element, set->n);
		if (cond)
			cond->negate = inverted;
	}
	r->done |= verdicts;
	if (map && !verdicts)
		nft_register(r, to)->field = FW_UNKNOWN;
}
