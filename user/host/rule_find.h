/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which of the firewall's rules can have ended, or changed, one packet. */
#ifndef HCT_RULE_FIND_H
#define HCT_RULE_FIND_H

#include "firewall.h"
#include "firewall_walk.h"
#include "host.h"

/* In the order in which the packet meets them; all but this array belongs to the rules. */
struct rule_hits {
	struct walk_hit *hit;
	size_t n, room;
	bool truncated;
};
#define RULE_MAX_HITS 4096

/* Fills OUT, see host_ops.rules.  0 or -ENOMEM; free OUT in either case. */
int rule_find(const struct fw_rules *rules, const struct host_packet *packet,
	      struct rule_hits *out);
void rule_hits_free(struct rule_hits *hits);

/*
 * The rule that nftables calls HANDLE, or for 0 the policy of CHAIN; of one with
 * a verdict map, an element that ends a packet's way before others.  The base
 * chain is the only one that leads there, or NULL.  0 or -ENOENT.
 */
int rule_find_handle(const struct fw_rules *rules, const char *family, const char *table,
		     const char *chain, uint64_t handle, struct walk_hit *out);

/* HIT in the admin's terms, without counters; there is no text where the rule has none yet. */
void rule_tell(const struct walk_hit *hit, struct host_rule *out);

#endif
