/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A rule or policy that drops or refuses checks, and what lets them pass it. */
#ifndef HCT_FIREWALL_HIT_H
#define HCT_FIREWALL_HIT_H

#include "check.h"
#include "firewall/firewall.h"

#define MAX_LISTED 12 /* ports of a rule; multiport takes 15 */

/* What is sent: a check, or the answer to one. */
struct sent {
	const struct prefix *from;
	uint8_t protocol;
	uint16_t port; /* 0: any */
	bool reply;
	bool v6;
};

/* A rule or policy, with all that it hits. */
struct hit {
	const struct fw_chain *base, *chain;
	const struct fw_rule *rule;
	const struct prefix *from;
	bool reply, certain, unclear;
	struct sent first;
	unsigned serial; /* of the last that it hit */
	unsigned n; /* kinds of packets that it hits */
	unsigned n_certain;
	uint16_t port[MAX_LISTED]; /* the first of them */
	char ports[120]; /* "80, 443" */
};

bool hit_is_nft(const struct hit *h);
bool hit_is_icmp(const struct sent *sent);
/* The rule in the terms that a diagnosis has. */
void hit_rule(const struct check_facts *f, const struct hit *h, struct host_rule *out);
/* Adds to OUT the command that shows the rule. */
void hit_put_show(const struct hit *h, struct finding *out);
/* Adds what the rule is, and what it is for, to why, and what helps to fix. */
void hit_put_why(const struct check_facts *f, const struct hit *h, struct finding *out);
void hit_put_fix(const struct check_facts *f, const struct hit *h, struct finding *out);
/*
 * Says which addresses RULE, which filters by the reverse path, cuts off from
 * checks.  Returns how many.
 */
size_t check_reverse_path(struct check *c, const struct hit *h, const struct host_rule *rule);

#endif
