/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose packet it was that nftables reported a rule of. */
#ifndef HCT_RULE_JOIN_H
#define HCT_RULE_JOIN_H

#include "flows.h"

/*
 * The flow, open or ending, that O (point NFT_TRACE) is about: by the load
 * balancer's end, which a DNAT does not change; NULL: none.
 */
struct flow *rule_flow(const struct flows *flows, const struct obs *o);

#endif
