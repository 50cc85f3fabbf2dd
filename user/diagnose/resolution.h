/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * This host's own rules that keep it and its next hop from finding each other:
 * they drop neighbour discovery or ARP, which no rule about ports lets in.
 */
#ifndef HCT_RESOLUTION_H
#define HCT_RESOLUTION_H

#include "host/host.h"
#include "verdict.h"

/* Asks which rules can have ended PACKET, as host_ops.rules does. */
typedef int (*resolution_ask)(void *ctx, const struct host_packet *packet, struct host_rules *out);

/* Why a next hop cannot be resolved. */
struct resolution_cause {
	struct host_rule rule; /* that surely drops what would resolve it */
	char why[768]; /* "rule 3 of chain INPUT … of this host drops ICMPv6 type 136 …: -j DROP" */
	struct fix fix; /* lets in what is dropped of it, and nothing else */
};

/*
 * Finds the rule that keeps this host and HOP on DEVICE from finding each other.
 * FROM_HOP: also where it is HOP alone that cannot find this host.  False: none does,
 * as far as is known.
 */
bool resolution_find(resolution_ask ask, void *ctx, const uint8_t hop[16], const char *device,
		     bool from_hop, struct resolution_cause *out);

#endif
