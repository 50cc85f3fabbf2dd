/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The routes that a new route can be made like: gateways, and those that refuse. */
#ifndef HCT_ROUTE_LIST_H
#define HCT_ROUTE_LIST_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A route through a gateway, or one that refuses (blackhole, unreachable, prohibit). */
struct listed_route {
	uint8_t dst[16]; /* v4-mapped */
	uint8_t len; /* of its network, in the v4-mapped form: a default route of IPv4 has 96 */
	uint32_t table;
	bool refuses;
	char device[IFNAMSIZ]; /* "" with one that refuses */
	uint8_t gateway[16]; /* v4-mapped; of the same family as DST */
};
#define MAX_LISTED_ROUTES 256
struct route_list {
	size_t n;
	struct listed_route r[MAX_LISTED_ROUTES]; /* one for each gateway of a device in a table */
	bool truncated;
};

/* Of all tables but "local", in the network namespace of the calling thread.  0 or -errno. */
int route_list_read(struct route_list *out);

/*
 * The gateway by which DEVICE already reaches other networks, of IPv6 where V6:
 * that of a default route of the main table before others.  NULL: none is known.
 */
const struct listed_route *route_list_gateway(const struct route_list *list, const char *device,
					      bool v6);

#endif
