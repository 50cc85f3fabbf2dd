// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Asks about a kind of dropped packet as soon as one is seen. */
#include "baseline.h"

#include "ask.h"
#include "nf_packet.h"

#define MAX_PER_SECOND 8 /* each reads all rules */
#define NS_PER_SEC UINT64_C(1000000000)

void baseline_take(struct baseline *b, struct proofs *proofs, const struct host *host,
		   unsigned kernel, const struct probe *p, const struct obs *o)
{
	const struct probe_incident *drop = &p->last_drop;
	struct host_packet packet;
	struct host_rules rules;
	struct proof *proof;
	struct proof_key key;
	struct nf_place place;
	bool first;

	if (o->point != HCT_POINT_DROP || !drop->seen || drop->time_ns != o->time_ns)
		return;
	place = nf_place(drop);
	if (!place.netfilter || !nf_packet_of(p, drop, &place, kernel, &packet))
		return;
	if (o->time_ns - b->second_ns >= NS_PER_SEC) {
		b->second_ns = o->time_ns;
		b->asked = 0;
	}
	if (b->asked >= MAX_PER_SECOND)
		return;
	proof_key_of(&key, &p->tuple, &packet);
	proof = proofs_get(proofs, &key, &first);
	if (!proof || !first)
		return;
	b->asked++;
	proof->asked_ns = o->time_ns;
	packet = nf_packet_unbound(&packet);
	ask_rules(host, &packet, &rules);
}
