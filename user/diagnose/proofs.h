/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which rule of the firewall stops which kind of packet, as far as proven.
 *
 * A proof costs the ruleset a rule or the next probe its waiting, so it is kept:
 * later probes of the kind inherit it for as long as the rule stands there.
 */
#ifndef HCT_PROOFS_H
#define HCT_PROOFS_H

#include "host/host.h"

/* Packets of one kind: what is equal for all repetitions of a check. */
struct proof_key {
	uint8_t lb[16];
	uint8_t target[16]; /* the probe's own, whatever a DNAT made of it */
	__be16 port; /* 0 for ICMP */
	uint8_t protocol;
	uint8_t reply;
	uint8_t inside; /* in the namespace that it was forwarded into */
	uint8_t begins; /* a SYN or SYN-ACK: others may meet other rules */
	uint8_t data; /* it has a payload */
	uint8_t pad;
	char hook[20]; /* as in host_packet */
};

struct proof {
	uint64_t asked_ns; /* when the rules were first asked for; counters compare with then; 0 not yet */
	bool proven;
	struct host_rule rule;
	/*
	 * What the walk found ahead of the rule, as a hash; of all that it found,
	 * where it did not find the rule (OUTSIDE).
	 */
	uint64_t ahead;
	bool outside;
};

struct proofs;

struct proofs *proofs_new(void); /* NULL: no memory */
void proofs_free(struct proofs *proofs); /* accepts NULL */

/* The key of PACKET, which belongs to a probe with TUPLE. */
void proof_key_of(struct proof_key *key, const struct hct_tuple *tuple,
		  const struct host_packet *packet);
/*
 * The entry for KEY, which is new and not proven where *FIRST is set; valid until
 * the next call.  NULL: no memory.  The entry unused for longest makes room.
 */
struct proof *proofs_get(struct proofs *proofs, const struct proof_key *key, bool *first);

/* Keeps RULE as proven; WALKED: what the walk found for the packet, NULL unknown. */
void proof_learn(struct proof *proof, const struct host_rule *rule,
		 const struct host_rules *walked);
/* Does the rule stand where it stood, with nothing new ahead of it?  Then *OUT is its present form. */
bool proof_holds(const struct proof *proof, const struct host_rules *walked,
		 struct host_rule *out);
/* The same rule: by handle, or, where one has none, by its text; or the same policy. */
bool same_rule(const struct host_rule *a, const struct host_rule *b);

#endif
