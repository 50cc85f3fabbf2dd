/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets built anew from observations: what was observed is in its place,
 * everything else in the headers is filled in (a TTL of 64, a window of 65,535,
 * no options, …).
 */
#ifndef HCT_PACKET_BUILD_H
#define HCT_PACKET_BUILD_H

#include "stream/obs.h"

/* An IPv6 header, an ICMP error with the packet inside, or a TCP header with payload. */
#define PACKET_MAX (40 + 20 + HCT_PAYLOAD_MAX)

struct packet {
	size_t len; /* bytes of data, from the IP header on */
	uint32_t original_len; /* with the payload that was not captured */
	uint8_t data[PACKET_MAX];
};

/*
 * Builds the packet that O is about.  TUPLE has its addresses, which are O's
 * own or, behind a DNAT, others.  CAUSE is the packet that an ICMP error
 * answers; NULL: not known.
 *
 * IP's checksum is valid.  So is that of the transport where all of the packet
 * is there; else it is the one of the pseudo-header alone, as in a packet whose
 * checksum the device will fill in.
 */
void packet_build(struct packet *out, const struct obs *o, const struct hct_tuple *tuple,
		  const struct hct_packet *cause);

#endif
