// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Whose packet it was that nftables reported a rule of. */
#include "rule_join.h"

#include <netinet/in.h>
#include <string.h>

#define MAX_CANDIDATES 4096 /* flows looked at in each queue */
/* The trace goes another way than other events, and can be a little ahead of them. */
#define AHEAD_NS UINT64_C(10000000)

static bool has_ports(const struct hct_tuple *tuple)
{
	return tuple->protocol == IPPROTO_TCP || tuple->protocol == IPPROTO_UDP;
}

/* 0: it is another's; the more, the better it fits. */
static int fit_of(const struct probe *p, const struct obs *o)
{
	if (p->tuple.protocol != o->tuple.protocol || p->tuple.lb_port != o->tuple.lb_port ||
	    memcmp(p->tuple.lb, o->tuple.lb, 16) != 0 || p->start_ns > o->time_ns + AHEAD_NS)
		return 0;
	if (p->tuple.target_port != o->tuple.target_port)
		return has_ports(&p->tuple) ? 1 : 0; /* of an echo: the sequence number */
	return memcmp(p->tuple.target, o->tuple.target, 16) == 0 ? 3 : 2;
}

struct flow *rule_flow(const struct flows *flows, const struct obs *o)
{
	const struct flow_queue *queues[] = { &flows->open, &flows->ending };
	struct flow *best = NULL;
	int best_fit = 0;

	for (size_t i = 0; i < 2; i++) {
		size_t left = MAX_CANDIDATES;

		for (struct flow *flow = queues[i]->tail; flow && left; flow = flow->prev, left--) {
			int fit = flow_is_live(flow) ? fit_of(flow_head(flow), o) : 0;

			if (fit > best_fit || (fit && fit == best_fit &&
					       flow_head(flow)->start_ns > flow_head(best)->start_ns)) {
				best = flow;
				best_fit = fit;
			}
		}
	}
	return best;
}
