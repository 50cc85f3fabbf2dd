/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What rules counted since they were first asked about for packets of a kind. */
#ifndef HCT_RULE_COUNTERS_H
#define HCT_RULE_COUNTERS_H

#include "host.h"
#include "rule_find.h"

struct rule_counters;
struct rule_counters *rule_counters_new(void); /* NULL: no memory */
void rule_counters_free(struct rule_counters *c); /* accepts NULL */

struct rule_count {
	bool known; /* not at the first time, not without a counter, not where rules moved */
	uint64_t hits;
};

/* What tells one set of rules without handles from another, without what they counted. */
uint64_t rule_counters_fingerprint(const struct fw_rules *rules);

/*
 * Sets OUT[i] for HITS->hit[i], which answer for packets of KIND (see
 * rule_packet_kind()).  Where kinds are too many, the one that was not asked
 * for the longest is forgotten.
 */
void rule_counters_read(struct rule_counters *c, const struct host_packet *kind,
			uint64_t fingerprint, const struct rule_hits *hits,
			struct rule_count *out);

#endif
