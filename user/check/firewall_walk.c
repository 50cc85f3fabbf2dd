// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The way of packets of a kind through the chains of a hook.
 *
 * Where only some of the packets match a rule, or it is not known which, the
 * way goes on for both; what comes behind a rule that may have taken packets
 * out is no longer certain to meet all of them.
 */
#include "firewall_walk.h"

#include <string.h>

#define MAX_DEPTH 16 /* NFT_JUMP_STACK_SIZE */

/* What is left of the packets. */
enum rest { REST_GOES_ON, REST_NONE };

struct place {
	const struct fw_chain *base, *chain;
	bool *certain; /* all the packets get here, or are dropped before */
	unsigned depth;
};

static void tell(struct walk *walk, const struct place *at, const struct fw_rule *rule,
		 bool certain, bool unclear)
{
	walk->hit(walk->ctx, &(struct walk_hit){ at->base, at->chain, rule, certain, unclear });
}

static enum rest walk_rules(struct walk *walk, const struct place *at);

/* JUMP and GOTO for the packets that MATCH says. */
static enum rest enter(struct walk *walk, const struct place *at, const struct fw_rule *rule,
		       enum fw_match match)
{
	bool certain = *at->certain && match == FW_ALL, before = certain;
	struct place inside = *at;
	enum rest rest;

	inside.chain = fw_chain_find(walk->rules, at->chain, rule->target);
	inside.certain = &certain;
	inside.depth++;
	if (!inside.chain || inside.depth == MAX_DEPTH) {
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

/* Returns REST_NONE when no packet goes on in this chain; *RETURNED: back to the caller. */
static enum rest apply(struct walk *walk, const struct place *at, const struct fw_rule *rule,
		       enum fw_match match, bool *returned)
{
	enum rest taken = match == FW_ALL ? REST_NONE : REST_GOES_ON;

	switch (rule->verdict) {
	case FW_CONTINUE:
		return REST_GOES_ON;
	case FW_NAT:
		walk->redirected = true;
		/* fall through */
	case FW_ACCEPT:
		if (match == FW_SOME)
			*at->certain = false;
		return taken;
	case FW_DROP:
	case FW_REJECT:
		tell(walk, at, rule, match == FW_ALL && *at->certain, false);
		return taken;
	case FW_JUMP:
		return enter(walk, at, rule, match);
	case FW_GOTO:
		if (enter(walk, at, rule, match) == REST_NONE)
			return REST_NONE;
		*returned = match == FW_ALL;
		return taken;
	case FW_RETURN:
		if (match == FW_SOME)
			*at->certain = false;
		*returned = match == FW_ALL;
		return taken;
	case FW_OTHER:
		tell(walk, at, rule, false, true);
		*at->certain = false;
		return REST_GOES_ON;
	}
	return REST_GOES_ON;
}

static enum rest walk_rules(struct walk *walk, const struct place *at)
{
	for (const struct fw_rule *rule = at->chain->rules; rule; rule = rule->next) {
		enum fw_match match;
		bool returned = false;

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
	bool certain = true;
	struct place at = { .base = base, .chain = base, .certain = &certain };

	if (walk_rules(walk, &at) == REST_GOES_ON && base->drops)
		tell(walk, &at, NULL, certain, false);
}
