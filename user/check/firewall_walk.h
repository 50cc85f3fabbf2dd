/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The way of packets of a kind through the chains of a hook. */
#ifndef HCT_FIREWALL_WALK_H
#define HCT_FIREWALL_WALK_H

#include "host/firewall.h"

/* A rule, or a policy, that drops or refuses packets on their way, or may. */
struct walk_hit {
	const struct fw_chain *base; /* where the way began */
	const struct fw_chain *chain; /* where it ended */
	const struct fw_rule *rule; /* NULL: the policy of the chain */
	bool certain; /* it meets all of them, and nothing accepts any before */
	bool unclear; /* what the rule does is not understood */
};

struct walk {
	const struct fw_rules *rules;
	const struct fw_packets *packets;
	void (*hit)(void *ctx, const struct walk_hit *hit);
	void *ctx;
	bool redirected; /* a NAT rule sends some of them elsewhere */
	unsigned steps_left; /* chains can call each other in very many ways */
};

#define WALK_STEPS 200000

/* Walks base chain BASE; sets walk->redirected, and calls walk->hit for each hit. */
void walk_chain(struct walk *walk, const struct fw_chain *base);

#endif
