/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which next hop of the route back did not answer. */
#ifndef HCT_VERDICT_NEXT_HOP_H
#define HCT_VERDICT_NEXT_HOP_H

#include "diagnose/rules.h"

struct next_hop {
	bool has_gateway; /* false: the load balancer itself, or not known */
	uint8_t gateway[16];
	char device[IFNAMSIZ]; /* "" not known */
	char neighbour[16]; /* its state, asked when the probe was over; "" not known */
	bool several; /* it is one of several of a multipath route */
	bool unsure; /* which of them it is cannot be told */
	bool has_living; /* one of them answers, on the device that the request came in by */
	uint8_t living[16];
};

/* Whether a neighbour's state says that it does not answer. */
bool neighbour_fails(const char state[16]);
/* The same of any next hop of ROUTE. */
bool route_fails(const struct host_route *route);
/* The next hop that F's reply was to go to.  ROUTE: as it was asked when F was over; NULL: not known. */
void find_next_hop(const struct facts *f, const struct host_route *route, struct next_hop *out);
/*
 * The fix where HOP does not answer: the range over another router, that answers.
 * G: as ask_way_back() has it.  False: none is known.
 */
bool fix_next_hop(const struct facts *f, const struct next_hop *hop, const struct host_gateway *g,
		  struct diagnosis *d);
/* The same for HOP, as it was asked: of ROUTE's several, or its only one. */
bool fix_failing_hop(const struct facts *f, const struct host_route *route,
		     const struct host_hop *hop, struct diagnosis *d);

#endif
