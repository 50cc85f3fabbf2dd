// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Firewall rules in one form: collecting them, and asking what they match. */
#include "firewall.h"

#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"
#include "render/format.h"

#define N_BUCKETS 512

struct fw_block {
	struct fw_block *next;
	uint64_t memory[]; /* aligned for everything that is kept here */
};

void *fw_alloc(struct fw_rules *rules, size_t size)
{
	struct fw_block *block = calloc(1, sizeof(*block) + size);

	if (!block)
		return NULL;
	block->next = rules->blocks;
	rules->blocks = block;
	return block->memory;
}

void fw_adopt(struct fw_rules *rules, struct fw_rules *from)
{
	struct fw_block **last = &from->blocks;

	while (*last)
		last = &(*last)->next;
	*last = rules->blocks;
	rules->blocks = from->blocks;
	memset(from, 0, sizeof(*from));
}

void fw_rules_free(struct fw_rules *rules)
{
	struct fw_block *block;

	while (rules && (block = rules->blocks)) {
		rules->blocks = block->next;
		free(block);
	}
	if (rules)
		memset(rules, 0, sizeof(*rules));
}

/* nft and iptables-nft share their tables. */
static bool is_legacy(const char *backend)
{
	return !strcmp(backend, "iptables-legacy");
}

static size_t hash(const char *family, const char *table, const char *name)
{
	const char *const parts[] = { family, table, name };
	uint32_t h = 2166136261; /* FNV-1a */

	for (size_t i = 0; i < 3; i++)
		for (const char *c = parts[i]; *c; c++)
			h = (h ^ (uint8_t)*c) * 16777619;
	return h % N_BUCKETS;
}

struct fw_chain *fw_chain_add(struct fw_rules *rules, const char *backend, const char *family,
			      const char *table, const char *name)
{
	struct fw_chain *chain = fw_alloc(rules, sizeof(*chain)), **alike;

	if (!rules->by_hash)
		rules->by_hash = fw_alloc(rules, N_BUCKETS * sizeof(struct fw_chain *));
	if (!chain || !rules->by_hash)
		return NULL;
	chain->backend = backend;
	snprintf(chain->family, sizeof(chain->family), "%s", family);
	snprintf(chain->table, sizeof(chain->table), "%s", table);
	snprintf(chain->name, sizeof(chain->name), "%s", name);
	chain->last = &chain->rules;
	if (!rules->last)
		rules->last = &rules->chains;
	*rules->last = chain;
	rules->last = &chain->next;
	alike = &rules->by_hash[hash(chain->family, chain->table, chain->name)];
	while (*alike)
		alike = &(*alike)->next_alike;
	*alike = chain;
	return chain;
}

struct fw_chain *fw_chain_find(const struct fw_rules *rules, const struct fw_chain *like,
			       const char *name)
{
	struct fw_chain *c = NULL;

	if (rules->by_hash)
		c = rules->by_hash[hash(like->family, like->table, name)];
	while (c && (is_legacy(c->backend) != is_legacy(like->backend) ||
		     strcmp(c->family, like->family) || strcmp(c->table, like->table) ||
		     strcmp(c->name, name)))
		c = c->next_alike;
	return c;
}

struct fw_rule *fw_rule_add(struct fw_rules *rules, struct fw_chain *chain, bool again)
{
	struct fw_rule *rule = fw_alloc(rules, sizeof(*rule));

	if (!rule)
		return NULL;
	chain->n_rules += !again;
	rule->number = chain->n_rules;
	*chain->last = rule;
	chain->last = &rule->next;
	return rule;
}

const char *fw_text_keep(struct fw_rules *rules, const char *text)
{
	static const char more[] = "…";
	size_t len = strlen(text);
	char safe[HOST_TEXT_LEN], *kept;

	format_safe(safe, sizeof(safe), text);
	if (strlen(safe) < len) { /* format_safe() changes no lengths */
		format_safe(safe, sizeof(safe) - strlen(more), text);
		strcat(safe, more);
	}
	kept = fw_alloc(rules, strlen(safe) + 1);
	if (kept)
		strcpy(kept, safe);
	return kept;
}

/* Room for one condition more: for 4, 8, 16. */
static bool make_room(struct fw_rules *rules, struct fw_rule *rule)
{
	struct fw_condition *more;

	if (rule->n && (rule->n < 4 || (rule->n & (rule->n - 1)) != 0))
		return true;
	more = fw_alloc(rules, (rule->n ? rule->n * 2 : 4) * sizeof(*more));
	if (more && rule->n)
		memcpy(more, rule->cond, rule->n * sizeof(*more));
	if (more)
		rule->cond = more;
	return more;
}

struct fw_condition *fw_condition_add(struct fw_rules *rules, struct fw_rule *rule,
				      enum fw_field field, size_t n, struct fw_range **ranges)
{
	struct fw_range *range = n ? fw_alloc(rules, n * sizeof(*range)) : NULL;
	struct fw_condition *cond;

	if (n && !range)
		return NULL;
	if (rule->n == FW_MAX_CONDITIONS) {
		rule->n--;
		field = FW_UNKNOWN;
	}
	if (!make_room(rules, rule))
		return NULL;
	cond = &rule->cond[rule->n++];
	*cond = (struct fw_condition){ .field = field, .range = range, .n = n };
	if (ranges)
		*ranges = range;
	return cond;
}

size_t fw_field_len(enum fw_field field)
{
	switch (field) {
	case FW_SADDR6:
	case FW_DADDR6:
	case FW_IIF:
	case FW_OIF:
		return 16;
	case FW_SADDR4:
	case FW_DADDR4:
	case FW_CTSTATE:
	case FW_ARPSADDR:
	case FW_ARPDADDR:
		return 4;
	case FW_SPORT:
	case FW_DPORT:
	case FW_ETHERTYPE:
	case FW_DEVICETYPE:
	case FW_ARPHTYPE:
	case FW_ARPPTYPE:
	case FW_ARPOP:
		return 2;
	case FW_UNKNOWN:
	case FW_TUPLE:
		return 0;
	default:
		return 1;
	}
}

/* ---- asking ---- */

static enum fw_match in_range(const struct fw_range *value, const struct fw_range *range,
			      size_t len)
{
	if (memcmp(value->hi, range->lo, len) < 0 || memcmp(value->lo, range->hi, len) > 0)
		return FW_NO;
	if (memcmp(value->lo, range->lo, len) >= 0 && memcmp(value->hi, range->hi, len) <= 0)
		return FW_ALL;
	return FW_SOME;
}

/* Ones, then zeros: only then do masked values keep their order. */
static bool is_prefix_mask(const uint8_t *mask, size_t len)
{
	bool zeros = false;

	for (size_t bit = 0; bit < len * 8; bit++) {
		bool one = mask[bit / 8] & 0x80 >> bit % 8;

		if (one && zeros)
			return false;
		zeros |= !one;
	}
	return true;
}

static enum fw_match value_match(const struct fw_condition *cond, struct fw_range value, size_t len)
{
	enum fw_match match = FW_NO;

	if (cond->masked) {
		if (memcmp(value.lo, value.hi, len) && !is_prefix_mask(cond->mask, len))
			return FW_SOME;
		for (size_t i = 0; i < len; i++) {
			value.lo[i] &= cond->mask[i];
			value.hi[i] &= cond->mask[i];
		}
	}
	for (size_t i = 0; i < cond->n && match != FW_ALL; i++) {
		enum fw_match one = in_range(&value, &cond->range[i], len);

		match = one > match ? one : match;
	}
	if (cond->negate && match != FW_SOME)
		match = match == FW_ALL ? FW_NO : FW_ALL;
	return match;
}

/* Of IPv4 or IPv6 packets. */
static struct fw_range ether_type(const struct fw_packets *packets)
{
	bool v6 = packets->field[FW_NFPROTO].range[0].lo[0] == NFPROTO_IPV6;
	uint16_t type = v6 ? ETH_P_IPV6 : ETH_P_IP;
	struct fw_range value = { .lo = { (uint8_t)(type >> 8), (uint8_t)type } };

	memcpy(value.hi, value.lo, sizeof(value.hi));
	return value;
}

static enum fw_match field_match(const struct fw_condition *cond,
				 const struct fw_packets *packets)
{
	size_t len = fw_field_len(cond->field), n;
	enum fw_match match = FW_SOME;

	if (cond->field == FW_UNKNOWN || cond->field >= FW_FIELDS)
		return FW_SOME;
	n = packets->field[cond->field].n;
	if (cond->field == FW_ETHERTYPE && !n && packets->field[FW_NFPROTO].n)
		return value_match(cond, ether_type(packets), len);
	for (size_t i = 0; i < n; i++) {
		enum fw_match one =
			value_match(cond, packets->field[cond->field].range[i], len);

		if (i && one != match)
			return FW_SOME;
		match = one;
	}
	return match;
}

/* Element I of a set of tuples. */
static enum fw_match element_match(const struct fw_condition *cond, size_t i,
				   const struct fw_packets *packets)
{
	enum fw_match match = FW_ALL;

	for (size_t part = 0; part < cond->n_parts && match != FW_NO; part++) {
		struct fw_condition one = { .field = cond->part[part], .n = 1,
					    .range = &cond->range[i * cond->n_parts + part] };
		enum fw_match m = field_match(&one, packets);

		match = m < match ? m : match;
	}
	return match;
}

static enum fw_match condition_match(const struct fw_condition *cond,
				     const struct fw_packets *packets)
{
	enum fw_match match = FW_NO;

	if (cond->field != FW_TUPLE)
		return field_match(cond, packets);
	for (size_t i = 0; cond->n_parts && i < cond->n / cond->n_parts && match != FW_ALL; i++) {
		enum fw_match one = element_match(cond, i, packets);

		match = one > match ? one : match;
	}
	if (cond->negate && match != FW_SOME)
		match = match == FW_ALL ? FW_NO : FW_ALL;
	return match;
}

enum fw_match fw_rule_match(const struct fw_rule *rule, const struct fw_packets *packets)
{
	enum fw_match match = FW_ALL;

	for (size_t i = 0; i < rule->n && match != FW_NO; i++) {
		enum fw_match one = condition_match(&rule->cond[i], packets);

		match = one < match ? one : match;
	}
	return match;
}
