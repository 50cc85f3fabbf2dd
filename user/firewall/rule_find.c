// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which of the firewall's rules can have ended, or changed, one packet.
 *
 * What conntrack called it is not known for sure.  The way is walked once for
 * each state that it can have had: what the usual one meets is certain or not
 * as the rules say, what only the others meet never is.
 */
#include "rule_find.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule_order.h"
#include "rule_packet.h"

struct search {
	const struct fw_rules *rules;
	const struct host_packet *packet;
	struct rule_hits *out;
	bool usual; /* this walk is for the usual state */
	bool redirected; /* by a hook before */
	int err;
};

static void take(void *ctx, const struct walk_hit *hit)
{
	struct search *s = ctx;
	struct rule_hits *out = s->out;

	if (out->n == RULE_MAX_HITS) {
		out->truncated = true;
		return;
	}
	if (out->n == out->room) {
		size_t room = out->room ? out->room * 2 : 16;
		struct walk_hit *more = realloc(out->hit, room * sizeof(*more));

		if (!more) {
			s->err = -ENOMEM;
			return;
		}
		out->hit = more;
		out->room = room;
	}
	out->hit[out->n] = *hit;
	out->hit[out->n].met &= s->usual;
	out->hit[out->n++].certain &= s->usual;
}

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_path(const void *a, const void *b)
{
	const struct walk_hit *x = a, *y = b;
	int order = 0;

	for (size_t i = 0; i < WALK_MAX_DEPTH && !order; i++)
		order = compare(x->path[i], y->path[i]);
	return order;
}

static int same_rule(const struct walk_hit *x, const struct walk_hit *y)
{
	int order = compare((uintptr_t)x->chain, (uintptr_t)y->chain);

	if (!order)
		order = compare(x->rule ? x->rule->number : 0, y->rule ? y->rule->number : 0);
	return order;
}

/* Rule by rule; of one, first where it is certain, then where it is met first. */
static int by_rule(const void *a, const void *b)
{
	const struct walk_hit *x = a, *y = b;
	int order = same_rule(x, y);

	if (!order)
		order = compare(y->certain, x->certain);
	return order ? order : by_path(a, b);
}

/* Each rule once, in the order in which they are met. */
static size_t merge(struct walk_hit *hit, size_t n)
{
	size_t used = 0;

	if (!n)
		return 0;
	qsort(hit, n, sizeof(*hit), by_rule);
	for (size_t i = 0; i < n; i++) {
		if (used && same_rule(&hit[used - 1], &hit[i]) == 0) {
			hit[used - 1].met |= hit[i].met;
			hit[used - 1].invalid_only &= hit[i].invalid_only;
		} else {
			hit[used++] = hit[i];
		}
	}
	qsort(hit, used, sizeof(*hit), by_path);
	return used;
}

static enum host_rule_kind kind_of(const struct fw_rule *rule)
{
	switch (rule->verdict) {
	case FW_DROP:
		return RULE_DROP;
	case FW_REJECT:
		return RULE_REJECT;
	case FW_NAT:
		return RULE_DNAT;
	case FW_OTHER:
		return rule->effect == FW_EFFECT_QUEUE ? RULE_QUEUE : RULE_UNKNOWN;
	default:
		break;
	}
	switch (rule->effect) {
	case FW_EFFECT_DNAT:
		return RULE_DNAT;
	case FW_EFFECT_SNAT:
		return RULE_SNAT;
	case FW_EFFECT_TPROXY:
		return RULE_TPROXY;
	case FW_EFFECT_REWRITE:
		return RULE_REWRITE;
	default:
		return RULE_PASS;
	}
}

/* Does it go no further behind HIT? */
static bool ends(const struct search *s, const struct walk_hit *hit)
{
	enum host_rule_kind kind = hit->rule ? kind_of(hit->rule) : RULE_DROP;

	return hit->certain &&
	       (!s->packet->rewritten || kind == RULE_DNAT || kind == RULE_SNAT);
}

/* One base chain.  True: the packet surely goes no further. */
static bool search_chain(struct search *s, const struct rule_stop *stop, bool doubtful)
{
	struct fw_packets packets;
	struct walk walk = { .rules = s->rules, .packets = &packets, .hit = take, .ctx = s,
			     .changes = s->packet->rewritten, .doubtful = doubtful,
			     .steps_left = WALK_STEPS };
	uint8_t states[RULE_MAX_STATES];
	size_t n = rule_packet_states(s->packet, stop->base, states), first = s->out->n;
	bool ended = false;

	rule_packet_describe(s->packet, stop->base, &packets);
	if (s->redirected) /* what came before has changed them */
		packets.field[FW_DADDR4].n = packets.field[FW_DADDR6].n =
			packets.field[FW_DPORT].n = 0;
	for (size_t i = 0; i < (n ? n : 1); i++) {
		if (n)
			rule_packet_set_state(&packets, states[i]);
		s->usual = i == 0;
		walk.ended = false;
		walk_chain(&walk, stop->base);
		ended |= walk.ended && s->usual;
	}
	if (s->out->n > first)
		s->out->n = first + merge(s->out->hit + first, s->out->n - first);
	/* The other states may have gone on behind it. */
	for (size_t i = first; ended && i < s->out->n; i++)
		if (ends(s, &s->out->hit[i]))
			s->out->n = i + 1;
	s->redirected |= walk.redirected && !s->packet->hook[0] && !s->packet->reply;
	return ended;
}

static bool is_legacy(const struct rule_stop *stop)
{
	return !strcmp(stop->base->backend, "iptables-legacy");
}

int rule_find(const struct fw_rules *rules, const struct host_packet *packet, struct rule_hits *out)
{
	struct search s = { .rules = rules, .packet = packet, .out = out };
	const struct rule_stop *end = NULL;
	struct rule_stop *stops;
	size_t n;

	memset(out, 0, sizeof(*out));
	stops = rule_order(rules, packet, &n);
	if (!stops)
		return n ? -ENOMEM : 0;
	for (size_t i = 0; i < n && !s.err; i++) {
		const struct rule_stop *stop = &stops[i];

		/* Of two backends at one priority, the other may come first. */
		if (end && (stop->hook != end->hook ||
			    stop->base->priority != end->base->priority ||
			    is_legacy(stop) == is_legacy(end)))
			continue;
		if (search_chain(&s, stop, stop->doubtful || end) && !end)
			end = stop;
	}
	free(stops);
	return s.err;
}

void rule_hits_free(struct rule_hits *hits)
{
	if (!hits)
		return;
	free(hits->hit);
	*hits = (struct rule_hits){ 0 };
}

/* What comes ahead of a policy. */
static void tell_jumps(const struct fw_chain *chain, struct host_rule *out)
{
	for (const struct fw_rule *r = chain->rules; r; r = r->next) {
		if (r->verdict == FW_GOTO)
			out->behind_goto = true;
		if (r->verdict == FW_JUMP)
			snprintf(out->last_jump, sizeof(out->last_jump), "%s", r->target);
	}
}

void rule_tell(const struct walk_hit *hit, struct host_rule *out)
{
	const struct fw_chain *base = hit->base;
	const struct fw_rule *rule = hit->rule;

	memset(out, 0, sizeof(*out));
	snprintf(out->backend, sizeof(out->backend), "%s", hit->chain->backend);
	snprintf(out->family, sizeof(out->family), "%s", hit->chain->family);
	snprintf(out->table, sizeof(out->table), "%s", hit->chain->table);
	snprintf(out->chain, sizeof(out->chain), "%s", hit->chain->name);
	if (base) {
		snprintf(out->base, sizeof(out->base), "%s", base->name);
		snprintf(out->hook, sizeof(out->hook), "%s", base->hook ? base->hook : "");
		out->priority = base->priority;
		snprintf(out->device, sizeof(out->device), "%s", base->device);
	}
	out->surely = hit->met;
	out->invalid_only = hit->invalid_only;
	out->policy = !rule;
	if (!rule)
		tell_jumps(hit->chain, out);
	out->kind = rule ? kind_of(rule) : hit->chain->drops ? RULE_DROP : RULE_PASS;
	if (!rule)
		return;
	out->number = rule->number;
	out->handle = rule->handle;
	snprintf(out->text, sizeof(out->text), "%s", rule->text ? rule->text : "");
	snprintf(out->comment, sizeof(out->comment), "%s", rule->comment ? rule->comment : "");
}

/* ---- by handle ---- */

#define MAX_VISITED 256

struct visited {
	const struct fw_chain *chain[MAX_VISITED];
	size_t n;
};

static bool leads_to(const struct fw_rules *rules, const struct fw_chain *from,
		     const struct fw_chain *to, unsigned depth, struct visited *seen)
{
	if (from == to)
		return true;
	for (size_t i = 0; i < seen->n; i++)
		if (seen->chain[i] == from)
			return false;
	if (depth == WALK_MAX_DEPTH || seen->n == MAX_VISITED)
		return false;
	seen->chain[seen->n++] = from;
	for (const struct fw_rule *r = from->rules; r; r = r->next) {
		const struct fw_chain *next;

		if (r->verdict != FW_JUMP && r->verdict != FW_GOTO)
			continue;
		next = fw_chain_find(rules, from, r->target);
		if (next && leads_to(rules, next, to, depth + 1, seen))
			return true;
	}
	return false;
}

/* The only base chain that leads to CHAIN; NULL: several, or none. */
static const struct fw_chain *base_of(const struct fw_rules *rules, const struct fw_chain *chain)
{
	const struct fw_chain *base = NULL;

	if (chain->hook)
		return chain;
	for (const struct fw_chain *c = rules->chains; c; c = c->next) {
		struct visited seen = { .n = 0 };

		if (!c->hook || c->backend != chain->backend ||
		    strcmp(c->family, chain->family) || strcmp(c->table, chain->table) ||
		    !leads_to(rules, c, chain, 0, &seen))
			continue;
		if (base)
			return NULL;
		base = c;
	}
	return base;
}

static bool ends_way(const struct fw_rule *rule)
{
	return rule->verdict == FW_DROP || rule->verdict == FW_REJECT ||
	       rule->verdict == FW_OTHER;
}

int rule_find_handle(const struct fw_rules *rules, const char *family, const char *table,
		     const char *chain, uint64_t handle, struct walk_hit *out)
{
	struct fw_chain like = { .backend = "nft" };
	const struct fw_chain *found;

	snprintf(like.family, sizeof(like.family), "%s", family);
	snprintf(like.table, sizeof(like.table), "%s", table);
	snprintf(like.name, sizeof(like.name), "%s", chain); /* as long as they are kept */
	found = fw_chain_find(rules, &like, like.name);
	if (!found || (!handle && !found->hook))
		return -ENOENT;
	*out = (struct walk_hit){ .chain = found, .base = base_of(rules, found), .met = true };
	for (const struct fw_rule *r = found->rules; handle && r; r = r->next)
		if (r->handle == handle && (!out->rule || !ends_way(out->rule)))
			out->rule = r;
	if (handle && !out->rule)
		return -ENOENT;
	out->invalid_only = out->rule && walk_rule_is_invalid_only(out->rule);
	return 0;
}
