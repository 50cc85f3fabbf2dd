// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Firewall rules in one form: collecting them, and asking what they match. */
#include "firewall.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run_tool.h"

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

struct fw_chain *fw_chain_add(struct fw_rules *rules, const char *backend, const char *family,
			      const char *table, const char *name)
{
	struct fw_chain *chain = fw_alloc(rules, sizeof(*chain)), **end = &rules->chains;

	if (!chain)
		return NULL;
	chain->backend = backend;
	snprintf(chain->family, sizeof(chain->family), "%s", family);
	snprintf(chain->table, sizeof(chain->table), "%s", table);
	snprintf(chain->name, sizeof(chain->name), "%s", name);
	chain->last = &chain->rules;
	while (*end)
		end = &(*end)->next;
	*end = chain;
	return chain;
}

/* nft and iptables-nft share their tables. */
static bool is_legacy(const struct fw_chain *c)
{
	return !strcmp(c->backend, "iptables-legacy");
}

struct fw_chain *fw_chain_find(const struct fw_rules *rules, const struct fw_chain *like,
			       const char *name)
{
	for (struct fw_chain *c = rules->chains; c; c = c->next)
		if (is_legacy(c) == is_legacy(like) && !strcmp(c->family, like->family) &&
		    !strcmp(c->table, like->table) && !strcmp(c->name, name))
			return c;
	return NULL;
}

struct fw_rule *fw_rule_add(struct fw_rules *rules, struct fw_chain *chain)
{
	struct fw_rule *rule = fw_alloc(rules, sizeof(*rule));

	if (!rule)
		return NULL;
	rule->number = ++chain->n_rules;
	*chain->last = rule;
	chain->last = &rule->next;
	return rule;
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
		return 4;
	case FW_SPORT:
	case FW_DPORT:
		return 2;
	case FW_UNKNOWN:
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

static enum fw_match condition_match(const struct fw_condition *cond,
				     const struct fw_packets *packets)
{
	size_t len = fw_field_len(cond->field), n = packets->field[cond->field].n;
	enum fw_match match = FW_SOME;

	if (cond->field == FW_UNKNOWN)
		return FW_SOME;
	for (size_t i = 0; i < n; i++) {
		enum fw_match one =
			value_match(cond, packets->field[cond->field].range[i], len);

		if (i && one != match)
			return FW_SOME;
		match = one;
	}
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

/* ---- reading ---- */

static void say_incomplete(struct fw_rules *rules, const char *tool, int err)
{
	rules->incomplete = true;
	snprintf(rules->why, sizeof(rules->why),
		 err == -ENOENT ? "%s is not installed" : "%s: %s", tool, strerror(-err));
}

static bool is_iptables_table(const struct fw_chain *c, bool ipv6)
{
	return !strcmp(c->backend, "iptables-nft") && !strcmp(c->family, ipv6 ? "ip6" : "ip");
}

/* Puts SAVED behind RULES, in place of the same tables as netlink told them. */
static void append(struct fw_rules *rules, struct fw_rules *saved, bool ipv6)
{
	struct fw_chain **p = &rules->chains;
	struct fw_block **block = &saved->blocks;

	while (*p) {
		const struct fw_chain *same = saved->chains;

		while (same && (is_legacy(same) || !is_iptables_table(*p, ipv6) ||
				strcmp(same->table, (*p)->table)))
			same = same->next;
		if (same)
			*p = (*p)->next;
		else
			p = &(*p)->next;
	}
	*p = saved->chains;
	while (*block)
		block = &(*block)->next;
	*block = rules->blocks;
	rules->blocks = saved->blocks;
}

static int add_saved(struct fw_rules *rules, const char *backend, bool ipv6)
{
	bool legacy = !strcmp(backend, "iptables-legacy");
	struct fw_rules saved = { 0 };
	char tool[32], *text = NULL;
	int err;

	snprintf(tool, sizeof(tool), "ip%stables-%s-save", ipv6 ? "6" : "",
		 legacy ? "legacy" : "nft");
	err = run_tool((const char *const[]){ tool, NULL }, &text);
	/* Without the tool, iptables-nft's rules are as netlink tells them. */
	if (err && legacy)
		say_incomplete(rules, tool, err);
	if (err)
		return err == -ENOMEM ? err : 0;
	err = fw_parse_save(&saved, backend, ipv6, text);
	free(text);
	if (err)
		fw_rules_free(&saved);
	else
		append(rules, &saved, ipv6);
	return err;
}

/* The tables that are there: to ask for others would load them. */
static bool has_legacy(bool ipv6)
{
	FILE *names = fopen(ipv6 ? "/proc/thread-self/net/ip6_tables_names"
				 : "/proc/thread-self/net/ip_tables_names", "re");
	bool any = names && fgetc(names) != EOF;

	if (names)
		fclose(names);
	return any;
}

int fw_rules_read(bool ipv6, struct fw_rules *out)
{
	bool iptables = false;
	int err;

	memset(out, 0, sizeof(*out));
	err = fw_read_nft(ipv6, out);
	for (struct fw_chain *c = out->chains; c; c = c->next)
		iptables |= is_iptables_table(c, ipv6);
	if (!err && iptables)
		err = add_saved(out, "iptables-nft", ipv6);
	if (!err && has_legacy(ipv6))
		err = add_saved(out, "iptables-legacy", ipv6);
	return err;
}
