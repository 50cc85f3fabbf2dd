/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which routing rule and which table decide about a reply, worked out from the
 * rules and the routes: the kernel answers a look-up, and does not say why.
 */
#ifndef HCT_ROUTE_CHOICE_H
#define HCT_ROUTE_CHOICE_H

#include "host.h"
#include "routing_rules.h"

#define CHOICE_TABLES 32

/* The route of a table that a reply would take. */
struct table_route {
	uint32_t table;
	bool found;
	uint8_t type; /* RTN_* */
	unsigned len; /* of its prefix, in bits of its own family */
	uint8_t prefix[16];
	uint32_t metric;
};

struct route_choice {
	uint8_t family;
	uint8_t from[16], to[16];
	bool in_vrf;
	uint32_t vrf_table;
	struct routing_rules rules;
	size_t n; /* tables that rules have it looked up in */
	struct table_route t[CHOICE_TABLES];
	bool overflow;
};

/* Reads the rules for a reply that C says.  0 or -errno. */
int route_choice_begin(struct route_choice *c);
/* A route of the host, any: kept where it is the best of a table that counts. */
void route_choice_offer(struct route_choice *c, const struct table_route *route);
/* All routes were offered: fills in what follows. */
void route_choice_tell(const struct route_choice *c, struct host_gateway *out);

#endif
