/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One packet at one hook, in the terms of firewall rules. */
#ifndef HCT_RULE_PACKET_H
#define HCT_RULE_PACKET_H

#include "firewall.h"
#include "host/host.h"

/* What base chain BASE gets to see of PACKET, but for conntrack's state. */
void rule_packet_describe(const struct host_packet *packet, const struct fw_chain *base,
			  struct fw_packets *out);

/* rule_resolution.c: the same of one that has packet->resolution. */
void rule_resolution_describe(const struct host_packet *packet, const struct fw_chain *base,
			      struct fw_packets *out);

#define RULE_MAX_STATES 5
/*
 * What conntrack can call PACKET at BASE (FW_CT_*), first what it does as a
 * rule.  Returns how many; 0: anything.
 */
size_t rule_packet_states(const struct host_packet *packet, const struct fw_chain *base,
			  uint8_t states[RULE_MAX_STATES]);
void rule_packet_set_state(struct fw_packets *packets, uint8_t state);

/*
 * What is the same for all packets of the kind of PACKET, and zero in the rest:
 * without the load balancer's port and the numbers in its headers.  Comparable
 * byte by byte.
 */
void rule_packet_kind(const struct host_packet *packet, struct host_packet *out);

#endif
