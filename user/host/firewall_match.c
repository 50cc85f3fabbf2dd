// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* nftables' comparisons and look-ups in sets, in nft's syntax. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "firewall_statement.h"

/* Longer than that a text is not kept: struct fw_rule. */
#define ENOUGH 300

/* ---- comparisons ---- */

/* Notes what protocol or family the statement just put says that it is. */
static void note_dependency(struct render_rule *r, const struct render_term *t,
			    const uint8_t *value)
{
	uint32_t type;

	if (r->cut) /* it was not put */
		return;
	if (t->type == RENDER_PROTO) {
		r->proto = value[0];
		r->says_proto = r->n;
	} else if (t->type == RENDER_NFPROTO) {
		r->v6 = value[0] == NFPROTO_IPV6;
		r->told = true;
		r->says_family = r->n;
	} else if (t->type == RENDER_ETHERTYPE) {
		type = (uint32_t)value[0] << 8 | value[1];
		if (type == 0x0800 || type == 0x86dd) {
			r->v6 = type == 0x86dd;
			r->told = true;
			r->says_family = r->n;
		}
	}
}

static bool is_zero(const uint8_t *value, size_t len)
{
	while (len && !value[len - 1])
		len--;
	return !len;
}

/* The name of T where bits of it are tested: its mask and VALUE. */
static bool put_masked(struct render_rule *r, const struct render_term *t, uint32_t op,
		       const uint8_t *value)
{
	const char *not = op == NFT_CMP_NEQ ? "!= " : "";
	char text[RENDER_VALUE_LEN], bits[RENDER_VALUE_LEN];
	int prefix = render_prefix(t->mask, t->len);

	if (op != NFT_CMP_EQ && op != NFT_CMP_NEQ)
		return false;
	if (t->type == RENDER_IPV4 || t->type == RENDER_IPV6) {
		if (prefix < 0 || !render_value(text, t->type, value, t->len))
			return false;
		render_put(r, "%s %s%s/%d", t->name, not, text, prefix);
		return true;
	}
	if (t->type == RENDER_MARK) {
		if (!render_value(bits, t->type, t->mask, t->len) ||
		    !render_value(text, t->type, value, t->len))
			return false;
		render_put(r, "%s & %s %s %s", t->name, bits, *not ? "!=" : "==", text);
		return true;
	}
	if (!render_bits(bits, t->type, t->mask, t->len))
		return false;
	if (is_zero(value, t->len)) {
		render_put(r, "%s %s%s", t->name, *not ? "" : "! ", bits);
		return true;
	}
	if (t->type != RENDER_TCPFLAGS || !render_bits(text, t->type, value, t->len))
		return false;
	render_put(r, "%s %s%s / %s", t->name, not, text, bits);
	return true;
}

/* Only the first bytes of an address were loaded: a network. */
static bool put_network(struct render_rule *r, const struct render_term *t, uint32_t op,
			const uint8_t *value)
{
	char text[RENDER_VALUE_LEN];
	uint8_t whole[16] = { 0 };

	if (op != NFT_CMP_EQ && op != NFT_CMP_NEQ)
		return false;
	memcpy(whole, value, t->len);
	if (!render_value(text, t->type, whole, render_type_len(t->type)))
		return false;
	render_put(r, "%s %s%s/%d", t->name, op == NFT_CMP_NEQ ? "!= " : "", text, t->len * 8);
	return true;
}

/* "80-90": nft makes two comparisons of it, the lower bound first. */
static bool put_bounds(struct render_rule *r, const struct render_term *t, uint32_t op,
		       const uint8_t *value, size_t len)
{
	char text[RENDER_VALUE_LEN];
	bool same = r->bound.n && r->bound.n == r->n && r->bound.term.type == t->type &&
		    r->bound.term.len == t->len && !strcmp(r->bound.term.name, t->name);

	if (op == NFT_CMP_LTE && same &&
	    render_range(text, t->type, r->bound.value, value, len)) {
		render_imply(r, &r->bound.n);
		render_put(r, "%s %s", t->name, text);
		return true;
	}
	if (op == NFT_CMP_GTE) { /* it comes next */
		r->bound.n = r->n + 1;
		r->bound.term = *t;
		memcpy(r->bound.value, value, len);
	}
	return false;
}

static bool put_plain(struct render_rule *r, const struct render_term *t, uint32_t op,
		      const uint8_t *value, size_t len)
{
	static const char *const ops[] = { [NFT_CMP_EQ] = "", [NFT_CMP_NEQ] = "!= ",
					   [NFT_CMP_LT] = "< ", [NFT_CMP_LTE] = "<= ",
					   [NFT_CMP_GT] = "> ", [NFT_CMP_GTE] = ">= " };
	bool bits = t->type == RENDER_CTSTATE || t->type == RENDER_TCPFLAGS;
	char text[RENDER_VALUE_LEN];

	if (put_bounds(r, t, op, value, len))
		return true;
	if (op >= sizeof(ops) / sizeof(ops[0]) ||
	    !(bits ? render_bits(text, t->type, value, len)
		   : render_value(text, t->type, value, len)))
		return false;
	render_put(r, "%s %s%s", t->name, bits && op == NFT_CMP_EQ ? "== " : ops[op], text);
	if (op == NFT_CMP_EQ)
		note_dependency(r, t, value);
	return true;
}

static void put_unknown_test(struct render_rule *r, const struct render_term *t)
{
	bool told = strstr(t->name, "…"); /* that it is not known */

	render_put(r, "%s%s", t->name, told ? "" : t->name[0] ? " …" : "…");
}

static void put_cmp(struct render_rule *r, const struct nftnl_expr *e)
{
	const struct render_term *t =
		render_register(r, nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_SREG));
	uint32_t op = nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_OP), len = 0;
	const uint8_t *value = nftnl_expr_get(e, NFTNL_EXPR_CMP_DATA, &len);
	bool address = t->type == RENDER_IPV4 || t->type == RENDER_IPV6, put = false;
	struct render_term other = *t;
	uint32_t half = (uint32_t)render_type_len(t->type);

	if (value && len <= 16 && t->type != RENDER_UNKNOWN) {
		if (t->second[0]) {
			memcpy(other.name, t->second, sizeof(other.name));
			put = op == NFT_CMP_EQ && !t->masked && len == half * 2 &&
			      put_plain(r, t, op, value, half) &&
			      put_plain(r, &other, op, value + half, half);
		} else if (t->masked) {
			put = t->len == len && put_masked(r, t, op, value);
		} else if (address && t->len < half) {
			put = t->len == len && put_network(r, t, op, value);
		} else {
			put = put_plain(r, t, op, value, len);
		}
	}
	if (!put)
		put_unknown_test(r, t);
}

static void put_range(struct render_rule *r, const struct nftnl_expr *e)
{
	const struct render_term *t =
		render_register(r, nftnl_expr_get_u32(e, NFTNL_EXPR_RANGE_SREG));
	uint32_t from_len = 0, to_len = 0;
	const uint8_t *from = nftnl_expr_get(e, NFTNL_EXPR_RANGE_FROM_DATA, &from_len);
	const uint8_t *to = nftnl_expr_get(e, NFTNL_EXPR_RANGE_TO_DATA, &to_len);
	bool not = nftnl_expr_get_u32(e, NFTNL_EXPR_RANGE_OP) == NFT_RANGE_NEQ;
	char text[RENDER_VALUE_LEN];

	if (from && to && from_len == to_len && !t->masked &&
	    render_range(text, t->type, from, to, from_len))
		render_put(r, "%s %s%s", t->name, not ? "!= " : "", text);
	else
		put_unknown_test(r, t);
}

/* ---- sets ---- */

/* A key of several fields. */
struct key {
	const struct render_term *term[FW_MAX_PARTS];
	size_t at[FW_MAX_PARTS], n;
};

static bool find_key(struct render_rule *r, uint32_t sreg, size_t len, struct key *key)
{
	const struct render_term *t = render_register(r, sreg), *end = r->reg + NFT_REGISTERS;

	key->n = 0;
	for (size_t at = 0; at < len && t != &r->nowhere; t += (t->len + 3) / 4) {
		if (key->n == FW_MAX_PARTS || t >= end || !t->len || t->constant)
			return false;
		key->term[key->n] = t;
		key->at[key->n++] = at;
		at += key->n == 1 && t->len >= len ? len : (t->len + 3u) / 4 * 4;
		if (at > len)
			return false;
	}
	return key->n;
}

static void put_key(const struct key *key, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < key->n; i++)
		snprintf(out + strlen(out), size - strlen(out), "%s%s", i ? " . " : "",
			 key->term[i]->name[0] ? key->term[i]->name : "…");
}

static bool is_whole(const struct render_term *t)
{
	return t->type != RENDER_UNKNOWN && !t->masked && !t->second[0] && !(t->len > 16) &&
	       (!render_type_len(t->type) || t->len == render_type_len(t->type));
}

static void put_element(const struct key *key, const struct nft_element *element, char *out,
			size_t size)
{
	char value[RENDER_VALUE_LEN];

	out[0] = '\0';
	for (size_t i = 0; i < key->n && !element->any; i++) {
		const struct render_term *t = key->term[i];

		if (!is_whole(t) || !render_range(value, t->type, element->lo + key->at[i],
						  element->hi + key->at[i], t->len))
			snprintf(value, sizeof(value), "…");
		snprintf(out + strlen(out), size - strlen(out), "%s%s", i ? " . " : "", value);
	}
	if (element->any)
		snprintf(out, size, "*");
}

/* "{ 80, 443 }", "{ 80 : drop }" */
static void put_elements(const struct key *key, const struct nft_elements *set, bool verdicts,
			 char *out, size_t size)
{
	char element[FW_MAX_PARTS * RENDER_VALUE_LEN + 32], verdict[96];

	snprintf(out, size, "{");
	for (size_t i = 0; i < set->n && strlen(out) < ENOUGH; i++) {
		put_element(key, &set->element[i], element, sizeof(element));
		render_verdict(verdict, sizeof(verdict), set->element[i].verdict,
			       set->element[i].chain);
		snprintf(out + strlen(out), size - strlen(out), "%s %s%s%s", i ? "," : "", element,
			 verdicts ? " : " : "", verdicts ? verdict : "");
	}
	strncat(out, " }", size - strlen(out) - 1);
}

static void put_lookup(struct render_rule *r, const struct nftnl_expr *e)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_LOOKUP_SET);
	bool inverted = nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_FLAGS) &&
			nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV;
	bool map = nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_DREG);
	uint32_t to = map ? nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_DREG) : 0;
	bool verdicts = map && to == NFT_REG_VERDICT;
	const struct nft_elements *set =
		name ? nft_elements_get(r->sets, r->family, r->table, name) : NULL;
	char keys[256], elements[1280];
	struct key key;

	if (!set ||
	    !find_key(r, nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_SREG), set->len, &key) ||
	    (map && !verdicts)) {
		render_unknown(r);
	} else {
		put_key(&key, keys, sizeof(keys));
		if (strncmp(name, "__set", 5) && strncmp(name, "__map", 5))
			snprintf(elements, sizeof(elements), "@%s", name);
		else
			put_elements(&key, set, verdicts, elements, sizeof(elements));
		render_put(r, "%s %s%s", keys, verdicts ? "vmap " : inverted ? "!= " : "",
			   elements);
	}
	if (map && !verdicts)
		*render_register(r, to) = (struct render_term){ .type = RENDER_UNKNOWN };
}

bool render_test(struct render_rule *r, const struct nftnl_expr *e, const char *name)
{
	if (!strcmp(name, "cmp"))
		put_cmp(r, e);
	else if (!strcmp(name, "range"))
		put_range(r, e);
	else if (!strcmp(name, "lookup"))
		put_lookup(r, e);
	else
		return false;
	return true;
}
