/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sends checks out of the bottle, one after the other, and remembers what came of each. */
#ifndef HCT_PROBER_H
#define HCT_PROBER_H

#include "bottle.h"
#include "bottle_tc.h"
#include "client.h"

#define PROBER_MAX_PORTS 64

struct prober_plan {
	struct client_check check; /* its port apart */
	uint16_t ports[PROBER_MAX_PORTS];
	size_t n_ports;
	uint64_t rounds; /* of all ports; 0: until prober_finish() */
	uint64_t interval_ns; /* between the beginnings of two rounds */
};

struct prober;

/* BOTTLE and TC are borrowed, PLAN copied.  NULL: no memory or descriptors. */
struct prober *prober_new(struct bottle *bottle, struct bottle_tc *tc,
			  const struct prober_plan *plan);
/* Sends what the plan has; again, when that is done. */
void prober_start(struct prober *p);
void prober_finish(struct prober *p); /* no further round */
/* After bottle_stop(): what this host still holds of the checks is ended. */
void prober_end_leftovers(struct prober *p);
/* After bottle_close(); accepts NULL. */
void prober_free(struct prober *p);

/* Edge-triggered: readable when a check has ended. */
int prober_fd(const struct prober *p);
/* Flows begun, and whether all checks have ended: *END_NS is when the last did. */
uint64_t prober_flows(struct prober *p);
bool prober_is_done(struct prober *p, uint64_t *end_ns);
int prober_error(struct prober *p); /* -errno: a check could not be made; 0 */
/*
 * What the client saw of the flow.  Its last packet may be seen before the client has said what came
 * of it: that is waited for, PATIENCE_NS at most.  False: it is none of its flows, or has not ended.
 */
bool prober_seen(struct prober *p, const struct hct_bottle_flow *flow, uint64_t patience_ns,
		 struct client_seen *out);
bool prober_has(struct prober *p, const struct hct_bottle_flow *flow);

#endif
