// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Whose connection libwrap decided about, when the kernel side could not tell. */
#include "libwrap_join.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define MAX_CANDIDATES 1024 /* flows looked at */

/* How well FLOW fits a libwrap decision that does not say whose connection it is about. */
static int fit_of(const struct flow *flow, const struct obs *o, const uint8_t client[16],
		  bool has_client)
{
	const struct probe *p = flow_is_live(flow) ? flow_head(flow) : NULL;

	if (!p || p->tuple.protocol != IPPROTO_TCP || p->start_ns > o->time_ns || p->has_libwrap)
		return 0;
	if (has_client && memcmp(p->tuple.lb, client, 16) != 0)
		return 0;
	if (p->has_process && p->pid == o->pid)
		return 4;
	if (p->has_process && strncmp(p->comm, o->comm, sizeof(p->comm)) == 0)
		return 3;
	if (!has_client || (p->has_process && !p->process_accepted))
		return 0; /* xinetd accepts, and leaves the rest to tcpd */
	return p->established_ns ? 2 : 1;
}

struct flow *libwrap_flow(const struct flows *flows, const struct obs *o)
{
	const struct flow_queue *queues[] = { &flows->ending, &flows->open };
	uint8_t client[16] = { [10] = 0xff, [11] = 0xff };
	bool has_client = inet_pton(AF_INET, o->libwrap.client, client + 12) == 1 ||
			  inet_pton(AF_INET6, o->libwrap.client, client) == 1;
	struct flow *best = NULL;
	int best_fit = 0;

	for (size_t i = 0; i < 2; i++) {
		size_t left = MAX_CANDIDATES;

		for (struct flow *flow = queues[i]->tail; flow && left; flow = flow->prev, left--) {
			int fit = fit_of(flow, o, client, has_client);

			if (fit > best_fit || (fit && fit == best_fit &&
					       flow_head(flow)->start_ns > flow_head(best)->start_ns)) {
				best = flow;
				best_fit = fit;
			}
		}
	}
	return best;
}
