/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which rule or policy of the firewall did it: from what nftables itself
 * reported, from an earlier proof, from counters, or from a walk through the
 * rules; where none can be asked, at least which chain.
 */
#ifndef HCT_CULPRIT_H
#define HCT_CULPRIT_H

#include "host/host.h"
#include "nf_place.h"
#include "verdict.h"

#define CULPRIT_OTHERS 3

struct facts;

struct culprit {
	struct nf_place place;
	bool inside; /* its rules are those of the namespace that the probe was forwarded into */
	bool reply;
	bool too_big; /* the packet was a router's word that a reply is too big for the path */
	bool outer; /* the packet had the probe's own addresses there, not those behind a DNAT */
	/* the rule or policy: one that did it, or the best of several that can have */
	bool named;
	enum confidence confidence;
	struct host_rule rule;
	size_t n_others; /* candidates besides RULE; not all of them are in OTHERS */
	struct host_rule others[CULPRIT_OTHERS];
	/* where no rule is named: the chain, or the candidates */
	bool found; /* exactly one chain can have done it */
	struct host_chain chain;
	size_t n_candidates;
	char candidates[200];
};

/* Did the firewall answer in the host's place (REJECT)? */
bool facts_rejected(const struct facts *f);
/* Whose drop of, or answer to, a packet of the probe F is about; asks the host. */
void culprit_find(const struct facts *f, struct culprit *out);
/* The same of the drop of a router's word that a reply is too big for the path (p->too_big). */
void culprit_of_too_big(const struct facts *f, struct culprit *out);
/*
 * The rule that changed addresses: of the REPLY its source, of the request its
 * destination.  False: none is named.
 */
bool culprit_of_rewrite(const struct facts *f, bool reply, struct culprit *out);
/* Are all that can have done it rules on conntrack's state invalid? */
bool culprit_is_invalid_only(const struct culprit *c);

#endif
