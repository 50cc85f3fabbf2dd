/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A firewall rule, policy or chain that did something: its name in words, and how to let a probe pass it. */
#ifndef HCT_ADVICE_RULE_H
#define HCT_ADVICE_RULE_H

#include "verdict/report.h"
#include "culprit.h"

/* Sets where: layer "netfilter" with all that is known of C; device and the like from INCIDENT. */
void where_culprit(struct diagnosis *d, const struct culprit *c,
		   const struct probe_incident *incident);
/*
 * Adds to why: "Rule 3 of chain INPUT, table filter (iptables-nft), DID: -s … -j DROP",
 * or as much as is known.  With REFUSED it was no policy: a policy cannot reject.
 */
void say_culprit(const struct facts *f, const struct culprit *c, bool refused, const char *did,
		 struct diagnosis *d);
#define ACTION_LEN 320
/* What the rule did to the packet: "dropped", unless a program was to decide (*UNANSWERED). */
const char *rule_action(const struct culprit *c, bool *unanswered);
/* " to a program by NFQUEUE, and none answered"; "" where a rule decided. */
const char *queue_words(const struct culprit *c, bool unanswered);
/* Adds a full stop to why, behind the text of a rule. */
void end_sentence(struct diagnosis *d);
/* "rule 3 of chain INPUT, table filter (iptables-nft)" */
const char *rule_words(const struct host_rule *rule, char *out, size_t size);

/*
 * advice_firewall_next.c: what surely drops the probe, or its answer, once C lets it pass.  Returns
 * how many.
 */
#define NEXT_MAX 2
size_t culprits_next(const struct facts *f, const struct culprit *c, struct culprit out[NEXT_MAX]);
/* advice_firewall_fix.c: adds to fix a command that lets the probe, or its reply, pass C. */
void fix_culprit(const struct facts *f, const struct culprit *c, struct diagnosis *d);
/*
 * verdict/reverse_path.c: adds to why and fix what belongs to a rule that filters by
 * the reverse path, which a route fixes and an accept rule does not.  False,
 * and nothing added: C is none.
 */
bool fix_reverse_path(const struct facts *f, const struct culprit *c, struct diagnosis *d);

#endif
