// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The way of packets of a kind through the chains of a hook.
 *
 * Where only some of the packets match a rule, or it is not known which, the
 * way goes on for both; what comes behind a rule that may have taken packets
 * out is no longer certain to meet all of them.
 */
#include "walk.h"

#include <limits.h>
#include <string.h>

/* What is left of the packets. */
enum rest { REST_GOES_ON, REST_NONE };

struct place {
	const struct fw_chain *base, *chain;
	bool *certain; /* all the packets get here, or are dropped before */
	bool invalid_only;
	unsigned path[WALK_MAX_DEPTH];
	unsigned depth;
};

bool walk_rule_is_invalid_only(const struct fw_rule *rule)
{
	static const uint8_t states[] = { FW_CT_ESTABLISHED, FW_CT_RELATED, FW_CT_NEW,
					  FW_CT_UNTRACKED, FW_CT_INVALID };
	struct fw_packets packets;
	bool asks = false;

	for (size_t i = 0; i < rule->n; i++)
		asks |= rule->cond[i].field == FW_CTSTATE;
	if (!asks)
		return false;
	memset(&packets, 0, sizeof(packets));
	packets.field[FW_CTSTATE].n = 1;
	for (size_t i = 0; i < sizeof(states); i++) {
		struct fw_range *state = &packets.field[FW_CTSTATE].range[0];

		state->lo[3] = state->hi[3] = states[i];
		if ((fw_rule_match(rule, &packets) != FW_NO) != (states[i] == FW_CT_INVALID))
			return false;
	}
	return true;
}

static void tell(struct walk *walk, const struct place *at, const struct fw_rule *rule, bool met,
		 bool unclear)
{
	struct walk_hit hit = {
		.base = at->base,
		.chain = at->chain,
		.rule = rule,
		.met = met,
		.certain = met && !unclear,
		.unclear = unclear,
		.invalid_only = at->invalid_only || (rule && walk_rule_is_invalid_only(rule)),
		.depth = at->depth,
	};

	memcpy(hit.path, at->path, sizeof(hit.path));
	walk->hit(walk->ctx, &hit);
}

static enum rest walk_rules(struct walk *walk, struct place *at);

/* JUMP and GOTO for the packets that MATCH says. */
static enum rest enter(struct walk *walk, const struct place *at, const struct fw_rule *rule,
		       enum fw_match match)
{
	bool certain = *at->certain && match == FW_ALL, before = certain;
	struct place inside = *at;
	enum rest rest;

	inside.chain = fw_chain_find(walk->rules, at->chain, rule->target);
	inside.certain = &certain;
	inside.invalid_only |= walk_rule_is_invalid_only(rule);
	inside.depth++;
	if (!inside.chain || inside.depth == WALK_MAX_DEPTH) {
		*at->certain = false;
		return REST_GOES_ON;
	}
	rest = walk_rules(walk, &inside);
	if (match == FW_SOME) {
		/* What was not matched goes on, all of it; of the others, who knows. */
		*at->certain = false;
		return REST_GOES_ON;
	}
	if (before && !certain)
		*at->certain = false;
	return rest;
}

static bool is_nat(const struct fw_rule *rule)
{
	return rule->verdict == FW_NAT || rule->effect == FW_EFFECT_DNAT ||
	       rule->effect == FW_EFFECT_SNAT;
}

/* A rule that changes the packets that MATCH says. */
static void change(struct walk *walk, const struct place *at, const struct fw_rule *rule,
		   enum fw_match match)
{
	bool certain = match == FW_ALL && *at->certain;

	if (!is_nat(rule) && rule->effect != FW_EFFECT_REWRITE &&
	    rule->effect != FW_EFFECT_TPROXY)
		return;
	tell(walk, at, rule, certain, false);
	/* nf_nat_inet_fn() (6.1) asks no further chain once the connection has its addresses. */
	walk->ended |= certain && is_nat(rule);
}

/* Without a socket that takes it, iptables' TPROXY drops, nftables' tproxy does not match. */
static bool may_drop(const struct place *at, const struct fw_rule *rule)
{
	return rule->effect == FW_EFFECT_TPROXY && strcmp(at->chain->backend, "nft") != 0;
}

/* Returns REST_NONE when no packet goes on in this chain; *RETURNED: some, back to the caller. */
static enum rest apply(struct walk *walk, const struct place *at, const struct fw_rule *rule,
		       enum fw_match match, bool *returned)
{
	enum rest taken = match == FW_ALL ? REST_NONE : REST_GOES_ON;
	bool certain = match == FW_ALL && *at->certain;

	if (walk->changes)
		change(walk, at, rule, match);
	switch (rule->verdict) {
	case FW_CONTINUE:
		return REST_GOES_ON;
	case FW_NAT:
		walk->redirected = true;
		/* fall through */
	case FW_ACCEPT:
		if (!walk->changes && may_drop(at, rule))
			tell(walk, at, rule, certain, true);
		if (match == FW_SOME)
			*at->certain = false;
		return taken;
	case FW_DROP:
	case FW_REJECT:
		if (!walk->changes)
			tell(walk, at, rule, certain, false);
		walk->ended |= certain;
		return taken;
	case FW_JUMP:
		return enter(walk, at, rule, match);
	case FW_GOTO:
		if (enter(walk, at, rule, match) == REST_NONE)
			return REST_NONE;
		*returned = true;
		return taken;
	case FW_RETURN:
		if (match == FW_SOME)
			*at->certain = false;
		*returned = true;
		return taken;
	case FW_OTHER:
		if (!walk->changes)
			tell(walk, at, rule, certain, true);
		*at->certain = false;
		return REST_GOES_ON;
	}
	return REST_GOES_ON;
}

static enum rest walk_rules(struct walk *walk, struct place *at)
{
	unsigned *step = &at->path[at->depth];
	bool returned = false;

	*step = 0;
	for (const struct fw_rule *rule = at->chain->rules; rule; rule = rule->next) {
		enum fw_match match;

		++*step;
		if (!walk->steps_left) {
			*at->certain = false;
			return REST_GOES_ON;
		}
		walk->steps_left--;
		match = fw_rule_match(rule, walk->packets);
		if (match == FW_NO)
			continue;
		if (apply(walk, at, rule, match, &returned) == REST_NONE)
			return returned ? REST_GOES_ON : REST_NONE;
	}
	return REST_GOES_ON;
}

void walk_chain(struct walk *walk, const struct fw_chain *base)
{
	bool certain = !walk->doubtful;
	struct place at = { .base = base, .chain = base, .certain = &certain };

	if (walk_rules(walk, &at) == REST_NONE || !base->drops)
		return;
	at.path[0] = UINT_MAX; /* behind every rule */
	if (!walk->changes)
		tell(walk, &at, NULL, certain, false);
	walk->ended |= certain;
}
