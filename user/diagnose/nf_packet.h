/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A packet of a probe as the firewall's rules saw it: what host_ops.rules is asked about. */
#ifndef HCT_NF_PACKET_H
#define HCT_NF_PACKET_H

#include "host/host.h"
#include "nf_place.h"

/*
 * The packet that INCIDENT hit at PLACE; KERNEL is major << 8 | minor, 0 unknown.
 * False: no rules can be asked about it.
 */
bool nf_packet_of(const struct probe *p, const struct probe_incident *incident,
		  const struct nf_place *place, unsigned kernel, struct host_packet *out);
/* PACKET asked about at all priorities: its rung differs from probe to probe, its kind does not. */
struct host_packet nf_packet_unbound(const struct host_packet *packet);
/* The reply whose source was rewritten (p->snat), or the request that a DNAT sent on (p->dnat). */
void nf_packet_rewritten(const struct probe *p, bool reply, struct host_packet *out);
/* The request that begins P, ahead of routing, for the rules that send it elsewhere. */
void nf_packet_arriving(const struct probe *p, struct host_packet *out);

#endif
