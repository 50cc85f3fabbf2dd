/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The way of packets of a kind through the chains of a hook. */
#ifndef HCT_FIREWALL_WALK_H
#define HCT_FIREWALL_WALK_H

#include "firewall.h"

#define WALK_MAX_DEPTH 16 /* NFT_JUMP_STACK_SIZE */

/*
 * A rule, or a policy, that drops or refuses packets on their way, or may; or,
 * where that was asked for, a rule that changes them.
 */
struct walk_hit {
	const struct fw_chain *base; /* where the way began */
	const struct fw_chain *chain; /* where it ended */
	const struct fw_rule *rule; /* NULL: the policy of the chain */
	bool met; /* all of them surely meet it */
	bool certain; /* and it surely ends the way of all, or changes all */
	bool unclear; /* what the rule does is not understood */
	bool invalid_only; /* it, or a jump to it, asks for ct state invalid and no other */
	/* The place of each rule of the way in its chain: of two hits, the lesser is met first. */
	unsigned path[WALK_MAX_DEPTH];
	unsigned depth;
};

struct walk {
	const struct fw_rules *rules;
	const struct fw_packets *packets;
	void (*hit)(void *ctx, const struct walk_hit *hit);
	void *ctx;
	bool changes; /* asks for rules that change packets, not for those that end their way */
	bool doubtful; /* it is not known whether the packets meet the chain at all */
	bool redirected; /* a NAT rule sends some of them elsewhere */
	bool ended; /* a rule certainly took all of them, or changed them for good */
	unsigned steps_left; /* chains can call each other in very many ways */
};

#define WALK_STEPS 200000

/*
 * Walks base chain BASE; sets walk->redirected and walk->ended, and calls
 * walk->hit for each hit.
 */
void walk_chain(struct walk *walk, const struct fw_chain *base);

/* Does RULE ask for conntrack's state invalid, and for no other? */
bool walk_rule_is_invalid_only(const struct fw_rule *rule);

#endif
