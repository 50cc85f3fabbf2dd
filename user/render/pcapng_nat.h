/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* With which addresses a packet of a flow was met: behind a DNAT they are others than the flow's. */
#ifndef HCT_PCAPNG_NAT_H
#define HCT_PCAPNG_NAT_H

#include "pcapng_hold.h"

/* Notes what O, which is about a packet of FLOW, tells of its addresses. */
void nat_learn(struct held_flow *flow, const struct obs *o);
/* The addresses that O's packet had where it was met. */
struct hct_tuple nat_addresses(const struct held_flow *flow, const struct obs *o);

#endif
